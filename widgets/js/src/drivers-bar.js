// Header, toolbar and footer of what drives a unit.

import { h, setAttribute, setText } from "./dom.js";
import { DASH, THIN, integer, percent, significant } from "./format.js";
import { icon } from "./icons.js";
import { makeChoice } from "./panel.js";
import { shapeWords } from "./activations-data.js";
import { ABOUT, isSigned, stateWords, unitWords, valueWords } from "./drivers-data.js";

export function makeHead(store) {
  const name = h("span", { class: "name" });
  const about = h("span", { class: "mut" });
  const figures = ["value", "largest fall", "at row, column"].map((text) => {
    const [key, value] = [h("div", { class: "k", text }), h("div", { class: "v" })];
    return { key, value, element: h("div", { class: "fig" }, key, value) };
  });
  const element = h("div", { class: "hd" }, name, about, h("div", { class: "figs" }, ...figures.map((f) => f.element)));

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

export function makeBar(store, acts) {
  const layer = h("select", { class: "lk-select", "aria-label": "Layer" });
  const unit = h("input", { type: "number", class: "lk-input", min: "0", "aria-label": "Unit" });
  const method = makeChoice("Method", Object.entries(ABOUT).map(([value, { name }]) => [value, name]), (value) => store.setView({ method: value }));
  const patch = h("input", { type: "number", class: "lk-input", min: "1", "aria-label": "Side of the square, in pixels" });
  const patchGroup = h("label", { class: "lk-group" }, h("span", { class: "mut", text: "square" }), patch);
  const button = (act, name, label, text = "") => {
    const element = h("button", { type: "button", class: `btn${act === "image" ? " out" : ""}`, "data-act": act, "aria-label": text ? null : label, html: icon(name) + text });
    element.addEventListener("click", () => acts[act]());
    return element;
  };
  const run = h("button", { type: "button", class: "btn out drv-run", "data-act": "run" });
  run.addEventListener("click", () => acts.run());
  const help = button("help", "help", "Keyboard help");
  const element = h("div", { class: "ctl lk-ctl", role: "toolbar", "aria-label": "What drives a unit" },
    button("image", "image", "Choose an image", "Image"), layer, h("label", { class: "lk-group" }, h("span", { class: "mut", text: "unit" }), unit),
    method.element, patchGroup, run,
    h("span", { class: "lk-tools" }, button("figure", "snapshot", "Figure for a paper", "Figure"), help),
  );

  layer.addEventListener("change", () => store.ask(layer.value));
  const whole = (input, least, most) => Math.max(least, Math.min(most, Math.round(Number(input.value)) || least));
  unit.addEventListener("change", () => store.ask(store.view.layer, whole(unit, 0, store.chosen.units - 1)));
  patch.addEventListener("change", () => store.setView({ patch: patch.value === "" ? null : whole(patch, 1, Math.min(store.image.height, store.image.width)) }));
  for (const own of [layer, unit, patch]) own.addEventListener("keydown", (event) => event.key !== "Escape" && event.stopPropagation());

  let names = null;
  function update() {
    const { chosen, found, net, view } = store;
    if (net.layers !== names) {
      names = net.layers;
      layer.replaceChildren(...names.map(({ name, shape }) => h("option", { value: name, text: `${name} · ${shapeWords(shape, integer)}` })));
    }
    if (layer.value !== (view.layer ?? chosen.layer)) layer.value = view.layer ?? chosen.layer;
    if (document.activeElement !== unit) unit.value = String(view.unit ?? chosen.unit);
    setAttribute(unit, "max", chosen.units - 1);
    method.update(view.method);
    patchGroup.hidden = !isSigned(view.method);
    if (document.activeElement !== patch) patch.value = String(view.patch ?? found.patch ?? "");
    const going = found.state === "working";
    run.hidden = !going && found.state !== "stopped";
    const words = going ? ["stop", "Stop"] : ["play", "Again"];
    if (run.dataset.now !== words[1]) {
      run.dataset.now = words[1];
      run.innerHTML = icon(words[0]) + words[1];
    }
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
