// The filters panel: what the first layer looks for, as it changes; the slider over training time is the cursor.

import { h, setAttribute, setText, tokens } from "./dom.js";
import { integer, significant } from "./format.js";
import { size } from "./layers-text.js";
import { gridOf } from "./filters-data.js";
import { MARKS, paintGrid, paintTile } from "./filters-paint.js";
import { makeChoice, makePanel, setChips, sized } from "./panel.js";
import { makeTrack } from "./track.js";

const BIG = 88; // pixels of the filter in the margin
const MINI = 18;

/** "conv1, 96 of 11 × 11 RGB" */
export function describe({ layer, outputs, inputs, height, width }) {
  const planes = inputs === 3 ? "RGB" : inputs === 1 ? "gray" : `over ${inputs} channels`;
  return `${layer}, ${outputs} of ${height}\u202f×\u202f${width} ${planes}`;
}

/** Chips of a frame: dead, broken, duplicate, noise. */
export function filterChips(frame) {
  const chips = [];
  const add = (glyph, count, text, title) => count && chips.push({ look: "warn", text: `${glyph} ${count} ${text}`, title });
  add("∅", frame.dead.length, "dead", "norm under a tenth of the median");
  add("✕", frame.broken.length, "no numbers", "with a weight that is NaN or infinite");
  add("=", frame.duplicates.length, `duplicate pair${frame.duplicates.length > 1 ? "s" : ""}`, "the same direction, cosine over 0.98");
  add("~", frame.noise.length, "still noise", "neighbouring weights do not go together");
  return chips;
}

