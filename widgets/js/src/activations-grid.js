// The grid of channels: what is painted, and what is said of each.

import { significant } from "./format.js";
import { makeMosaic } from "./mosaic.js";
import { sized } from "./panel.js";
import { put, ramped } from "./photo.js";
import { hatch, paintRing } from "./show_filters_paint.js";
import { JUDGED, fittingSize, gridOf } from "./activations-data.js";

const FILLED = 500; // pixels of height that fit beside the details
const SHOWN = 640; // pixels of height, beyond which the grid scrolls
const TAG = 13; // pixels of the square that holds a glyph
const NAMED = 22; // pixels of a tile from which its number is written

export function makeGrid(store) {
  const mosaic = makeMosaic({
    prefix: "act", what: "channel", most: SHOWN, none: "Every channel has a positive value somewhere in this image.",
    order: () => store.bank.ordered(store.view), chosen: () => store.selected, choose: (selected) => store.setView({ selected }),
  });
  let shown = [];
  let drawn = "";
  let tiles = null; // painted without what is chosen: a choice repaints nothing but its ring
  let painted = "";

  function update(colours, width) {
    const { order, scale, show, size } = store.view;
    const look = JSON.stringify([store.bank.layer.name, store.epoch, width, order, scale, show, size, colours.bg, devicePixelRatio]);
    const key = `${look} ${store.selected}`;
    if (key === drawn) return;
    drawn = key;
    if (look !== painted) layOut(colours, width);
    painted = look;
    if (!shown.length) return;
    choose(colours);
    mosaic.options(describe, `${shown.length} channels of ${store.bank.layer.name}`);
  }

  function layOut(colours, width) {
    const { bank, view } = store;
    shown = bank.ordered(view);
    const tall = bank.layer.height / bank.layer.width;
    const room = mosaic.room(width);
    const height = mosaic.lay(shown, gridOf(shown.length, room, view.size ?? fittingSize(bank.n, room, FILLED, tall), tall));
    if (!height) return;
    tiles = document.createElement("canvas");
    paint(sized(tiles, width, height), colours);
  }

  /** The tiles, and a ring around the one that is chosen. */
  function choose(colours) {
    const [width, height] = [parseFloat(tiles.style.width), parseFloat(tiles.style.height)];
    const g = sized(mosaic.canvas, width, height);
    g.drawImage(tiles, 0, 0, width, height);
    const k = shown.indexOf(store.selected);
    if (k >= 0) paintRing(g, mosaic.place(k), colours);
  }

  function paint(g, colours) {
    const { bank, view } = store;
    const { height, width } = bank.layer;
    const ramp = bank.signed ? colours.ramps.ratio : colours.ramps.size;
    shown.forEach((channel, k) => {
      if (bank.marks.get(channel) === "broken") return hatch(g, mosaic.place(k), colours);
      put(g, ramped(bank.shares(channel, view.scale), ramp, bank.signed), height, width, mosaic.place(k), mosaic.tile < width);
    });
    shown.forEach((channel, k) => bank.marks.has(channel) && mark(g, bank.marks.get(channel), mosaic.place(k), colours));
  }

  function describe(channel) {
    const { layer, marks } = store.bank;
    const words = `${store.called(channel)}, largest ${significant(layer.highs[channel], 3)}`;
    const judged = JUDGED[marks.get(channel)];
    return { label: judged ? `${words}, ${judged.word}` : words, title: mosaic.tile < NAMED || layer.names ? words : null };
  }

  return { element: mosaic.element, update, focus: mosaic.focus, get tile() { return mosaic.tile; } };
}

/** Frame and glyph of a channel that is dead here, or broken. */
function mark(g, kind, [x, y, w, h], colours) {
  const tag = Math.min(TAG, w * 0.5);
  g.strokeStyle = g.fillStyle = kind === "broken" ? colours.bad : colours.warn;
  g.lineWidth = w < NAMED ? 1 : 1.5;
  g.setLineDash(kind === "broken" ? [] : [3, 2]);
  g.strokeRect(x + 0.25, y + 0.25, w - 0.5, h - 0.5);
  g.setLineDash([]);
  if (w < NAMED) return;
  g.fillRect(x + w + 0.5 - tag, y + h + 0.5 - tag, tag, tag);
  g.font = `700 ${Math.round(tag * 0.85)}px ${colours.font}`;
  g.fillStyle = colours.bg;
  g.textAlign = "center";
  g.textBaseline = "middle";
  g.fillText(JUDGED[kind].glyph, x + w + 0.5 - tag / 2, y + h + 1 - tag / 2);
}
