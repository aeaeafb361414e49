// A model's traits as a store: they come from the kernel whole; the view goes back to it.

const SAVE_DELAY = 60; // milliseconds: the kernel computes from the view

export class TraitStore {
  #listeners = new Set();

  /** traits: names of those that are read. view: what it is before anybody has chosen. */
  constructor(traits, view) {
    this.traits = traits;
    this.view = { ...view };
  }

  subscribe(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  changed(topic) {
    for (const listener of this.#listeners) listener(topic);
  }

  setView(change) {
    const next = { ...this.view, ...change };
    if (JSON.stringify(next) === JSON.stringify(this.view)) return;
    this.view = next;
    this.changed("view");
  }

  /** Follow a model; `onMessage` gets its messages. Gives what ends it. */
  connect(model, onMessage = () => {}) {
    this.send = (content, buffers) => model.send(content, undefined, buffers);
    const load = () => {
      for (const name of this.traits) this[name] = model.get(name);
    };
    let timer = 0; // a choice that the kernel does not know yet is not undone by what it says meanwhile
    const takeView = () => {
      if (!timer) this.view = { ...this.view, ...model.get("view") };
    };
    load();
    takeView();
    // Traits that belong together arrive in one message, and are told of one after the other.
    let due = false;
    const later = () => {
      if (due) return;
      due = true;
      queueMicrotask(() => {
        due = false;
        load();
        takeView();
        this.changed("kernel");
      });
    };
    const stop = this.subscribe((topic) => {
      if (topic !== "view") return;
      clearTimeout(timer);
      timer = setTimeout(() => {
        timer = 0;
        model.set("view", this.view);
        model.save_changes();
      }, SAVE_DELAY);
    });
    const topics = [...this.traits, "view"].map((name) => `change:${name}`);
    for (const topic of topics) model.on(topic, later);
    model.on("msg:custom", onMessage);
    return () => {
      clearTimeout(timer);
      stop();
      for (const topic of topics) model.off(topic, later);
      model.off("msg:custom", onMessage);
    };
  }
}
