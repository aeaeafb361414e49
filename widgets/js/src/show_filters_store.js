// What the view shows: the kernel's traits, and what the person has chosen.

import { Bank } from "./show_filters_data.js";

export const DEFAULT_VIEW = { layer: null, input: 0, frame: null, order: "index", scale: "own", show: "all", channel: "rgb", size: null, selected: 0, rank: 0, table: false };

export class FilterStore {
  #listeners = new Set();

  constructor() {
    this.net = { name: "", layers: [], run: null, images: null };
    this.view = { ...DEFAULT_VIEW };
    this.film = [];
    this.unit = { state: "off" };
    this.pixels = null;
    this.said = {};
    this.bank = null;
  }

  subscribe(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  changed(topic) {
    for (const listener of this.#listeners) listener(topic);
  }

  setWeights(layer, view) {
    if (!layer?.name) return;
    this.bank = new Bank(layer, view);
    this.changed("weights");
  }

  /** What the images say, where it is about the filter in sight. */
  get look() {
    const { unit } = this;
    if (unit.state !== "ready") return unit;
    return unit.layer === this.bank?.layer.name && unit.unit === this.selected ? unit : { state: "looking" };
  }

  get selected() {
    return Math.min(this.view.selected, Math.max(0, (this.bank?.n ?? 1) - 1));
  }

  setView(change) {
    const next = { ...this.view, ...change };
    if ("layer" in change && change.layer !== this.view.layer) Object.assign(next, { input: 0, frame: null, selected: 0 });
    if (next.selected !== this.view.selected || next.layer !== this.view.layer) next.rank = 0;
    if (JSON.stringify(next) === JSON.stringify(this.view)) return;
    this.view = next;
    this.changed("view");
  }
}
