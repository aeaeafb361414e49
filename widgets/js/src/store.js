// All that the browser knows about one run. The kernel's messages go in, views subscribe.
// The protocol is described in owlkit_widgets/monitor.py.

import { Columns, unpack } from "./columns.js";
import { PanelData } from "./panels-data.js";
import { Smoother } from "./smoothing.js";
import { fromRows } from "./flags.js";

export const DEFAULT_VIEW = {
  smoothing: 0.9, log: false, zoom: null, hidden: [], pinned: null, table: false,
  panels: null, // open ones; null: as the person left them last
  layerKind: "ratio", layerSort: "net", layerOpen: [],
  filter: null, filterScale: "own", filterPlane: "rgb",
};
export const LIVE = new Set(["ready", "starting", "running", "paused"]);
const OVER = new Set(["finished", "stopped", "failed", "diverged"]);

export class Store {
  constructor() {
    this.columns = new Columns();
    this.smoother = new Smoother();
    this.panels = new PanelData();
    this.tests = []; // { iter, net, loss, accuracy, name? }
    this.rows = []; // interventions as sent
    this.flags = []; // the same as drawn
    this.run = { name: "", max_iter: 0 };
    this.status = { state: "starting" };
    this.figures = {};
    this.view = { ...DEFAULT_VIEW };
    this.connected = true;
    this.received = 0; // iterations the kernel has sent, decimated or not
    this.bytes = 0;
    this.listeners = new Set();
  }

  subscribe(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Tell every view what changed: "curve", "status", "figures", "view", "connection". */
  changed(topic) {
    for (const listener of this.listeners) listener(topic);
  }

  /** The whole run, on load or after a gap. */
  load(history) {
    if (!history || !history.data) return;
    this.columns.clear();
    this.columns.push(unpack(history.data, history.n, history.columns));
    this.received = history.total;
    this.tests = [...history.tests];
    this.rows = [...history.flags];
    this.flags = fromRows(this.rows);
    this.panels.load(history.panels);
    this.bytes = history.data.byteLength;
    this.changed("curve");
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
    this.changed("curve");
    return true;
  }

  /** Any message with data. False where something before it is missing. */
  receive(message, view) {
    if (message.type === "append") return this.append(message, view);
    const taken = this.panels.receive(message, view);
    if (taken) this.changed("panels");
    return taken;
  }

  set(topic, value) {
    this[topic] = value;
    this.changed(topic);
  }

  setView(part) {
    this.view = { ...this.view, ...part };
    this.changed("view");
  }

  get maxIter() {
    return this.figures.max_iter || this.run.max_iter || 0;
  }

  get iter() {
    return Math.max(this.figures.iter ?? 0, this.columns.last, 0);
  }

  get live() {
    return LIVE.has(this.state);
  }

  get over() {
    return OVER.has(this.state);
  }

  get state() {
    return this.status.state;
  }

  get smoothed() {
    return this.smoother.update(this.columns, this.view.smoothing, this.maxIter);
  }

  /** Values at an iteration, or the latest where it is null. */
  at(iteration = null) {
    const { columns } = this;
    const i = iteration === null ? columns.n - 1 : columns.nearest(iteration);
    const latest = (key) => this.tested(key, 0, iteration);
    return {
      iter: i < 0 ? null : columns.iter[i],
      smoothed: i < 0 ? null : this.smoothed[i],
      raw: i < 0 ? null : columns.mean[i],
      lr: i < 0 ? null : columns.lr[i],
      test: latest("loss"),
      accuracy: latest("accuracy"),
    };
  }

  /** Latest "loss" or "accuracy" of a test net up to an iteration (null: now), null where there is none. */
  tested(key, net, iteration = null) {
    const known = (t) => (t.net ?? 0) === net && t[key] !== null && t[key] !== undefined && (iteration === null || t.iter <= iteration);
    return this.tests.findLast(known)?.[key] ?? null;
  }

  visible(series) {
    return !this.view.hidden.includes(series) && !this.view.hidden.includes("run");
  }
}
