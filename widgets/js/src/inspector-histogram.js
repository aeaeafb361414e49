// How the values of a learned blob are spread: bars now, a dashed line in the earlier snapshot.

import { h, tokens } from "./dom.js";
import { integer, significant } from "./format.js";

const HEIGHT = 116;
const AXIS = 18;

export function makeHistogram() {
  const canvas = h("canvas", { role: "img" });

  function draw(root, data, width) {
    const dense = window.devicePixelRatio || 1;
    canvas.width = Math.round(width * dense);
    canvas.height = Math.round(HEIGHT * dense);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${HEIGHT}px`;
    canvas.setAttribute("aria-label", summary(data));
    const g = canvas.getContext("2d");
    g.scale(dense, dense);
    const colour = tokens(root);
    const style = getComputedStyle(root);
    const floor = HEIGHT - AXIS;
    const tallest = Math.max(...data.counts, ...scaled(data), 1);
    const step = width / data.counts.length;
    g.fillStyle = style.getPropertyValue("--owl-m-2").trim();
    data.counts.forEach((n, i) => {
      const tall = (n / tallest) * (floor - 4);
      if (n) g.fillRect(i * step, floor - Math.max(tall, 0.5), Math.max(step - 1, 0.75), Math.max(tall, 0.5));
    });
    if (data.earlier) {
      g.strokeStyle = colour.ink;
      g.lineWidth = 1.5;
      g.setLineDash([6, 4]);
      g.beginPath();
      scaled(data).forEach((n, i) => g[i ? "lineTo" : "moveTo"]((i + 0.5) * step, floor - (n / tallest) * (floor - 4)));
      g.stroke();
      g.setLineDash([]);
    }
    drawAxis(g, colour, data.limits, width, floor);
  }
  return { canvas, draw };
}

/** The earlier counts for as many values as there are now. */
function scaled(data) {
  if (!data.earlier) return [];
  const by = data.earlier.count ? data.count / data.earlier.count : 0;
  return data.earlier.counts.map((n) => n * by);
}

function drawAxis(g, colour, [low, high], width, floor) {
  g.strokeStyle = colour.edge;
  g.lineWidth = 1;
  g.beginPath();
  g.moveTo(0, floor + 0.5);
  g.lineTo(width, floor + 0.5);
  g.stroke();
  g.font = `11px ${colour.font}`;
  g.fillStyle = colour["ink-2"];
  g.textBaseline = "middle";
  g.textAlign = "left";
  g.fillText(significant(low, 2), 0, HEIGHT - 7);
  g.textAlign = "right";
  g.fillText(significant(high, 2), width, HEIGHT - 7);
  if (low < 0 && high > 0) {
    g.textAlign = "center";
    g.fillText("0", (-low / (high - low)) * width, HEIGHT - 7);
  }
}

const summary = (d) => `Histogram of ${integer(d.count)} values from ${significant(d.low, 3)} to ${significant(d.high, 3)}, mean ${significant(d.mean, 3)}, standard deviation ${significant(d.std, 3)}`;
