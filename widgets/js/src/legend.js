// Legend = switch board = read-out: values at the cursor, a click hides a curve, Alt-click isolates it.

import { h, setAttribute, setText } from "./dom.js";
import { DASH, integer, percent, rate, significant } from "./format.js";
import { swatch, testSwatch } from "./icons.js";
import { markShape, netLabel, seriesKey, testNets } from "./testnets.js";

/** Rows [key, label, swatch]; each test net has its own. */
export function legendRows(tests) {
  const ofNets = (what, label) =>
    testNets(tests).map((net) => [seriesKey(what, net), `${label} ${netLabel(tests, net)}`.trim(), testSwatch(what, markShape(what, net))]);
  return [
    ["train", "train loss", swatch("train")],
    ["raw", "raw", swatch("raw")],
    ...ofNets("loss", "test loss"),
    ...ofNets("accuracy", "accuracy %"),
    ["lr", "learning rate", swatch("lr")],
  ];
}
const isCurve = (key) => key !== "lr";

/** Values of every row at an iteration (null: the latest). */
export function readOut(store, iteration) {
  const v = store.at(iteration);
  const values = {
    train: v.smoothed === null ? DASH : significant(v.smoothed),
    raw: v.raw === null ? DASH : significant(v.raw),
    lr: rate(v.lr),
  };
  for (const net of testNets(store.tests)) {
    values[seriesKey("loss", net)] = significant(store.tested("loss", net, iteration));
    values[seriesKey("accuracy", net)] = percent(store.tested("accuracy", net, iteration));
  }
  return values;
}

export function makeLegend(store, cursor) {
  const head = h("div", { class: "at" });
  let rows = {};
  let shown = [];
  let built = "";
  const list = h("div", { class: "rows", role: "group", "aria-label": "Curves and their values" });

  /** Rows are made anew where a test net came up. */
  function build() {
    shown = legendRows(store.tests);
    const key = JSON.stringify(shown);
    if (key === built) return;
    built = key;
    rows = Object.fromEntries(shown.map((row) => [row[0], makeRow(...row)]));
    list.replaceChildren(...shown.map(([name]) => rows[name].element));
  }

  function makeRow(key, label, picture) {
    const value = h("span", { class: "val m" });
    const content = [h("span", { class: "lab" }, h("span", { html: picture }), label), value];
    if (!isCurve(key)) return { element: h("div", { class: "row" }, ...content), value };
    const element = h("button", { type: "button", class: "row", role: "switch", "aria-checked": "true", "data-series": key }, ...content);
    element.addEventListener("click", (event) => toggle(key, event.altKey));
    return { element, value };
  }

  const run = h("button", { type: "button", class: "row runrow", role: "switch", "aria-checked": "true" });
  const runName = h("span");
  run.append(h("span", { class: "swi" }), h("span", { html: swatch("run"), class: "lab" }), runName);
  run.addEventListener("click", () => toggle("run", false));
  const element = h("div", { class: "leg" }, head, list, h("div", { class: "runs" }, run));

  function toggle(key, alone) {
    const hidden = new Set(store.view.hidden);
    const others = shown.map((row) => row[0]).filter((other) => isCurve(other) && other !== key);
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
    build();
    for (const [key] of shown) {
      setText(rows[key].value, values[key]);
      rows[key].value.classList.toggle("bad", /NaN|Inf/.test(values[key]));
      if (isCurve(key)) setAttribute(rows[key].element, "aria-checked", !store.view.hidden.includes(key));
    }
    setAttribute(run, "aria-checked", !store.view.hidden.includes("run"));
    setText(runName, store.run.name);
  }
  cursor.onMove(update);
  update();
  return { element, update };
}
