// Commands to the kernel and their answers. A command that is not answered within two seconds says so.

const PATIENCE = 2000; // milliseconds

export class Commands {
  constructor(send) {
    this.send = send;
    this.next = 1;
    // Answers go to every page that shows the widget: of whom they are, the number alone would not say.
    this.page = Math.random().toString(36).slice(2);
    this.open = new Map();
    this.listeners = new Set();
  }

  get waiting() {
    return this.open.size > 0;
  }

  /** Ask the kernel; resolves with its answer { ok, error, value }. */
  ask(name, value = null) {
    const id = `${this.page}-${this.next++}`;
    return new Promise((resolve) => {
      const late = setTimeout(() => this.#tell("late", name), PATIENCE);
      this.open.set(id, { name, resolve, late });
      this.send({ type: "command", id, name, value });
      this.#tell("sent", name);
    });
  }

  answer({ id, ok, error, value = null }) {
    const entry = this.open.get(id);
    if (!entry) return;
    clearTimeout(entry.late);
    this.open.delete(id);
    this.#tell(ok ? "done" : "refused", entry.name, error);
    entry.resolve({ ok, error, value });
  }

  /** What went wrong with something that nobody waits for. */
  trouble(error) {
    this.#tell("trouble", "", error);
  }

  #tell(what, name, error) {
    for (const listener of this.listeners) listener(what, name, error);
  }

  dispose() {
    for (const { late } of this.open.values()) clearTimeout(late);
    this.open.clear();
  }
}
