// The grid of channels: painted once, with an option per channel for pointer, keyboard and screen reader.

import { h, setAttribute } from "./dom.js";
import { significant } from "./format.js";
import { sized } from "./panel.js";
import { put, ramped } from "./photo.js";
import { move } from "./show_filters_data.js";
import { hatch, paintRing } from "./show_filters_paint.js";
import { JUDGED, fittingSize, gridOf } from "./activations-data.js";

const RIM = 5; // pixels around the grid for rings and frames
const FILLED = 500; // pixels of height that fit beside the details
const SHOWN = 640; // pixels of height, beyond which the grid scrolls
const TAG = 13; // pixels of the square that holds a glyph
const NAMED = 22; // pixels of a tile from which its number is written

export function makeGrid(store) {
  const canvas = h("canvas", { "aria-hidden": "true" });
  const list = h("div", { class: "act-tiles", role: "listbox", tabindex: "0" });
  const mosaic = h("div", { class: "act-mosaic" }, canvas, list);
  const none = h("div", { class: "act-none mut", text: "Every channel has a positive value somewhere in this image.", hidden: true });
  const element = h("div", { class: "act-scroll" }, mosaic, none);
  const id = `owl-channel-${Math.random().toString(36).slice(2)}`;
  let grid = null;
  let shown = [];
  let drawn = "";
  let tiles = null; // painted without what is chosen: a choice repaints nothing but its ring
  let painted = "";

  const place = (k) => [RIM + (k % grid.columns) * grid.step, RIM + Math.floor(k / grid.columns) * grid.rowStep];

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
    build();
  }

  function layOut(colours, width) {
    const { bank, view } = store;
    shown = bank.ordered(view);
    const tall = bank.layer.height / bank.layer.width;
    const room = Math.max(40, width - 2 * RIM);
    grid = gridOf(shown.length, room, view.size ?? fittingSize(bank.n, room, FILLED, tall), tall);
    const height = Math.max(0, grid.rows * grid.rowStep - (grid.rowStep - grid.high)) + 2 * RIM;
    mosaic.hidden = !shown.length;
    none.hidden = shown.length > 0;
    mosaic.style.height = `${height}px`;
    element.style.maxHeight = `${SHOWN}px`;
    element.classList.toggle("long", height > SHOWN);
    if (!shown.length) return;
    tiles = document.createElement("canvas");
    paint(sized(tiles, width, height), colours);
  }

  /** The tiles, and a ring around the one that is chosen. */
  function choose(colours) {
    const [width, height] = [parseFloat(tiles.style.width), parseFloat(tiles.style.height)];
    const g = sized(canvas, width, height);
    g.drawImage(tiles, 0, 0, width, height);
    const k = shown.indexOf(store.selected);
    if (k >= 0) paintRing(g, [...place(k), grid.tile, grid.high], colours);
  }

  function paint(g, colours) {
    const { bank, view } = store;
    const { height, width } = bank.layer;
    const ramp = bank.signed ? colours.ramps.ratio : colours.ramps.size;
    const at = (k) => [place(k)[0], place(k)[1], grid.tile, grid.high];
    shown.forEach((channel, k) => {
      if (bank.marks.get(channel) === "broken") return hatch(g, at(k), colours);
      put(g, ramped(bank.shares(channel, view.scale), ramp, bank.signed), height, width, at(k), grid.tile < width);
    });
    shown.forEach((channel, k) => bank.marks.has(channel) && mark(g, bank.marks.get(channel), at(k), colours));
  }

  let built = "";
  function build() {
    const { bank } = store;
    const key = JSON.stringify([shown, grid]);
    if (key !== built) {
      built = key;
      list.replaceChildren(
        ...shown.map((channel, k) => {
          const [x, y] = place(k);
          return h("div", { role: "option", id: `${id}-${channel}`, "data-channel": String(channel), style: `left:${x}px;top:${y}px;width:${grid.tile}px;height:${grid.high}px` });
        }),
      );
    }
    for (const option of list.children) {
      const channel = Number(option.dataset.channel);
      const words = `${store.called(channel)}, largest ${significant(bank.layer.highs[channel], 3)}`;
      const judged = JUDGED[bank.marks.get(channel)];
      setAttribute(option, "aria-label", judged ? `${words}, ${judged.word}` : words);
      setAttribute(option, "title", grid.tile < NAMED || bank.layer.names ? words : null);
      setAttribute(option, "aria-selected", channel === store.selected);
    }
    setAttribute(list, "aria-activedescendant", shown.includes(store.selected) ? `${id}-${store.selected}` : null);
    setAttribute(list, "aria-label", `${shown.length} channels of ${bank.layer.name}`);
  }

  list.addEventListener("click", (event) => {
    const channel = event.target.closest("[data-channel]")?.dataset.channel;
    if (channel !== undefined) store.setView({ selected: Number(channel) });
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
    else if (top + grid.high > element.scrollTop + element.clientHeight) element.scrollTop = top + grid.high + RIM - element.clientHeight;
  }

  return { element, update, focus: () => list.focus(), get tile() { return grid?.tile ?? 44; } };
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
