// How a gradient check is put in words and numbers.

import { DASH, THIN, duration, integer, scientific, significant, timeLeft } from "./format.js";

/** A relative error: two digits, scientific when small. Words ("Inf") come as they are. */
export function error(x) {
  if (x === null || x === undefined) return DASH;
  if (typeof x === "string") return x;
  if (x === 0) return "0";
  return x < 1e-3 ? scientific(x, 1) : significant(x, 2);
}

const grouped = (text) => text.replace(/\.(\d+)/, (_, digits) => `.${digits.replace(/(\d{3})(?=\d)/g, `$1${THIN}`)}`);

/** A slope: eight significant digits in groups of three. */
export function slope(x) {
  if (x === null || x === undefined) return DASH;
  if (typeof x === "string") return x;
  if (x === 0) return "0";
  const size = Math.abs(x);
  const text = size < 1e-3 || size >= 1e6 ? scientific(x, 7) : x.toPrecision(8).replace("-", "\u2212");
  return grouped(text);
}

/** A setting such as 1e-5: a power of ten where it is one. */
export function setting(x) {
  if (x === null || x === undefined) return DASH;
  if (x >= 1e-3) return String(Number(x.toPrecision(3)));
  return scientific(x, 1).replace(".0", "").replace(`1${THIN}×${THIN}`, "");
}

export const shape = (sizes) => sizes.join("×") || "scalar";

/** Index as it is typed: conv1 blobs[0] [3, 0, 1, 2]. */
export const indexed = (row, index) => `${row.layer} ${row.blob}${index.length ? ` [${index.join(", ")}]` : ""}`;

/** Index of an element from its place in memory order. */
export function unravel(offset, sizes) {
  const index = [];
  for (let i = sizes.length - 1; i >= 0; i--) {
    index.unshift(offset % sizes[i]);
    offset = Math.floor(offset / sizes[i]);
  }
  return index;
}

export const VERDICTS = {
  passes: ["check", "passes", "ok"],
  wrong: ["x", "wrong", "bad"],
  unasked: ["warn", "unasked", "warn"],
  known: ["approx", "as in Caffe", "warn"],
  kinks: ["kink", "only kinks", "mut"],
  waits: ["wait", "waits", "mut"],
  checking: ["clock", "checking", "now"],
};

/** Glyph, word and look of a row; of one that waits for good that it was not checked. */
export function verdict(row, over) {
  if (over && (row.verdict === "waits" || (row.verdict === "checking" && !row.done))) return ["wait", "not checked", "mut"];
  return VERDICTS[row.verdict] ?? VERDICTS.waits;
}

/** State of the whole: look, glyph, word. */
export function state(store) {
  const { head, over } = store;
  const paused = head.state === "paused";
  const wrong = store.wrongRows.length;
  const count = wrong || (over && head.loss_is_wrong ? 1 : 0);
  if (head.error) return ["bad", "warn", "Failed"];
  if (count) return ["bad", "x", wrong ? `${wrong} wrong${paused ? ", paused" : ""}` : "Loss wrong"];
  if (over && store.unaskedRows.length) return ["warn", "warn", `${store.unaskedRows.length} unasked`];
  if (over && head.interrupted) return ["stop", "stop", "Interrupted"];
  if (over) return store.rows.length ? ["run", "check", "All pass"] : ["stop", "stop", "Nothing to check"];
  if (paused) return ["pause", "pause", "Paused"];
  return ["pause", "clock", "Checking"];
}

/** The words beside the name. */
export function detail(store) {
  const { head, over, rows } = store;
  if (!over && !head.doing) return "running the whole net once in float64";
  if (!over) return `${head.state === "paused" ? "at" : "checking"} ${head.doing}`;
  const checked = rows.filter((row) => row.done || row.faults.length).length;
  const blobs = `${checked === rows.length ? checked : `${checked} of ${rows.length}`} blob${rows.length === 1 ? "" : "s"}`;
  return head.interrupted ? `interrupted after ${blobs}` : blobs;
}

/** The figures of the header: [key, value, small print]. */
export function figures({ head, over }) {
  const time = over ? ["took", duration(Math.max(head.seconds, 0.5)), ""] : ["time left", timeLeft(head.left), head.shorter ? `${head.shorter} takes less` : ""];
  if (over && head.seconds < 1) time[1] = `${head.seconds.toFixed(2)}${THIN}s`;
  return [
    ["elements", integer(head.done), head.total > head.done ? `/ ${integer(head.total)}` : ""],
    time,
    ["step", setting(head.step), ""],
    ["tolerance", setting(head.tolerance), ""],
    ["precision", "float64", ""],
  ];
}

/** What the curve of error against step says. */
export function reading(curve, tolerance) {
  const errors = curve.map(([, e]) => e).filter((e) => typeof e === "number" && Number.isFinite(e));
  if (!errors.length) return "no numbers";
  if (Math.min(...errors) <= tolerance) return "a valley: the gradient is right";
  const inner = curve.filter(([s, e]) => s >= 1e-8 && s <= 1e-4 && typeof e === "number").map(([, e]) => e);
  if (inner.length && Math.max(...inner) < 2 * Math.min(...inner)) return "flat: wrong, whatever the step";
  return "no valley: a kink nearby?";
}

/** The blob as a whole along random directions, in words. */
export function directions(row) {
  if (!row.directions) return "";
  const many = `${row.directions} random direction${row.directions === 1 ? "" : "s"}`;
  return row.wrong_directions ? `wrong along ${row.wrong_directions} of ${many}` : `right along ${many}`;
}
