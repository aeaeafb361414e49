// The list of keys, as a popover inside the widget.

import { h } from "./dom.js";

const KEYS = [
  ["Space", "pause or resume"],
  [".", "one iteration"],
  ["N", "N iterations"],
  ["S", "snapshot"],
  ["Q, then Enter", "stop"],
  ["[ and ]", "learning rate × 0.1, × 10"],
  ["R", "learning rate field"],
  ["← →", "move the cursor (Shift: ten)"],
  ["Enter", "pin or free the cursor"],
  ["+ and −", "zoom at the cursor"],
  ["0", "whole run"],
  ["G", "log loss axis"],
  ["{ and }", "less, more smoothing"],
  ["1 2 3", "chart, layers, filters"],
  ["T", "table of values"],
  ["?", "this list"],
  ["Esc", "close, then leave the widget"],
];

/** A popover with a list of [key, what it does], by default the monitor's. */
export function makeHelp(onClose, keys = KEYS, when = "while the monitor has the focus") {
  const half = Math.ceil(keys.length / 2);
  const grid = h("div", { class: "keys" });
  for (let i = 0; i < half; i++)
    for (const entry of [keys[i], keys[i + half]])
      grid.append(h("span", { class: "key" }, ...(entry ? [h("kbd", { text: entry[0] })] : [])), h("span", { text: entry?.[1] ?? "" }));
  const close = h("button", { type: "button", class: "btn", text: "Close" });
  const title = h("div", { class: "title b", html: `Keyboard <span class="mut">${when}</span>` });
  const element = h("div", { class: "popt", role: "dialog", "aria-label": "Keyboard", hidden: true }, h("div", { class: "line" }, title, close), grid);
  close.addEventListener("click", () => toggle(false));

  function toggle(open = element.hidden) {
    element.hidden = !open;
    if (open) close.focus();
    else onClose();
  }
  return { element, toggle, get open() { return !element.hidden; } };
}
