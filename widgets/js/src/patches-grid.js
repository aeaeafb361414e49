// A tile per unit: what it answers to most; painted once, with an option per unit for pointer, keys and reader.

import { h, setAttribute } from "./dom.js";
import { sized } from "./panel.js";
import { put } from "./photo.js";
import { fittingSize, gridOf, move } from "./show_filters_data.js";
import { paintRing } from "./show_filters_paint.js";
import { isSilent, tileOf, valueWords } from "./patches-data.js";

const RIM = 5; // pixels around the grid for rings
const FILLED = 452; // pixels of height that fit beside the details
const SHOWN = 560; // pixels of height, beyond which the grid scrolls
const SMALLEST = 28; // pixels of a tile
const LARGEST = 88;

export function makeGrid(store) {
  const canvas = h("canvas", { "aria-hidden": "true" });
  const list = h("div", { class: "pt-tiles", role: "listbox", tabindex: "0" });
  const mosaic = h("div", { class: "pt-mosaic" }, canvas, list);
  const element = h("div", { class: "pt-scroll" }, mosaic);
  const id = `owl-unit-${Math.random().toString(36).slice(2)}`;
  let [grid, order] = [null, []];
  let drawn = [];

  const place = (k) => [RIM + (k % grid.columns) * grid.step, RIM + Math.floor(k / grid.columns) * grid.rowStep];

  function update(colours, width) {
    const { scan, view } = store;
    const key = [scan, store.tiles, width, view.order, store.selected, view.layer, colours.bg, devicePixelRatio];
    if (key.every((part, i) => part === drawn[i])) return;
    const moved = store.selected !== drawn[4];
    drawn = key;
    order = store.current ? store.order : [];
    const room = Math.max(40, width - 2 * RIM);
    grid = gridOf(order.length, room, Math.min(LARGEST, Math.max(SMALLEST, fittingSize(order.length || 1, room, FILLED))));
    const height = Math.max(0, grid.rows * grid.rowStep) + 2 * RIM;
    mosaic.style.height = `${height}px`;
    element.style.maxHeight = `${SHOWN}px`;
    element.classList.toggle("long", height > SHOWN);
    paint(sized(canvas, width, height), colours);
    build();
    if (moved) reveal();
  }

  function paint(g, colours) {
    const bytes = store.tileBytes;
    const { scan } = store;
    order.forEach((unit, k) => {
      const at = [...place(k), grid.tile, grid.tile];
      g.fillStyle = colours["bg-sunk"];
      g.fillRect(...at);
      if (!bytes || !scan.values.length) return;
      g.globalAlpha = isSilent(scan, unit) ? 0.25 : 1;
      put(g, tileOf(bytes, scan.side, unit), scan.side, scan.side, at, grid.tile < scan.side);
      g.globalAlpha = 1;
      if (isSilent(scan, unit)) silent(g, at, colours);
    });
    const k = order.indexOf(store.selected);
    if (k >= 0) paintRing(g, [...place(k), grid.tile, grid.tile], colours);
  }

  /** A unit that answered to nothing: a glyph, and the word in its label. */
  function silent(g, [x, y, w], colours) {
    g.fillStyle = colours.warn;
    g.font = `700 ${Math.round(Math.min(18, w * 0.5))}px ${colours.font}`;
    g.textAlign = "center";
    g.textBaseline = "middle";
    g.fillText("∅", x + w / 2, y + w / 2);
  }

  let built = "";
  function build() {
    const { scan } = store;
    const key = JSON.stringify([order, grid]);
    if (key !== built) {
      built = key;
      list.replaceChildren(...order.map((unit, k) => {
        const [x, y] = place(k);
        return h("div", { role: "option", id: `${id}-${unit}`, "data-unit": String(unit), style: `left:${x}px;top:${y}px;width:${grid.tile}px;height:${grid.tile}px` });
      }));
    }
    for (const option of list.children) {
      const unit = Number(option.dataset.unit);
      const words = scan.values?.length ? `, ${isSilent(scan, unit) ? "silent" : `largest answer ${valueWords(scan.values[unit])}`}` : "";
      setAttribute(option, "aria-label", `unit ${unit}${words}`);
      setAttribute(option, "title", `unit ${unit}${words}`);
      setAttribute(option, "aria-selected", unit === store.selected);
    }
    setAttribute(list, "aria-activedescendant", order.includes(store.selected) ? `${id}-${store.selected}` : null);
    setAttribute(list, "aria-label", `${order.length} units of ${store.view.layer}`);
  }

  /** Scroll the grid, never the notebook, until the selected unit can be seen. */
  function reveal() {
    const k = order.indexOf(store.selected);
    if (k < 0 || !element.classList.contains("long")) return;
    const [, y] = place(k);
    if (y < element.scrollTop) element.scrollTop = y - RIM;
    else if (y + grid.tile + RIM > element.scrollTop + SHOWN) element.scrollTop = y + grid.tile + RIM - SHOWN;
  }

  list.addEventListener("click", (event) => {
    const unit = event.target.closest("[data-unit]")?.dataset.unit;
    if (unit !== undefined) store.choose(Number(unit));
  });

  /** Walk the units by an arrow key, from anywhere in the widget; whether it was one. */
  function walk(key) {
    const next = grid && order.length ? move(Math.max(0, order.indexOf(store.selected)), order.length, grid.columns, key) : null;
    if (next === null) return false;
    store.choose(order[next]);
    return true;
  }
  return { element, update, walk, focus: () => list.focus({ preventScroll: true }) };
}
