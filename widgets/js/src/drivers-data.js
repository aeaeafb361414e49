// Maps of what drives a unit as numbers: levels from the kernel to shares, values under a pointer, words.

import { THIN, duration, integer, percent, significant } from "./format.js";

const ZERO = 128; // level of 0 in a signed map
export const LOOKS = [["over", "over"], ["spot", "spotlight"], ["map", "map"], ["signed", "signed"]];
export const ABOUT = {
  occlusion: { name: "occlusion", about: "By how much its value falls when a square over the pixel is covered. Slow, and asks the net itself." },
  gradient: { name: "gradient", about: "By how much a change of the pixel changes its value, slightly smoothed." },
  deconvnet: { name: "deconvnet", about: "The gradient, but each ReLU passes back whatever is positive of it." },
  guided: { name: "guided", about: "The gradient, but each ReLU passes back only what is positive, where it was on. Sharpens edges in untrained nets, too." },
};
export const methodName = (method) => ABOUT[method]?.name ?? method;

/** Whether a method tells what holds a unit back, too. */
export const isSigned = (method) => method === "occlusion";

/** Levels as shares of the limit: -1..1 of a signed map, 0..1 of others. */
export function sharesOf(levels, method) {
  const out = new Float32Array(levels.length);
  const [zero, reach] = isSigned(method) ? [ZERO, ZERO - 1] : [0, 255];
  for (let p = 0; p < levels.length; p++) out[p] = (levels[p] - zero) / reach;
  return out;
}

/** What a spotlight lets through: what drives the unit. */
export const spotlight = (shares) => shares.map((share) => Math.max(0, share));

/** Words about a pixel: "row 40, column 112: covering it costs 0.0231". */
export function pointWords(found, share, row, column) {
  const value = share * found.limit;
  const where = `row ${row}, column ${column}`;
  if (!isSigned(found.method)) return `${where}: ${significant(value, 2)} per step of the pixel`;
  return `${where}: covering it ${value < 0 ? "adds" : "costs"} ${significant(Math.abs(value), 3)}`;
}

/** The smallest part of the image, 0..1, that holds half of all that is positive in the map. */
export function halfOfIt(shares) {
  const positive = shares.filter((share) => share > 0).sort();
  const half = positive.reduce((sum, share) => sum + share, 0) / 2;
  let [sum, count] = [0, 0];
  while (sum < half) sum += positive[positive.length - ++count];
  return count / shares.length;
}

/** What a method does, or why its map is empty. */
export function aboutWords(found, method, type) {
  if (found.state !== "ready" || found.method !== method || found.limit) return ABOUT[method]?.about ?? "";
  const sure = type === "Softmax" ? " A softmax that is sure has no slope; ask about the scores before it." : "";
  return `The map is 0 everywhere: by this method nothing in the image changes its value.${sure}`;
}

/** What there is to read in a finished map: [term, words]. */
export function readings(found, chosen, shares) {
  if (!found.limit) return [];
  const at = `row ${found.peak[0]}, column ${found.peak[1]}`;
  const half = ["half of it lies on", `${percent(halfOfIt(shares))}${THIN}% of the image`];
  if (!isSigned(found.method)) return [["steepest at", at], ["steepest", significant(found.highest, 3)], half];
  const share = (value) => (chosen.value > 0 ? `, ${percent(value / chosen.value, 0)}${THIN}% of its value` : "");
  return [
    ["costs most at", at],
    ["costs up to", `${significant(found.highest, 3)}${share(found.highest)}`],
    ["adds up to", `${significant(-found.deepest, 3)}${share(-found.deepest)}`],
    half,
  ];
}

/** What the kernel is doing, for the footer. */
export function stateWords(found) {
  if (found.state === "failed") return found.problem;
  if (found.state === "working") return found.total ? `${integer(found.done)} of ${integer(found.total)} places covered` : "computing";
  if (found.state === "stopped") return found.total ? `stopped after ${integer(found.done)} of ${integer(found.total)} places` : "stopped";
  const took = found.seconds ? `, ${found.seconds < 10 ? `${found.seconds.toFixed(1)}${THIN}s` : duration(found.seconds)}` : "";
  if (isSigned(found.method)) return `${integer(found.total)} places, squares of ${found.patch}${THIN}×${THIN}${found.patch}, step ${found.stride}${took}`;
  return `one pass forward and back${took}`;
}

/** A value as the layer means it: shares of a softmax in per cent. */
export const valueWords = (value, type) => (type === "Softmax" ? `${percent(value)}${THIN}%` : significant(value, 3));

/** "bow tie", "unit 457", "unit 12 at row 3, column 4". */
export function unitWords(chosen) {
  if (chosen.name) return chosen.name;
  const place = chosen.place ? ` at row ${chosen.place[0]}, column ${chosen.place[1]}` : "";
  return `unit ${chosen.unit}${place}`;
}
