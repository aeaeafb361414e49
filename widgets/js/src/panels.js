// The panels beneath the chart: one place that hands on what changed, the cursor and the theme.

import { h } from "./dom.js";
import { makeFilters } from "./filters.js";
import { makeLayers } from "./layers.js";

export function makePanels(store, chart, root) {
  const parts = { layers: makeLayers(store, chart, root), filters: makeFilters(store, chart, root) };
  const all = Object.values(parts);
  const element = h("div", { class: "panels" }, ...all.map((part) => part.element));
  const each = (act) => {
    if (element.isConnected) all.forEach(act); // a cell that is cleared takes the widget off the page first
  };
  chart.cursor.onMove(() => each((part) => part.move()));
  return {
    element,
    update: () => each((part) => part.update()),
    theme: () => each((part) => part.theme()),
    focus: (name) => parts[name].focus(),
    showLayer: (name) => parts.layers.show(name),
  };
}
