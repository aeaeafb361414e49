// Which part of the run is seen, and the y ranges that go with it. No drawing here.

import { PAST, pastOf } from "./branches.js";
import { calm, followingEnd, linear, logarithmic, robust } from "./ranges.js";

const SAMPLES = 1500;

export class Window {
  constructor(store) {
    this.store = store;
    this.end = 0; // right end of the following range
    this.loss = null; // least and greatest so far, grows only
    this.key = "";
  }

  /** [first, last] iteration in sight. */
  get x() {
    const { store } = this;
    this.end = followingEnd(store.reach, store.maxIter, store.live, this.end);
    const zoom = store.view.zoom;
    if (!zoom) return [0, this.end];
    return [zoom[0], zoom[1] ?? Math.max(store.reach, zoom[0] + 1)];
  }

  /** Ranges { x, y: {lo, hi, step}, accuracy: {lo, hi, step} }. */
  ranges() {
    const { store } = this;
    const x = this.x;
    const log = store.view.log;
    const runs = store.references.filter((run) => store.shows(run));
    const key = JSON.stringify([store.view.zoom, log, store.over, store.key, runs.map((run) => run.key)]);
    if (key !== this.key) this.loss = null;
    this.key = key;
    const all = [this.#lossIn(x), ...runs.map((run) => this.#referenceIn(run, x))].filter(Boolean);
    if (all.length) {
      const found = [Math.min(...all.map((f) => f[0])), Math.max(...all.map((f) => f[1]))];
      const [a, b] = this.loss ?? found;
      this.loss = [Math.min(a, found[0]), Math.max(b, found[1])];
    }
    const loss = this.loss ?? (log ? [0.1, 5] : [0, 6]);
    return { x, y: log ? logarithmic(loss) : linear(loss), accuracy: this.#accuracy(x) };
  }

  #lossIn([x0, x1]) {
    const { columns, tests, smoothed } = this.store;
    const values = this.#sampled(columns, columns.mean, x0, x1);
    const curve = this.#sampled(columns, smoothed, x0, x1);
    const seen = this.#testsIn(tests, x0, x1);
    if (!values.length && !seen.length) return null;
    const ceiling = calm(values, curve[0]);
    const past = this.#pastIn(x0, x1, ceiling).filter((v) => this.#usable(v));
    // A blow-up must not flatten the run it ends: what lies far above the body is clipped, not followed.
    const most = this.store.state === "diverged" ? ceiling : Infinity;
    const tame = values.filter((v) => v <= most);
    const must = [...curve, ...seen].filter((v) => v <= ceiling);
    return robust([...tame, ...seen, ...past], [...must, seen.at(-1), this.#peak(columns, columns.hi, x0, x1, most)]);
  }

  /** The greatest value up to `most` that a logarithmic axis has to hold: what stands out flattens nothing there. */
  #peak(columns, curve, x0, x1, most) {
    let peak = NaN;
    const to = this.store.view.log ? columns.lowerBound(x1 + 1) : 0;
    for (let i = columns.lowerBound(x0); i < to; i++) if (curve[i] <= most && !(curve[i] <= peak)) peak = curve[i];
    return peak;
  }

  #usable(value) {
    return Number.isFinite(value) && (!this.store.view.log || value > 0);
  }

  /** Usable values of a curve in sight, the first among them, SAMPLES at most. */
  #sampled(columns, curve, x0, x1) {
    const to = columns.lowerBound(x1 + 1);
    const from = columns.lowerBound(x0);
    const stride = Math.max(1, Math.ceil((to - from) / SAMPLES));
    const values = [];
    for (let i = from; i < to; i += stride) if (this.#usable(curve[i])) values.push(curve[i]);
    return values;
  }

  #testsIn(tests, x0, x1) {
    return tests.filter((t) => t.iter >= x0 && t.iter <= x1 && this.#usable(t.loss)).map((t) => t.loss);
  }

  /** Losses of what was given up, without its blow-up. */
  #pastIn(x0, x1, ceiling) {
    if (!this.store.visible(PAST)) return [];
    const { smoothing } = this.store.view;
    return pastOf(this.store, smoothing, this.store.maxIter).flatMap(({ iter, values }) => [...values].filter((v, i) => v <= ceiling && iter[i] >= x0 && iter[i] <= x1));
  }

  /** Of another run only the smoothed curve and its tests are drawn. */
  #referenceIn(run, [x0, x1]) {
    const curve = this.#sampled(run.columns, run.smoothed, x0, x1);
    const tests = this.#testsIn(run.tests, x0, x1);
    const ceiling = calm(curve, curve[0]);
    const must = [...curve, ...tests].filter((v) => v <= ceiling);
    return robust([...curve, ...tests], [...must, tests.at(-1), this.#peak(run.columns, run.smoothed, x0, x1, ceiling)]);
  }

  #accuracy([x0, x1]) {
    const runs = this.store.runs.filter((run) => this.store.shows(run));
    const seen = runs.flatMap((run) => run.tests).filter((t) => Number.isFinite(t.accuracy));
    const near = seen.filter((t) => t.iter >= x0 && t.iter <= x1);
    const values = (near.length ? near : seen).map((t) => t.accuracy * 100);
    if (!values.length) return { lo: 0, hi: 100, step: 20 };
    const range = linear([Math.min(...values), Math.max(...values)], 5);
    return { ...range, hi: Math.min(range.hi, 100), lo: Math.max(0, range.lo) };
  }

  /** Zoom to [a, b], whole run where that is (nearly) everything; follows when b touches the newest point. */
  zoomTo(a, b) {
    const newest = this.store.reach;
    const [low, high] = [Math.max(0, Math.min(a, b)), Math.max(a, b)];
    if (high - low < 2) return;
    if (low <= newest * 0.005 && high >= newest) return this.reset();
    this.store.setView({ zoom: [Math.round(low), high >= newest ? null : Math.round(high)] });
  }

  /** Zoom by a factor (below one: closer) around an iteration. */
  zoomBy(factor, around) {
    const [x0, x1] = this.x;
    const at = around ?? (x0 + x1) / 2;
    this.zoomTo(at - (at - x0) * factor, at + (x1 - at) * factor);
  }

  reset() {
    this.loss = null;
    this.store.setView({ zoom: null });
  }
}
