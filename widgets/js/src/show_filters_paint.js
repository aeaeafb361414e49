// Painting tiles of weights, images and bars on canvases.

import { MARKS } from "./filters-paint.js";
import { painted } from "./show_filters_data.js";

const TAG = 13; // pixels of the square that holds a glyph

function put(g, rgba, width, height, [x, y, w, h]) {
  const small = new OffscreenCanvas(width, height);
  small.getContext("2d").putImageData(new ImageData(rgba, width, height), 0, 0);
  g.drawImage(small, x, y, w, h);
}

/** One filter in a rectangle [x, y, w, h]. */
export function paintFilter(g, bank, index, look, rectangle, colours) {
  g.imageSmoothingEnabled = false;
  if (bank.marks.get(index)?.kind === "broken") return hatch(g, rectangle, colours);
  put(g, bank.pixels(index, look.scale, look.channel), bank.layer.width, bank.layer.height, rectangle);
}

/** NaN is never a colour. */
export function hatch(g, [x, y, w, h], colours) {
  g.save();
  g.beginPath();
  g.rect(x, y, w, h);
  g.clip();
  g.strokeStyle = colours.hatch;
  g.lineWidth = 1;
  g.beginPath();
  for (let k = -h; k < w; k += 5) {
    g.moveTo(x + k, y + h);
    g.lineTo(x + k + h, y);
  }
  g.stroke();
  g.restore();
}

/** Frame and glyph of a filter that does no work. */
export function paintMark(g, kind, [x, y, w, h], colours) {
  const { glyph, dash } = MARKS[kind];
  const tag = Math.min(TAG, w * 0.5);
  g.setLineDash(dash);
  g.strokeStyle = g.fillStyle = kind === "broken" ? colours.bad : colours.warn;
  g.lineWidth = 1.5;
  g.strokeRect(x - 0.75, y - 0.75, w + 1.5, h + 1.5);
  g.setLineDash([]);
  g.fillRect(x + w + 1.5 - tag, y + h + 1.5 - tag, tag, tag);
  g.font = `700 ${Math.round(tag * 0.85)}px ${colours.font}`;
  g.fillStyle = colours.bg;
  g.textAlign = "center";
  g.textBaseline = "middle";
  g.fillText(glyph, x + w + 1.5 - tag / 2, y + h + 2 - tag / 2);
}

/** A ring around what is selected. */
export function paintRing(g, [x, y, w, h], colours) {
  ring(g, [x - 1, y - 1, w + 2, h + 2], colours.halo, 2);
  ring(g, [x - 2.5, y - 2.5, w + 5, h + 5], colours.focus, 2.5);
}

function ring(g, rectangle, colour, width) {
  g.strokeStyle = colour;
  g.lineWidth = width;
  g.strokeRect(...rectangle);
}

/** A part of the kernel's pixels over the whole canvas. */
export function paintPart(g, part, width, height, ramp = null) {
  g.imageSmoothingEnabled = part.depth === 3 && part.width > width;
  put(g, painted(part, ramp), part.width, part.height, [0, 0, width, height]);
}

/** A box that can be seen on anything: dark beneath, light above. */
export function paintBox(g, rectangle, [outer, inner]) {
  ring(g, rectangle, outer, 3.5);
  ring(g, rectangle, inner, 1.5);
}

/** Bars that fill the canvas: heights 0..1; `colour(k)` is that of a bar. */
export function paintBars(g, heights, width, height, colour) {
  const step = width / heights.length;
  const gap = step > 3 ? 1 : 0;
  heights.forEach((share, k) => {
    const tall = share > 0 ? Math.max(1.5, share * (height - 2)) : 0;
    g.fillStyle = colour(k);
    g.fillRect(k * step, height - tall, Math.max(0.5, step - gap), tall);
  });
}
