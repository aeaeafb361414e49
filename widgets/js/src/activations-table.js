// All channels as a real table.

import { h } from "./dom.js";
import { significant } from "./format.js";
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
  const body = h("tbody");
  const head = h("thead", {}, h("tr", {}, ...HEADS.map((text) => h("th", { scope: "col", text }))));
  const element = h("div", { class: "act-table", tabindex: "0", hidden: true }, h("table", { "aria-label": "Channels" }, head, body));

  function update() {
    element.hidden = !store.view.table;
    if (element.hidden) return;
    const rows = tableRows(store.bank, store.view).map((cells) => h("tr", {}, ...cells.map((text, i) => (i ? h("td", { text }) : h("th", { scope: "row", text })))));
    body.replaceChildren(...rows);
  }
  return { element, update };
}
