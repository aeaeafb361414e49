// The units as a table: number, largest answer, how often it fires, and the image it answers to most.

import { makePlainTable } from "./plain-table.js";
import { firedWords, isSilent, valueWords } from "./patches-data.js";

const HEADS = ["unit", "largest answer", "fires at", "remark"];

export function makeTable(store) {
  const { element, body, fill } = makePlainTable({ name: "pt-table", label: "Units", heads: HEADS });
  let drawn = [];

  function update() {
    element.hidden = !store.view.table;
    const key = [store.scan, store.view.order, store.selected];
    if (element.hidden || key.every((part, i) => part === drawn[i])) return;
    drawn = key;
    const { scan } = store;
    const units = store.current && scan.values?.length ? store.order : [];
    const rows = units.map((unit) => [String(unit), valueWords(scan.values[unit]), firedWords(scan.fired[unit]), isSilent(scan, unit) ? "∅ silent" : ""]);
    fill(rows, (k) => ({ "aria-selected": units[k] === store.selected ? "true" : null, "data-unit": String(units[k]) }));
  }
  body.addEventListener("click", (event) => {
    const row = event.target.closest("[data-unit]");
    if (row) store.choose(Number(row.dataset.unit));
  });
  return { element, update };
}
