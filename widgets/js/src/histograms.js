// Histograms of a layer over the run: each moment is a column, dark where many values lie. The layout of a row
// is that of owlkit_widgets/histograms.py.

import { significant } from "./format.js";
import { pixelRows, rowAt } from "./layers-data.js";
import { step } from "./ramp.js";

export const TALL = 48; // pixels of a row of them
const FIELDS = 6; // lo, hi, least, most, share of zeros, share not finite
const BINS = 48;
const CAPACITY = 1024;
const ROW = FIELDS + BINS;

export const keyOf = (layer, kind) => `${layer}/${kind}`;

export class Histogram {
  constructor(layer, kind) {
    this.layer = layer;
    this.kind = kind;
    this.iter = [];
    this.rows = []; // Float32Array(ROW) each
    this.received = 0;
  }

  get n() {
    return this.rows.length;
  }

  load({ total, n, data }) {
    const bytes = data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
    const iters = new Uint32Array(bytes, 0, n);
    this.iter = [...iters];
    this.rows = this.iter.map((_, i) => new Float32Array(bytes, 4 * n + 4 * ROW * i, ROW));
    this.received = total;
  }

  /** One more row. False where one before it is missing. */
  append({ first, iter }, view) {
    if (first > this.received) return false;
    if (first < this.received) return true; // it came with the history
    if (this.n === CAPACITY) {
      this.iter = this.iter.filter((_, i) => i % 2);
      this.rows = this.rows.filter((_, i) => i % 2);
    }
    this.iter.push(iter);
    this.rows.push(new Float32Array(view.buffer.slice(view.byteOffset, view.byteOffset + 4 * ROW)));
    this.received++;
    return true;
  }

  /** Number of the row that holds at an iteration, the last where it is null; -1 where there is none. */
  at(iteration = null) {
    return rowAt(this, iteration);
  }
}

/** Ends of the value axis for all rows: where most of them lie, so that the first few squeeze nothing. */
export function axisOf(histogram) {
  const ends = histogram.rows.filter((row) => row[1] > row[0]);
  if (!ends.length) return [-1, 1];
  const sorted = (k) => ends.map((row) => row[k]).sort((a, b) => a - b);
  const [lows, highs] = [sorted(0), sorted(1)];
  const at = (list, share) => list[Math.round(share * (list.length - 1))];
  const [lo, hi] = [Math.min(0, at(lows, 0.1)), Math.max(0, at(highs, 0.9))];
  return hi > lo ? [lo, hi] : [lo - 1, lo + 1];
}

/** Share of the fullest bin that the fullest bin between two values holds, 0..1. The bins of a row have widths of
 *  their own: one that is narrower than a pixel must not fall between two. */
export function density(row, from, to) {
  const [lo, hi] = row;
  if (to < lo || from > hi) return 0;
  if (!(hi > lo)) return row[FIELDS + BINS / 2] ? 1 : 0;
  const bin = (value) => Math.min(BINS - 1, Math.max(0, Math.floor(((value - lo) / (hi - lo)) * BINS)));
  let found = 0;
  for (let k = bin(from); k <= bin(to); k++) found = Math.max(found, row[FIELDS + k]);
  return found / fullest(row);
}

const maxima = new WeakMap(); // row -> share in its fullest bin

function fullest(row) {
  if (!maxima.has(row)) maxima.set(row, Math.max(...row.subarray(FIELDS)));
  return maxima.get(row);
}

/** Paint one histogram as a strip. view: { x0, x1, width, now }. */
export function paintHistogram(g, histogram, view, look, y, height) {
  const width = Math.max(1, Math.round(view.width));
  const rows = pixelRows(histogram, view.x0, view.x1, width, view.now);
  const [lo, hi] = axisOf(histogram);
  const tall = Math.max(1, Math.round(height));
  const image = new ImageData(width, tall);
  for (let x = 0; x < width; x++) {
    const row = histogram.rows[rows[2 * x + 1]];
    if (!row) continue;
    for (let p = 0; p < tall; p++) {
      const share = density(row, hi - ((p + 1) / tall) * (hi - lo), hi - (p / tall) * (hi - lo));
      const k = 3 * step(Math.sqrt(share)); // what is rare is still seen
      image.data.set([...look.ramps.size.subarray(k, k + 3), 255], 4 * (p * width + x));
    }
  }
  const scratch = new OffscreenCanvas(width, tall);
  scratch.getContext("2d").putImageData(image, 0, 0);
  g.imageSmoothingEnabled = false;
  g.drawImage(scratch, 0, y, width, height);
  let end = width;
  while (end && rows[2 * end - 1] < 0) end--;
  const start = rows.findIndex((row) => row >= 0) >> 1;
  zeroLine(g, y + (hi / (hi - lo)) * height, Math.max(0, start), end, look);
}

function zeroLine(g, y, from, to, look) {
  g.strokeStyle = look.colours.ink;
  g.globalAlpha = 0.35;
  g.lineWidth = 1;
  g.beginPath();
  g.moveTo(from, Math.round(y) + 0.5);
  g.lineTo(to, Math.round(y) + 0.5);
  g.stroke();
  g.globalAlpha = 1;
}

/** What a row says in words: its ends, zeros, what is not finite. */
export function histogramText(row) {
  if (!row) return "from the next sample on";
  if (row[5] === 1) return "not one value is finite";
  const parts = [`${significant(row[2], 2)} to ${significant(row[3], 2)}`];
  if (row[4] >= 0.005) parts.push(`${Math.round(100 * row[4])}\u202f% zero`);
  if (row[5] > 0) parts.push("NaN or Inf");
  return parts.join(", ");
}
