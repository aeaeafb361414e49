// Legend = switch board = read-out: values at the cursor, a click hides a curve, Alt-click isolates it.

import { h, setAttribute, setText } from "./dom.js";
import { DASH, integer, percent, rate, significant } from "./format.js";
import { swatch } from "./icons.js";

const ROWS = [
  ["train", "train loss"],
  ["raw", "raw"],
  ["test", "test loss"],
  ["acc", "accuracy %"],
  ["lr", "learning rate"],
];
const CURVES = ["train", "raw", "test", "acc"];

/** Values of every row at an iteration (null: the latest). */
export function readOut(store, iteration) {
  const v = store.at(iteration);
  return {
    train: v.smoothed === null ? DASH : significant(v.smoothed),
    raw: v.raw === null ? DASH : significant(v.raw),
    test: v.test === null ? DASH : significant(v.test),
    acc: percent(v.accuracy),
    lr: rate(v.lr),
  };
}

export function makeLegend(store, cursor) {
  const head = h("div", { class: "at" });
  const rows = {};
  const list = h("div", { class: "rows", role: "group", "aria-label": "Curves and their values" });
  for (const [key, label] of ROWS) {
    const value = h("span", { class: "val m" });
    const content = [h("span", { class: "lab", html: swatch(key) + label }), value];
    const switches = CURVES.includes(key);
    const element = switches
      ? h("button", { type: "button", class: "row", role: "switch", "aria-checked": "true", "data-series": key }, ...content)
      : h("div", { class: "row" }, ...content);
    if (switches) element.addEventListener("click", (event) => toggle(key, event.altKey));
    rows[key] = { element, value };
    list.append(element);
  }
  const run = h("button", { type: "button", class: "row runrow", role: "switch", "aria-checked": "true" });
  const runName = h("span");
  run.append(h("span", { class: "swi" }), h("span", { html: swatch("run"), class: "lab" }), runName);
  run.addEventListener("click", () => toggle("run", false));
  const element = h("div", { class: "leg" }, head, list, h("div", { class: "runs" }, run));

  function toggle(key, alone) {
    const hidden = new Set(store.view.hidden);
    const others = CURVES.filter((other) => other !== key);
    if (alone) {
      const isolated = !hidden.has(key) && others.every((other) => hidden.has(other));
      for (const other of others) isolated ? hidden.delete(other) : hidden.add(other);
      hidden.delete(key);
    } else if (!hidden.delete(key)) hidden.add(key);
    store.setView({ hidden: [...hidden] });
  }

  function update() {
    const iteration = cursor.at();
    setText(head, iteration === null ? "latest" : `at ${integer(iteration)}`);
    const values = readOut(store, iteration);
    for (const [key] of ROWS) {
      setText(rows[key].value, values[key]);
      rows[key].value.classList.toggle("bad", /NaN|Inf/.test(values[key]));
      if (CURVES.includes(key)) setAttribute(rows[key].element, "aria-checked", !store.view.hidden.includes(key));
    }
    setAttribute(run, "aria-checked", !store.view.hidden.includes("run"));
    setText(runName, store.run.name);
  }
  cursor.onMove(update);
  update();
  return { element, update };
}
