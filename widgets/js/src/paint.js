// What is painted into the chart once uPlot has drawn axes and grid. All lengths are CSS pixels.

import { strokes } from "./decimate.js";
import { layout } from "./flags.js";
import { significant } from "./format.js";
import { flagLabel, flagsLane, hairlines } from "./paint-flags.js";
import { polyline, testPoints, trace } from "./paint-lines.js";
import { past } from "./paint-past.js";
import { ofNet, outline, seriesKey, testNets } from "./testnets.js";

export { FLAG_COLOUR, flagLabel } from "./paint-flags.js";

function curves(g, store, scale, c) {
  const { columns } = store;
  const { px, py, pa, x0, x1 } = scale;
  const from = Math.max(0, columns.lowerBound(x0) - 1);
  const to = Math.min(columns.n, columns.lowerBound(x1) + 2);
  g.lineJoin = "round";
  if (store.visible("raw")) {
    g.strokeStyle = c.train;
    g.globalAlpha = Number(c["raw-alpha"]) || 0.3;
    g.lineWidth = 1;
    trace(g, strokes(columns, columns.lo, columns.hi, from, to, px, py));
    g.globalAlpha = 1;
  }
  const nets = testNets(store.tests).map((net) => {
    const points = (what, toY) => (store.visible(seriesKey(what, net)) ? testPoints(ofNet(store.tests, net), what, px, toY) : []);
    return { net, accuracy: points("accuracy", pa), loss: points("loss", py) };
  });
  g.lineWidth = 1.75;
  g.strokeStyle = c.acc;
  for (const { accuracy } of nets) polyline(g, accuracy);
  g.lineWidth = 1.5;
  g.setLineDash([5, 3]);
  g.strokeStyle = c.test;
  for (const { loss } of nets) polyline(g, loss);
  g.setLineDash([]);
  if (store.visible("train")) {
    const smoothed = strokes(columns, store.smoothed, store.smoothed, from, to, px, py);
    g.lineWidth = 4;
    g.strokeStyle = c.halo;
    g.globalAlpha = 0.7;
    trace(g, smoothed);
    g.globalAlpha = 1;
    g.lineWidth = 2;
    g.strokeStyle = c.train;
    trace(g, smoothed);
  }
  for (const { net, loss, accuracy } of nets) {
    marks(g, "loss", net, loss, { fill: c.halo, stroke: c.test, width: 1.5 });
    marks(g, "accuracy", net, accuracy, { fill: c.acc, stroke: c.halo, width: 1.25 });
  }
}

function marks(g, what, net, points, { fill, stroke, width }) {
  g.fillStyle = fill;
  g.strokeStyle = stroke;
  g.lineWidth = width;
  for (const [x, y] of points) {
    outline(g, what, net, x, y);
    g.fill();
    g.stroke();
  }
}

/** Other runs: the same hues, lighter, each in its own dash; no raw values and no marks. */
function references(g, store, { px, py, pa, x0, x1 }, c) {
  g.globalAlpha = Number(c["ref-alpha"]) || 0.6;
  g.lineWidth = 1.5;
  store.references.forEach((run, k) => {
    if (!store.shows(run)) return;
    const { columns, smoothed } = run;
    const from = Math.max(0, columns.lowerBound(x0) - 1);
    const to = Math.min(columns.n, columns.lowerBound(x1) + 2);
    g.setLineDash(c[`dash-run-${k + 2}`].split(" ").map(Number));
    for (const net of testNets(run.tests)) {
      for (const [what, toY, colour] of [["accuracy", pa, c.acc], ["loss", py, c.test]]) {
        if (!store.visible(seriesKey(what, net), run)) continue;
        g.strokeStyle = colour;
        polyline(g, testPoints(ofNet(run.tests, net), what, px, toY));
      }
    }
    g.strokeStyle = c.train;
    if (store.visible("train", run)) trace(g, strokes(columns, smoothed, smoothed, from, to, px, py), "butt");
  });
  g.setLineDash([]);
  g.globalAlpha = 1;
}

