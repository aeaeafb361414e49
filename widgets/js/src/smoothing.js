// Exponential smoothing of the train loss.
//
// The slider's value s is the weight kept per thousandth of the run (but at least per iteration), so the
// curve depends on neither zoom nor decimation: a row that lies g units after the one before keeps s^g.
// Start-up bias is divided out, the first smoothed value is the first value.

/** Iterations in one unit of smoothing. */
export const unitOf = (maxIter) => Math.max(1, (maxIter || 0) / 1000);

/** About how many iterations the smoothed value averages over. */
export const windowOf = (s, maxIter) => Math.max(1, Math.round(unitOf(maxIter) / (1 - s)));

export class Smoother {
  constructor() {
    this.values = new Float32Array(0);
    this.reset();
  }

  reset() {
    this.done = 0;
    this.sum = 0;
    this.weight = 0;
    this.key = "";
  }

  /** Smoothed values of `columns`, computed only for rows that are new since the last call. */
  update(columns, s, maxIter) {
    const unit = unitOf(maxIter);
    const key = `${s}/${unit}/${columns.halvings}`;
    if (key !== this.key || columns.n < this.done) {
      this.reset();
      this.key = key;
    }
    if (this.values.length < columns.n) {
      const grown = new Float32Array(columns.iter.length);
      grown.set(this.values.subarray(0, this.done));
      this.values = grown;
    }
    for (let i = this.done; i < columns.n; i++) this.values[i] = this.#next(columns, i, s, unit);
    this.done = columns.n;
    return this.values.subarray(0, columns.n);
  }

  #next(columns, i, s, unit) {
    const y = columns.mean[i];
    if (!Number.isFinite(y)) return NaN;
    const gap = i ? columns.iter[i] - columns.iter[i - 1] : 1;
    const keep = s ** (gap / unit);
    this.sum = this.sum * keep + y * (1 - keep);
    this.weight = this.weight * keep + (1 - keep);
    return this.weight ? this.sum / this.weight : y;
  }
}
