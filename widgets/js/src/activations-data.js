// Channels of a layer as numbers: levels from the kernel back to values, orders, marks, pixels, where tiles lie.

import { bytesOf } from "./photo.js";

export const ORDERS = ["index", "largest", "mean"];
export const SIZES = { least: 10, most: 128 };
export const JUDGED = {
  dead: { glyph: "∅", word: "dead here", long: "∅ dead here: no positive value" },
  broken: { glyph: "✕", word: "NaN or infinite", long: "✕ NaN or infinite" },
};
const GAP = 4;

/** The channels of a layer; `levels` is uint8 (channels, height, width). */
export class Channels {
  constructor(layer, view) {
    this.layer = layer;
    this.size = layer.height * layer.width;
    this.levels = bytesOf(view);
    this.n = Math.min(layer.channels, Math.floor(this.levels.length / this.size));
    this.signed = layer.low < 0;
    this.most = Math.max(layer.high, -layer.low) || 1;
    this.marks = new Map([...layer.dead.map((c) => [c, "dead"]), ...layer.broken.map((c) => [c, "broken"])]);
  }

  /** What a channel's values are divided by: its own largest magnitude, or that of all. A dead channel always has
   *  the shared scale: its own would blow up what is nearly nothing; and single values would all look the same. */
  limit(channel, scale) {
    if (scale === "shared" || this.size === 1 || this.marks.has(channel)) return this.most;
    return Math.max(this.layer.highs[channel], -this.layer.lows[channel]) || this.most;
  }

  /** Shares of the limit, 0..1 (-1..1 where the layer has negative values). */
  shares(channel, scale) {
    const levels = this.levels.subarray(channel * this.size, (channel + 1) * this.size);
    return sharesOf(levels, this.layer.lows[channel], this.layer.highs[channel], this.limit(channel, scale));
  }

  /** Numbers of the channels in the order and choice of a view. */
  ordered({ order, show }) {
    const all = Array.from({ length: this.n }, (_, c) => c);
    const by = { largest: this.layer.highs, mean: this.layer.means }[order];
    if (by) all.sort((a, b) => by[b] - by[a] || a - b);
    return show === "dead" ? all.filter((c) => this.marks.has(c)) : all;
  }

  /** Channels by falling largest value, and the place of each in it from 1 on. */
  get ranking() {
    const sorted = this.ordered({ order: "largest", show: "all" });
    return { sorted, rank: new Map(sorted.map((channel, place) => [channel, place + 1])) };
  }
}

/** Levels 0..255 between low and high, as shares of a limit. */
export function sharesOf(levels, low, high, limit) {
  const out = new Float32Array(levels.length);
  for (let p = 0; p < levels.length; p++) out[p] = (low + (levels[p] / 255) * (high - low)) / limit;
  return out;
}

/** How `n` tiles of about `wish` pixels of width, `tall` times as high, lie in `width`; full rows fill it. */
export function gridOf(n, width, wish, tall = 1) {
  const room = Math.max(1, Math.floor((width + GAP) / (wish + GAP)));
  const columns = Math.max(1, Math.min(n || 1, room));
  const tile = columns < room ? wish : Math.floor((width - (columns - 1) * GAP) / columns);
  const step = columns < room || columns === 1 ? tile + GAP : (width - tile) / (columns - 1);
  return { columns, rows: Math.ceil(n / columns), tile, high: tile * tall, step, rowStep: tile * tall + GAP };
}

/** The largest tile with which `n` of them fit into width × height. */
export function fittingSize(n, width, height, tall = 1) {
  for (let size = SIZES.most; size > SIZES.least; size -= 2) {
    const { rows, rowStep } = gridOf(n, width, size, tall);
    if (rows * rowStep <= height) return size;
  }
  return SIZES.least;
}

/** "64 × 113 × 113", "1 000 units" for what has no plane. */
export function shapeWords(shape, integer, times = "\u202f×\u202f") {
  return shape.length === 3 && shape[1] * shape[2] > 1 ? shape.map(integer).join(times) : integer(shape[0]);
}
