// Header, toolbar and footer of the activations.

import { buttonsOf, makeFigures, makeSize } from "./bar-parts.js";
import { h, setAttribute, setText } from "./dom.js";
import { THIN, integer, percent, significant } from "./format.js";
import { makeChoice } from "./panel.js";
import { ORDERS, SIZES } from "./activations-data.js";

export function makeHead(store) {
  const name = h("span", { class: "name" });
  const about = h("span", { class: "mut" });
  const { all: figures, element: figs } = makeFigures(["largest", "zero", "dead here"]);
  const element = h("div", { class: "hd" }, name, about, figs);

  function update() {
    const { layer } = store;
    setText(name, layer.name);
    const wide = layer.plane[0] * layer.plane[1] > 1;
    const [channels, rows, columns] = [layer.channels, ...layer.plane].map(integer);
    const shape = wide ? `${channels} channels, ${rows}${THIN}×${THIN}${columns}` : `${channels} units`;
    setText(about, `${layer.type}, ${shape}${layer.blob !== layer.name ? `, in blob ${layer.blob}` : ""}`);
    const values = [significant(layer.high, 3), null, integer(layer.dead.length)];
    figures.forEach(({ value }, i) => i !== 1 && setText(value, values[i]));
    figures[1].value.replaceChildren(percent(layer.zeros), h("small", { text: `${THIN}% of values` }));
    figures[2].element.hidden = !wide;
  }
  return { element, update };
}

const group = (text, choice) => h("span", { class: "lk-group" }, h("span", { class: "mut", text, "aria-hidden": "true" }), choice.element);

export function makeBar(store, acts, tile) {
  const order = makeChoice("Order", ORDERS.map((o) => [o, o]), (value) => store.setView({ order: value }));
  const scale = makeChoice("Scale", [["own", "own"], ["shared", "shared"]], (value) => store.setView({ scale: value }));
  const show = makeChoice("Show", [["all", "all"], ["dead", "dead"]], (value) => store.setView({ show: value }));
  const showGroup = group("show", show);
  const scaleGroup = group("scale", scale);
  const size = makeSize(SIZES, "Size of a channel", (pixels) => store.setView({ size: pixels }));
  const button = buttonsOf(acts);
  const table = button("table", "table", "Show as table");
  const help = button("help", "help", "Keyboard help");
  const element = h("div", { class: "ctl lk-ctl", role: "toolbar", "aria-label": "Activations" },
    button("image", "image", "Choose an image", "Image", "out"), group("order", order), scaleGroup, showGroup,
    h("span", { class: "lk-tools" }, h("label", { class: "lk-group" }, h("span", { class: "mut", text: "size" }), size.element), h("span", { class: "rule" }),
      button("figure", "snapshot", "Figure for a paper", "Figure"), table, help),
  );

  function update() {
    const { bank, view } = store;
    order.update(view.order);
    scale.update(view.scale);
    show.update(view.show);
    const wide = bank.layer.plane[0] * bank.layer.plane[1] > 1;
    showGroup.hidden = scaleGroup.hidden = !wide;
    setText(show.element.querySelector('[data-value="dead"]'), bank.marks.size ? `dead ${bank.marks.size}` : "dead");
    size.update(view.size ?? tile());
    setAttribute(table, "aria-pressed", view.table);
  }
  const TIPS = {
    image: { text: "Run another image; or drop one anywhere", key: "I" },
    figure: { text: "Save the figure for a paper" },
    table: { text: "Show as table", key: "T" },
    help: { text: "Keyboard", key: "?" },
    own: { text: "Each channel up to its own largest value", key: "S" },
    shared: { text: "One scale for all: quiet channels look quiet", key: "S" },
    dead: { text: "Only those without any positive value in this image", key: "F" },
    largest: { text: "By the largest value" },
    mean: { text: "By the mean over the plane" },
  };
  const tip = (control) => TIPS[control.dataset.act ?? control.dataset.value] ?? null;
  return { element, update, tip, help };
}

export function makeFoot(store) {
  const image = h("span");
  const net = h("span");
  const element = h("div", { class: "foot" }, image, h("span", { class: "sp" }), net);
  function update() {
    setText(image, `${store.image.name}, as the net got it: ${store.image.width}${THIN}×${THIN}${store.image.height}`);
    setText(net, `${store.net.name || "net"} in test phase, one image`);
  }
  return { element, update };
}
