// Flags beneath the axis of the chart, and the hairlines that rise from them.

import { leans, rises } from "./flags.js";
import { duration, rate } from "./format.js";

export const FLAG_COLOUR = { snapshot: "ink-2", pause: "train", lr: "lr", nan: "bad", step: "train", stop: "ink-2", back: "ink" };
const LANE = 29; // below the axis: middle of the flags

/** Text of a flag on the lane. */
export function flagLabel(flag) {
  if (flag.kind === "lr") return `lr ${rate(flag.value)}`;
  if (flag.kind === "pause") return flag.seconds >= 1 ? duration(flag.seconds) : "";
  if (flag.kind === "nan") return flag.text || "NaN";
  if (flag.kind === "stop") return "stop";
  if (flag.kind === "back") return flag.value === flag.before ? "back" : `back, lr ${rate(flag.value)}`;
  return "";
}

export function hairlines(g, groups, box, c) {
  g.lineWidth = 1;
  g.setLineDash([2, 3]);
  g.globalAlpha = 0.8;
  for (const { flag, x: exact } of groups) {
    if (!rises(flag.kind)) continue;
    const x = Math.round(exact) + 0.5;
    g.strokeStyle = c[FLAG_COLOUR[flag.kind]];
    g.beginPath();
    g.moveTo(x, box.top);
    g.lineTo(x, box.bottom);
    g.stroke();
  }
  g.setLineDash([]);
  g.globalAlpha = 1;
}

const GLYPH = {
  snapshot(g, x, y) {
    g.strokeRect(x - 3.5, y - 3.5, 7, 7);
    g.fillRect(x - 1.5, y - 3.5, 3, 3);
  },
  pause(g, x, y) {
    g.fillRect(x - 3.5, y - 4, 2.5, 8);
    g.fillRect(x + 1, y - 4, 2.5, 8);
  },
  lr(g, x, y) {
    g.beginPath();
    g.moveTo(x - 6, y - 4);
    g.lineTo(x, y - 4);
    g.lineTo(x, y + 4);
    g.lineTo(x + 6, y + 4);
    g.stroke();
  },
  step(g, x, y) {
    g.beginPath();
    g.moveTo(x - 4, y - 4);
    g.lineTo(x + 2, y);
    g.lineTo(x - 4, y + 4);
    g.fill();
    g.fillRect(x + 2.5, y - 4, 1.5, 8);
  },
  stop(g, x, y) {
    g.fillRect(x - 3.5, y - 3.5, 7, 7);
  },
  back(g, x, y) {
    g.beginPath();
    g.moveTo(x - 6, y - 1.5);
    g.lineTo(x + 1.5, y - 1.5);
    g.arc(x + 1.5, y + 1, 2.5, -Math.PI / 2, Math.PI / 2);
    g.lineTo(x - 3, y + 3.5);
    g.moveTo(x - 2.5, y - 5);
    g.lineTo(x - 6, y - 1.5);
    g.lineTo(x - 2.5, y + 2);
    g.stroke();
  },
  nan(g, x, y) {
    g.lineWidth = 2;
    g.beginPath();
    g.moveTo(x - 4, y - 4);
    g.lineTo(x + 4, y + 4);
    g.moveTo(x + 4, y - 4);
    g.lineTo(x - 4, y + 4);
    g.stroke();
  },
};

export function flagsLane(g, groups, box, c) {
  const y = box.bottom + LANE;
  for (const { flag, x, label } of groups) {
    g.strokeStyle = g.fillStyle = c[FLAG_COLOUR[flag.kind]];
    g.lineWidth = 1.5;
    GLYPH[flag.kind](g, x, y);
    if (!label) continue;
    g.font = `${flag.kind === "nan" ? 600 : 500} 11px ${c.font}`;
    const left = leans(flag.kind) || x + 12 + g.measureText(label).width > box.right + 40;
    g.textAlign = left ? "right" : "left";
    g.fillText(label, x + (left ? -10 : 10), y + 0.5);
  }
}
