// The layers panel: a strip per layer over the run, coloured by how fast it learns, and its latest values.

import { guilty } from "./banner.js";
import { h, setAttribute, setText, tokens } from "./dom.js";
import { THIN, integer } from "./format.js";
import { spread } from "./layers-data.js";
import { makeMap } from "./layers-map.js";
import { hairlines, stripPainter } from "./layers-paint.js";
import { histogramText, keyOf, paintHistogram } from "./histograms.js";
import { layersTable } from "./layers-table.js";
import { GLYPH, WORD, chipsOf, listRows, logRatio, pinned, rowTexts, size } from "./layers-text.js";
import { makeChoice, makePanel, openPanel, openPanels, setChips, sized } from "./panel.js";
import { FLAG_COLOUR } from "./paint.js";
import { RATIO, SIZE, gradient, ramps } from "./ramp.js";
import { rises } from "./flags.js";

const MANY = 40; // layers that get a row each; more are compressed
const MOST_PINNED = 8;
const ROOM = 290; // pixels for the rows
const GAP = 2;
const TALL = 48; // pixels of a histogram
function makeScale() {
  const [low, high] = [h("span"), h("span")];
  const bar = h("span", { class: "ramp" });
  const mark = h("i");
  bar.append(mark);
  const element = h("span", { class: "cbar" }, low, bar, high);
  function update(kind, range) {
    const ratio = kind === "ratio";
    bar.style.background = gradient(ratio ? RATIO : SIZE);
    mark.hidden = !ratio;
    setText(low, ratio ? "frozen 10⁻⁶" : size(10 ** range[0], 2));
    setText(high, ratio ? "1 hot" : size(10 ** range[1], 2));
  }
  return { element, update };
}

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
  const grid = h("div", { class: "rows", role: "treegrid", "aria-label": "Layers" });
  const lay = h("div", { class: "lay" }, grid, canvas, cursorLine);
  const tableHost = h("div", { class: "ptab", tabindex: 0, hidden: true });
  panel.body.append(lay, tableHost);
  const map = makeMap(store, lay, chart);
  let look = null;
  let rows = [];
  let drawn = "";
  let height = 0;

  const place = () => {
    const style = getComputedStyle(panel.element);
    const px = (name) => parseFloat(style.getPropertyValue(name));
    const left = px("--owl-gutter-left");
    const [x0, x1] = chart.window.x;
    return { left, width: Math.max(10, panel.element.clientWidth - left - px("--owl-gutter-right")), x0, x1 };
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
    const names = new Map(layers().flatMap((layer) => layer.params.map((p) => [p.index, layer.name])));
    setChips(panel.chips, chipsOf(health(), names));
    choice.update(kind);
    const tabular = store.view.table;
    lay.hidden = tabular;
    lay.dataset.kind = kind;
    panel.tools.hidden = !open || tabular;
    tableHost.hidden = !tabular;
    mini.hidden = open;
    scale.element.hidden = columnHeads.hidden = !open || tabular;
    if (!open) return drawMini(norms);
    if (tabular) return layersTable(tableHost, store, names, rowTexts);
    for (const button of heads) setAttribute(button, "aria-pressed", store.view.layerSort === button.dataset.sort);
    draw(norms, kind);
    move();
  }

  function summaryLine(norms, folded) {
    if (!norms.n) return store.iter ? `${layers().length} with weights` : "norms and ratios appear with the first update";
    const { median } = health();
    return `${layers().length} with weights${folded && median !== null ? `, median log₁₀ ratio${THIN}${logRatio(median)}` : ""}`;
  }

  function draw(norms, kind) {
    const at = place();
    const deep = layers().length > MANY;
    const key = JSON.stringify([norms.version, store.panels.version, at, kind, store.view.layerSort, store.view.layerOpen, health().flags, store.flags.length, devicePixelRatio, store.status.state, map.lens()]);
    if (key === drawn) return;
    drawn = key;
    const indices = layers().map((layer) => layer.params[0].index);
    const range = kind === "ratio" ? null : spread(norms, kind, indices);
    scale.update(kind, range);
    rows = listRows(layers(), norms, { sort: store.view.layerSort, open: store.view.layerOpen, flags: health().flags });
    if (deep) rows = pinned(rows, store.view.layerOpen, MOST_PINNED);
    const tall = deep ? 18 : rowHeight(rows.filter((row) => !row.histogram).length);
    let top = 2;
    for (const row of rows) {
      Object.assign(row, { top: top + 1, tall: row.histogram ? TALL : tall });
      top += row.tall + GAP + (deep ? 1 : 0);
    }
    buildRows(tall + GAP + (deep ? 1 : 0), tall);
    height = deep ? map.layout(top, layers(), at) : top + 6;
    lay.style.height = `${height}px`;
    const g = sized(canvas, at.width, height);
    canvas.style.left = `${at.left}px`;
    const paint = stripPainter(norms, { ...at, kind, range }, look);
    for (const row of rows) {
      const histogram = row.histogram && store.panels.histograms.get(keyOf(row.layer.name, row.histogram));
      if (histogram?.n) paintHistogram(g, histogram, at, look, row.top, row.tall);
      else if (!row.histogram) paint(g, row.param.index, row.top, row.tall, { curve: true, flag: row.flag });
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

  // -- rows ----------------------------------------------------------------------------------------------

  let built = "";
  function buildRows(step, tall) {
    const key = JSON.stringify([rows.map((row) => [row.layer.name, row.name, row.param.index, row.flag?.kind]), step, store.view.layerOpen, guilty(store)]);
    if (key === built) return;
    built = key;
    const focused = grid.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    grid.replaceChildren(
      ...rows.map((row, i) => {
        const name = h("span", { class: `n ${row.flag || (row.main && row.name === guilty(store)) ? "b" : ""} ${row.main ? "" : "mut"}`, role: "rowheader", title: row.main ? `${row.name}: click for its parameters, activations and gradients` : row.name }, h("bdi", { text: row.name }));
        const looks = row.histogram ? ["told"] : ["g", "ratio", "weight", "update"];
        const cells = looks.map((look_) => h("span", { class: look_, role: "gridcell" }));
        const element = h("div", { class: `lrow ${row.main ? "more" : ""}`, role: "row", "aria-level": row.main ? 1 : 2, tabindex: i ? -1 : 0, "data-key": `${row.layer.name}/${row.name}` }, name, h("span", { class: "gap" }), h("span", { class: "vals", role: "presentation" }, ...cells));
        if (row.main) setAttribute(element, "aria-expanded", store.view.layerOpen.includes(row.name));
        element.style.height = `${row.histogram ? TALL + step - tall : step}px`;
        element.style.fontSize = tall < 14 ? "var(--owl-t-tick)" : "";
        name.addEventListener("click", () => toggleRow(row));
        row.cells = cells;
        row.element = element;
        if (element.dataset.key === focused) requestAnimationFrame(() => focusRow(i));
        return element;
      }),
    );
    rows.forEach((row, i) => (shownRows[i] = row));
    shownRows.length = rows.length;
  }
  const shownRows = [];

  /** Open a layer, wherever it is, and go there. */
  function show(name) {
    openPanel(store, "layers");
    const open = store.view.layerOpen;
    store.setView({ table: false, layerOpen: [...open.filter((other) => other !== name), name] });
    requestAnimationFrame(() => {
      update(); // before the frame in which everything is drawn: the row is needed now
      focusRow(shownRows.findIndex((row) => row.main && row.name === name));
    });
  }

  function toggleRow(row) {
    if (!row.main) return;
    const open = store.view.layerOpen;
    store.setView({ layerOpen: open.includes(row.name) ? open.filter((name) => name !== row.name) : [...open, row.name] });
  }

  function focusRow(i) {
    const row = shownRows[Math.max(0, Math.min(shownRows.length - 1, i))];
    if (!row) return;
    for (const other of shownRows) other.element.tabIndex = other === row ? 0 : -1;
    row.element.focus();
  }

  grid.addEventListener("keydown", (event) => {
    const here = shownRows.findIndex((row) => row.element === event.target);
    if (here < 0) return;
    const next = { ArrowUp: here - 1, ArrowDown: here + 1, Home: 0, End: shownRows.length - 1 }[event.key];
    if (next !== undefined) focusRow(next);
    else if (event.key === "Enter") toggleRow(shownRows[here]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  // -- cursor --------------------------------------------------------------------------------------------

  /** Values and the line at the cursor. */
  function move() {
    if (panel.element.hidden || panel.body.hidden || lay.hidden) return;
    const { norms } = store.panels;
    const iteration = chart.cursor.at();
    const row = norms.at(iteration);
    for (const { cells, param, flag, histogram: kind, layer, main } of shownRows) {
      if (kind) {
        const histogram = store.panels.histograms.get(keyOf(layer.name, kind));
        setText(cells[0], histogramText(histogram?.rows[histogram.at(iteration)]));
        continue;
      }
      const texts = rowTexts(norms, row, param);
      const worst = flag?.kind ?? (main && layer.name === guilty(store) ? "nan" : null);
      const look_ = worst ? (worst === "frozen" ? "cold" : "hot") : "";
      setText(cells[0], worst ? GLYPH[worst] : "");
      texts.forEach((text, i) => setText(cells[i + 1], text));
      cells[0].className = `g ${look_}`;
      cells[1].className = `ratio ${look_} ${flag ? "b" : ""} ${param.fixed ? "mut" : ""} ${texts[0] === "NaN" ? "hot b" : ""}`;
      setAttribute(cells[0], "aria-label", worst ? WORD[worst] : "healthy");
    }
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
    const paint = stripPainter(norms, { kind: "ratio", range: null, width, x0: 0, x1: norms.iter[norms.n - 1] }, look);
    const each = tall / layers().length;
    layers().forEach((layer, i) => paint(g, layer.params[0].index, i * each, each));
  }

  return { element: panel.element, update, move, theme, show, focus: () => (panel.body.hidden ? panel.disc : grid.firstElementChild ?? panel.disc).focus() };
}
