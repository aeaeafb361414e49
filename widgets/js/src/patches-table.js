// The units as a table: number, largest answer, how often it fires, and the image it answers to most.

import { h } from "./dom.js";
import { firedWords, isSilent, valueWords } from "./patches-data.js";

const HEADS = ["unit", "largest answer", "fires at", ""];

export function makeTable(store) {
  const body = h("tbody");
  const head = h("thead", {}, h("tr", {}, ...HEADS.map((text) => h("th", { scope: "col", text: text || "remark" }))));
  const element = h("div", { class: "pt-table", tabindex: "0", role: "region", "aria-label": "Units", hidden: true }, h("table", {}, head, body));
  let drawn = [];

  function update() {
    element.hidden = !store.view.table;
    const key = [store.scan, store.view.order, store.selected];
    if (element.hidden || key.every((part, i) => part === drawn[i])) return;
    drawn = key;
    const { scan } = store;
    const known = store.current && scan.values?.length;
    body.replaceChildren(...(known ? store.order : []).map((unit) => {
      const cells = [String(unit), valueWords(scan.values[unit]), firedWords(scan.fired[unit]), isSilent(scan, unit) ? "∅ silent" : ""];
      return h("tr", { "aria-selected": unit === store.selected ? "true" : null, "data-unit": String(unit) }, ...cells.map((text, i) => h(i ? "td" : "th", { scope: i ? null : "row", text })));
    }));
  }
  body.addEventListener("click", (event) => {
    const row = event.target.closest("[data-unit]");
    if (row) store.choose(Number(row.dataset.unit));
  });
  return { element, update };
}
