// Norms of parameters and of their updates over the run. The layout is that of owlkit_widgets/norms.py.

const CAPACITY = 2048; // rows; beyond that neighbours are merged into their mean

export class Norms {
  constructor(capacity = CAPACITY) {
    this.capacity = capacity;
    this.clear(0);
  }

  clear(count) {
    this.count = count;
    this.n = 0;
    this.received = 0;
    this.version = (this.version ?? 0) + 1;
    this.iter = new Float64Array(64);
    this.values = new Float32Array(64 * 2 * count);
  }

  /** The whole run, on load or after a gap. `count`: parameters. */
  load({ total, n, count, data }) {
    this.clear(count);
    this.#push(data, n, 0);
    this.received = total;
  }

  /** New rows. False where some before them are missing. */
  append({ first, n }, view) {
    if (first > this.received) return false;
    this.#push(view, n, this.received - first);
    this.received = Math.max(this.received, first + n);
    return true;
  }

  #push(view, n, skip) {
    const bytes = view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);
    const iters = new Uint32Array(bytes, 0, n);
    const rows = new Float32Array(bytes, 4 * n);
    const width = 2 * this.count;
    for (let i = skip; i < n; i++) {
      if (this.n === this.capacity) this.#halve();
      if (this.n === this.iter.length) this.#grow();
      this.iter[this.n] = iters[i];
      this.values.set(rows.subarray(i * width, (i + 1) * width), this.n * width);
      this.n++;
    }
    this.version++;
  }

  #grow() {
    const size = Math.min(this.capacity, this.iter.length * 2);
    const [iter, values] = [new Float64Array(size), new Float32Array(size * 2 * this.count)];
    iter.set(this.iter);
    values.set(this.values);
    Object.assign(this, { iter, values });
  }

  #halve() {
    const width = 2 * this.count;
    const half = this.n >> 1;
    for (let i = 0; i < half; i++) {
      this.iter[i] = this.iter[2 * i];
      for (let k = 0; k < width; k++)
        this.values[i * width + k] = (this.values[2 * i * width + k] + this.values[(2 * i + 1) * width + k]) / 2;
    }
    this.n = half;
  }

  weight(row, index) {
    return this.values[row * 2 * this.count + index];
  }

  update(row, index) {
    return this.values[(row * 2 + 1) * this.count + index];
  }

  /** log10 of update : weight, -Infinity for no update, null where the weights are 0, NaN where either is not finite. */
  ratio(row, index) {
    const [weight, update] = [this.weight(row, index), this.update(row, index)];
    if (!Number.isFinite(weight) || !Number.isFinite(update)) return NaN;
    return weight === 0 ? null : Math.log10(update / weight);
  }

  /** What a strip shows: "ratio", or log10 of the norm of "weight" or "update". */
  shown(kind, row, index) {
    if (kind === "ratio") return this.ratio(row, index);
    const value = this[kind](row, index);
    return Number.isFinite(value) ? Math.log10(value) : NaN;
  }

  /** Row that holds at an iteration, the last where it is null; -1 where there is none. */
  at(iteration = null) {
    return rowAt(this, iteration);
  }
}

/** Number of the last row taken at or before an iteration, of all where it is null; -1 where there is none. */
export function rowAt({ iter, n }, iteration = null) {
  if (iteration === null) return n - 1;
  let [a, b] = [0, n];
  while (a < b) {
    const middle = (a + b) >> 1;
    if (iter[middle] <= iteration) a = middle + 1;
    else b = middle;
  }
  return a - 1;
}

/** Which rows lie in each of `width` pixel columns: [first, last] of row numbers, -1 where none does. A row holds from
 *  the iteration that it was taken at to that of the next, the last to `now`, where the run is; at least a pixel. Of
 *  what was before the first nothing is known: a run went on from a snapshot, or its monitor was opened late. */
export function pixelRows(norms, x0, x1, width, now) {
  const out = new Int32Array(2 * width).fill(-1);
  const toX = (iteration) => ((iteration - x0) / (x1 - x0)) * width;
  for (let i = 0; i < norms.n; i++) {
    const from = norms.iter[i];
    const to = i + 1 < norms.n ? norms.iter[i + 1] : Math.max(now, from);
    if (from > x1 || to < x0) continue;
    const a = Math.min(width - 1, Math.max(0, Math.floor(toX(from))));
    const b = Math.max(a, Math.min(width - 1, Math.ceil(toX(to)) - 1));
    for (let x = a; x <= b; x++) {
      if (out[2 * x] < 0) out[2 * x] = i;
      out[2 * x + 1] = i;
    }
  }
  return out;
}

/** The value in a pixel column that is furthest from `calm`: nothing that stands out is hidden. NaN wins. */
export function extreme(norms, kind, index, first, last, calm) {
  let found = null;
  for (let row = first; row <= last; row++) {
    const value = norms.shown(kind, row, index);
    if (Number.isNaN(value)) return NaN;
    if (value === null) continue;
    if (found === null || Math.abs(value - calm) > Math.abs(found - calm)) found = value;
  }
  return found;
}

/** Least and greatest finite log10 of a norm over all rows and the given parameters, at least a decade apart. */
export function spread(norms, kind, indices) {
  let [lo, hi] = [Infinity, -Infinity];
  for (let row = 0; row < norms.n; row++)
    for (const index of indices) {
      const value = norms.shown(kind, row, index);
      if (!Number.isFinite(value)) continue;
      lo = Math.min(lo, value);
      hi = Math.max(hi, value);
    }
  if (lo > hi) return [-3, 0];
  const missing = Math.max(0, 1 - (hi - lo)) / 2;
  return [lo - missing, hi + missing];
}

/** Name of the stage that a layer belongs to: what comes before its own number within the net's. */
export function stageOf(name) {
  const numbered = /^([A-Za-z]+_?)(\d+)/.exec(name);
  return numbered ? numbered[1] + numbered[2] : name.split(/[._/]/)[0];
}

/** Neighbouring layers of one stage: [{ name, from, to }], `to` exclusive. */
export function stages(names) {
  const out = [];
  names.forEach((name, i) => {
    const stage = stageOf(name);
    if (out.at(-1)?.name === stage) out.at(-1).to = i + 1;
    else out.push({ name: stage, from: i, to: i + 1 });
  });
  return out;
}
