// Legend = switch board = read-out: values at the cursor, a click hides a curve, Alt-click isolates it.

import { PAST, pastAt } from "./branches.js";
import { h, setAttribute, setText } from "./dom.js";
import { compact, DASH, integer, percent, rate, rateField, significant } from "./format.js";
import { swatch, testSwatch } from "./icons.js";
import { letter } from "./runs.js";
import { isNet, markShape, seriesKey, testLabel, testNets } from "./testnets.js";

/** Rows [key, label, swatch]; each test net has its own. `past`: whether something was given up. */
export function legendRows(tests, past = false) {
  const row = (what, net) => [seriesKey(what, net), testLabel(tests, what, net), testSwatch(what, markShape(what, net))];
  const nets = testNets(tests);
  return [
    ["train", "train loss", swatch("train")],
    ["raw", "raw", swatch("raw")],
    ...(past ? [[PAST, "given up", swatch("past")]] : []),
    ...nets.filter(isNet).map((net) => row("loss", net)),
    ...nets.map((net) => row("accuracy", net)),
    ["lr", "learning rate", swatch("lr")],
  ];
}
const SHORT = { "train loss": "train", "test loss": "test", "accuracy %": "acc %", "learning rate": "lr" }; // beside many values
const isCurve = (key) => key !== "lr";

/** How a loss and a rate are written beside `others` of other runs: the more, the shorter. */
export const writers = (others) => ({
  loss: (x) => (others ? compact(x, others > 1 ? 3 : 4) : significant(x)),
  rate: (x) => (others ? rateField(others > 2 && x ? Number(x.toPrecision(2)) : x) || DASH : rate(x)),
});

/** Values of a run for every row at an iteration (null: the latest). */
export function readOut(run, iteration, nets = testNets(run.tests), write = writers(0)) {
  const v = run.at(iteration);
  const values = { train: write.loss(v.smoothed), raw: write.loss(v.raw), lr: write.rate(v.lr) };
  for (const net of nets) {
    values[seriesKey("loss", net)] = write.loss(run.tested("loss", net, iteration));
    values[seriesKey("accuracy", net)] = percent(run.tested("accuracy", net, iteration));
  }
  return values;
}

/** `runs`: the element that lists the runs. */
export function makeLegend(store, cursor, runs) {
  const when = h("span", { class: "lab" });
  const head = h("div", { class: "at" }, when);
  let rows = {};
  let shown = [];
  let built = "";
  const list = h("div", { class: "rows", role: "group", "aria-label": "Curves and their values" });

  /** Rows are made anew where a test net came up or the runs are others. */
  function build() {
    shown = legendRows(store.tests, store.runs.some((run) => run.branches.length));
    const key = JSON.stringify([shown, store.runs.map((run) => run.key)]);
    if (key === built) return;
    built = key;
    const several = store.references.length > 0;
    head.replaceChildren(when, ...(several ? store.runs.map((run, k) => h("span", { class: `val${k ? " ref" : ""}`, text: letter(k) })) : []));
    element.classList.toggle("several", several);
    element.classList.toggle("many", store.references.length > 1);
    element.classList.toggle("most", store.references.length > 2);
    rows = Object.fromEntries(shown.map((row) => [row[0], makeRow(...row)]));
    list.replaceChildren(...shown.map(([name]) => rows[name].element));
  }

  function makeRow(key, label, picture) {
    const values = store.runs.map((run, k) => h("span", { class: k ? "val ref" : "val m" }));
    const content = [h("span", { class: "lab" }, h("span", { html: picture }), h("span", { text: store.references.length > 1 ? (SHORT[label] ?? label) : label })), ...values];
    if (!isCurve(key)) return { element: h("div", { class: "row" }, ...content), values };
    const element = h("button", { type: "button", class: "row", role: "switch", "aria-checked": "true", "data-series": key }, ...content);
    element.addEventListener("click", (event) => toggle(key, event.altKey));
    return { element, values };
  }

  const element = h("div", { class: "leg" }, head, list, runs);

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
    setText(when, iteration === null ? "latest" : `at ${integer(iteration)}`);
    build();
    const nets = testNets(store.tests);
    const write = writers(store.references.length);
    const read = store.runs.map((run) => readOut(run, iteration, nets, write));
    const { smoothing } = store.view;
    store.runs.forEach((run, k) => (read[k][PAST] = write.loss(pastAt(run, iteration, smoothing, store.maxIter))));
    for (const [key] of shown) {
      rows[key].values.forEach((value, k) => {
        setText(value, read[k][key]);
        value.classList.toggle("bad", /NaN|Inf/.test(read[k][key]));
      });
      if (isCurve(key)) setAttribute(rows[key].element, "aria-checked", !store.view.hidden.includes(key));
    }
  }
  cursor.onMove(update);
  update();
  return { element, update };
}
