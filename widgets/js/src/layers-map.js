// Nets with more layers than there is room for rows: all of them in a map of thin strips, grouped by stage, with
// a lens on one of them and a profile over depth at the cursor.

import { h, setAttribute, setText } from "./dom.js";
import { MINUS } from "./format.js";
import { stages } from "./layers-data.js";
import { shorten } from "./layers-names.js";
import { learning, logRatio, mainOf, rowTexts } from "./layers-text.js";
import { sized } from "./panel.js";

const ROOM = 312; // pixels for the map
const LENS = 18;
const STAGE = 10; // characters of its name
const PROFILE = 150; // width
const LIMITS = [-4.5, -2]; // frozen below, hot above

export function makeMap(store, lay, chart) {
  const labels = h("div", { class: "stages", "aria-hidden": true });
  const profile = h("canvas", { class: "profile", "aria-hidden": true });
  const lensName = h("span", { class: "n b" });
  const lensValue = h("span", { class: "b" });
  const lens = h("div", { class: "lens", role: "slider", tabindex: 0, "aria-label": "Layer under the lens", "aria-orientation": "vertical" }, lensName, lensValue);
  const element = h("div", { class: "deep", hidden: true }, labels, profile, lens);
  lay.append(element);
  let layers = [];
  let short = new Map(); // what is written of a layer's name
  let top = 0;
  let each = 2;
  let at = null;
  let chosen = null; // layer under the lens
  let changed = () => {};
  let latest = null;
  let medians = []; // of the stages: { from, to, element }

  const narrow = () => lay.clientWidth < 1000;

  /** Place everything below `y`; the height of the whole panel body. written: what is
   *  written of a layer's name. */
  function layout(y, all, place, written) {
    layers = all;
    short = written;
    at = place;
    top = y + 20;
    each = Math.max(2, Math.min(6, Math.floor(ROOM / layers.length)));
    element.hidden = false;
    label();
    return top + layers.length * each + 16;
  }

  function label() {
    const found = stages(layers.map((layer) => layer.name));
    labels.replaceChildren();
    let free = -Infinity; // where the last label ended
    medians = [];
    found.forEach(({ name, from, to }, i) => {
      const [a, tall] = [top + from * each, (to - from) * each];
      if (tall > 12) labels.append(h("i", { style: `top:${a}px;height:${tall - 1}px;width:${at.left - 6}px` }));
      // The first and the last layer are often stages of their own: their names stand off the map.
      const off = tall > 12 ? 0 : i === 0 ? -6 : i === found.length - 1 ? 6 : 0;
      const middle = (tall > 60 ? a + 8 : a + tall / 2) + off;
      if (middle - 7 < free) return;
      free = middle + 7;
      const text = h("span", { style: `top:${middle - 7}px;width:${at.left - 12}px` }, shorten(name, (text) => text.length <= STAGE));
      if (to - from > 1) text.append(h("span", { class: "mut", text: ` ${to - from}` }));
      labels.append(text);
      if (to - from < 2) return;
      const median = h("span", { class: "mut", style: `top:${middle - 7}px;left:${at.left + at.width + 34}px;width:40px` });
      labels.append(median);
      medians.push({ from, to, element: median });
    });
  }

  function draw(g, paint, look, norms, health, kind) {
    layers.forEach((layer, i) => paint(g, mainOf(layer), top + i * each, each));
    latest = { look, norms, health, kind };
    const k = chosen ?? Math.floor(layers.length / 2);
    const y = middleOf(k) - LENS / 2;
    g.fillStyle = look.colours.bg;
    g.fillRect(0, y - 3, at.width, LENS + 6);
    paint(g, mainOf(layers[k]), y, LENS, { curve: true });
    g.strokeStyle = look.colours.ink;
    g.lineWidth = 1;
    g.strokeRect(0.5, y - 0.5, at.width - 1, LENS + 1);
    lens.style.top = `${y}px`;
    lens.style.height = `${LENS}px`;
    setText(lensName, short.get(layers[k].name));
    setAttribute(lensName, "title", layers[k].name);
    lensName.style.width = `${at.left - 2}px`;
    lensValue.style.left = `${at.left + at.width + (narrow() ? 4 : 34)}px`;
    setAttribute(lens, "aria-valuemin", 1);
    setAttribute(lens, "aria-valuemax", layers.length);
    setAttribute(lens, "aria-valuenow", k + 1);
  }

  const middleOf = (k) => Math.max(top + LENS / 2, Math.min(top + layers.length * each - LENS / 2, top + (k + 0.5) * each));

  /** Values at the cursor: the lens' and the profile's. */
  function move(norms, row) {
    if (element.hidden || !latest) return;
    const k = chosen ?? Math.floor(layers.length / 2);
    const [told] = rowTexts(norms, row, mainOf(layers[k]));
    setText(lensValue, told);
    setAttribute(lens, "aria-valuetext", `${layers[k].name}, ${told}`);
    drawProfile(norms, row);
    for (const { from, to, element: median } of medians) {
      const known = row < 0 ? [] : learning(layers.slice(from, to)).map((layer) => norms.ratio(row, mainOf(layer).index)).filter(Number.isFinite);
      median.hidden = narrow();
      setText(median, logRatio(known.sort((a, b) => a - b)[known.length >> 1]));
    }
  }

  function drawProfile(norms, row) {
    profile.hidden = narrow();
    if (profile.hidden || row < 0) return;
    const { look, health } = latest;
    const c = look.colours;
    const tall = layers.length * each;
    const g = sized(profile, PROFILE, tall + 34);
    profile.style.top = `${top - 16}px`;
    const x = (v) => 4 + ((Math.min(0, Math.max(-6, v)) + 6) / 6) * (PROFILE - 8);
    g.translate(0, 16);
    g.fillStyle = c["bg-soft"];
    g.fillRect(x(LIMITS[0]), 0, x(LIMITS[1]) - x(LIMITS[0]), tall);
    g.strokeStyle = c.grid;
    g.font = `400 11px ${c.font}`;
    g.textAlign = "center";
    for (const v of [-6, -3, 0]) {
      g.beginPath();
      g.moveTo(Math.round(x(v)) + 0.5, 0);
      g.lineTo(Math.round(x(v)) + 0.5, tall);
      g.stroke();
      g.fillStyle = c["ink-2"];
      g.fillText(v ? `${MINUS}${-v}` : "0", x(v) + (v === -6 ? 4 : v === 0 ? -2 : 0), tall + 13);
    }
    g.fillText("healthy", x((LIMITS[0] + LIMITS[1]) / 2), -5);
    const flags = new Map(health.flags.map((flag) => [flag.index, flag]));
    layers.forEach((layer, i) => {
      const { index, fixed } = mainOf(layer);
      const value = norms.ratio(row, index);
      if (fixed || value === null || Number.isNaN(value)) return;
      const flag = flags.get(index);
      g.fillStyle = flag ? (flag.kind === "frozen" ? c.train : c.bad) : c["ink-2"];
      g.beginPath();
      if (flag) g.arc(x(value), (i + 0.5) * each, 3, 0, 7);
      else g.rect(x(value) - 1.5, (i + 0.5) * each - 0.75, 3, 1.5);
      g.fill();
    });
  }

  function choose(k) {
    const bounded = k === null ? null : Math.max(0, Math.min(layers.length - 1, k));
    if (bounded === chosen) return;
    chosen = bounded;
    changed();
  }

  /** The pointer is at `y` of the canvas (null: it left); the lens stays where it was last. */
  function hover(y) {
    if (element.hidden || y === null || y < top) return;
    choose(Math.floor((y - top) / each));
  }

  lens.addEventListener("keydown", (event) => {
    const here = chosen ?? Math.floor(layers.length / 2);
    const next = { ArrowUp: here - 1, ArrowDown: here + 1, PageUp: here - 10, PageDown: here + 10, Home: 0, End: layers.length - 1 }[event.key];
    if (next === undefined) return;
    choose(next);
    event.preventDefault();
    event.stopPropagation();
  });

  return { layout, draw, move, hover, lens: () => chosen, onChange: (listener) => (changed = listener), chart };
}
