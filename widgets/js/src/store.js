// All that the browser knows about the run in front, and the references beside it. The kernel's messages go in,
// views subscribe.
// The protocol is described in owlkit_widgets/monitor.py.

import { PAST } from "./branches.js";
import { Curve, Reference } from "./curve.js";
import { PanelData } from "./panels-data.js";

export const DEFAULT_VIEW = {
  smoothing: 0.9, log: false, zoom: null, hidden: [], pinned: null, table: false,
  panels: null, // open ones; null: as the person left them last
  layerKind: "ratio", layerSort: "net", layerOpen: [],
  filter: null, filterScale: "own", filterPlane: "rgb",
};
export const LIVE = new Set(["ready", "starting", "running", "paused"]);
const OVER = new Set(["finished", "stopped", "failed", "diverged"]);

export class Store extends Curve {
  constructor() {
    super();
    this.references = []; // other runs, laid under this one
    this.panels = new PanelData();
    this.run = { name: "", max_iter: 0 };
    this.status = { state: "starting" };
    this.figures = {};
    this.view = { ...DEFAULT_VIEW };
    this.connected = true;
    this.listeners = new Set();
  }

  subscribe(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Tell every view what changed: "curve", "status", "figures", "panels", "view", "run", "connection", "clock". */
  changed(topic) {
    for (const listener of this.listeners) listener(topic);
  }

  load(history) {
    if (!history || !history.data) return;
    super.load(history);
    this.panels.load(history.panels);
    this.changed("curve");
  }

  /** The other runs, whole: on load, after a gap, and where one was added, removed or put in front. */
  loadReferences(heads) {
    this.references = (heads || []).map((head) => new Reference(this, head));
    this.changed("curve");
  }

  append(message, view) {
    if (message.of !== undefined) return this.#appendTo(this.references.find((r) => r.key === message.of), message, view);
    return this.#appendTo(null, message, view);
  }

  #appendTo(reference, message, view) {
    if (reference === undefined) return true; // removed, or not here yet: it comes whole
    const taken = reference ? reference.append(message, view) : super.append(message, view);
    if (taken) this.changed("curve");
    return taken;
  }

  /** All that is new, with a buffer for each part that has one. False where something before it is missing. */
  receiveAll(parts, buffers) {
    return parts.map((part, i) => this.receive(part, buffers[i])).every((taken) => taken !== false);
  }

  /** A part of the news. False where something before it is missing. */
  receive(message, view) {
    if (message.type === "append") return this.append(message, view);
    if (message.type === "figures") return this.set("figures", { ...this.figures, ...message.changed });
    const taken = this.panels.receive(message, view);
    if (taken) this.changed("panels");
    return taken;
  }

  set(topic, value) {
    this[topic] = value;
    if (topic === "figures") this.#followReferences();
    this.changed(topic);
  }

  #followReferences() {
    for (const { key, state } of this.figures.references ?? []) {
      const reference = this.references.find((r) => r.key === key);
      if (reference) reference.state = state;
    }
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

  get key() {
    return this.run.key;
  }

  /** All runs, the one in front first. */
  get runs() {
    return [this, ...this.references];
  }

  get name() {
    return this.run.name;
  }

  /** Last iteration of any run in sight, what was given up included. */
  get reach() {
    const past = this.runs.filter((run) => this.visible(PAST, run)).flatMap((run) => run.branches.map((branch) => branch.reached));
    return Math.max(this.iter, ...past, ...this.references.filter((r) => this.shows(r)).map((r) => r.columns.last));
  }

  /** Whether a run's curves are switched on. */
  shows(run) {
    return !this.view.hidden.includes(`run:${run.key}`);
  }

  /** Whether a curve of a run is drawn. */
  visible(series, run = this) {
    return !this.view.hidden.includes(series) && this.shows(run);
  }
}