/** Hatch from the first value that is not finite to the right edge, ✕ at the last finite loss. */
function divergence(g, store, box, scale, c) {
  const flag = store.flags.find((f) => f.kind === "nan");
  if (!flag) return;
  const x = scale.px(flag.iter);
  if (x > box.right) return;
  const left = Math.max(x, box.left);
  g.save();
  g.beginPath();
  g.rect(left, box.top, box.right - left, box.bottom - box.top);
  g.clip();
  g.strokeStyle = c.hatch;
  g.globalAlpha = 0.5;
  g.lineWidth = 1;
  const height = box.bottom - box.top;
  g.beginPath();
  for (let q = left - height; q < box.right; q += 6) {
    g.moveTo(q, box.bottom);
    g.lineTo(q + height, box.top);
  }
  g.stroke();
  g.restore();
  const i = store.columns.lastFinite();
  if (i < 0 || x < box.left) return;
  const value = store.columns.mean[i];
  const y = Math.min(box.bottom - 8, Math.max(box.top + 8, scale.py(value)));
  g.fillStyle = c.halo;
  g.strokeStyle = c.bad;
  g.lineWidth = 2;
  g.beginPath();
  g.arc(x, y, 8, 0, 7);
  g.fill();
  g.beginPath();
  g.arc(x, y, 7, 0, 7);
  g.moveTo(x - 3, y - 3);
  g.lineTo(x + 3, y + 3);
  g.moveTo(x + 3, y - 3);
  g.lineTo(x - 3, y + 3);
  g.stroke();
  const shows = i < store.columns.n - 1; // NaN in weights alone does not show in the loss
  const text = `last ${shows ? "finite " : ""}loss ${significant(value)}`;
  g.font = `600 12px ${c.font}`;
  const fits = x - box.left > g.measureText(text).width + 20;
  g.textAlign = fits ? "right" : "left";
  const at = fits ? x - 14 : x + 14;
  const below = y < box.top + 24 ? y + 22 : y; // beside the top of the plot accuracies lie
  g.lineWidth = 4;
  g.strokeStyle = c.halo;
  g.strokeText(text, at, below - 1);
  g.fillStyle = c.bad;
  g.fillText(text, at, below - 1);
}

function titles(g, store, box, c) {
  g.fillStyle = c.ink;
  g.font = `500 11px ${c.font}`;
  g.textAlign = "right";
  g.fillText("loss", box.left - 8, box.top - 14);
  if (store.runs.some((run) => run.tests.some((t) => Number.isFinite(t.accuracy)))) {
    g.fillStyle = c.acc;
    g.fillText("accuracy %", box.right + (box.narrow ? 30 : 22), box.top - 14);
  }
  g.fillStyle = c["ink-2"];
  g.font = `400 11px ${c.font}`;
  g.fillText("iteration", box.left - 8, box.bottom + 12);
}

/** Paint everything that is not axis or grid. `scale`: px, py, pa map values to pixels; x0, x1 are the ends. */
export function paint(g, store, box, scale, c) {
  const flags = store.flags.filter((f) => f.iter >= scale.x0 && f.iter <= scale.x1);
  const measure = (text) => {
    g.font = `500 11px ${c.font}`;
    return g.measureText(text).width;
  };
  const groups = layout(flags, scale.px, flagLabel, measure);
  g.textBaseline = "middle";
  titles(g, store, box, c);
  hairlines(g, groups, box, c);
  g.save();
  g.beginPath();
  const edge = scale.x0 <= 0 ? 5 : 0; // a mark at iteration 0 is seen whole
  g.rect(box.left - edge, box.top - 2, box.right - box.left + edge + 1, box.bottom - box.top + 3);
  g.clip();
  references(g, store, scale, c);
  past(g, store, scale, box, c);
  curves(g, store, scale, c);
  g.restore();
  divergence(g, store, box, scale, c);
  flagsLane(g, groups, box, c);
}
