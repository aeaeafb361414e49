// A mosaic of tiles: painted by its owner on one canvas, with an option per tile for pointer, keyboard and screen
// reader. Its sheet is base.css.

import { h, setAttribute } from "./dom.js";
import { move } from "./show_filters_data.js";

const RIM = 5; // pixels around the tiles for rings and frames

/** What shows numbered things as tiles.
 *  `prefix`: of the classes. `what`: what a tile is, as in `data-filter`. `most`: pixels of height beyond which it
 *  scrolls. `none`: words where there is no tile. `order()`: the numbers as they are now, since what is drawn may be a
 *  frame behind; `chosen()`: that of the selected one; `choose(number)`. */
export function makeMosaic({ prefix, what, most, none = "", order, chosen, choose }) {
  const canvas = h("canvas", { "aria-hidden": "true" });
  const list = h("div", { class: `tiles-list ${prefix}-tiles`, role: "listbox", tabindex: "0" });
  const mosaic = h("div", { class: `tiles-mosaic ${prefix}-mosaic` }, canvas, list);
  const empty = h("div", { class: "tiles-none mut", text: none, hidden: true });
  const element = h("div", { class: `tiles-scroll ${prefix}-scroll` }, mosaic, empty);
  const id = `owl-${what}-${Math.random().toString(36).slice(2)}`;
  let grid = null; // { columns, rows, tile, high, step, rowStep }
  let shown = [];
  let built = "";

  /** Pixels for the tiles in `width`. */
  const room = (width) => Math.max(40, width - 2 * RIM);

  /** [x, y, width, height] of the k-th tile. */
  const place = (k) => [RIM + (k % grid.columns) * grid.step, RIM + Math.floor(k / grid.columns) * grid.rowStep, grid.tile, high()];
  const high = () => grid.high ?? grid.tile;

  /** Lay these numbers out as `made`, a grid; the height of the canvas, 0 where there is none. */
  function lay(numbers, made) {
    [shown, grid] = [numbers, made];
    const height = Math.max(0, grid.rows * grid.rowStep - (grid.rowStep - high())) + 2 * RIM;
    mosaic.hidden = !shown.length;
    empty.hidden = shown.length > 0 || !none;
    mosaic.style.height = `${height}px`;
    element.style.maxHeight = `${most}px`;
    element.classList.toggle("long", height > most);
    return shown.length ? height : 0;
  }

  /** An option per tile; `describe(number)` is its { label, title }; `label` that of all. */
  function options(describe, label) {
    const key = JSON.stringify([shown, grid]);
    if (key !== built) list.replaceChildren(...shown.map(option));
    built = key;
    for (const each of list.children) {
      const number = Number(each.dataset[what]);
      const words = describe(number);
      setAttribute(each, "aria-label", words.label);
      setAttribute(each, "title", words.title ?? null);
      setAttribute(each, "aria-selected", number === chosen());
    }
    setAttribute(list, "aria-activedescendant", shown.includes(chosen()) ? `${id}-${chosen()}` : null);
    setAttribute(list, "aria-label", label);
  }

  function option(number, k) {
    const [x, y, width, height] = place(k);
    return h("div", { role: "option", id: `${id}-${number}`, [`data-${what}`]: String(number), style: `left:${x}px;top:${y}px;width:${width}px;height:${height}px` });
  }

  /** Choose by an arrow key, Home or End; whether it was one. */
  function walk(key) {
    const now = order();
    const next = grid && now.length ? move(Math.max(0, now.indexOf(chosen())), now.length, grid.columns, key) : null;
    if (next === null) return false;
    choose(now[next]);
    reveal(next);
    return true;
  }

  /** Scroll the tiles, never the notebook, until the k-th can be seen. */
  function reveal(k) {
    if (k < 0 || !element.classList.contains("long")) return;
    const [, top, , tall] = place(k);
    if (top < element.scrollTop) element.scrollTop = top - RIM;
    else if (top + tall + RIM > element.scrollTop + element.clientHeight) element.scrollTop = top + tall + RIM - element.clientHeight;
  }

  list.addEventListener("click", (event) => {
    const number = event.target.closest(`[data-${what}]`)?.dataset[what];
    if (number !== undefined) choose(Number(number));
  });
  list.addEventListener("keydown", (event) => {
    if (!walk(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
  });

  return {
    element, canvas, room, place, lay, options, walk,
    reveal: () => reveal(shown.indexOf(chosen())),
    focus: () => list.focus({ preventScroll: true }),
    get tile() { return grid?.tile ?? 44; },
  };
}
