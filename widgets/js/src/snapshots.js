// Snapshots: where they lie.

export const nameOf = (path) => path.split(/[\\/]/).at(-1);
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
