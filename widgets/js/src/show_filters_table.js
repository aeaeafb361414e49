// All filters as a real table.

import { DASH, significant } from "./format.js";
import { makePlainTable } from "./plain-table.js";
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
  const { element, fill } = makePlainTable({ name: "fv-table", label: "Filters", heads: HEADS });

  function update() {
    element.hidden = !store.view.table;
    if (!element.hidden) fill(tableRows(store.bank, store.view));
  }
  return { element, update };
}
