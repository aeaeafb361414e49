// The strips of the layers panel: colour is the value, the thin line the same value as a curve. Lengths are
// CSS pixels, the canvas is scaled.

import { extreme, pixelRows } from "./layers-data.js";
import { step } from "./ramp.js";

const HATCH = 5; // pixels between the lines that stand for NaN and Inf
const CALM = -3; // log10 ratio of the paper tone
const RANGE = 6; // decades of the ratio scale, from -6 to 0

/** What a value is on its scale 0..1. `range`: ends of log10 of the norms. */
export function shareOf(kind, value, range) {
  if (kind === "ratio") return (value + RANGE) / RANGE;
  return (value - range[0]) / (range[1] - range[0]);
}

/** A painter for one state of the table; it paints as many strips as wanted.
 *  view: { kind, x0, x1, width, range, now: where the run is }, look: { ramps, colours }. */
export function stripPainter(norms, view, look) {
  const { kind, x0, x1, range, now } = view;
  const width = Math.max(1, Math.round(view.width));
  const rows = pixelRows(norms, x0, x1, width, now);
  const lut = kind === "ratio" ? look.ramps.ratio : look.ramps.size;
  const calm = kind === "ratio" ? CALM : (range[0] + range[1]) / 2;
  const image = new ImageData(width, 1);
  const scratch = new OffscreenCanvas(width, 1);

  /** Values of a parameter per pixel column; undefined where there is none. */
  function values(index) {
    const out = new Array(width);
    for (let x = 0; x < width; x++)
      if (rows[2 * x] >= 0) out[x] = extreme(norms, kind, index, rows[2 * x], rows[2 * x + 1], calm);
    return out;
  }

  function colour(g, found, y, height) {
    const d = image.data;
    for (let x = 0; x < width; x++) {
      const value = found[x];
      const blank = value === undefined || value === null || Number.isNaN(value);
      const k = blank ? 0 : 3 * step(shareOf(kind, value, range));
      d.set([lut[k], lut[k + 1], lut[k + 2], blank ? 0 : 255], 4 * x);
    }
    scratch.getContext("2d").putImageData(image, 0, 0);
    g.imageSmoothingEnabled = false;
    g.drawImage(scratch, 0, y, width, height);
  }

  function hatch(g, found, y, height) {
    const first = found.findIndex((value) => Number.isNaN(value));
    if (first < 0) return;
    let last = width - 1;
    while (!Number.isNaN(found[last])) last--;
    g.save();
    g.beginPath();
    for (let x = first; x <= last; x++) if (Number.isNaN(found[x])) g.rect(x, y, 1, height);
    g.clip();
    g.strokeStyle = look.colours.hatch;
    g.lineWidth = 1;
    g.beginPath();
    for (let x = first - height; x <= last; x += HATCH) {
      g.moveTo(x, y + height);
      g.lineTo(x + height, y);
    }
    g.stroke();
    g.restore();
  }

  function line(g, found, y, height) {
    const known = found.filter((v) => Number.isFinite(v));
    if (!known.length) return;
    // A norm changes little: its curve has the row's own range, at least a factor of two.
    let [lo, hi] = kind === "ratio" ? [-RANGE, 0] : [Math.min(...known), Math.max(...known)];
    if (kind !== "ratio") [lo, hi] = [(lo + hi - Math.max(hi - lo, 0.3)) / 2, (lo + hi + Math.max(hi - lo, 0.3)) / 2];
    g.strokeStyle = look.colours.ink;
    g.globalAlpha = 0.62;
    g.lineWidth = 1;
    g.beginPath();
    let drawing = false;
    for (let x = 0; x < width; x++) {
      if (!Number.isFinite(found[x])) {
        drawing = false;
        continue;
      }
      const at = y + height - Math.min(0.94, Math.max(0.06, (found[x] - lo) / (hi - lo))) * height;
      if (drawing) g.lineTo(x + 0.5, at);
      else g.moveTo(x, at);
      drawing = true;
    }
    g.stroke();
    g.globalAlpha = 1;
  }

  /** Bracket over the time since which a row is flagged. */
  function bracket(g, flag, y) {
    const toX = (iteration) => ((iteration - x0) / (x1 - x0)) * width;
    const a = Math.max(0, toX(flag.since));
    const b = Math.min(width, toX(Math.max(now, norms.iter[norms.n - 1])));
    if (b <= a) return;
    g.strokeStyle = flag.kind === "frozen" ? look.colours.train : look.colours.bad;
    g.lineWidth = 2;
    g.beginPath();
    g.moveTo(a + 1, y + 4);
    g.lineTo(a + 1, y);
    g.lineTo(b - 1, y);
    g.lineTo(b - 1, y + 4);
    g.stroke();
  }

  /** A parameter that does not learn has no colour: a hairline where its updates would be. */
  function still(g, y, height) {
    g.fillStyle = look.colours.edge;
    g.fillRect(0, y + Math.floor(height / 2), width, 1);
  }

  /** The strip of a parameter {index, fixed}; with `curve` also its sparkline, with `flag` its bracket. */
  return (g, { index, fixed }, y, height, { curve = false, flag = null } = {}) => {
    if (fixed && kind !== "weight") return void (curve && still(g, y, height));
    const found = values(index);
    colour(g, found, y, height);
    hatch(g, found, y, height);
    if (curve) line(g, found, y, height);
    if (flag) bracket(g, flag, y);
  };
}

/** Hairlines of learning rate, pause and NaN, as in the chart above. */
export function hairlines(g, flags, { x0, x1, width }, height, colourOf) {
  g.lineWidth = 1;
  g.setLineDash([2, 3]);
  g.globalAlpha = 0.8;
  for (const flag of flags) {
    if (flag.iter < x0 || flag.iter > x1) continue;
    const x = Math.round(((flag.iter - x0) / (x1 - x0)) * width) + 0.5;
    g.strokeStyle = colourOf(flag);
    g.beginPath();
    g.moveTo(x, 0);
    g.lineTo(x, height);
    g.stroke();
  }
  g.setLineDash([]);
  g.globalAlpha = 1;
}
