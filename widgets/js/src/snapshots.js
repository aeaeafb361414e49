// Snapshots: where they lie, and what becomes of one that was asked for.

import { integer } from "./format.js";

const nameOf = (path) => path.split(/[\\/]/).at(-1);
const folderOf = (path) => path.slice(0, -nameOf(path).length - 1) || "/";

/** The newest snapshot of the run, null where there is none: { iter, text: its path as written, path: the whole one }. */
export const newest = (store) => store.rows.findLast((row) => row.kind === "snapshot") ?? null;

/** Where snapshots lie: { text, path: the whole one }; null where that is not known. */
export function placeOf(store) {
  const row = newest(store);
  if (row?.path) return { text: `${nameOf(row.path)} in ${folderOf(row.path)}`, path: row.path };
  const prefix = store.run.snapshots;
  return prefix && !row ? { text: `snapshots go to ${folderOf(prefix)}`, path: `${prefix}_iter_N.caffemodel` } : null;
}

/** A snapshot that was asked for, until its files are there or could not be written. */
export class Awaited {
  #before = null; // rows of the run when it was asked for, null while nothing is awaited

  constructor(store) {
    this.store = store;
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

  /** What has become of it since it was asked for, once: { text, look }; null while there is no news. */
  news() {
    if (!this.waiting) return null;
    const { rows, over } = this.store;
    this.#before = Math.min(this.#before, rows.length); // the run has gone back: there are fewer
    const since = rows.slice(this.#before);
    const found = since.find((row) => row.kind === "snapshot" || row.kind === "unsaved");
    if (!found && !over) return null;
    this.forget();
    if (!found) return { text: "", look: "" }; // the run ended, and its header says how
    if (found.kind === "unsaved") return { text: found.text, look: "bad" };
    return { text: `snapshot written: ${nameOf(found.text)} at iteration ${integer(found.iter)}`, look: "" };
  }
}
