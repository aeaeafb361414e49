// What excites units, as numbers: orders, pixels of the tiles, words.

import { THIN, duration, integer, percent, significant } from "./format.js";

export const ORDERS = ["index", "answer", "fires"];
const QUIET = 0; // an answer up to here is none: what ReLU lets through lies above

/** Whether no image made the unit answer: only what was seen counts. */
export const isSilent = (scan, unit) => scan.values[unit] <= QUIET;

/** Numbers of the units that answered to nothing. */
export const silentOf = (scan) => (scan.values ?? []).flatMap((_, unit) => (isSilent(scan, unit) ? [unit] : []));

/** Units in the order of their numbers, of their largest answers, or of how often they fire. */
export function ordered(scan, order) {
  const all = Array.from({ length: scan.units ?? 0 }, (_, unit) => unit);
  const by = { answer: scan.values, fires: scan.fired }[order];
  return by?.length ? all.sort((a, b) => by[b] - by[a] || a - b) : all;
}

/** Pixels (r, g, b, a) of a unit's tile. */
export function tileOf(bytes, side, unit) {
  const length = 4 * side * side;
  return new Uint8ClampedArray(bytes.slice(unit * length, (unit + 1) * length));
}

/** "14 × 14 pixels", of what a unit sees. */
export const sidesWords = ([height, width]) => `${significantSide(height)}${THIN}×${THIN}${significantSide(width)}`;
const significantSide = (side) => (Number.isInteger(side) ? integer(side) : side.toFixed(1));

/** What is said of a layer: "Convolution, 50 units, 8 × 8 places". */
export function layerWords(layer) {
  const [rows, columns] = layer.plane;
  const places = rows * columns > 1 ? `, ${sidesWords(layer.plane)} places` : "";
  return `${layer.type}, ${integer(layer.units)} units${places}`;
}

/** What the kernel is doing, for bar and footer. */
export function stateWords(scan) {
  const { state, done = 0, total = 0, seconds } = scan;
  if (state === "failed") return scan.problem;
  if (state === "ready") return `${integer(done)} images${seconds ? ` in ${seconds < 10 ? `${seconds.toFixed(1)}${THIN}s` : duration(seconds)}` : ""}`;
  const words = `${integer(done)} of ${integer(total)} images`;
  return state === "stopped" ? `stopped after ${words}` : words;
}

/** What a patch is called: its record's key, and its label where it has one. */
export const patchWords = (patch) => (patch.label === null || patch.label === undefined ? patch.name : `${patch.name}, label ${patch.label}`);

/** A key that is short enough for the room beneath a patch: leading zeros of numbers say nothing. */
export const shortName = (name) => (/^0+\d+$/.test(name) ? name.replace(/^0+(?=\d)/, "") : name);

export const firedWords = (share) => `${percent(share)}${THIN}%`;
export const valueWords = (value) => significant(value, 3);
