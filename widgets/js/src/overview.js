// The bar beneath a zoomed chart: the whole run, and handles on the part in sight.

import { h } from "./dom.js";
import { quantile } from "./ranges.js";

const HEIGHT = 26;
const GRAB = 8; // pixels around a handle

export function makeOverview(store, view) {
  const canvas = h("canvas", { "aria-hidden": true });
  const before = h("span", { class: "tick before", text: "whole run" });
  const after = h("span", { class: "tick after", text: "double-click: reset" });
  const element = h("div", { class: "overview", hidden: true }, before, canvas, after);
  let colours = null;
  let area = { left: 0, right: 1 };

  const whole = () => Math.max(1, store.reach);
  const toX = (iteration) => (Math.min(iteration, whole()) / whole()) * (area.right - area.left);
  const toIteration = (x) => (x / (area.right - area.left)) * whole();

  function curve(g, width) {
    const { columns } = store;
    const values = store.smoothed;
    const stride = Math.max(1, Math.floor(columns.n / width));
    const sample = [];
    for (let i = 0; i < columns.n; i += stride) if (Number.isFinite(values[i])) sample.push([columns.iter[i], values[i]]);
    if (!sample.length) return;
    const sorted = sample.map((s) => s[1]).sort((a, b) => a - b);
    const [lo, hi] = [sorted[0], quantile(sorted, 0.99)];
    g.strokeStyle = colours.train;
    g.lineWidth = 1.25;
    g.beginPath();
    sample.forEach(([iteration, value], i) => {
      const y = 21 - (Math.min(1, (value - lo) / (hi - lo || 1)) || 0) * 18;
      if (i) g.lineTo(toX(iteration), y);
      else g.moveTo(toX(iteration), y);
    });
    g.stroke();
  }

  function draw(box) {
    element.hidden = !store.view.zoom;
    if (element.hidden || !colours) return;
    area = box;
    const width = Math.round(box.right - box.left);
    const ratio = devicePixelRatio || 1;
    canvas.width = width * ratio;
    canvas.height = HEIGHT * ratio;
    canvas.style.cssText = `width:${width}px;height:${HEIGHT}px;margin-left:${box.left}px`;
    const g = canvas.getContext("2d");
    g.scale(ratio, ratio);
    g.fillStyle = colours["bg-soft"];
    g.fillRect(0, 2, width, 20);
    curve(g, width);
    const [a, b] = view.x.map(toX);
    g.fillStyle = colours.train;
    g.globalAlpha = 0.16;
    g.fillRect(a, 1, b - a, 22);
    g.globalAlpha = 1;
    g.strokeStyle = colours.train;
    g.lineWidth = 1;
    g.strokeRect(a + 0.5, 1.5, Math.max(1, b - a - 1), 21);
    for (const x of [a, b]) {
      g.beginPath();
      g.roundRect(Math.min(width - 5, Math.max(0, x - 2.5)), 6, 5, 12, 2.5);
      g.fill();
    }
    before.style.width = `${box.left - 8}px`;
    after.style.left = `${box.right + 8}px`;
  }

  let drag = null;
  canvas.addEventListener("pointerdown", (event) => {
    const [a, b] = view.x;
    const x = event.offsetX;
    const end = Math.abs(x - toX(a)) < GRAB ? "left" : Math.abs(x - toX(b)) < GRAB ? "right" : "both";
    drag = { end, a, b, x };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const shift = toIteration(event.offsetX - drag.x);
    if (drag.end === "left") view.zoomTo(Math.min(drag.a + shift, drag.b - 2), drag.b);
    else if (drag.end === "right") view.zoomTo(drag.a, Math.max(drag.b + shift, drag.a + 2));
    else {
      const moved = Math.max(-drag.a, Math.min(whole() - drag.b, shift));
      view.zoomTo(drag.a + moved, drag.b + moved);
    }
  });
  canvas.addEventListener("pointerup", () => (drag = null));
  canvas.addEventListener("dblclick", () => view.reset());

  return { element, draw, theme: (c) => (colours = c) };
}
