// The map of a blob: one cell per element of the sample, in memory order, down and then right.

import { blend } from "./ramp.js";
import { KINK, NO_NUMBER, PENDING, RIGHT, WAITING, WRONG } from "./gradients-store.js";

export { logError as logErrorOf } from "./gradients-store.js";

const HIGH = [
  [20, 5],
  [500, 6],
]; // up to so many elements, so many cells one above the other
const MOST_HIGH = 8;
const NARROWEST = 2; // CSS pixels; below that a cell stands for several elements

/** Where the cells of n elements lie: {high, wide, w, h, gap, each}; each cell stands for `each` elements. */
export function layout(n, width, height) {
  const high = Math.min(n, HIGH.find(([most]) => n <= most)?.[1] ?? MOST_HIGH) || 1;
  const each = Math.max(1, Math.ceil(n / (high * Math.floor(width / NARROWEST))));
  const cells = Math.ceil(n / each);
  const wide = Math.max(1, Math.ceil(cells / high));
  const h = height / high;
  const w = Math.min(h, width / wide);
  return { n, each, cells, high, wide, w, h, gap: w > 4 ? 1 : w > 2 ? 0.6 : 0 };
}

/** Element at a point of the map, null beside it. */
export function hit({ n, each, high, w, h }, x, y) {
  if (x < 0 || y < 0) return null;
  const [column, row] = [Math.floor(x / w), Math.floor(y / h)];
  const k = (column * high + row) * each;
  return row < high && k < n ? k : null;
}

/** Top left corner of the cell of an element. */
export function corner({ each, high, w, h }, k) {
  const cell = Math.floor(k / each);
  return [Math.floor(cell / high) * w, (cell % high) * h];
}

/** What is shown of several: no number before wrong ones, the largest first, then what may be wrong, kinks, the rest. */
const rank = (code) => ({ [NO_NUMBER]: 300, [PENDING]: WRONG - 0.5, [KINK]: WRONG - 0.6 })[code] ?? code;

/** What a cell of several elements shows: the worst of them, so that none is hidden. */
export function worstOf(codes, first, each) {
  let worst = codes[first];
  for (let k = first + 1; k < Math.min(first + each, codes.length); k++) if (rank(codes[k]) > rank(worst)) worst = codes[k];
  return worst;
}

/** Columns of a wide map around an element, for a closer look: {first, count} in elements. */
export function neighbourhood(map, k, most) {
  const { high, wide } = map;
  const columns = Math.min(wide, most);
  const middle = Math.floor(Math.floor((k ?? 0) / map.each) / high);
  const start = Math.max(0, Math.min(wide - columns, middle - Math.floor(columns / 2)));
  return { first: start * high * map.each, count: columns * high * map.each, start, columns };
}

/** Colours of the present theme. */
export function palette(root) {
  const style = getComputedStyle(root);
  const get = (name) => style.getPropertyValue(`--owl-${name}`).trim();
  const [right, wrong] = [blend(["m-0", "m-1", "m-2"].map(get)), blend(["r-1", "r-0"].map(get))];
  const colour = (ramp, share) => {
    const i = 3 * Math.round(Math.min(1, Math.max(0, share)) * 255);
    return `#${[...ramp.subarray(i, i + 3)].map((c) => c.toString(16).padStart(2, "0")).join("")}`;
  };
  const cells = Array.from({ length: 256 }, (_, code) => {
    if (code >= WRONG) return colour(wrong, (code - WRONG) / (255 - WRONG));
    return code >= RIGHT ? colour(right, (code - RIGHT) / (WRONG - 1 - RIGHT)) : get("bg-sunk");
  });
  return { cells, ink: get("ink"), halo: get("halo"), hatch: get("hatch"), sunk: get("bg-sunk"), now: get("train") };
}

/** Paint `count` elements from `first` on; `cursor` draws the place where the check is. */
export function paint(g, map, codes, colours, first = 0, count = map.n, cursor = null) {
  const [shift] = corner(map, first);
  const last = Math.min(map.n, first + count);
  for (let k = first; k < last; k += map.each) {
    const [x, y] = corner(map, k);
    cell(g, worstOf(codes, k, map.each) ?? WAITING, [x - shift, y, map.w - map.gap, map.h - Math.max(map.gap, 0.6)], colours);
  }
  if (cursor === null) return;
  g.fillStyle = colours.now;
  g.fillRect(corner(map, cursor)[0] - shift, 0, 1.5, map.high * map.h);
}

function cell(g, code, [x, y, w, h], colours) {
  g.globalAlpha = code === WAITING ? 0.55 : 1;
  g.fillStyle = colours.cells[code];
  g.fillRect(x, y, w, h);
  g.globalAlpha = 1;
  if (code === KINK) kink(g, x, y, w, h, colours.ink);
  if (code === PENDING) dot(g, x, y, w, h, colours.ink);
  if (code === NO_NUMBER) hatch(g, x, y, w, h, colours.hatch);
}

function kink(g, x, y, w, h, ink) {
  const top = Math.max(y + 0.8, y + h / 2 - w * 0.6);
  g.strokeStyle = ink;
  g.lineWidth = w > 9 ? 1.5 : 1;
  g.beginPath();
  g.moveTo(x + 0.15 * w, Math.min(y + h - 0.8, top + w));
  g.lineTo(x + w / 2, top);
  g.lineTo(x + 0.85 * w, Math.min(y + h - 0.8, top + w));
  g.stroke();
}

function dot(g, x, y, w, h, ink) {
  g.fillStyle = ink;
  g.beginPath();
  g.arc(x + w / 2, y + h / 2, Math.max(0.7, Math.min(w, h) / 5), 0, 7);
  g.fill();
}

function hatch(g, x, y, w, h, ink) {
  g.save();
  g.beginPath();
  g.rect(x, y, w, h);
  g.clip();
  g.strokeStyle = ink;
  g.lineWidth = 1;
  g.beginPath();
  for (let d = -h; d < w; d += 3) {
    g.moveTo(x + d, y + h);
    g.lineTo(x + d + h, y);
  }
  g.stroke();
  g.restore();
}

/** A frame around columns or a cell; `halo` where it has to stand out from any colour. */
export function frame(g, x, y, w, h, colours, halo = false) {
  if (halo) {
    g.strokeStyle = colours.halo;
    g.lineWidth = 4;
    g.strokeRect(x - 1, y - 1, w + 1, h + 1);
  }
  g.strokeStyle = colours.ink;
  g.lineWidth = halo ? 2 : 1.5;
  g.strokeRect(x - (halo ? 1 : 0), y - (halo ? 1 : 0), w + (halo ? 1 : 0), h + (halo ? 1 : 0));
}
