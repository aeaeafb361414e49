// The curve as growing typed columns. A row stands for one iteration or, once the capacity is reached,
// for a bucket of neighbouring iterations: last iteration, mean, least, greatest loss, last learning rate.
// A bucket with a value that is not finite is NaN as a whole, so that a gap is never bridged.

const CAPACITY = 1 << 16;

export class Columns {
  constructor(capacity = CAPACITY) {
    this.capacity = capacity;
    this.clear();
  }

  clear() {
    this.n = 0;
    this.halvings = 0;
    this.#allocate(Math.min(1024, this.capacity));
  }

  #allocate(size) {
    const before = this.iter ? this : null;
    const grown = (type, old) => {
      const array = new type(size);
      if (old) array.set(old.subarray(0, this.n));
      return array;
    };
    this.iter = grown(Float64Array, before?.iter);
    for (const name of ["mean", "lo", "hi", "lr"]) this[name] = grown(Float32Array, before?.[name]);
  }

  get last() {
    return this.n ? this.iter[this.n - 1] : -1;
  }

  /** Append rows; those at or before the last iteration are dropped (a reload and a message may overlap). */
  push(block) {
    for (let i = 0; i < block.iter.length; i++) {
      if (block.iter[i] <= this.last) continue;
      if (this.n === this.capacity) this.#halve();
      if (this.n === this.iter.length) this.#allocate(Math.min(this.capacity, this.n * 2));
      this.iter[this.n] = block.iter[i];
      this.mean[this.n] = block.mean[i];
      this.lo[this.n] = block.lo[i];
      this.hi[this.n] = block.hi[i];
      this.lr[this.n] = block.lr[i];
      this.n++;
    }
  }

  #halve() {
    const half = this.n >> 1;
    for (let i = 0; i < half; i++) {
      const a = 2 * i;
      const b = a + 1;
      this.iter[i] = this.iter[b];
      this.mean[i] = (this.mean[a] + this.mean[b]) / 2; // NaN spreads, as wanted
      this.lo[i] = Math.min(this.lo[a], this.lo[b]);
      this.hi[i] = Math.max(this.hi[a], this.hi[b]);
      this.lr[i] = this.lr[b];
    }
    this.n = half;
    this.halvings++;
  }

  /** Index of the first row at or after an iteration. */
  lowerBound(iteration) {
    let a = 0;
    let b = this.n;
    while (a < b) {
      const middle = (a + b) >> 1;
      if (this.iter[middle] < iteration) a = middle + 1;
      else b = middle;
    }
    return a;
  }

  /** Index of the row nearest to an iteration, -1 where there are none. */
  nearest(iteration) {
    if (!this.n) return -1;
    const right = Math.min(this.lowerBound(iteration), this.n - 1);
    if (right === 0) return 0;
    return iteration - this.iter[right - 1] <= this.iter[right] - iteration ? right - 1 : right;
  }

  /** Index of the last row with a finite mean, -1 where there is none. */
  lastFinite() {
    for (let i = this.n - 1; i >= 0; i--) if (Number.isFinite(this.mean[i])) return i;
    return -1;
  }
}

/** A block as the kernel sends it: columns one after the other, uint32 iterations, float32 for the rest.
 *  `names` says which follow the iterations: mean, lr (every iteration) or mean, lo, hi, lr (buckets). */
export function unpack(view, n, names) {
  const bytes = view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);
  const block = { iter: new Uint32Array(bytes, 0, n) };
  names.forEach((name, i) => (block[name] = new Float32Array(bytes, 4 * n * (i + 1), n)));
  block.lo ??= block.mean;
  block.hi ??= block.mean;
  return block;
}
