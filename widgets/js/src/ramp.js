// Colour scales from the tokens: a number becomes a place on a ramp, the ramp 256 colours.

export const RATIO = ["r-6", "r-5", "r-4", "r-3", "r-2", "r-1", "r-0"]; // log10 from -6 to 0
export const SIZE = ["m-0", "m-1", "m-2", "m-3", "m-4"]; // small to large
const STEPS = 256;

const channels = (hex) => {
  const full = hex.length === 4 ? hex.replace(/[0-9a-f]/gi, "$&$&") : hex;
  return [1, 3, 5].map((i) => parseInt(full.slice(i, i + 2), 16));
};

/** 256 colours (r, g, b one after the other) between hexadecimal stops that lie evenly apart. */
export function blend(stops) {
  const colours = stops.map(channels);
  const out = new Uint8ClampedArray(3 * STEPS);
  for (let i = 0; i < STEPS; i++) {
    const at = (i / (STEPS - 1)) * (colours.length - 1);
    const k = Math.min(colours.length - 2, Math.floor(at));
    for (let c = 0; c < 3; c++) out[3 * i + c] = colours[k][c] + (colours[k + 1][c] - colours[k][c]) * (at - k);
  }
  return out;
}

/** Place 0..255 of a share 0..1 on a ramp. */
export const step = (share) => Math.round(Math.min(1, Math.max(0, share)) * (STEPS - 1));

/** The ramps of the present theme. */
export function ramps(root) {
  const style = getComputedStyle(root);
  const read = (names) => blend(names.map((name) => style.getPropertyValue(`--owl-${name}`).trim()));
  return { ratio: read(RATIO), size: read(SIZE) };
}

/** The same as background of a legend. */
export const gradient = (names) => `linear-gradient(90deg, ${names.map((name) => `var(--owl-${name})`).join(", ")})`;
