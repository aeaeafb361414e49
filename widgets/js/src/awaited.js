// What becomes of something that a run was asked for. The answer to a press says that it was asked, not that it is done.

import { integer } from "./format.js";
import { nameOf } from "./snapshots.js";

const MISSED = new Set(["finished", "failed", "diverged"]); // states in which a run ends by itself

/** Something that was asked for, until it is done, could not be, or the run has ended. */
export class Awaited {
  #before = null; // rows of the run when it was asked for, null while nothing is awaited

  /** `kinds` of the rows that say what has become of it; `tell(row, store)` says it: { text, look } or null. The row is
   *  undefined where the run has ended without. */
  constructor(store, kinds, tell) {
    Object.assign(this, { store, kinds, tell });
  }

  ask() {
    this.#before = this.store.rows.length;
  }

  forget() {
    this.#before = null;
  }

  get waiting() {
    return this.#before !== null;
  }

  /** What is to be said of it since it was asked for, once; null while there is no news. */
  news() {
    if (!this.waiting) return null;
    const { rows, over } = this.store;
    this.#before = Math.min(this.#before, rows.length); // the run has gone back: there are fewer
    const found = rows.slice(this.#before).find((row) => this.kinds.includes(row.kind));
    if (!found && !over) return null;
    this.forget();
    return this.tell(found, this.store);
  }
}

export function snapshotNews(row) {
  if (!row) return { text: "", look: "" }; // the run ended, and its header says how
  if (row.kind === "unsaved") return { text: row.text, look: "bad" };
  return { text: `snapshot written: ${nameOf(row.text)} at iteration ${integer(row.iter)}`, look: "" };
}

/** A training that writes its last snapshot serves nobody any more. */
export function pauseNews(row, { state, name }) {
  if (row || !MISSED.has(state)) return null;
  return { text: `${name} has ${state}: there was nothing left to pause`, look: "bad" };
}
