// The learning rate in the toolbar: a field, × 0.1 and × 10, and the way back.

import { h } from "./dom.js";
import { rate, rateField, typed } from "./format.js";

/** `ask(name, value)` asks the run; `leave()` takes the focus out of the field. */
export function makeRate(store, { ask, said, leave }) {
  const field = h("input", { class: "lr", "data-act": "lr", "aria-label": "Learning rate", inputmode: "decimal", autocomplete: "off", "aria-keyshortcuts": "R" });
  const lower = h("button", { type: "button", class: "btn", "data-act": "lower", "aria-keyshortcuts": "[", text: "×0.1", "aria-label": "Learning rate × 0.1" });
  const higher = h("button", { type: "button", class: "btn", "data-act": "higher", "aria-keyshortcuts": "]", text: "×10", "aria-label": "Learning rate × 10" });
  const labels = [h("span", { class: "lab wide", text: "learning rate" }), h("span", { class: "lab slim", text: "lr" })];
  const element = h("span", { class: "fld" }, ...labels, field, lower, higher);
  let edited = false; // the field holds text that is not applied

  const current = () => store.figures.lr ?? store.at().lr;
  const know = (value) => (store.figures = { ...store.figures, lr: value });

  async function set(value) {
    const [before, { key }] = [current(), store];
    if (!(value > 0) || !Number.isFinite(value)) return said.say(`a learning rate must be above zero, found "${field.value}"`, "bad");
    edited = false;
    field.value = rateField(value);
    if (!(await ask("lr", value)) || store.key !== key) return undefined;
    know(value);
    said.offer(`${rate(before)} → ${rate(value)}`, "undo", () => undo(before));
    return update();
  }

  async function undo(before) {
    const { key } = store;
    if (!(await ask("undo_lr")) || store.key !== key) return;
    know(before);
    field.value = rateField(before);
  }

  function apply() {
    const value = typed(field.value.replace(/[,，]/, "."));
    return Number.isNaN(value) ? said.say(`"${field.value}" is not a number`, "bad") : set(value);
  }

  function update() {
    if (!edited && document.activeElement !== field) field.value = rateField(current());
  }

  /** What was typed is not meant for this run, or not any more. */
  function forget() {
    edited = false;
    update();
  }

  field.addEventListener("input", () => (edited = true));
  field.addEventListener("blur", forget);
  field.addEventListener("keydown", (event) => {
    if (event.isComposing) return; // Enter ends what is being composed, Escape forgets it
    if (event.key === "Enter") apply();
    else if (event.key === "Escape") {
      edited = false;
      field.value = rateField(current());
      leave();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });

  return {
    element, update, forget, current,
    controls: [field, lower, higher],
    verbs: { lower: () => set(current() / 10), higher: () => set(current() * 10) },
    focus: () => (field.focus(), field.select()),
  };
}
