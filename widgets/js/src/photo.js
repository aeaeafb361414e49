// Photographs and maps over them, as pixels: r, g, b, a in rows.

const LUMA = [0.299, 0.587, 0.114]; // ITU-R BT.601

/** Bytes of a buffer from the kernel. */
export const bytesOf = (view) => (view?.byteLength ? new Uint8Array(view.buffer ?? view, view.byteOffset ?? 0, view.byteLength) : new Uint8Array(0));

/** A photograph (r, g, b) as it is. */
export function coloured(rgb) {
  const out = new Uint8ClampedArray((4 * rgb.length) / 3);
  for (let p = 0, q = 0; p < rgb.length; p += 3, q += 4) {
    for (let c = 0; c < 3; c++) out[q + c] = rgb[p + c];
    out[q + 3] = 255;
  }
  return out;
}

/** A photograph without its colours, so that hue is free to mean something; `share` of the paper [r, g, b] is mixed in. */
export function faded(rgb, paper, share) {
  const out = new Uint8ClampedArray((4 * rgb.length) / 3);
  for (let p = 0, q = 0; p < rgb.length; p += 3, q += 4) {
    const grey = LUMA[0] * rgb[p] + LUMA[1] * rgb[p + 1] + LUMA[2] * rgb[p + 2];
    for (let c = 0; c < 3; c++) out[q + c] = grey + share * (paper[c] - grey);
    out[q + 3] = 255;
  }
  return out;
}

/** A photograph that is seen where the map is large: transparent elsewhere. shares: 0..1 per pixel. */
export function revealed(rgb, shares) {
  const out = coloured(rgb);
  for (let p = 0; p < shares.length; p++) out[4 * p + 3] = 255 * shares[p];
  return out;
}

/** A tint whose strength is the map: `plus` where it is positive, `minus` where negative ([r, g, b]); opacity 0..1. */
export function tinted(shares, plus, minus, opacity) {
  const out = new Uint8ClampedArray(4 * shares.length);
  for (let p = 0; p < shares.length; p++) {
    out.set(shares[p] < 0 ? minus : plus, 4 * p);
    out[4 * p + 3] = 255 * opacity * Math.abs(shares[p]);
  }
  return out;
}

/** A map alone, on a ramp (256 times r, g, b); shares -1..1 where it is signed, else 0..1. */
export function ramped(shares, ramp, signed) {
  const out = new Uint8ClampedArray(4 * shares.length);
  for (let p = 0; p < shares.length; p++) {
    const k = 3 * Math.round(255 * Math.min(1, Math.max(0, signed ? (shares[p] + 1) / 2 : shares[p])));
    out[4 * p] = ramp[k];
    out[4 * p + 1] = ramp[k + 1];
    out[4 * p + 2] = ramp[k + 2];
    out[4 * p + 3] = 255;
  }
  return out;
}

/** [r, g, b] of a hexadecimal colour. */
export function channelsOf(hex) {
  const full = hex.length === 4 ? hex.replace(/[0-9a-f]/gi, "$&$&") : hex;
  return [1, 3, 5].map((i) => parseInt(full.slice(i, i + 2), 16));
}

const COARSE = 4; // screen pixels per pixel, from which these are shown as they are

/** Whether a photograph is smoothed at so many pixels of the screen for each of its own: a digit is not. */
export const smoothAt = (scale) => scale < COARSE;

/** Put pixels of height × width into a rectangle [x, y, w, h] of a canvas. */
export function put(g, rgba, height, width, [x, y, w, h], smooth) {
  const small = new OffscreenCanvas(width, height);
  small.getContext("2d").putImageData(new ImageData(rgba, width, height), 0, 0);
  g.imageSmoothingEnabled = smooth;
  g.imageSmoothingQuality = "high";
  g.drawImage(small, x, y, w, h);
}

/** The rectangle of [top, left, bottom, right] in pixels of the input, at so many pixels of the screen for each. */
export const rectangleOf = ([top, left, bottom, right], scale) => [left * scale, top * scale, (right - left) * scale, (bottom - top) * scale];
