// What was given up by going back, in the chart: faded curves, and what they are.

import { PAST, branchStrokes, pastOf } from "./branches.js";
import { integer } from "./format.js";
import { polyline, testPoints, trace } from "./paint-lines.js";
import { ofNet, seriesKey, testNets } from "./testnets.js";

/** What was given up by going back: faded, without raw values and marks; ✕ where it diverged. */
export function past(g, store, scale, box, c) {
  const { px, py, pa } = scale;
  for (const run of store.runs) {
    if (!store.visible(PAST, run)) continue;
    const curves = pastOf(run, store.view.smoothing, store.maxIter);
    run.branches.forEach((branch, k) => {
      g.globalAlpha = Number(c["past-alpha"]) || 0.4;
      g.lineWidth = 1.25;
      for (const net of testNets(branch.tests)) {
        for (const [what, toY, colour] of [["accuracy", pa, c.acc], ["loss", py, c.test]]) {
          if (!store.visible(seriesKey(what, net), run)) continue;
          g.strokeStyle = colour;
          polyline(g, testPoints(ofNet([...joint(run, branch, net), ...branch.tests], net), what, px, toY));
        }
      }
      if (!store.visible("train", run)) return;
      g.strokeStyle = c.train;
      g.lineWidth = 1.75;
      trace(g, branchStrokes(curves[k], px, py), "butt");
      g.globalAlpha = 1;
      if (run === store) end(g, branch, curves[k], scale, box, c);
    });
  }
  g.globalAlpha = 1;
}

/** The last test before a branch, where its curve begins. */
function joint(run, branch, net) {
  const last = ofNet(run.tests, net).findLast((test) => test.iter <= branch.iter);
  return last ? [last] : [];
}

function end(g, branch, { iter, values }, { px, py }, box, c) {
  const i = values.findLastIndex((v) => Number.isFinite(v));
  if (i < 0) return;
  const [x, y] = [px(iter[i]), Math.min(box.bottom - 8, Math.max(box.top + 8, py(values[i])))];
  if (x < box.left || x > box.right + 1) return;
  g.strokeStyle = c["ink-2"];
  g.lineWidth = 1.5;
  g.beginPath();
  if (branch.diverged) {
    g.moveTo(x - 3.5, y - 3.5);
    g.lineTo(x + 3.5, y + 3.5);
    g.moveTo(x + 3.5, y - 3.5);
    g.lineTo(x - 3.5, y + 3.5);
  } else {
    g.moveTo(x, y - 5);
    g.lineTo(x, y + 5);
  }
  g.stroke();
  const text = `given up at ${integer(branch.reached)}`;
  g.font = `400 11px ${c.font}`;
  const right = x + 10 + g.measureText(text).width < box.right;
  if (x - px(branch.iter) < 24) return; // a short one is told by the flag beneath
  g.textAlign = right ? "left" : "right";
  g.lineWidth = 3;
  g.strokeStyle = c.halo;
  g.strokeText(text, x + (right ? 9 : -9), y);
  g.fillStyle = c["ink-2"];
  g.fillText(text, x + (right ? 9 : -9), y);
}
