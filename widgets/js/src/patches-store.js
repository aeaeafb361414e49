// What the widget of top patches shows: the kernel's traits, and what the person has chosen.

import { ordered } from "./patches-data.js";
import { bytesOf } from "./photo.js";
import { partsOf } from "./show_filters_data.js";
import { TraitStore } from "./traits.js";

const VIEW = { layer: null, unit: 0, rank: 0, order: "index", table: false };

export class PatchStore extends TraitStore {
  constructor() {
    super(["net", "scan", "tiles", "unit", "pixels", "said"], VIEW);
  }

  /** The layer that is chosen, as the net has it. */
  get layer() {
    return this.net.layers.find(({ name }) => name === this.view.layer) ?? this.net.layers[0];
  }

  /** Whether what was found belongs to the layer that is chosen. */
  get current() {
    return this.scan.layer === this.view.layer;
  }

  get selected() {
    return Math.max(0, Math.min(this.layer.units - 1, this.view.unit));
  }

  get order() {
    return ordered(this.scan, this.view.order);
  }

  /** Tiles as bytes, none while they are another layer's. */
  get tileBytes() {
    const bytes = bytesOf(this.tiles);
    return this.current && bytes.length === 4 * this.scan.units * this.scan.side ** 2 ? bytes : null;
  }

  /** The close-up's pictures, null where it is of another unit or on its way. */
  get parts() {
    const { unit, view } = this;
    if (unit.layer !== view.layer || unit.unit !== this.selected || !this.pixels?.byteLength) return null;
    return partsOf(unit, this.pixels);
  }

  choose(unit) {
    this.setView({ unit, rank: 0 });
  }

  /** The layer so many further on. */
  stepLayer(by) {
    const { layers } = this.net;
    const next = layers[layers.indexOf(this.layer) + by];
    if (next) this.setLayer(next.name);
  }

  setLayer(layer) {
    this.setView({ layer, unit: 0, rank: 0 });
  }

  /** Stop looking, or go on. */
  run() {
    const { state } = this.scan;
    if (state === "looking") this.send({ type: "stop" });
    else if (state === "stopped" || state === "failed") this.send({ type: "go" });
  }
}
