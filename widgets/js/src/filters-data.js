// Filters over the run. The layout is that of owlkit_widgets/filmstrip.py: per frame the largest magnitude of
// each tile, the norm of each filter, and the levels, each tile up to its own largest magnitude.

const MIDDLE = 127.5; // level of a weight of 0
const MOST_TILES = 256; // as in owlkit's filter_tiles

export class Film {
  constructor() {
    this.clear(null);
  }

  clear(filters) {
    this.frames = []; // { iter, summary, dead, noise, duplicates, broken, peaks, norms, levels }
    this.version = (this.version ?? 0) + 1;
    if (!filters) return;
    const { outputs, inputs, height, width } = filters;
    this.outputs = outputs;
    this.channels = inputs === 3 ? 3 : 1;
    this.tiles = Math.min(MOST_TILES, inputs === 3 ? outputs : outputs * inputs);
    this.height = height;
    this.width = width;
    this.marked = this.tiles === outputs; // a tile is a filter
  }

  get bytes() {
    return 4 * this.tiles + 4 * this.outputs + this.tiles * this.height * this.width * this.channels;
  }

  /** All frames, on load. `filters`: their layer and sizes, null where there are none. */
  load({ rows, data, filters }) {
    this.clear(filters);
    rows.forEach((row, i) => this.#put(row, data, i * this.bytes));
  }

  /** A new frame; of the others only those that the kernel keeps stay. */
  append({ row, kept }, view) {
    const stay = new Set(kept);
    this.frames = this.frames.filter((frame) => stay.has(frame.iter));
    if (!this.frames.length || this.frames.at(-1).iter < row.iter) this.#put(row, view, 0);
    this.version++;
  }

  #put(row, view, offset) {
    const start = view.byteOffset + offset;
    const bytes = view.buffer.slice(start, start + this.bytes);
    const peaks = new Float32Array(bytes, 0, this.tiles);
    const norms = new Float32Array(bytes, 4 * this.tiles, this.outputs);
    this.frames.push({ ...row, peaks, norms, levels: new Uint8Array(bytes, 4 * (this.tiles + this.outputs)) });
  }

  /** Number of the frame nearest to an iteration, the last where it is null; -1 where there is none. */
  at(iteration = null) {
    const last = this.frames.length - 1;
    if (iteration === null) return last;
    let best = last;
    for (let i = last; i >= 0; i--) if (Math.abs(this.frames[i].iter - iteration) < Math.abs(this.frames[best].iter - iteration)) best = i;
    return best;
  }

  /** What is remarkable about a filter: { kind: "dead" | "broken" | "duplicate" | "noise", with, cosine } or null. */
  mark(frame, index) {
    if (!this.marked) return null;
    if (frame.dead.includes(index)) return { kind: "dead" };
    if (frame.broken.includes(index)) return { kind: "broken" };
    const pair = frame.duplicates.find((p) => p[0] === index || p[1] === index);
    if (pair) return { kind: "duplicate", with: pair[0] === index ? pair[1] : pair[0], cosine: pair[2] };
    return frame.noise.includes(index) ? { kind: "noise" } : null;
  }

  /** Pixels of a tile, r, g, b, a. scale: "own" or "shared". plane: "rgb", or one of "r", "g", "b" as grey.
   *  A dead filter always has the shared scale: its own would blow up what is nearly nothing. */
  pixels(frame, tile, scale, plane) {
    const size = this.height * this.width;
    const out = new Uint8ClampedArray(4 * size);
    const most = scale === "shared" || (this.marked && frame.dead.includes(tile)) ? Math.max(...frame.peaks) : frame.peaks[tile];
    const gain = most > 0 ? frame.peaks[tile] / most : 1;
    const single = this.channels === 3 ? "rgb".indexOf(plane) : 0;
    const from = tile * size * this.channels;
    for (let p = 0; p < size; p++) {
      for (let c = 0; c < 3; c++) {
        const channel = this.channels === 1 ? 0 : plane === "rgb" ? c : single;
        out[4 * p + c] = MIDDLE + (frame.levels[from + p * this.channels + channel] - MIDDLE) * gain;
      }
      out[4 * p + 3] = 255;
    }
    return out;
  }
}

const ROWS = [[10, 1], [24, 2], [48, 3], [128, 4], [Infinity, 8]];
const GAP = 3;
const MOST_GAP = 24;

/** How `n` tiles lie in `width` pixels: { columns, rows, tile, gap, gapY }; rows are full where that is possible. */
export function gridOf(n, width) {
  const wanted = ROWS.find(([most]) => n <= most)[1];
  const rows = [wanted, wanted + 1, wanted - 1].find((r) => r > 0 && n % r === 0) ?? wanted;
  const columns = Math.ceil(n / rows);
  const tile = Math.max(8, Math.min(n <= 24 ? 56 : 60, Math.floor((width - (columns - 1) * GAP) / columns)));
  const gap = columns > 1 ? Math.min(MOST_GAP, (width - columns * tile) / (columns - 1)) : 0;
  return { columns, rows: Math.ceil(n / columns), tile, gap, gapY: Math.max(GAP, Math.min(6, gap)) };
}
