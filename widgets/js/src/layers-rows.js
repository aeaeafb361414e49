// Rows of the layers panel: names, values at the cursor, which of them are open, and the keys among them.

import { guilty } from "./banner.js";
import { h, setAttribute, setText } from "./dom.js";
import { DASH } from "./format.js";
import { TALL, histogramText, keyOf } from "./histograms.js";
import { FIXED, GLYPH, WORD, rowTexts } from "./layers-text.js";
import { openPanel } from "./panel.js";

/** `update()` draws the panel now. */
export function makeRows(store, update) {
  const grid = h("div", { class: "rows", role: "treegrid", "aria-label": "Layers" });
  const shownRows = [];

  let built = "";

  /** Elements for the rows of `layers-text.listRows`; step, tall: pixels from row to row, and of a strip. short: what is
   *  written of a layer's name. */
  function build(rows, step, tall, short) {
    const key = JSON.stringify([[...short.values()], rows.map((row) => [row.layer.name, row.name, row.param.index, row.flag?.kind]), step, store.view.layerOpen, guilty(store)]);
    if (key === built) return;
    built = key;
    const focused = grid.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    grid.replaceChildren(
      ...rows.map((row, i) => {
        const name = h("span", { class: `n ${row.flag || (row.main && row.name === guilty(store)) ? "b" : ""} ${row.main ? "" : "mut"}`, role: "rowheader", title: row.main ? `${row.name}: click for its parameters, activations and gradients` : row.name, "aria-label": row.name, text: row.main ? short.get(row.name) : row.name });
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

  /** Write what the rows were at a row of `norms`, at an iteration or (null) now. */
  function values(norms, row, iteration) {
    for (const { cells, param, flag, histogram: kind, layer, main } of shownRows) {
      if (kind) {
        const histogram = store.panels.histograms.get(keyOf(layer.name, kind));
        const at = histogram?.at(iteration) ?? -1;
        setText(cells[0], at < 0 && histogram?.n ? DASH : histogramText(histogram?.rows[at]));
        continue;
      }
      const texts = rowTexts(norms, row, param);
      const worst = flag?.kind ?? (main && layer.name === guilty(store) ? "nan" : null);
      const look_ = worst ? (worst === "frozen" ? "cold" : "hot") : "";
      setText(cells[0], worst ? GLYPH[worst] : "");
      texts.forEach((text, i) => setText(cells[i + 1], text));
      cells[0].className = `g ${look_}`;
      cells[1].className = `ratio ${look_} ${flag ? "b" : ""} ${param.fixed ? "mut" : ""} ${texts[0] === "NaN" ? "hot b" : ""}`;
      setAttribute(cells[0], "aria-label", worst ? WORD[worst] : param.fixed ? FIXED : "healthy");
    }
  }

  return { element: grid, build, values, show, get first() { return grid.firstElementChild; } };
}
