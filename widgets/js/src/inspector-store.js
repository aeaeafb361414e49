// What the browser knows about a net: the model's traits as they come, and the person's choices (`view`).

import { imageBytes } from "./inspector-file.js";

const TRAITS = ["net", "cards", "order", "drawing", "detail", "tiles", "answer", "timing", "said", "view"];
const SAVE_DELAY = 250; // milliseconds: a moved graph need not be told of at once

export class InspectorStore {
  constructor(model) {
    this.model = model;
    this.listeners = new Set();
    this.word = ""; // in the field "Find a layer"; not kept over a reload
    this.busy = ""; // what the kernel was asked for
    this.timer = 0;
    for (const name of TRAITS) this[name] = model.get(name);
    this.handlers = TRAITS.map((name) => [`change:${name}`, () => this.take(name)]);
    for (const [event, handler] of this.handlers) model.on(event, handler);
  }

  take(name) {
    this[name] = this.model.get(name);
    if (["answer", "said", "net"].includes(name)) this.busy = "";
    this.tell(name);
  }

  subscribe(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  tell(topic) {
    for (const listener of this.listeners) listener(topic);
  }

  /** Choices; the kernel makes what follows from them. */
  choose(choices, soon = false) {
    this.view = { ...this.model.get("view"), ...choices };
    this.model.set("view", this.view);
    clearTimeout(this.timer);
    if (soon) this.timer = setTimeout(() => this.model.save_changes(), SAVE_DELAY);
    else this.model.save_changes();
    this.tell("view");
  }

  find(word) {
    this.word = word;
    this.tell("word");
  }

  pick(key) {
    if (key !== this.view.chosen) this.choose({ chosen: key, param: 0, blob: null, page: 0 });
  }

  isOpen(key) {
    return (this.view.open ?? []).includes(key);
  }

  toggle(key) {
    const open = this.view.open ?? [];
    this.choose({ open: this.isOpen(key) ? open.filter((k) => k !== key) : [...open, key] });
  }

  /** Open every stage around a card, so that it is seen. */
  reveal(key) {
    const around = [];
    for (let at = this.cards[key]?.parent; at; at = this.cards[at]?.parent) around.push(at);
    const missing = around.filter((group) => !this.isOpen(group));
    if (missing.length) this.choose({ open: [...(this.view.open ?? []), ...missing] });
  }

  /** The place where a card is seen: its own, or that of the closed stage around it. */
  placeOf(key) {
    for (let at = key; at; at = this.cards[at]?.parent) {
      const place = this.drawing.places?.find((p) => p.key === at);
      if (place) return place;
    }
    return null;
  }

  async give(file) {
    this.busy = `looking at ${file.name}`;
    this.tell("said");
    try {
      const data = await imageBytes(file);
      this.model.send({ type: "image", name: file.name }, undefined, [data]);
    } catch (why) {
      this.busy = "";
      this.said = { text: `${file.name} cannot be read as an image: ${why.message}`, bad: true };
      this.tell("said");
    }
  }

  compare(path) {
    this.busy = `reading ${path}`;
    this.tell("said");
    this.model.send({ type: "compare", path });
  }

  /** Have the layers timed, or stop that. */
  time() {
    this.model.send({ type: this.timing.state === "running" ? "stop timing" : "time" });
  }

  dispose() {
    clearTimeout(this.timer);
    for (const [event, handler] of this.handlers) this.model.off(event, handler);
  }
}
