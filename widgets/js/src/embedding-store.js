// What the widget of embeddings shows: the kernel's traits, and what the person has chosen.

import { boundsOf, countsOf, floatsOf, oddOnes, wholesOf } from "./embedding-data.js";
import { bytesOf } from "./photo.js";
import { TraitStore } from "./traits.js";

const VIEW = { layer: null, method: null, marks: "pictures", size: 26, tool: "move", show: "all", off: [], selected: [], pinned: null, zoom: null };
const KEPT = 64; // whole images

export class EmbeddingStore extends TraitStore {
  hovered = null;
  pictures = new Uint8Array(0); // small ones of all images; nothing until the kernel has sent them
  #images = new Map();
  #sources = {};
  #made = {};

  constructor() {
    super(["net", "course", "facts", "points", "each", "nearest", "names", "said"], VIEW);
  }

  /** A value made from traits, anew where one of them has changed. */
  #from(name, sources, make) {
    const before = this.#sources[name];
    if (!before || sources.some((source, i) => source !== before[i])) {
      this.#sources[name] = sources;
      this.#made[name] = make();
    }
    return this.#made[name];
  }

  /** x, y one after the other. */
  get places() {
    return this.#from("places", [this.points], () => floatsOf(this.points));
  }

  get bounds() {
    return this.#from("bounds", [this.points], () => boundsOf(this.places));
  }

  /** The class of each image, nothing without labels. */
  get groups() {
    return this.#from("groups", [this.each], () => wholesOf(this.each, Uint16Array));
  }

  get neighbours() {
    return this.#from("neighbours", [this.nearest], () => wholesOf(this.nearest, Uint32Array));
  }

  /** Where there are no pictures, as without a kernel, shapes stand for them. */
  get marks() {
    return this.pictures.length ? this.view.marks : "shapes";
  }

  /** The small picture of image i, grey where there is none. */
  thumbnail(i) {
    const size = 3 * this.net.side ** 2;
    return this.pictures.length ? this.pictures.subarray(i * size, (i + 1) * size) : new Uint8Array(size).fill(128);
  }

  get odd() {
    return this.#from("odd", [this.nearest, this.each], () => oddOnes(this.groups, this.neighbours, this.facts.neighbours));
  }

  get classes() {
    return this.facts.classes ?? [];
  }

  /** Numbers of the images that are shown. */
  get shown() {
    const { off, show } = this.view;
    return this.#from("shown", [this.points, this.each, this.nearest, off, show], () => {
      const hidden = new Set(off);
      const all = Array.from({ length: this.places.length / 2 }, (_, i) => i);
      return all.filter((i) => !hidden.has(this.groups[i]) && (show === "all" || this.odd.has(i)));
    });
  }

  /** Numbers of the images that are selected, and shown. */
  get selected() {
    return this.#from("selected", [this.shown, this.view.selected], () => {
      const shown = new Set(this.shown);
      return this.view.selected.filter((i) => shown.has(i));
    });
  }

  /** How many of the selected images each class has. */
  get counts() {
    return this.#from("counts", [this.selected, this.each], () => countsOf(this.selected, this.groups, this.classes.length));
  }

  /** The image looked at: under the pointer, else the one that was clicked. */
  get looked() {
    return this.hovered ?? this.view.pinned;
  }

  /** The six images whose features are most like those of image i. */
  neighboursOf(i) {
    const { neighbours: count } = this.facts;
    return [...this.neighbours.subarray(i * count, (i + 1) * count)];
  }

  hover(index) {
    if (index === this.hovered) return;
    this.hovered = index;
    this.changed("hover");
  }

  pin(index) {
    this.setView({ pinned: index });
  }

  /** Switch a class, or show it alone. */
  switchClass(group, alone = false) {
    const { off } = this.view;
    const others = this.classes.map((_, k) => k).filter((k) => k !== group);
    const only = others.every((k) => off.includes(k)) && !off.includes(group);
    if (alone) this.setView({ off: only ? [] : others });
    else this.setView({ off: off.includes(group) ? off.filter((k) => k !== group) : [...off, group] });
  }

  /** Stop, or go on. */
  run() {
    const { state } = this.course;
    if (state === "working") this.send({ type: "stop" });
    else if (state === "stopped" || state === "failed") this.send({ type: "go" });
  }

  /** The whole image, null until the kernel has sent it; asked for at most once. */
  image(index) {
    if (!this.#images.has(index)) {
      this.#images.set(index, null);
      if (this.#images.size > KEPT) this.#images.delete(this.#images.keys().next().value);
      this.send({ type: "image", index });
    }
    return this.#images.get(index);
  }

  receivedPictures(view) {
    this.pictures = bytesOf(view);
    this.changed("pictures");
  }

  received({ index, height, width }, view) {
    this.#images.set(index, { height, width, data: bytesOf(view) });
    this.changed("image");
  }
}
