// A list of buttons with bars: who answers most. A click chooses.

import { h } from "./dom.js";

/** Rows are { unit, label, share, value, on }; `choose` gets the unit of the one that was clicked. */
export function makeBarsList(label, choose) {
  const element = h("div", { class: "lk-list", role: "group", "aria-label": label });
  element.addEventListener("click", (event) => {
    const unit = event.target.closest("button")?.dataset.unit;
    if (unit !== undefined) choose(Number(unit));
  });
  let drawn = "";
  function update(rows) {
    const key = JSON.stringify(rows);
    if (key === drawn) return;
    const inside = element.contains(document.activeElement) ? document.activeElement.dataset.unit : null;
    drawn = key;
    element.replaceChildren(
      ...rows.map(({ unit, label: text, share, value, on }) =>
        h("button", { type: "button", "data-unit": String(unit), "aria-pressed": on ? "true" : "false" },
          h("span", { class: "nm", text, title: text }), h("i", { class: "track" }, h("b", { style: `width:${Math.max(0, 100 * share)}%` })), h("span", { class: "val", text: value })),
      ),
    );
    if (inside !== null) element.querySelector(`[data-unit="${inside}"]`)?.focus();
  }
  return { element, update };
}
