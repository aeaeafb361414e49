// A tile per unit: what it answers to most, and what is said of it.

import { makeMosaic } from "./mosaic.js";
import { sized } from "./panel.js";
import { put } from "./photo.js";
import { fittingSize, gridOf } from "./show_filters_data.js";
import { paintRing } from "./show_filters_paint.js";
import { isSilent, tileOf, valueWords } from "./patches-data.js";

const FILLED = 452; // pixels of height that fit beside the details
const SHOWN = 560; // pixels of height, beyond which the grid scrolls
const SMALLEST = 28; // pixels of a tile
const LARGEST = 88;

export function makeGrid(store) {
  let order = [];
  let drawn = [];
  const mosaic = makeMosaic({ prefix: "pt", what: "unit", most: SHOWN, order: () => order, chosen: () => store.selected, choose: (unit) => store.choose(unit) });

  function update(colours, width) {
    const { scan, view } = store;
    const key = [scan, store.tiles, width, view.order, store.selected, view.layer, colours.bg, devicePixelRatio];
    if (key.every((part, i) => part === drawn[i])) return;
    const moved = store.selected !== drawn[4];
    drawn = key;
    order = store.current ? store.order : [];
    const room = mosaic.room(width);
    const wish = Math.min(LARGEST, Math.max(SMALLEST, fittingSize(order.length || 1, room, FILLED)));
    paint(sized(mosaic.canvas, width, mosaic.lay(order, gridOf(order.length, room, wish))), colours);
    mosaic.options(describe, `${order.length} units of ${view.layer}`);
    if (moved) mosaic.reveal();
  }

  function paint(g, colours) {
    const bytes = store.tileBytes;
    const { scan } = store;
    order.forEach((unit, k) => {
      const at = mosaic.place(k);
      g.fillStyle = colours["bg-sunk"];
      g.fillRect(...at);
      if (!bytes || !scan.values.length) return;
      g.globalAlpha = isSilent(scan, unit) ? 0.25 : 1;
      put(g, tileOf(bytes, scan.side, unit), scan.side, scan.side, at, mosaic.tile < scan.side);
      g.globalAlpha = 1;
      if (isSilent(scan, unit)) silent(g, at, colours);
    });
    const k = order.indexOf(store.selected);
    if (k >= 0) paintRing(g, mosaic.place(k), colours);
  }

  /** A unit that answered to nothing: a glyph, and the word in its label. */
  function silent(g, [x, y, w], colours) {
    g.fillStyle = colours.warn;
    g.font = `700 ${Math.round(Math.min(18, w * 0.5))}px ${colours.font}`;
    g.textAlign = "center";
    g.textBaseline = "middle";
    g.fillText("∅", x + w / 2, y + w / 2);
  }

  function describe(unit) {
    const { scan } = store;
    const words = `unit ${unit}${scan.values?.length ? `, ${isSilent(scan, unit) ? "silent" : `largest answer ${valueWords(scan.values[unit])}`}` : ""}`;
    return { label: words, title: words };
  }

  return { element: mosaic.element, update, walk: mosaic.walk, focus: mosaic.focus };
}
