// The grid of filters: painted once, with an option per filter for pointer, keyboard and screen reader.

import { h, setAttribute } from "./dom.js";
import { sized } from "./panel.js";
import { significant } from "./format.js";
import { fittingSize, gridOf, move } from "./show_filters_data.js";
import { MARKS, paintFilter, paintMark, paintRing } from "./show_filters_paint.js";

const RIM = 5; // pixels around the grid for rings and frames
const FILLED = { alone: 300, images: 500 }; // pixels of height that fit beside the details
const SHOWN_ROWS = 640; // pixels of height, beyond which the grid scrolls

export function makeGrid(store) {
  const canvas = h("canvas", { "aria-hidden": "true" });
  const list = h("div", { class: "fv-tiles", role: "listbox", tabindex: "0" });
  const mosaic = h("div", { class: "fv-mosaic" }, canvas, list);
  const none = h("div", { class: "fv-none mut", text: "No filter is dead, twice there, or still noise.", hidden: true });
  const element = h("div", { class: "fv-scroll" }, mosaic, none);
  const id = `owl-filter-${Math.random().toString(36).slice(2)}`;
  let drawn = "";
  let grid = null;
  let shown = [];

  const natural = (n, room) => fittingSize(n, room, store.net.images === null ? FILLED.alone : FILLED.images);
  const place = (k) => [RIM + (k % grid.columns) * grid.step, RIM + Math.floor(k / grid.columns) * grid.rowStep];

  function update(colours, width) {
    const { bank, view } = store;
    const key = JSON.stringify([bank.layer.name, bank.layer.input, bank.layer.iter, width, view, colours.bg, devicePixelRatio, bank.values.length]);
    if (key === drawn) return;
    drawn = key;
    shown = bank.ordered(view);
    const room = Math.max(40, width - 2 * RIM);
    grid = gridOf(shown.length, room, view.size ?? natural(bank.n, room));
    const height = Math.max(0, grid.rows * grid.rowStep - (grid.rowStep - grid.tile)) + 2 * RIM;
    mosaic.hidden = !shown.length;
    none.hidden = shown.length > 0;
    mosaic.style.height = `${height}px`;
    element.style.maxHeight = `${SHOWN_ROWS}px`;
    element.classList.toggle("long", height > SHOWN_ROWS);
    if (!shown.length) return;
    paint(sized(canvas, width, height), colours);
    build();
  }

  function paint(g, colours) {
    const { bank, view } = store;
    const at = (k) => {
      const [x, y] = place(k);
      return [Math.round(2 * x) / 2, y, grid.tile, grid.tile];
    };
    shown.forEach((filter, k) => paintFilter(g, bank, filter, view, at(k), colours));
    shown.forEach((filter, k) => bank.marks.has(filter) && paintMark(g, bank.marks.get(filter).kind, at(k), colours));
    const k = shown.indexOf(store.selected);
    if (k >= 0) paintRing(g, at(k), colours);
  }

  let built = "";
  function build() {
    const { bank } = store;
    const key = JSON.stringify([shown, grid]);
    if (key !== built) {
      built = key;
      list.replaceChildren(
        ...shown.map((filter, k) => {
          const [x, y] = place(k);
          return h("div", { role: "option", id: `${id}-${filter}`, "data-filter": String(filter), style: `left:${x}px;top:${y}px;width:${grid.tile}px;height:${grid.tile}px` });
        }),
      );
    }
    for (const option of list.children) {
      const filter = Number(option.dataset.filter);
      const mark = bank.marks.get(filter);
      setAttribute(option, "aria-label", `filter ${filter}, norm ${significant(bank.layer.norms[filter], 3)}${mark ? `, ${MARKS[mark.kind].word}` : ""}`);
      setAttribute(option, "aria-selected", filter === store.selected);
    }
    setAttribute(list, "aria-activedescendant", shown.includes(store.selected) ? `${id}-${store.selected}` : null);
    setAttribute(list, "aria-label", `${shown.length} filters of ${bank.layer.name}`);
  }

  list.addEventListener("click", (event) => {
    const filter = event.target.closest("[data-filter]")?.dataset.filter;
    if (filter !== undefined) store.setView({ selected: Number(filter) });
  });
  list.addEventListener("keydown", (event) => {
    const order = store.bank.ordered(store.view); // what is drawn may be a frame behind
    const next = move(Math.max(0, order.indexOf(store.selected)), order.length, grid.columns, event.key);
    if (next === null) return;
    event.preventDefault();
    event.stopPropagation();
    store.setView({ selected: order[next] });
    reveal(next);
  });

  function reveal(k) {
    const top = place(k)[1];
    if (top < element.scrollTop) element.scrollTop = top - RIM;
    else if (top + grid.tile > element.scrollTop + element.clientHeight) element.scrollTop = top + grid.tile + RIM - element.clientHeight;
  }

  return { element, update, focus: () => list.focus(), get tile() { return grid?.tile ?? 44; } };
}
