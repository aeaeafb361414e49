// What the widget of drivers shows: the kernel's traits, and what the person has chosen.

import { LOOKS, isSigned, sharesOf } from "./drivers-data.js";
import { bytesOf } from "./photo.js";
import { TraitStore } from "./traits.js";

const VIEW = { layer: null, unit: null, at: null, method: "occlusion", patch: null, look: "over", opacity: 0.85 };

export class DriverStore extends TraitStore {
  constructor() {
    super(["net", "image", "pixels", "chosen", "answers", "found", "map", "signed", "said"], VIEW);
  }

  /** The way to look that there is: an occlusion has no signed gradient. */
  get look() {
    return this.view.look === "signed" && isSigned(this.view.method) ? "over" : this.view.look;
  }

  nextLook() {
    const all = LOOKS.map(([value]) => value).filter((value) => value !== "signed" || !isSigned(this.view.method));
    this.setView({ look: all[(all.indexOf(this.look) + 1) % all.length] });
  }

  /** Shares of the map, null while there is none of this image. */
  get shares() {
    const levels = bytesOf(this.map);
    return levels.length === this.image.height * this.image.width ? sharesOf(levels, this.found.method) : null;
  }

  /** Ask about another unit: of a layer, at the place where it answers most unless one is given. */
  ask(layer, unit = null, at = null) {
    this.setView({ layer, unit, at });
  }

  /** The unit so many further on. */
  step(by) {
    const { chosen } = this;
    const from = this.view.unit ?? chosen.unit;
    const next = Math.max(0, Math.min(chosen.units - 1, from + by));
    if (next !== from) this.ask(this.view.layer, next);
  }
}
