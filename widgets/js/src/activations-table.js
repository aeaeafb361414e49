// All channels as a real table.

import { significant } from "./format.js";
import { makePlainTable } from "./plain-table.js";
import { JUDGED } from "./activations-data.js";

const HEADS = ["channel", "largest", "rank", "mean", "smallest", "judged"];

/** Rows as text, in the order of the view. */
export function tableRows(bank, view) {
  const { highs, lows, means, names } = bank.layer;
  const { rank } = bank.ranking;
  return bank.ordered(view).map((c) => {
    const numbers = [significant(highs[c], 3), String(rank.get(c)), significant(means[c], 3), significant(lows[c], 3)];
    return [names ? `#${c} ${names[c]}` : `#${c}`, ...numbers, JUDGED[bank.marks.get(c)]?.word ?? "answers"];
  });
}

export function makeTable(store) {
  const { element, fill } = makePlainTable({ name: "act-table", label: "Channels", heads: HEADS });

  function update() {
    element.hidden = !store.view.table;
    if (!element.hidden) fill(tableRows(store.bank, store.view));
  }
  return { element, update };
}
