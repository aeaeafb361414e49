// What the activations widget shows: the kernel's traits, the channels made of them, what the person has chosen.

import { Channels } from "./activations-data.js";
import { TraitStore } from "./traits.js";

const VIEW = { layer: null, selected: null, order: "index", scale: "own", show: "all", size: null, look: "over", opacity: 0.85, table: false };

export class ActivationStore extends TraitStore {
  #made = {};

  constructor() {
    super(["net", "image", "pixels", "layer", "tiles", "unit", "plane", "said"], VIEW);
    this.epoch = 0; // changes with the channels
  }

  /** The channels of the layer in sight. */
  get bank() {
    if (this.#made.layer !== this.layer || this.#made.tiles !== this.tiles) {
      this.#made = { layer: this.layer, tiles: this.tiles, bank: new Channels(this.layer, this.tiles) };
      this.epoch++;
    }
    return this.#made.bank;
  }

  /** The channel that is chosen; until one is, the kernel's choice. */
  get selected() {
    const { selected } = this.view;
    return selected === null || this.unit.layer !== (this.view.layer ?? this.layer.name) ? this.unit.channel : selected;
  }

  /** "channel 12", or the name of a class. */
  called(channel) {
    const { names } = this.layer;
    return names ? `${names[channel]}, unit ${channel}` : `channel ${channel}`;
  }
}
