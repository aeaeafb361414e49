// Parts of headers and toolbars that several widgets have.

import { h } from "./dom.js";
import { icon } from "./icons.js";
import { isOwnKey } from "./keyboard.js";

/** Figures of a header, one per text: { element, all: [{ element, key, value }] }. */
export function makeFigures(texts) {
  const all = texts.map((text) => {
    const [key, value] = [h("div", { class: "k", text }), h("div", { class: "v" })];
    return { key, value, element: h("div", { class: "fig" }, key, value) };
  });
  return { all, element: h("div", { class: "figs" }, ...all.map(({ element }) => element)) };
}

/** What makes buttons that call `acts[act]()`: with `text` beside the icon, or else with `label` for screen readers. */
export const buttonsOf = (acts) => (act, glyph, label, text = "", look = "") => {
  const element = h("button", { type: "button", class: `btn ${look}`.trim(), "data-act": act, "aria-label": text ? null : label, html: icon(glyph) + text });
  element.addEventListener("click", () => acts[act]());
  return element;
};

/** A list of layers to choose from; `name`: its class. */
export function makeLayerChoice(name, choose) {
  const element = h("select", { class: name, "aria-label": "Layer" });
  element.addEventListener("change", () => choose(element.value));
  keepKeys(element);
  let shown = "";

  /** `layers`: [name, text] of each. */
  function update(layers, chosen) {
    const key = JSON.stringify(layers);
    if (key !== shown) element.replaceChildren(...layers.map(([value, text]) => h("option", { value, text })));
    shown = key;
    if (element.value !== chosen) element.value = chosen;
  }
  return { element, update };
}

/** Keys typed into a field are its own; Escape leaves it, and commands (Ctrl+S) are the notebook's. */
export const keepKeys = (field) => field.addEventListener("keydown", (event) => event.key !== "Escape" && isOwnKey(event) && event.stopPropagation());

/** The button that stops what goes on, and takes it up again. `words`: state -> [icon, text]. */
export function makeRun(acts, name, words) {
  const element = h("button", { type: "button", class: `btn out ${name}`, "data-act": "run" });
  element.addEventListener("click", () => acts.run());
  let shown = "";

  function update(state, hidden) {
    const [glyph, text] = words[state] ?? Object.values(words)[0];
    if (shown !== text) element.innerHTML = icon(glyph) + text;
    shown = text;
    element.hidden = hidden;
  }
  return { element, update };
}

/** The slider of a size, from `least` to `most` pixels. */
export function makeSize({ least, most }, label, choose) {
  const element = h("input", { type: "range", class: "sl", min: String(least), max: String(most), step: "2", "aria-label": label });
  element.addEventListener("input", () => choose(Number(element.value)));

  function update(size) {
    element.value = String(size);
    element.style.setProperty("--p", `${(100 * (size - least)) / (most - least)}%`);
  }
  return { element, update };
}
