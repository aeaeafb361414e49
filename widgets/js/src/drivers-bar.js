// Header, toolbar and footer of what drives a unit.

import { buttonsOf, keepKeys, makeFigures, makeLayerChoice, makeRun } from "./bar-parts.js";
import { h, setAttribute, setText } from "./dom.js";
import { DASH, THIN, integer, percent, significant } from "./format.js";
import { makeChoice } from "./panel.js";
import { shapeWords } from "./activations-data.js";
import { ABOUT, isSigned, stateWords, unitWords, valueWords } from "./drivers-data.js";

export function makeHead(store) {
  const name = h("span", { class: "name" });
  const about = h("span", { class: "mut" });
  const { all: figures, element: figs } = makeFigures(["value", "largest fall", "at row, column"]);
  const element = h("div", { class: "hd" }, name, about, figs);

  function update() {
    const { chosen, found } = store;
    setText(name, `What drives ${unitWords(chosen)}`);
    setText(about, `${chosen.layer}, unit ${integer(chosen.unit)} of ${integer(chosen.units)}`);
    const ready = found.state === "ready";
    const share = ready && isSigned(found.method) && chosen.value > 0 ? ` ${percent(found.highest / chosen.value, 0)}${THIN}%` : "";
    setText(figures[0].value, valueWords(chosen.value, chosen.type));
    setText(figures[1].key, isSigned(store.view.method) ? "largest fall" : "steepest");
    figures[1].value.replaceChildren(ready ? significant(found.highest, 3) : DASH, h("small", { text: share }));
    setText(figures[2].value, ready ? found.peak.join(", ") : DASH);
  }
  return { element, update };
}

const RUN = { working: ["stop", "Stop"], stopped: ["play", "Again"] };

export function makeBar(store, acts) {
  const layer = makeLayerChoice("lk-select", (name) => store.ask(name));
  const unit = h("input", { type: "number", class: "lk-input", min: "0", "aria-label": "Unit" });
  const method = makeChoice("Method", Object.entries(ABOUT).map(([value, { name }]) => [value, name]), (value) => store.setView({ method: value }));
  const patch = h("input", { type: "number", class: "lk-input", min: "1", "aria-label": "Side of the square, in pixels" });
  const patchGroup = h("label", { class: "lk-group" }, h("span", { class: "mut", text: "square" }), patch);
  const button = buttonsOf(acts);
  const run = makeRun(acts, "drv-run", RUN);
  const help = button("help", "help", "Keyboard help");
  const element = h("div", { class: "ctl lk-ctl", role: "toolbar", "aria-label": "What drives a unit" },
    button("image", "image", "Choose an image", "Image", "out"), layer.element, h("label", { class: "lk-group" }, h("span", { class: "mut", text: "unit" }), unit),
    method.element, patchGroup, run.element,
    h("span", { class: "lk-tools" }, button("figure", "snapshot", "Figure for a paper", "Figure"), help),
  );

  const whole = (input, least, most) => Math.max(least, Math.min(most, Math.round(Number(input.value)) || least));
  unit.addEventListener("change", () => store.ask(store.view.layer, whole(unit, 0, store.chosen.units - 1)));
  patch.addEventListener("change", () => store.setView({ patch: patch.value === "" ? null : whole(patch, 1, Math.min(store.image.height, store.image.width)) }));
  for (const own of [unit, patch]) keepKeys(own);

  function update() {
    const { chosen, found, net, view } = store;
    layer.update(net.layers.map(({ name, shape }) => [name, `${name} · ${shapeWords(shape, integer)}`]), view.layer ?? chosen.layer);
    if (document.activeElement !== unit) unit.value = String(view.unit ?? chosen.unit);
    setAttribute(unit, "max", chosen.units - 1);
    method.update(view.method);
    patchGroup.hidden = !isSigned(view.method);
    if (document.activeElement !== patch) patch.value = String(view.patch ?? found.patch ?? "");
    run.update(found.state, !(found.state in RUN));
  }
  const TIPS = {
    image: { text: "Run another image; or drop one anywhere", key: "I" },
    run: { text: "Stop covering places; or begin anew", key: "Space" },
    figure: { text: "Save the figure for a paper" },
    help: { text: "Keyboard", key: "?" },
    ...Object.fromEntries(Object.entries(ABOUT).map(([value, { about }]) => [value, { text: about.split(".")[0], key: "M" }])),
  };
  const tip = (control) => TIPS[control.dataset.act ?? control.dataset.value] ?? null;
  return { element, update, tip, help };
}

export function makeFoot(store) {
  const [about, doing] = [h("span"), h("span", { class: "drv-doing" })];
  const element = h("div", { class: "foot" }, about, h("span", { class: "sp" }), doing);
  function update() {
    const { found, image, net } = store;
    setText(about, `${net.name || "net"} in test phase, ${image.name}: ${image.width}${THIN}×${THIN}${image.height}`);
    setText(doing, found.state === "failed" ? "" : stateWords(found));
  }
  return { element, update };
}
