// The toolbar: layer, order, scale, what is shown, channel, size; figure, table, help.

import { buttonsOf, keepKeys, makeLayerChoice, makeSize } from "./bar-parts.js";
import { h, setAttribute, setText } from "./dom.js";
import { makeChoice } from "./panel.js";
import { ORDERS, SIZES } from "./show_filters_data.js";

const group = (text, choice) => h("span", { class: "fv-group" }, h("span", { class: "mut", text, "aria-hidden": "true" }), choice.element);

export function makeBar(store, acts, tile) {
  const layer = makeLayerChoice("fv-select", (name) => store.setView({ layer: name }));
  const order = makeChoice("Order", ORDERS.map((o) => [o, o]), (value) => store.setView({ order: value }));
  const scale = makeChoice("Scale", [["own", "own"], ["shared", "shared"]], (value) => store.setView({ scale: value }));
  const show = makeChoice("Show", [["all", "all"], ["flagged", "flagged"]], (value) => store.setView({ show: value }));
  const channel = makeChoice("Channel", [["rgb", "RGB"], ["0", "R"], ["1", "G"], ["2", "B"]], (value) => store.setView({ channel: value }));
  const input = h("input", { type: "number", class: "fv-input", min: "0", "aria-label": "Input channel" });
  const inputs = h("span", { class: "mut" });
  const inputGroup = h("label", { class: "fv-group" }, h("span", { class: "mut", text: "input" }), input, inputs);
  const size = makeSize(SIZES, "Size of a filter", (pixels) => store.setView({ size: pixels }));
  const channelGroup = channel.element;
  const button = buttonsOf(acts);
  const figure = button("figure", "snapshot", "Figure for a paper", "Figure");
  const table = button("table", "table", "Show as table");
  const help = button("help", "help", "Keyboard help");
  const element = h(
    "div",
    { class: "ctl fv-ctl", role: "toolbar", "aria-label": "Filters" },
    layer.element, group("order", order), group("scale", scale), group("show", show), channelGroup, inputGroup,
    h("span", { class: "sp" }),
    h("span", { class: "fv-tools" }, h("label", { class: "fv-group" }, h("span", { class: "mut", text: "size" }), size.element), h("span", { class: "rule" }), figure, table, help),
  );

  input.addEventListener("change", () => {
    const most = store.bank.layer.inputs - 1;
    store.setView({ input: Math.max(0, Math.min(most, Math.round(Number(input.value)) || 0)) });
  });
  keepKeys(input);

  function update() {
    const { bank, net, view } = store;
    layer.update(net.layers.map((name) => [name, name]), bank.layer.name);
    order.update(view.order);
    scale.update(view.scale);
    show.update(view.show);
    channel.update(view.channel);
    const flagged = show.element.querySelector('[data-value="flagged"]');
    setText(flagged, bank.marks.size ? `flagged ${bank.marks.size}` : "flagged");
    channelGroup.hidden = !bank.coloured;
    inputGroup.hidden = bank.layer.inputs === 1 || bank.coloured;
    if (document.activeElement !== input) input.value = String(bank.layer.input);
    setAttribute(input, "max", bank.layer.inputs - 1);
    setText(inputs, `of ${bank.layer.inputs}`);
    size.update(view.size ?? tile());
    setAttribute(table, "aria-pressed", view.table);
  }

  const TIPS = {
    figure: { text: "Save the figure for a paper, as a picture with captions" },
    table: { text: "Show as table", key: "T" },
    help: { text: "Keyboard", key: "?" },
    likeness: { text: "Neighbours are alike: leaves of a tree of cosines" },
    own: { text: "Each filter up to its own largest weight" },
    shared: { text: "One scale for all: weak filters look weak" },
    flagged: { text: "Only those that are dead, twice there, or still noise" },
  };
  const tip = (control) => TIPS[control.dataset.act ?? control.dataset.value] ?? null;
  return { element, update, tip, help };
}
