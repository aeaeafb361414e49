// Colours of the present theme for photographs with maps over them.

import { tokens } from "./dom.js";
import { channelsOf } from "./photo.js";
import { ramps } from "./ramp.js";

/** Tokens by name, the ramps, and what is mixed into pixels: paper, plus (drives), minus (holds back) as [r, g, b]. */
export function lookColours(root) {
  const style = getComputedStyle(root);
  const read = (name) => style.getPropertyValue(`--owl-${name}`).trim();
  const [paper, plus, minus] = ["halo", "test", "train"].map((name) => channelsOf(read(name)));
  return { ...tokens(root), "m-2": read("m-2"), ramps: ramps(root), paper, plus, minus };
}
