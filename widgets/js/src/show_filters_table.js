// All filters as a real table.

import { h } from "./dom.js";
import { DASH, significant } from "./format.js";
import { judged } from "./show_filters_detail.js";

const HEADS = ["filter", "norm", "rank", "mean", "nearest", "cosine", "judged"];

/** Rows as text, in the order of the view. */
export function tableRows(bank, view) {
  const { layer } = bank;
  const { rank } = bank.ranking;
  return bank.ordered(view).map((i) => {
    const nearest = layer.nearest[i];
    const near = nearest ? [`#${nearest[0]}`, significant(nearest[1], 3)] : [DASH, DASH];
    return [`#${i}`, significant(layer.norms[i], 3), String(rank.get(i)), significant(layer.means[i], 2), ...near, judged(bank.marks.get(i))];
  });
}

export function makeTable(store) {
  const body = h("tbody");
  const head = h("thead", {}, h("tr", {}, ...HEADS.map((text) => h("th", { scope: "col", text }))));
  const element = h("div", { class: "tab fv-table", tabindex: "0", hidden: true }, h("table", { "aria-label": "Filters" }, head, body));

  function update() {
    element.hidden = !store.view.table;
    if (element.hidden) return;
    const rows = tableRows(store.bank, store.view).map((cells) => h("tr", {}, ...cells.map((text, i) => (i ? h("td", { text }) : h("th", { scope: "row", text })))));
    body.replaceChildren(...rows);
  }
  return { element, update };
}
