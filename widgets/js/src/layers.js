// The layers panel: a strip per layer over the run, coloured by how fast it learns, and its latest values.

import { h, setAttribute, tokens } from "./dom.js";
import { THIN, integer } from "./format.js";
import { spread } from "./layers-data.js";
import { makeMap } from "./layers-map.js";
import { hairlines, stripPainter } from "./layers-paint.js";
import { shortNames } from "./layers-names.js";
import { makeRows } from "./layers-rows.js";
import { makeScale } from "./layers-scale.js";
import { keyOf, paintHistogram, TALL } from "./histograms.js";
import { layersTable } from "./layers-table.js";
import { WORD, chipsOf, countWords, learning, listRows, logRatio, mainOf, pinned, rowTexts } from "./layers-text.js";
import { makeChoice, makePanel, openPanels, setChips, sized } from "./panel.js";
import { FLAG_COLOUR } from "./paint.js";
import { ramps } from "./ramp.js";
import { rises } from "./flags.js";

const MANY = 40; // layers that get a row each; more are compressed
const MOST_PINNED = 8;
const ROOM = 290; // pixels for the rows
const GAP = 2;
const PADDING = 11; // pixels between a name and its strip, and a little for rounding
const SMALL = 14; // pixels of a row below which its text is small
const NARROW = 1000; // pixels of the widget below which it is

