// Colours of the present theme for photographs with maps over them.

import { tokens } from "./dom.js";
import { channelsOf } from "./photo.js";
import { ramps } from "./ramp.js";

const VEIL = { light: 0.48, dark: 0.28 }; // share of the paper in a photograph under a map

/** Tokens by name, the ramps, and what is mixed into pixels: paper, plus (drives), minus (holds back) as
 *  [r, g, b]; veil: how much of the paper. */
export function lookColours(root) {
  const style = getComputedStyle(root);
  const read = (name) => style.getPropertyValue(`--owl-${name}`).trim();
  const [paper, plus, minus] = ["halo", "test", "train"].map((name) => channelsOf(read(name)));
  return { ...tokens(root), "m-2": read("m-2"), ramps: ramps(root), paper, plus, minus, veil: paper[0] > 127 ? VEIL.light : VEIL.dark };
}
