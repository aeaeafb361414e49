// Filters as numbers: the layout of the kernel's weights, orders, pixels, histograms, and where tiles lie.

const MIDDLE = 127.5; // level of a weight of 0
export const ORDERS = ["index", "norm", "likeness"];
export const KINDS = ["dead", "duplicate", "noise", "broken"];

/** The weights of a layer: `values` is float32 (outputs, planes, height, width). */
export class Bank {
  constructor(layer, view) {
    this.layer = layer;
    this.size = layer.height * layer.width;
    this.values = view?.byteLength ? new Float32Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength)) : new Float32Array(0);
    this.n = Math.min(layer.outputs, Math.floor(this.values.length / (layer.planes * this.size)));
    this.peaks = Float32Array.from({ length: this.n }, (_, i) => peak(this.filter(i)));
    this.most = this.peaks.reduce((a, b) => Math.max(a, b), 0);
    this.marks = marksOf(layer);
  }

  /** All weights of a filter that are here. */
  filter(index) {
    const length = this.layer.planes * this.size;
    return this.values.subarray(index * length, (index + 1) * length);
  }

  /** Whether three planes make a colour. */
  get coloured() {
    return this.layer.planes === 3;
  }

  /** Pixels of a filter, r, g, b, a. scale: "own" or "shared". channel: "rgb", or the number of one plane, grey.
   *  A dead filter always has the shared scale: its own would blow up what is nearly nothing. */
  pixels(index, scale, channel = "rgb") {
    const weights = this.filter(index);
    const dead = this.marks.get(index)?.kind === "dead";
    const most = (scale === "shared" || dead ? this.most : this.peaks[index]) || 1;
    const out = new Uint8ClampedArray(4 * this.size);
    const colour = this.coloured && channel === "rgb";
    for (let p = 0; p < this.size; p++) {
      for (let c = 0; c < 3; c++) {
        const plane = colour ? c : this.coloured ? Number(channel) : 0;
        out[4 * p + c] = MIDDLE + (MIDDLE * weights[plane * this.size + p]) / most;
      }
      out[4 * p + 3] = 255;
    }
    return out;
  }

  /** Numbers of the filters in the order and choice of a view. */
  ordered({ order, show }) {
    const { norms, likeness } = this.layer;
    const all = Array.from({ length: this.n }, (_, i) => i);
    const listed = order === "likeness" ? likeness.filter((i) => i < this.n) : all;
    if (order === "norm") listed.sort((a, b) => (norms[b] ?? -1) - (norms[a] ?? -1) || a - b);
    return show === "flagged" ? listed.filter((i) => this.marks.has(i)) : listed;
  }

  /** Filters by falling norm, and the place of each in it from 1 on. */
  get ranking() {
    const byNorm = this.ordered({ order: "norm", show: "all" });
    const rank = new Map(byNorm.map((filter, place) => [filter, place + 1]));
    return { byNorm, rank };
  }
}

const peak = (weights) => weights.reduce((most, w) => (Math.abs(w) > most ? Math.abs(w) : most), 0);

/** Filter -> { kind, with, cosine } for those that do no work. */
export function marksOf({ dead, noise, duplicates, broken }) {
  const marks = new Map();
  for (const i of noise) marks.set(i, { kind: "noise" });
  for (const [a, b, cosine] of duplicates) {
    marks.set(a, { kind: "duplicate", with: b, cosine });
    marks.set(b, { kind: "duplicate", with: a, cosine });
  }
  for (const i of dead) marks.set(i, { kind: "dead" });
  for (const i of broken) marks.set(i, { kind: "broken" });
  return marks;
}

/** Counts of values in `bins` equal bins from -limit to limit. */
export function histogram(values, bins) {
  const limit = peak(values) || 1;
  const counts = new Array(bins).fill(0);
  for (const v of values) {
    if (!Number.isFinite(v)) continue;
    counts[Math.min(bins - 1, Math.floor(((v / limit + 1) / 2) * bins))]++;
  }
  return { limit, counts };
}

const GAP = 4;
export const SIZES = { least: 12, most: 96 };

/** The largest tile, of all sizes that can be chosen, with which `n` of them fit into width × height. */
export function fittingSize(n, width, height) {
  for (let size = SIZES.most; size > SIZES.least; size -= 2) {
    const { rows, rowStep } = gridOf(n, width, size);
    if (rows * rowStep <= height) return size;
  }
  return SIZES.least;
}

/** How `n` tiles of about `wish` pixels lie in `width`: { columns, rows, tile, step }; they fill the width. */
export function gridOf(n, width, wish) {
  const room = Math.max(1, Math.floor((width + GAP) / (wish + GAP)));
  const columns = Math.max(1, Math.min(n || 1, room));
  const tile = columns < room ? wish : Math.floor((width - (columns - 1) * GAP) / columns);
  const step = columns < room ? wish + GAP : columns > 1 ? (width - tile) / (columns - 1) : tile;
  return { columns, rows: Math.ceil(n / columns), tile, step, rowStep: tile + GAP };
}

/** Place in a list after a key, or null for other keys. */
export function move(place, n, columns, key) {
  const moves = { ArrowLeft: place - 1, ArrowRight: place + 1, ArrowUp: place - columns, ArrowDown: place + columns, Home: 0, End: n - 1 };
  const next = moves[key];
  if (next === undefined) return null;
  return next < 0 || next >= n ? place : next;
}

/** Parts of the kernel's `pixels`: the patches, the image and the map, each { height, width, depth, data }; null
 *  where they do not belong to `unit`. */
export function partsOf(unit, view) {
  const sizes = [...unit.patches.map(({ size }) => [...size, 3]), [...unit.where.size, 3], [...unit.where.plane, 1]];
  const total = sizes.reduce((sum, [height, width, depth]) => sum + height * width * depth, 0);
  if (total !== view.byteLength) return null; // of another filter: the rest is on its way
  let offset = 0;
  return sizes.map(([height, width, depth]) => {
    const length = height * width * depth;
    const data = new Uint8Array(view.buffer, view.byteOffset + offset, length);
    offset += length;
    return { height, width, depth, data };
  });
}

/** r, g, b, a of such a part; a map takes its colours from a ramp (256 times r, g, b). */
export function painted({ height, width, depth, data }, ramp = null) {
  const out = new Uint8ClampedArray(4 * height * width);
  for (let p = 0; p < height * width; p++) {
    for (let c = 0; c < 3; c++) out[4 * p + c] = depth === 3 ? data[3 * p + c] : ramp[3 * data[p] + c];
    out[4 * p + 3] = 255;
  }
  return out;
}
