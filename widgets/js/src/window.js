// Which part of the run is seen, and the y ranges that go with it. No drawing here.

import { PAST, pastOf } from "./branches.js";
import { followingEnd, linear, logarithmic, quantile, robust } from "./ranges.js";

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
    const { columns, tests, view } = this.store;
    const from = columns.lowerBound(x0);
    const to = columns.lowerBound(x1 + 1);
    const stride = Math.max(1, Math.floor((to - from) / SAMPLES));
    const usable = (v) => Number.isFinite(v) && (!view.log || v > 0);
    const values = [];
    for (let i = from; i < to; i += stride) if (usable(columns.mean[i])) values.push(columns.mean[i]);
    const seen = tests.filter((t) => t.iter >= x0 && t.iter <= x1 && usable(t.loss)).map((t) => t.loss);
    if (!values.length && !seen.length) return null;
    const body = [...values].sort((a, b) => a - b);
    const ceiling = 4 * (body.length ? quantile(body, 0.95) : Infinity);
    // A blow-up must not flatten the run it ends: what lies far above the body is clipped, not followed.
    const tame = this.store.state === "diverged" ? values.filter((v) => v <= ceiling) : [...values];
    const smoothed = this.store.smoothed;
    const ends = [];
    for (let i = from; i < to; i += stride) if (usable(smoothed[i]) && smoothed[i] <= ceiling) ends.push(smoothed[i]);
    if (usable(seen.at(-1))) ends.push(seen.at(-1));
    tame.push(...this.#pastIn(x0, x1, ceiling).filter(usable));
    return robust([...tame, ...seen], ends);
  }

  /** Losses of what was given up, without its blow-up. */
  #pastIn(x0, x1, ceiling) {
    if (!this.store.visible(PAST)) return [];
    const { smoothing } = this.store.view;
    return pastOf(this.store, smoothing, this.store.maxIter).flatMap(({ iter, values }) => [...values].filter((v, i) => v <= ceiling && iter[i] >= x0 && iter[i] <= x1));
  }

  /** Of another run only the smoothed curve and its tests are drawn. */
  #referenceIn(run, [x0, x1]) {
    const { columns, smoothed } = run;
    const usable = (v) => Number.isFinite(v) && (!this.store.view.log || v > 0);
    const to = columns.lowerBound(x1 + 1);
    const from = columns.lowerBound(x0);
    const stride = Math.max(1, Math.floor((to - from) / SAMPLES));
    const values = [];
    for (let i = from; i < to; i += stride) if (usable(smoothed[i])) values.push(smoothed[i]);
    const tests = run.tests.filter((t) => t.iter >= x0 && t.iter <= x1 && usable(t.loss)).map((t) => t.loss);
    return robust([...values, ...tests], tests.slice(-1));
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
