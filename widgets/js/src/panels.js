// The panels beneath the chart: one place that hands on what changed, the cursor and the theme.

import { h } from "./dom.js";
import { makeFilters } from "./filters.js";
import { makeLayers } from "./layers.js";

export function makePanels(store, chart, root) {
  const parts = { layers: makeLayers(store, chart, root), filters: makeFilters(store, chart, root) };
  const all = Object.values(parts);
  const element = h("div", { class: "panels" }, ...all.map((part) => part.element));
  chart.cursor.onMove(() => all.forEach((part) => part.move()));
  return {
    element,
    update: () => all.forEach((part) => part.update()),
    theme: () => all.forEach((part) => part.theme()),
    focus: (name) => parts[name].focus(),
  };
}
