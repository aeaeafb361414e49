// The grid of filters: what is painted, and what is said of each.

import { makeMosaic } from "./mosaic.js";
import { sized } from "./panel.js";
import { significant } from "./format.js";
import { fittingSize, gridOf } from "./show_filters_data.js";
import { MARKS } from "./filters-paint.js";
import { paintFilter, paintMark, paintRing } from "./show_filters_paint.js";

const FILLED = { alone: 300, images: 500 }; // pixels of height that fit beside the details
const SHOWN = 640; // pixels of height, beyond which the grid scrolls

export function makeGrid(store) {
  const mosaic = makeMosaic({
    prefix: "fv", what: "filter", most: SHOWN, none: "No filter is dead, twice there, or still noise.",
    order: () => store.bank.ordered(store.view), chosen: () => store.selected, choose: (selected) => store.setView({ selected }),
  });
  let drawn = "";
  let shown = [];

  const natural = (n, room) => fittingSize(n, room, store.net.images === null ? FILLED.alone : FILLED.images);

  function update(colours, width) {
    const { bank, view } = store;
    const key = JSON.stringify([bank.layer.name, bank.layer.input, bank.layer.iter, width, view, colours.bg, devicePixelRatio, bank.values.length]);
    if (key === drawn) return;
    drawn = key;
    shown = bank.ordered(view);
    const room = mosaic.room(width);
    const height = mosaic.lay(shown, gridOf(shown.length, room, view.size ?? natural(bank.n, room)));
    if (!height) return;
    paint(sized(mosaic.canvas, width, height), colours);
    mosaic.options(describe, `${shown.length} filters of ${bank.layer.name}`);
  }

  function paint(g, colours) {
    const { bank, view } = store;
    const at = (k) => {
      const [x, ...rest] = mosaic.place(k);
      return [Math.round(2 * x) / 2, ...rest];
    };
    shown.forEach((filter, k) => paintFilter(g, bank, filter, view, at(k), colours));
    shown.forEach((filter, k) => bank.marks.has(filter) && paintMark(g, bank.marks.get(filter).kind, at(k), colours));
    const k = shown.indexOf(store.selected);
    if (k >= 0) paintRing(g, at(k), colours);
  }

  function describe(filter) {
    const mark = store.bank.marks.get(filter);
    return { label: `filter ${filter}, norm ${significant(store.bank.layer.norms[filter], 3)}${mark ? `, ${MARKS[mark.kind].word}` : ""}` };
  }

  return { element: mosaic.element, update, focus: mosaic.focus, get tile() { return mosaic.tile; } };
}
