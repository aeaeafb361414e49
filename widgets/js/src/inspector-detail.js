// Everything about the chosen layer or stage.

import { escape, fill, h } from "./dom.js";
import { bytes, integer, significant } from "./format.js";
import { makeField } from "./inspector-field.js";
import { makeHistogram } from "./inspector-histogram.js";
import { counted, milliseconds, share, words } from "./inspector-rows.js";
import { makeTiles } from "./inspector-tiles.js";
import { makeTimeBar } from "./inspector-time.js";

const sides = (list) => list.join("×");

export function makeDetail(store, graph, picture) {
  const heading = h("h3");
  const about = h("span", { class: "mut" });
  const opener = h("button", { type: "button", class: "btn out small" });
  const facts = h("dl");
  const histogram = makeHistogram();
  const field = makeField();
  const tiles = makeTiles(store);
  const took = makeTimeBar();
  const pick = h("select", { "aria-label": "Learned blob" });
  const figures = h("span", { class: "tick" });
  const key = h("div", { class: "line tick" });
  const moved = h("p", { class: "moved" });
  const none = h("p", { class: "mut hint" });
  const label = h("h4", { text: "Weights" });
  const weights = h("div", { class: "weights" }, h("div", { class: "h4r" }, label, pick, figures), none, histogram.canvas, key, moved);
  const sees = h("div", { class: "sees" }, h("h4", { text: "One unit sees" }), field.canvas);
  const two = h("div", { class: "two" }, weights, sees);
  const parts = h("ul", { class: "parts" });
  const element = h("div", { class: "fd", role: "group", "aria-label": "The chosen layer" }, h("div", { class: "h4r wrap" }, heading, about, opener), facts, parts, took.element, two, tiles.element);

  opener.addEventListener("click", () => graph.toggle());
  pick.addEventListener("change", () => store.choose({ param: Number(pick.value) }));
  parts.addEventListener("click", (event) => {
    const name = event.target.closest("[data-key]")?.dataset.key;
    if (name) store.pick(name);
  });

  function update(root) {
    const { detail, cards } = store;
    const card = cards[detail.key];
    if (!card) return;
    const group = card.kind === "group";
    const width = Math.max(element.clientWidth - 28, 240);
    heading.textContent = card.name;
    about.textContent = group ? `${card.type}, ${card.layers.length} layers` : [words(card.layer_type), detail.settings].filter(Boolean).join(", ");
    opener.hidden = !group;
    opener.textContent = store.isOpen(detail.key) ? "Close" : "Open";
    facts.replaceChildren(...pairs(detail, store).flatMap(([k, v], i) => [h("dt", { text: k }), h("dd", { text: v, title: v, class: i % 2 ? null : "a" })]));
    took.update(card, store.timing);
    listParts(detail, card);
    const hasWeights = detail.params.length > 0;
    weights.hidden = !hasWeights;
    sees.hidden = !detail.field;
    two.hidden = weights.hidden && sees.hidden;
    two.classList.toggle("one", weights.hidden || sees.hidden);
    if (hasWeights) showWeights(root, detail, width - (detail.field ? 166 : 0));
    if (detail.field) field.draw(root, detail.field, picture());
    tiles.update(root, width);
  }

  function listParts(detail, card) {
    const group = card.kind === "group";
    parts.hidden = !group && detail.types.length < 2;
    const item = (markup) => h("li", { html: markup });
    const entry = ([name, type, settings, shape, seconds]) => `<b>${escape(name)}</b> <span class="mut">${escape([words(type), settings].filter(Boolean).join(", "))}${shape === card.shape ? "" : ` → ${escape(shape)}`}${seconds ? `, ${milliseconds(seconds)}` : ""}</span>`;
    const child = (key) => {
      const c = store.cards[key];
      return `<button type="button" class="link" data-key="${escape(key)}">${escape(c.short)}</button> <span class="mut">${escape([c.type, c.shape].filter(Boolean).join(", "))}</span>`;
    };
    const items = group ? card.children.map(child) : detail.types.slice(1).map(entry);
    fill(parts, items, () => items.map(item));
  }

  function showWeights(root, detail, width) {
    const data = detail.histogram;
    pick.hidden = detail.params.length < 2;
    fill(pick, [detail.params.map((p) => p.name), detail.param], () => detail.params.map((p, i) => h("option", { value: i, text: p.name, selected: i === detail.param })));
    for (const part of [histogram.canvas, key, figures]) part.hidden = !data;
    none.hidden = Boolean(data);
    pick.hidden ||= !data;
    label.hidden = !pick.hidden; // the choice says what it is
    const few = detail.params.length <= 3;
    const listed = few ? detail.params.map((p) => `${p.name} ${sides(p.shape)}`).join(", ") : `${detail.params.length} learned blobs`;
    none.textContent = `${listed}. No values are loaded.`;
    moved.hidden = !data?.moved;
    if (!data) return;
    figures.textContent = `std ${significant(data.std, 2)}, kurtosis ${significant(data.kurtosis, 2)}`;
    const { shape } = detail.params[detail.param];
    const broken = data.not_finite ? `, ${integer(data.not_finite)} NaN or infinite` : "";
    const swatches = data.earlier ? `<i class="dash"></i>${escape(store.net.earlier)} <i class="sq"></i>now` : `<i class="sq"></i>${sides(shape)}, mean ${significant(data.mean, 2)}, ${significant(data.low, 2)} to ${significant(data.high, 2)}${broken}`;
    key.innerHTML = swatches;
    if (data.moved) moved.textContent = `moved ${share(data.moved.relative)}, cosine ${significant(data.moved.cosine, 4)}, largest ${significant(data.moved.largest, 2)}, sign changed at ${share(data.moved.flipped)}`;
    histogram.draw(root, data, width);
  }
  return { element, update };
}

function pairs(detail, store) {
  const { net } = store;
  const list = [];
  const of = (part, whole) => (part && whole ? `, ${share(part / whole)}` : "");
  if (detail.input.length) list.push(["input", detail.input.map(sides).join("; ")]);
  if (detail.params.length) list.push(["parameters", `${integer(detail.parameters)}${of(detail.parameters, net.parameters)}`]);
  if (detail.output.length) list.push(["output", detail.output.map(sides).join("; ")]);
  if (detail.macs) list.push(["multiply-adds", `${counted(detail.macs)}${of(detail.macs, net.macs)}`]);
  if (detail.field) list.push([detail.field.size[0] < 1000 ? "receptive field" : "sees", `${sides(detail.field.size)}, step ${significant(detail.field.stride[0], 3).replace(/\.?0+$/, "")}`]);
  if (detail.bytes) list.push(["memory", `${bytes(detail.bytes)} / image`]);
  return list;
}
