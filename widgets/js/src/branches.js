// What was given up by going back to an earlier iteration: parts of the curve that stay, faded.

import { unpack } from "./columns.js";
import { strokes } from "./decimate.js";
import { fromRows } from "./flags.js";
import { unitOf } from "./smoothing.js";

/** Key of these curves in the legend and in what is hidden. */
export const PAST = "past";

export class Branch {
  constructor({ iter, reached, n, columns, data, tests, flags }) {
    Object.assign(this, { iter, reached, tests, n });
    Object.assign(this, { columns: unpack(data, n, columns), flags: fromRows(flags) });
    this.diverged = this.flags.some((flag) => flag.kind === "nan");
  }
}

/** Last point of a smoothed curve up to an iteration: [iteration, value], null where there is none. */
function before({ iter, values }, iteration) {
  let [a, b] = [0, iter.length];
  while (a < b) {
    const middle = (a + b) >> 1;
    if (iter[middle] <= iteration) a = middle + 1;
    else b = middle;
  }
  return a && Number.isFinite(values[a - 1]) ? [iter[a - 1], values[a - 1]] : null;
}

/** Smoothed values of a branch that goes on from `start`; the rule of smoothing.js. */
function smooth({ iter, mean }, start, s, unit) {
  const out = new Float32Array(iter.length);
  let [last, sum, weight] = start ? [start[0], start[1], 1] : [iter[0] - 1, 0, 0];
  for (let i = 0; i < iter.length; i++) {
    out[i] = NaN;
    if (!Number.isFinite(mean[i])) continue;
    const keep = s ** ((iter[i] - last) / unit);
    sum = sum * keep + mean[i] * (1 - keep);
    weight = weight * keep + (1 - keep);
    out[i] = weight ? sum / weight : mean[i];
    last = iter[i];
  }
  return out;
}

/** Per branch { iter, values }, beginning where it left the curve that it was a part of. `trunk`: { iter, values }
 *  of the present one. What came before a branch lies in the next later one that begins further to the left. */
export function smoothedBranches(branches, trunk, s, maxIter) {
  const curves = [];
  for (let i = branches.length - 1; i >= 0; i--) {
    const { iter, columns } = branches[i];
    const k = branches.findIndex((other, at) => at > i && other.iter < iter);
    const start = before(k < 0 ? trunk : curves[k], iter);
    const values = smooth(columns, start, s, unitOf(maxIter));
    const lead = start ? [start] : [];
    curves[i] = { iter: Float64Array.from([...lead.map((p) => p[0]), ...columns.iter]), values: Float32Array.from([...lead.map((p) => p[1]), ...values]) };
  }
  return curves;
}

/** Smoothed branches of a run, kept until the curve, the smoothing or what was given up is another. */
export function pastOf(run, s, maxIter) {
  const { columns, branches } = run;
  if (!branches.length) return [];
  const key = `${s}/${unitOf(maxIter)}/${columns.halvings}/${branches.length}`;
  if (run.past?.key !== key || run.past.branches !== branches) {
    const trunk = { iter: columns.iter.subarray(0, columns.n), values: run.smoothed };
    run.past = { key, branches, curves: smoothedBranches(branches, trunk, s, maxIter) };
  }
  return run.past.curves;
}

/** Value of what was given up at an iteration, of the latest such part; null where there was none. */
export function pastAt(run, iteration, s, maxIter) {
  const curves = pastOf(run, s, maxIter);
  for (let k = curves.length - 1; k >= 0; k--) {
    const { iter, values } = curves[k];
    const last = values.findLastIndex((v) => Number.isFinite(v));
    if (iteration === null) return last < 0 ? null : values[last];
    if (run.branches[k].iter < iteration && iteration <= run.branches[k].reached) return before({ iter, values: values.subarray(0, last + 1) }, iteration)?.[1] ?? null;
  }
  return null;
}

/** Strokes of a smoothed branch between two iterations, as `strokes` of the curve. */
export function branchStrokes({ iter, values }, px, py) {
  return strokes({ iter }, values, values, 0, iter.length, px, py);
}
