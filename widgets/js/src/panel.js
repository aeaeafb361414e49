// A panel beneath the chart: a head with a disclosure button, and a body that can be folded away.

import { h, setAttribute, setText } from "./dom.js";
import { icon } from "./icons.js";

const KEY = "owlkit.monitor.panels"; // where the browser keeps how the person left them, for the next run
export const ALL = ["layers", "filters"];

/** Panels that are open: as the run's view says, else as the person left them last, else all. */
export function openPanels(view, storage = globalThis.localStorage) {
  if (view.panels) return view.panels;
  try {
    const left = JSON.parse(storage.getItem(KEY));
    return Array.isArray(left) ? left.filter((name) => ALL.includes(name)) : ALL;
  } catch {
    return ALL; // private windows have no storage
  }
}

/** Open or fold a panel, and remember it. */
export function togglePanel(store, name, storage = globalThis.localStorage) {
  const open = openPanels(store.view, storage);
  const panels = open.includes(name) ? open.filter((other) => other !== name) : [...open, name];
  try {
    storage.setItem(KEY, JSON.stringify(panels));
  } catch {
    // without storage the run still remembers
  }
  store.setView({ panels });
}

/** Open a panel that may be folded, and remember it. */
export function openPanel(store, name, storage = globalThis.localStorage) {
  if (!openPanels(store.view, storage).includes(name)) togglePanel(store, name, storage);
}

/** `name` is the key of the panel, `title` what it is called. Tools are put into `tools`, chips into `chips`. */
export function makePanel(store, name, title) {
  const id = `owl-${name}-${Math.random().toString(36).slice(2)}`;
  const arrow = h("span");
  const disc = h("button", { type: "button", class: "disc", "aria-controls": id }, arrow, title);
  const sum = h("span", { class: "sum" });
  const tools = h("span", { class: "tools" });
  const chips = h("span", { class: "chips" });
  const side = h("span", { class: "side" });
  const body = h("div", { class: "pbody", id });
  const head = h("div", { class: "phead" }, disc, sum, tools, chips, h("span", { class: "sp" }), side);
  const element = h("section", { class: `panel ${name}`, "aria-label": title }, head, body);
  disc.addEventListener("click", () => togglePanel(store, name));

  let shown = null;
  /** Bring fold and head up to date; whether the body is open. */
  function update(summary) {
    const open = openPanels(store.view).includes(name);
    if (open !== shown) {
      shown = open;
      arrow.innerHTML = icon(open ? "down" : "right");
      setAttribute(disc, "aria-expanded", open);
      body.hidden = !open;
      tools.hidden = !open;
    }
    setText(sum, summary);
    return open;
  }
  return { element, body, sum, tools, chips, side, disc, update };
}

/** Chips in a head: [{ look, text, label }]; the page is touched only where they changed. */
export function setChips(host, list) {
  const key = JSON.stringify(list);
  if (host.dataset.key === key) return;
  host.dataset.key = key;
  host.replaceChildren(...list.map(({ look, text, title }) => h("span", { class: `chip ${look}`, text, title })));
}

/** A group of exclusive choices: `choices` is [[value, text]]. */
export function makeChoice(label, choices, choose) {
  const buttons = choices.map(([value, text]) => {
    const button = h("button", { type: "button", role: "radio", "data-value": value, text });
    button.addEventListener("click", () => choose(value));
    return button;
  });
  const element = h("span", { class: "seg", role: "radiogroup", "aria-label": label }, ...buttons);
  element.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    if (!move) return;
    const here = buttons.indexOf(event.target);
    const next = buttons[(here + move + buttons.length) % buttons.length];
    next.focus();
    choose(next.dataset.value);
    event.preventDefault();
    event.stopPropagation();
  });
  const update = (value) => {
    for (const button of buttons) {
      const on = button.dataset.value === value;
      setAttribute(button, "aria-checked", on);
      button.tabIndex = on ? 0 : -1;
    }
  };
  return { element, update };
}

/** A canvas of CSS size, sharp on every screen, cleared. */
export function sized(canvas, width, height) {
  const ratio = globalThis.devicePixelRatio || 1;
  canvas.width = Math.max(1, Math.round(width * ratio));
  canvas.height = Math.max(1, Math.round(height * ratio));
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const g = canvas.getContext("2d");
  g.scale(ratio, ratio);
  return g;
}