export function makeFilters(store, chart, root) {
  const panel = makePanel(store, "filters", "Filters");
  const plane = makeChoice("Channels", [["rgb", "RGB"], ["r", "R"], ["g", "G"], ["b", "B"]], (filterPlane) => store.setView({ filterPlane }));
  const scale = makeChoice("Scale", [["own", "own scale"], ["shared", "shared"]], (filterScale) => store.setView({ filterScale }));
  const mini = h("canvas", { class: "mini", "aria-hidden": true });
  panel.side.append(plane.element, scale.element, mini);
  const gutter = h("div", { class: "gl tick", "aria-hidden": true });
  const canvas = h("canvas", { "aria-hidden": true });
  const list = h("div", { class: "tiles", role: "listbox", tabindex: 0, "aria-label": "Filters" });
  const mosaic = h("div", { class: "mo" }, canvas, list);
  const big = h("canvas", { class: "big", "aria-hidden": true });
  const words = h("div", { class: "words" });
  const info = h("div", { class: "info" }, big, words);
  const track = makeTrack(store, () => store.panels.film.frames.map((frame) => frame.iter), () => chart.window.x);
  const when = h("div", { class: "info tick" });
  const lay = h("div", { class: "lay" }, h("div", { class: "fil" }, gutter, mosaic, info), h("div", { class: "fil" }, h("div", { class: "gl tick time", text: "time" }), track.element, when));
  const tableHost = h("div", { class: "ptab", tabindex: 0, hidden: true });
  panel.body.append(lay, tableHost);
  const id = `owl-tile-${Math.random().toString(36).slice(2)}`;
  let colours = null;
  let hovered = null;
  let drawn = "";
  let grid = null;

  const film = () => store.panels.film;
  const shown = () => film().frames[film().at(chart.cursor.at())];
  const look = () => ({ scale: store.view.filterScale, plane: store.view.filterPlane });
  const width = () => {
    const style = getComputedStyle(panel.element);
    const px = (name) => parseFloat(style.getPropertyValue(name));
    return Math.max(40, panel.element.clientWidth - px("--owl-gutter-left") - px("--owl-gutter-right"));
  };

  function theme() {
    colours = tokens(root);
    drawn = "";
  }

  function update() {
    const { filters } = store.run;
    panel.element.hidden = !filters;
    if (!filters) return;
    if (!colours) theme();
    const frame = shown();
    const open = panel.update(frame ? describe(filters) : `${filters.layer}, drawn after the first snapshot of its weights`);
    if (frame) setChips(panel.chips, film().marked ? filterChips(frame) : []);
    const tabular = store.view.table;
    scale.element.hidden = !open || !frame || tabular;
    plane.element.hidden = scale.element.hidden || filters.inputs !== 3;
    mini.hidden = open || !frame;
    lay.hidden = !frame || tabular;
    tableHost.hidden = !frame || !tabular;
    if (!frame) return;
    scale.update(store.view.filterScale);
    plane.update(store.view.filterPlane);
    if (!open) drawMini(frame);
    else if (tabular) filtersTable(frame);
    else draw(frame);
  }

  function draw(frame) {
    const space = width();
    const key = JSON.stringify([frame.iter, film().version, space, look(), store.view.filter, devicePixelRatio]);
    track.update(frame.iter);
    setText(when, `at ${integer(frame.iter)}`);
    if (key === drawn) return;
    drawn = key;
    grid = gridOf(film().tiles, space);
    const height = grid.rows * (grid.tile + grid.gapY) - grid.gapY;
    mosaic.style.height = `${height}px`;
    buildList();
    paintGrid(sized(canvas, space + 8, height + 8), film(), frame, grid, { ...look(), selected: store.view.filter }, colours);
    describeTile(frame);
  }

  // -- one filter ----------------------------------------------------------------------------------------

  const current = () => hovered ?? store.view.filter ?? shown()?.duplicates[0]?.[0] ?? shown()?.dead[0] ?? 0;

  function describeTile(frame) {
    const tile = Math.min(current(), film().tiles - 1);
    paintTile(sized(big, BIG, BIG), film(), frame, tile, 0, 0, BIG, look());
    const mark = film().mark(frame, tile);
    const lines = [h("div", { class: "b", text: `#${tile}` })];
    if (film().marked) lines.push(h("div", { class: "mut", text: `norm ${size(frame.norms[tile], 3)}` }));
    if (mark) lines.push(h("div", { class: "warn", text: mark.kind === "duplicate" ? `= #${mark.with}` : `${MARKS[mark.kind].glyph} ${MARKS[mark.kind].word}` }));
    if (mark?.kind === "duplicate") lines.push(h("div", { class: "mut", text: `cosine ${significant(mark.cosine, 3)}` }));
    if (!mark && film().marked) lines.push(h("div", { class: "mut", text: "healthy" }));
    words.replaceChildren(...lines);
  }

  let built = "";
  function buildList() {
    const n = film().tiles;
    const key = JSON.stringify([n, grid]);
    if (key !== built) {
      built = key;
      list.replaceChildren(
        ...Array.from({ length: n }, (_, i) => {
          const [x, y] = [(i % grid.columns) * (grid.tile + grid.gap), Math.floor(i / grid.columns) * (grid.tile + grid.gapY)];
          return h("div", { role: "option", id: `${id}-${i}`, "data-tile": i, style: `left:${x}px;top:${y}px;width:${grid.tile}px;height:${grid.tile}px` });
        }),
      );
      const labels = grid.rows > 1 && grid.columns > 10 ? grid.rows : 0;
      gutter.replaceChildren(
        ...Array.from({ length: labels }, (_, r) =>
          h("div", { style: `height:${grid.tile + grid.gapY}px;line-height:${grid.tile}px`, text: `${r * grid.columns}–${Math.min(n, (r + 1) * grid.columns) - 1}` }),
        ),
      );
    }
    const frame = shown();
    for (const option of list.children) {
      const tile = Number(option.dataset.tile);
      const mark = film().mark(frame, tile);
      setAttribute(option, "aria-label", `filter ${tile}${mark ? `, ${MARKS[mark.kind].word}` : ""}`);
      setAttribute(option, "aria-selected", tile === store.view.filter);
    }
    setAttribute(list, "aria-activedescendant", `${id}-${current()}`);
    setAttribute(list, "aria-label", `${describe(store.run.filters)}; ${frame.summary}`);
  }

  const tileOf = (event) => event.target.closest("[data-tile]")?.dataset.tile;
  list.addEventListener("pointerover", (event) => {
    const tile = tileOf(event);
    hovered = tile === undefined ? null : Number(tile);
    describeTile(shown());
  });
  list.addEventListener("pointerleave", () => {
    hovered = null;
    describeTile(shown());
  });
  list.addEventListener("click", (event) => {
    const tile = tileOf(event);
    if (tile !== undefined) store.setView({ filter: Number(tile) === store.view.filter ? null : Number(tile) });
  });
  list.addEventListener("keydown", (event) => {
    const here = current();
    const last = film().tiles - 1;
    const next = { ArrowLeft: here - 1, ArrowRight: here + 1, ArrowUp: here - grid.columns, ArrowDown: here + grid.columns, Home: 0, End: last }[event.key];
    if (next === undefined) return;
    store.setView({ filter: Math.max(0, Math.min(last, next)) });
    event.preventDefault();
    event.stopPropagation();
  });

  // -- other forms ---------------------------------------------------------------------------------------

  function drawMini(frame) {
    const count = Math.min(film().tiles, 10);
    const key = `mini ${film().version} ${frame.iter}`;
    if (key === drawn) return;
    drawn = key;
    const g = sized(mini, count * (MINI + 2), MINI + 2);
    for (let i = 0; i < count; i++) paintTile(g, film(), frame, i, i * (MINI + 2) + 2, 1, MINI, { scale: "own", plane: "rgb" });
  }

  function filtersTable(frame) {
    const key = `table ${film().version} ${frame.iter}`;
    if (key === drawn) return;
    drawn = key;
    const head = h("tr", {}, ...["filter", "norm", "judged"].map((text) => h("th", { scope: "col", text })));
    const rows = Array.from(frame.norms, (norm, i) => {
      const mark = film().mark(frame, i);
      const judged = !mark ? "" : mark.kind === "duplicate" ? `= #${mark.with}, cosine ${significant(mark.cosine, 3)}` : `${MARKS[mark.kind].glyph} ${MARKS[mark.kind].word}`;
      return h("tr", {}, h("th", { scope: "row", text: `#${i}` }), h("td", { text: size(norm, 3) }), h("td", { text: judged }));
    });
    const label = `Filters of ${store.run.filters.layer} at iteration ${integer(frame.iter)}`;
    tableHost.replaceChildren(h("table", { "aria-label": label }, h("thead", {}, head), h("tbody", {}, ...rows)));
  }

  const move = () => {
    if (!panel.element.hidden && !panel.body.hidden) update();
  };
  return { element: panel.element, update, move, theme, focus: () => (panel.body.hidden ? panel.disc : list).focus() };
}
