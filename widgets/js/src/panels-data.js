// What the panels show: the part of the store that panels.py fills.

import { Film } from "./filters-data.js";
import { Norms } from "./layers-data.js";

export class PanelData {
  constructor() {
    this.norms = new Norms();
    this.film = new Film();
  }

  /** The whole run, on load or after a gap. */
  load(panels) {
    if (!panels) return;
    this.norms.load(panels.norms);
    this.film.load(panels.film);
  }

  /** A message for the panels: null where it is for somebody else, false where something before it is missing. */
  receive(message, view) {
    if (message.type === "norms") return this.norms.append(message, view);
    if (message.type !== "frame") return null;
    this.film.append(message, view);
    return true;
  }
}
