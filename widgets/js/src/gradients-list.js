// One row per blob: its name, its map, and what was found. Arrow keys go from row to row.

import { h, setAttribute, setText } from "./dom.js";
import { integer } from "./format.js";
import { icon } from "./icons.js";
import { corner, frame, hit, layout, logErrorOf, neighbourhood, paint } from "./gradients-map.js";
import { error, indexed, shape, unravel, verdict } from "./gradients-text.js";
import { sized } from "./panel.js";

const HEADS = ["blob", "elements, in memory order", "checked", "worst", "median", "kinks", "verdict"];
const ROOMY = 14; // up to so many rows the maps are tall
export const ZOOM_COLUMNS = 30;

export function makeList(store, actions) {
  const body = h("tbody");
  const heads = HEADS.map((text, i) => h("th", { scope: "col", class: [0, 1, 6].includes(i) ? "l" : i === 5 ? "wide" : null, text }));
  const table = h("table", { class: "blobs", role: "grid", "aria-label": "Blobs and their gradients" }, h("thead", {}, h("tr", {}, ...heads)), body);
  const element = h("div", { class: "list" }, table);
  const rows = [];

  function make(place) {
    const [name, size, canvas] = [h("div", { class: "m" }), h("div", { class: "tick" }), h("canvas", { role: "img" })];
    const [done, of, worst, median, kinks] = [h("div"), h("div", { class: "tick" }), h("td"), h("td", { class: "mut" }), h("td", { class: "mut wide" })];
    const kind = h("div", { class: "kind mut" });
    const said = h("span", { class: "said-verdict" });
    const cells = [h("th", { scope: "row", class: "l" }, name, size), h("td", { class: "l map" }, canvas, kind)];
    cells.push(h("td", {}, done, of), worst, median, kinks, h("td", { class: "l" }, said));
    const row = h("tr", { tabindex: -1 }, ...cells);
    row.addEventListener("click", (event) => choose(place, event.target === canvas ? at(event, place) : null));
    canvas.addEventListener("pointermove", (event) => describe(event, place));
    row.addEventListener("focus", () => store.selected !== place && choose(place, null));
    body.append(row);
    rows.push({ row, name, size, canvas, kind, done, of, worst, median, kinks, said, key: "" });
  }

  function choose(place, k) {
    store.setView({ row: place, k: k === store.rows[place].worst?.k ? null : k });
    if (k !== null || store.over) actions.look(place, k);
  }

  function at(event, place) {
    const box = rows[place].canvas.getBoundingClientRect();
    const k = hit(layout(store.rows[place].number, box.width, box.height), event.clientX - box.left, event.clientY - box.top);
    return k !== null && k < store.rows[place].done ? k : null;
  }

  /** What lies under the pointer, as the canvas's own tooltip. */
  function describe(event, place) {
    const k = at(event, place);
    const row = store.rows[place];
    setAttribute(rows[place].canvas, "title", k === null ? null : elementWords(store, place, k, row));
  }

  function update(colours) {
    while (rows.length < store.rows.length) make(rows.length);
    while (rows.length > store.rows.length) rows.pop().row.remove();
    const roomy = store.rows.length <= ROOMY && !store.view.table;
    element.classList.toggle("dense", !roomy);
    element.classList.toggle("plain", store.view.table);
    setText(heads[1], store.view.table ? "layer type" : HEADS[1]);
    const width = Math.max(80, (element.querySelector("td.map")?.clientWidth ?? 300) - 12);
    rows.forEach((parts, place) => refresh(parts, place, colours, width, roomy));
  }

  function refresh(parts, place, colours, width, roomy) {
    const row = store.rows[place];
    const selected = place === store.selected;
    const [glyph, word, look] = verdict(row, store.over);
    setAttribute(parts.row, "aria-selected", selected);
    parts.row.tabIndex = selected ? 0 : -1;
    setText(parts.name, `${row.layer} ${row.blob}`);
    setText(parts.size, shape(row.shape));
    setText(parts.kind, row.type);
    setText(parts.done, row.done ? integer(row.done) : "\u2013");
    setText(parts.of, `of ${integer(row.count)}`);
    setText(parts.worst, error(row.worst?.error));
    parts.worst.className = row.wrong ? "b bad" : "";
    setText(parts.median, error(row.median));
    setText(parts.kinks, row.done ? integer(row.kinks) : "\u2013");
    if (parts.said.textContent !== word) parts.said.innerHTML = icon(glyph) + word;
    parts.said.className = `said-verdict ${look}`;
    if (!store.view.table) drawMap(parts, place, { colours, width, height: roomy ? 42 : 22, selected });
  }

  function drawMap(parts, place, { colours, width, height, selected }) {
    const row = store.rows[place];
    const map = layout(row.number, width, height);
    const codes = store.codes[place] ?? new Uint8Array(0);
    const shown = Math.min(width, map.wide * map.w);
    const g = sized(parts.canvas, shown + 1, height);
    const busy = row.verdict === "checking" && row.done > 0 && row.done < row.number && !store.over;
    paint(g, map, codes, colours, 0, map.n, busy ? row.done : null);
    setAttribute(parts.canvas, "aria-label", `Relative errors of ${row.layer} ${row.blob}: ${integer(row.wrong)} of ${integer(row.done)} elements wrong`);
    if (!selected || store.k === null) return;
    const near = neighbourhood(map, store.k, ZOOM_COLUMNS);
    if (near.columns < map.wide) frame(g, corner(map, near.first)[0], 0.75, near.columns * map.w, height - 1.5, colours);
  }

  function onKey(event) {
    const steps = { ArrowDown: 1, ArrowUp: -1, Home: -store.rows.length, End: store.rows.length };
    const move = steps[event.key];
    if (!move || !store.rows.length) return;
    const to = Math.max(0, Math.min(store.rows.length - 1, store.selected + move));
    choose(to, null);
    rows[to].row.focus();
    event.preventDefault();
    event.stopPropagation();
  }
  body.addEventListener("keydown", onKey);
  return { element, update };
}

/** One element of a map in words: its index, and about how wrong it is. */
export function elementWords(store, place, k, row = store.rows[place]) {
  const offset = store.positions[place]?.[k] ?? k;
  const code = store.codes[place]?.[k] ?? 0;
  const said = ["waits", "a kink, not counted", "not a number", "disagrees, is looked at again"][code];
  const log = logErrorOf(code, store.head.tolerance);
  return `${indexed(row, unravel(offset, row.shape))}: ${said ?? `relative error about ${error(Number((10 ** log).toPrecision(1)))}`}`;
}
