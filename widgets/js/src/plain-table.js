// A table of numbers that stands in for a picture. Its sheet is base.css.

import { h } from "./dom.js";

/** `name`: its class; `label`: for screen readers; `heads`: of the columns. */
export function makePlainTable({ name, label, heads }) {
  const body = h("tbody");
  const head = h("thead", {}, h("tr", {}, ...heads.map((text) => h("th", { scope: "col", text }))));
  const element = h("div", { class: `plain ${name}`, tabindex: "0", hidden: true }, h("table", { "aria-label": label }, head, body));

  /** Rows of texts; `of(k)`: further attributes of the k-th row. */
  function fill(rows, of = () => ({})) {
    body.replaceChildren(...rows.map((cells, k) => h("tr", of(k), ...cells.map((text, i) => (i ? h("td", { text }) : h("th", { scope: "row", text }))))));
  }
  return { element, body, fill };
}
