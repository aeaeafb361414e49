// Header, toolbar and footer of top patches.

import { buttonsOf, keepKeys, makeFigures, makeLayerChoice, makeRun } from "./bar-parts.js";
import { h, setAttribute, setText } from "./dom.js";
import { THIN, DASH, integer } from "./format.js";
import { makeChoice } from "./panel.js";
import { ORDERS, layerWords, sidesWords, silentOf, stateWords } from "./patches-data.js";

export function makeHead(store) {
  const name = h("span", { class: "name" });
  const about = h("span", { class: "mut" });
  const { all: figures, element: figs } = makeFigures(["images", "a unit sees", "silent"]);
  const bar = h("i");
  const progress = h("div", { class: "prog", role: "progressbar", "aria-label": "Images looked at", "aria-valuemin": "0" }, bar);
  const line = h("div", { class: "hd" }, name, about, figs);
  const element = h("div", { class: "pt-head" }, line, progress);

  function update() {
    const { scan, layer, current } = store;
    setText(name, `What excites ${layer.name}`);
    setText(about, layerWords(layer));
    const done = current ? (scan.done ?? 0) : 0;
    const total = scan.total || store.net.images;
    figures[0].value.replaceChildren(integer(done), h("small", { text: done < total ? ` of ${integer(total)}` : "" }));
    figures[1].value.replaceChildren(sidesWords(layer.field), h("small", { text: " pixels" }));
    setText(figures[2].value, current && done ? integer(silentOf(scan).length) : DASH);
    bar.style.width = `${total ? (100 * done) / total : 0}%`;
    progress.classList.toggle("off", current && scan.state === "ready");
    setAttribute(progress, "aria-valuemax", total || 1);
    setAttribute(progress, "aria-valuenow", done);
    setAttribute(progress, "aria-valuetext", stateWords(scan));
  }
  return { element, update };
}

const RUN = { looking: ["stop", "Stop"], stopped: ["play", "Go on"], failed: ["play", "Try again"] };

export function makeBar(store, acts) {
  const layer = makeLayerChoice("lk-select", (name) => store.setLayer(name));
  const unit = h("input", { type: "number", class: "lk-input", min: "0", "aria-label": "Unit" });
  const units = h("span", { class: "mut" });
  const order = makeChoice("Order", ORDERS.map((o) => [o, o]), (value) => store.setView({ order: value }));
  const run = makeRun(acts, "pt-run", RUN);
  const words = h("span", { class: "mut pt-state" });
  const button = buttonsOf(acts);
  const table = button("table", "table", "Show as table");
  const help = button("help", "help", "Keyboard help");
  const element = h("div", { class: "ctl lk-ctl", role: "toolbar", "aria-label": "Top patches" },
    layer.element, h("label", { class: "lk-group" }, h("span", { class: "mut", text: "unit" }), unit, units),
    h("span", { class: "lk-group" }, h("span", { class: "mut", text: "order", "aria-hidden": "true" }), order.element),
    run.element, words, h("span", { class: "lk-tools" }, button("figure", "snapshot", "Figure for a paper", "Figure"), table, help));

  unit.addEventListener("change", () => store.choose(Math.max(0, Math.min(store.layer.units - 1, Math.round(Number(unit.value)) || 0))));
  keepKeys(unit);

  function update() {
    const { net, view, scan } = store;
    layer.update(net.layers.map(({ name }) => [name, name]), store.layer.name);
    if (document.activeElement !== unit) unit.value = String(store.selected);
    setAttribute(unit, "max", store.layer.units - 1);
    setText(units, `of ${integer(store.layer.units)}`);
    order.update(view.order);
    run.update(scan.state, scan.state === "ready");
    setText(words, scan.state === "ready" || scan.state === "failed" ? "" : stateWords(scan));
    setAttribute(table, "aria-pressed", view.table);
  }
  const TIPS = {
    figure: { text: "Save the figure for a paper" },
    table: { text: "Show as table", key: "T" },
    help: { text: "Keyboard", key: "?" },
    index: { text: "By number", key: "O" },
    answer: { text: "By the largest answer", key: "O" },
    fires: { text: "By the share of places with an answer above 0", key: "O" },
  };
  const tip = (control) => {
    if (control.dataset.act === "run") return { text: store.scan.state === "looking" ? "Stop looking; what was found stays" : "Look at the rest of the images", key: "Space" };
    return TIPS[control.dataset.act ?? control.dataset.value] ?? null;
  };
  return { element, update, tip, help };
}

export function makeFoot(store) {
  const left = h("span");
  const right = h("span");
  const element = h("div", { class: "foot" }, left, h("span", { class: "sp" }), right);
  function update() {
    setText(left, store.scan.remark || "each unit's best patch per image; an image counts once");
    setText(right, `${store.net.name || "net"} in test phase, ${stateWords(store.scan)}${THIN}`.trim());
  }
  return { element, update };
}
