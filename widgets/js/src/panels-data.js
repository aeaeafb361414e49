// What the panels show: the part of the store that panels.py fills.

import { Film } from "./filters-data.js";
import { Histogram, keyOf } from "./histograms.js";
import { Norms } from "./layers-data.js";

export class PanelData {
  constructor() {
    this.norms = new Norms();
    this.film = new Film();
    this.histograms = new Map(); // "layer/kind" -> Histogram
    this.version = 0;
  }

  /** The whole run, on load or after a gap. */
  load(panels) {
    if (!panels) return;
    this.norms.load(panels.norms);
    this.film.load(panels.film);
    this.histograms.clear();
    for (const table of panels.histograms) this.#table(table).load(table);
    this.version++;
  }

  /** A message for the panels: null where it is for somebody else, false where something before it is missing. */
  receive(message, view) {
    if (message.type === "histogram") {
      this.version++;
      return this.#table(message).append(message, view);
    }
    if (message.type === "norms") return this.norms.append(message, view);
    if (message.type !== "frame") return null;
    this.film.append(message, view);
    return true;
  }

  #table({ layer, kind }) {
    const key = keyOf(layer, kind);
    if (!this.histograms.has(key)) this.histograms.set(key, new Histogram(layer, kind));
    return this.histograms.get(key);
  }
}