export function makeLayers(store, chart, root) {
  const panel = makePanel(store, "layers", "Layers");
  const choice = makeChoice("What the strips show", [["ratio", "update : weight"], ["weight", "weight"], ["update", "update"]], (layerKind) => store.setView({ layerKind }));
  const scale = makeScale();
  panel.tools.append(choice.element);
  const heads = ["ratio", "weight", "update"].map((key) => {
    const text = key === "ratio" ? "log₁₀ ratio" : key;
    const button = h("button", { type: "button", class: "sort", "data-sort": key, "aria-label": `Sort by ${key === "ratio" ? "ratio" : `norm of the ${key}`}` }, text);
    button.addEventListener("click", () => store.setView({ layerSort: store.view.layerSort === key ? "net" : key }));
    return button;
  });
  const columnHeads = h("span", { class: "heads vals" }, h("span", { class: "g" }), ...heads);
  const mini = h("canvas", { class: "mini", "aria-hidden": true });
  panel.side.append(scale.element, mini, columnHeads);
  const canvas = h("canvas", { class: "strips", role: "img" });
  const cursorLine = h("div", { class: "panel-cursor", hidden: true });
  const list = makeRows(store, () => update());
  const lay = h("div", { class: "lay" }, list.element, canvas, cursorLine);
  const tableHost = h("div", { class: "ptab", tabindex: 0, hidden: true });
  panel.body.append(lay, tableHost);
  const map = makeMap(store, lay, chart);
  let look = null;
  let rows = [];
  let drawn = "";
  let height = 0;
  let named = { key: "", short: null }; // what was written of the names last

  /** What is written of each name such that it fits the gutter: in bold, so that a flag changes no name. */
  function namesIn(gutter, tall) {
    const style = getComputedStyle(list.element);
    const small = tall < SMALL || panel.element.clientWidth < NARROW;
    const font = `${style.getPropertyValue("--owl-w-bold")} ${small ? style.getPropertyValue("--owl-t-tick") : style.fontSize} ${style.fontFamily}`;
    const names = layers().map((layer) => layer.name);
    const key = [font, gutter, ...names].join(" ");
    if (key === named.key) return named.short;
    const g = canvas.getContext("2d");
    g.font = font;
    named = { key, short: shortNames(names, (text) => g.measureText(text).width <= gutter - PADDING) };
    return named.short;
  }

  const place = () => {
    const style = getComputedStyle(panel.element);
    const px = (name) => parseFloat(style.getPropertyValue(name));
    const left = px("--owl-gutter-left");
    const [x0, x1] = chart.window.x;
    const width = Math.max(10, panel.element.clientWidth - left - px("--owl-gutter-right"));
    const pixel = (x1 - x0) / width; // where the run is, to a pixel: nothing is painted anew for less
    return { left, width, x0, x1, now: Math.floor(store.iter / pixel) * pixel };
  };
  const health = () => store.figures.health ?? { median: null, flags: [], whole: "" };
  const layers = () => store.run.layers ?? [];
  const rowHeight = (count) => Math.max(13, Math.min(layers().length <= 6 ? 24 : 21, Math.floor(ROOM / count) - GAP));

  function theme() {
    look = { ramps: ramps(root), colours: tokens(root) };
    drawn = "";
  }

  function update() {
    panel.element.hidden = !layers().length;
    if (panel.element.hidden) return;
    if (!look) theme();
    const { norms } = store.panels;
    const { layerKind: kind } = store.view;
    const folded = !openPanels(store.view).includes("layers");
    const open = panel.update(summaryLine(norms, folded));
    setChips(panel.chips, chipsOf(health(), layers()));
    choice.update(kind);
    const tabular = store.view.table;
    lay.hidden = tabular;
    lay.dataset.kind = kind;
    panel.tools.hidden = !open || tabular;
    tableHost.hidden = !tabular;
    mini.hidden = open;
    scale.element.hidden = columnHeads.hidden = !open || tabular;
    if (!open) return drawMini(norms);
    if (tabular) return layersTable(tableHost, store, rowTexts);
    for (const button of heads) setAttribute(button, "aria-pressed", store.view.layerSort === button.dataset.sort);
    draw(norms, kind);
    move();
  }

  function summaryLine(norms, folded) {
    if (!norms.n) return store.iter ? countWords(layers()) : "norms and ratios appear with the first update";
    const { median } = health();
    return `${countWords(layers())}${folded && median !== null ? `, median log₁₀ ratio${THIN}${logRatio(median)}` : ""}`;
  }

  function draw(norms, kind) {
    const at = place();
    const deep = layers().length > MANY;
    const key = JSON.stringify([norms.version, store.panels.version, at, kind, store.view.layerSort, store.view.layerOpen, health().flags, store.flags.length, devicePixelRatio, store.status.state, map.lens()]);
    if (key === drawn) return;
    drawn = key;
    const shown = kind === "update" ? learning(layers()) : layers();
    const indices = shown.map((layer) => mainOf(layer).index);
    const range = kind === "ratio" ? null : spread(norms, kind, indices);
    scale.update(kind, range, layers().some((layer) => mainOf(layer).fixed));
    rows = listRows(layers(), norms, { sort: store.view.layerSort, open: store.view.layerOpen, flags: health().flags });
    if (deep) rows = pinned(rows, store.view.layerOpen, MOST_PINNED);
    const tall = deep ? 18 : rowHeight(rows.filter((row) => !row.histogram).length);
    let top = 2;
    for (const row of rows) {
      Object.assign(row, { top: top + 1, tall: row.histogram ? TALL : tall });
      top += row.tall + GAP + (deep ? 1 : 0);
    }
    const short = namesIn(at.left, tall);
    list.build(rows, tall + GAP + (deep ? 1 : 0), tall, short);
    height = deep ? map.layout(top, layers(), at, short) : top + 6;
    lay.style.height = `${height}px`;
    const g = sized(canvas, at.width, height);
    canvas.style.left = `${at.left}px`;
    const paint = stripPainter(norms, { ...at, kind, range }, look);
    for (const row of rows) {
      const histogram = row.histogram && store.panels.histograms.get(keyOf(row.layer.name, row.histogram));
      if (histogram?.n) paintHistogram(g, histogram, at, look, row.top, row.tall);
      else if (!row.histogram) paint(g, row.param, row.top, row.tall, { curve: true, flag: row.flag });
    }
    if (deep) map.draw(g, paint, look, norms, health(), kind);
    hairlines(g, store.flags.filter((flag) => rises(flag.kind)), at, height, (flag) => look.colours[FLAG_COLOUR[flag.kind]]);
    setAttribute(canvas, "aria-label", summary(norms));
  }

  function summary(norms) {
    if (!norms.n) return "Norms of the layers: none yet";
    const found = health().flags.map((flag) => `${layers().find((l) => l.params.some((p) => p.index === flag.index))?.name} ${WORD[flag.kind]} since iteration ${integer(flag.since)}`);
    return `Update to weight of ${layers().length} layers over ${integer(norms.iter[norms.n - 1])} iterations; ${found.join(", ") || "none needs a look"}. T shows a table.`;
  }

  // -- cursor --------------------------------------------------------------------------------------------

  /** Values and the line at the cursor. */
  function move() {
    if (panel.element.hidden || panel.body.hidden || lay.hidden) return;
    const { norms } = store.panels;
    const iteration = chart.cursor.at();
    const row = norms.at(iteration);
    list.values(norms, row, iteration);
    const { left, width, x0, x1 } = place();
    cursorLine.hidden = iteration === null || iteration < x0 || iteration > x1;
    if (!cursorLine.hidden) cursorLine.style.cssText = `left:${Math.round(left + ((iteration - x0) / (x1 - x0)) * width)}px;top:0;height:${height}px`;
    map.move(norms, row);
  }

  const iterationAt = (event) => {
    const { width, x0, x1 } = place();
    return x0 + (event.offsetX / width) * (x1 - x0);
  };
  canvas.addEventListener("pointermove", (event) => {
    chart.cursor.set(iterationAt(event));
    map.hover(event.offsetY);
  });
  canvas.addEventListener("pointerleave", () => {
    chart.cursor.set(null);
    map.hover(null);
  });
  canvas.addEventListener("click", (event) => {
    chart.cursor.set(iterationAt(event));
    chart.cursor.pin();
  });
  map.onChange(() => requestAnimationFrame(update));

  /** All strips in a few pixels, for the folded panel. */
  function drawMini(norms) {
    const [width, tall] = [200, 16];
    const key = `mini ${norms.version} ${layers().length}`;
    if (key === drawn) return;
    drawn = key;
    const g = sized(mini, width, tall);
    if (!norms.n) return;
    const paint = stripPainter(norms, { kind: "ratio", range: null, width, x0: 0, x1: norms.iter[norms.n - 1], now: 0 }, look);
    const each = tall / layers().length;
    layers().forEach((layer, i) => paint(g, mainOf(layer), i * each, each));
  }

  return { element: panel.element, update, move, theme, show: list.show, focus: () => (panel.body.hidden ? panel.disc : list.first ?? panel.disc).focus() };
}
