// What is known of one run: its curve, its tests, and what was done to it. The messages are described in
// owlkit_widgets/monitor.py.

import { Branch } from "./branches.js";
import { Columns, unpack } from "./columns.js";
import { fromRows } from "./flags.js";
import { Smoother } from "./smoothing.js";

/** Base of the store (the run in front) and of references; these say how the curve is smoothed. */
export class Curve {
  constructor() {
    this.columns = new Columns();
    this.smoother = new Smoother();
    this.clear();
  }

  clear() {
    this.columns.clear();
    this.smoother.reset(); // another run may have as many rows
    this.tests = []; // { iter, net, loss, accuracy, name? }
    this.rows = []; // interventions as sent
    this.flags = []; // the same as drawn
    this.branches = []; // given up by going back, the oldest first
    this.received = 0; // iterations the kernel has sent, decimated or not
    this.bytes = 0;
  }

  /** The whole run, on load or after a gap. */
  load(history) {
    this.clear();
    this.columns.push(unpack(history.data, history.n, history.columns));
    this.received = history.total;
    this.tests = [...history.tests];
    this.rows = [...history.flags];
    this.flags = fromRows(this.rows);
    this.branches = (history.abandoned ?? []).map((part) => new Branch(part));
    this.bytes = history.data.byteLength;
  }

  /** New points, tests and flags. False where something before them is missing: ask for the whole run. */
  append(message, view) {
    if (message.first > this.received || message.tests_first > this.tests.length) return false;
    if (message.flags_first > this.rows.length) return false;
    if (message.n) {
      this.columns.push(unpack(view, message.n, message.columns));
      this.received = Math.max(this.received, message.first + message.count);
    }
    this.tests.push(...message.tests.slice(this.tests.length - message.tests_first));
    const rows = message.flags.slice(this.rows.length - message.flags_first);
    if (rows.length) {
      this.rows.push(...rows);
      this.flags = fromRows(this.rows);
    }
    return true;
  }

  /** Values at an iteration, or the latest where it is null. Beyond its end a run has none. */
  at(iteration = null) {
    const { columns } = this;
    const i = iteration === null ? columns.n - 1 : columns.nearest(iteration);
    const known = i >= 0 && !this.ended(iteration);
    return {
      iter: known ? columns.iter[i] : null,
      smoothed: known ? this.smoothed[i] : null,
      raw: known ? columns.mean[i] : null,
      lr: known ? columns.lr[i] : null,
      test: this.tested("loss", 0, iteration),
      accuracy: this.tested("accuracy", 0, iteration),
    };
  }

  /** Whether an iteration lies beyond what the run has done. */
  ended(iteration) {
    return iteration !== null && this.columns.n > 0 && iteration > this.columns.last + this.spacing;
  }

  /** Iterations between two rows, at the end. */
  get spacing() {
    const { iter, n } = this.columns;
    return n > 1 ? iter[n - 1] - iter[n - 2] : 1;
  }

  /** Latest "loss" or "accuracy" of a test net up to an iteration (null: now), null where there is none. */
  tested(key, net, iteration = null) {
    if (this.ended(iteration)) return null;
    const known = (t) => (t.net ?? 0) === net && t[key] !== null && t[key] !== undefined && (iteration === null || t.iter <= iteration);
    return this.tests.findLast(known)?.[key] ?? null;
  }
}

/** A run that is laid under the one in front. `head`: key, name, state, iter, max_iter. */
export class Reference extends Curve {
  constructor(store, head) {
    super();
    this.store = store;
    Object.assign(this, { key: head.key, name: head.name, state: head.state });
    this.load(head);
  }

  /** Smoothed over as many iterations as the run in front, so that the two are of a kind. */
  get smoothed() {
    return this.smoother.update(this.columns, this.store.view.smoothing, this.store.maxIter);
  }
}
