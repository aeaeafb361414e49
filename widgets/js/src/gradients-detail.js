// The blob that is looked at: its surroundings, the worst element, its error over the step, and how to see it again.

import { h, setAttribute, setText } from "./dom.js";
import { integer } from "./format.js";
import { icon } from "./icons.js";
import { elementWords, ZOOM_COLUMNS } from "./gradients-list.js";
import { corner, frame, hit, layout, neighbourhood, paint } from "./gradients-map.js";
import { stepsChart } from "./gradients-steps.js";
import { directions, error, indexed, reading, slope } from "./gradients-text.js";
import { sized } from "./panel.js";

const HEIGHT = 104; // of the map
const WIDEST = 14; // pixels of a cell, so that a small blob is not blown up

/** A number whose sign stands in a column of its own: decimal points lie beneath one another. */
function tellNumber(cell, text) {
  if (cell.textContent === text) return;
  const [, sign, rest] = text.match(/^(\u2212?)(.*)$/s);
  cell.replaceChildren(h("span", { class: "sign", text: sign }), rest);
}

export function makeDetail(store, actions) {
  const title = h("span", { class: "b big" });
  const chip = h("span", { class: "chip" });
  const pattern = h("div", { class: "mut pattern" });
  const faults = h("ul", { class: "faults" });
  const canvas = h("canvas", { role: "img" });
  const [from, to] = [h("span"), h("span", { class: "end" })];
  const ends = h("div", { class: "ends tick" }, from, to);
  const worst = h("h4");
  const offset = h("span", { class: "tick" });
  const values = ["value", "analytic", "numeric", "relative error"].map((name) => [h("dt", { text: name }), h("dd")]);
  const list = h("dl", {}, ...values.flat());
  const read = h("span", { class: "tick" });
  const chart = h("div");
  const copyButton = h("button", { type: "button", class: "btn small", "data-act": "copy", "aria-keyshortcuts": "C", html: `${icon("copy")}<span>Copy</span>` });
  const cellButton = h("button", { type: "button", class: "btn small", "data-act": "cell", "aria-keyshortcuts": "N", html: `${icon("cell")}<span>New cell</span>` });
  const code = h("pre", { class: "snip", tabindex: 0, "aria-label": "Code that looks at this element again" });
  const line = (...children) => h("div", { class: "h4r" }, ...children);
  const element_ = h("div", { class: "one" }, line(worst, offset), list);
  const steps = h("div", {}, line(h("h4", { text: "Error against step" }), read), chart);
  const again = h("div", {}, line(h("h4", { text: "Reproduce" }), h("span", { class: "sp" }), copyButton, cellButton), code);
  const element = h("section", { class: "fd", "aria-label": "Worst element" }, line(title, chip), pattern, faults, h("div", { class: "near" }, canvas, ends), element_, steps, again);
  let map = null;
  let near = null;

  canvas.addEventListener("click", (event) => {
    const k = under(event);
    if (k === null) return;
    store.setView({ row: store.selected, k: k === store.rows[store.selected].worst?.k ? null : k });
    actions.look(store.selected, k);
  });
  canvas.addEventListener("pointermove", (event) => {
    const k = under(event);
    setAttribute(canvas, "title", k === null ? null : elementWords(store, store.selected, k));
  });
  copyButton.addEventListener("click", () => copyCode());
  cellButton.addEventListener("click", () => newCell());

  function under(event) {
    if (!map) return null;
    const box = canvas.getBoundingClientRect();
    const k = hit(map, event.clientX - box.left + corner(map, near.first)[0], event.clientY - box.top);
    return k !== null && k < store.rows[store.selected].done ? k : null;
  }

  async function copyCode() {
    say(copyButton, (await actions.copy(code.textContent)) ? "Copied" : "Not copied");
  }

  function newCell() {
    if (code.textContent && actions.insert) actions.insert(code.textContent);
  }

  function say(button, words) {
    const label = button.querySelector("span");
    const before = label.dataset.label ?? label.textContent;
    label.dataset.label = before;
    setText(label, words);
    setTimeout(() => setText(label, before), 1500);
  }

  function update(colours, width) {
    const row = store.rows[store.selected];
    element.classList.toggle("none", !row);
    if (!row) return;
    setText(title, `${row.layer} ${row.blob}`);
    const wrong = row.wrong ? `✕ ${integer(row.wrong)} of ${integer(row.done)} wrong` : "";
    const along = row.wrong_directions && !row.wrong ? `✕ ${row.wrong_directions} of ${row.directions} directions wrong` : "";
    const excused = row.verdict === "known" ? "≈ wrong as in Caffe" : "";
    const other = row.verdict === "unasked" ? "! written unasked" : row.faults.length ? "✕ wrong" : "";
    setText(chip, excused || wrong || along || other);
    chip.className = `chip ${row.verdict === "known" || row.verdict === "unasked" ? "warn" : "bad"}`;
    chip.hidden = !chip.textContent;
    setText(pattern, [row.known || row.pattern || row.type, directions(row)].filter(Boolean).join("; "));
    faults.hidden = !row.faults.length;
    if (faults.childElementCount !== row.faults.length) faults.replaceChildren(...row.faults.map((text) => h("li", { text })));
    drawNear(row, colours, width);
    tellElement(row);
  }

  function drawNear(row, colours, width) {
    const codes = store.codes[store.selected] ?? new Uint8Array(0);
    const whole = layout(row.number, 1e9, HEIGHT);
    const cell = Math.max(width / ZOOM_COLUMNS, Math.min(WIDEST, width / whole.wide));
    map = { ...whole, each: 1, w: cell, h: Math.min(HEIGHT / whole.high, Math.max(cell, 13)), gap: 1.5 };
    near = neighbourhood(map, store.k, Math.floor(width / cell));
    const g = sized(canvas, width, Math.ceil(map.high * map.h) + 2);
    paint(g, map, codes, colours, near.first, near.count);
    const k = store.k;
    if (k !== null && row.done) {
      const [x, y] = corner(map, k);
      frame(g, x - corner(map, near.first)[0], y, map.w - 1.5, map.h - 1.5, colours, true);
    }
    setAttribute(canvas, "aria-label", `Errors around the worst element of ${row.layer} ${row.blob}`);
    const last = Math.min(row.number, near.first + near.count) - 1;
    setText(from, `element ${integer(store.positions[store.selected]?.[near.first] ?? near.first)}`);
    setText(to, last > near.first ? integer(store.positions[store.selected]?.[last] ?? last) : "");
  }

  function tellElement(row) {
    const found = store.element;
    for (const part of [element_, steps, again]) part.hidden = !found;
    if (!found) return;
    setText(worst, `${found.k === row.worst?.k ? "Worst: " : ""}${indexed(row, found.index)}`);
    setText(offset, `offset ${integer(found.offset)}`);
    const shown = [slope(found.value), slope(found.analytic), slope(found.numeric), found.kink ? "a kink, not counted" : error(found.error)];
    values.forEach(([, cell], i) => tellNumber(cell, shown[i]));
    const wrong = !found.kink && !(found.error <= store.head.tolerance);
    values[3][1].className = wrong ? "b bad" : "b";
    tellCurve();
    const source = found.code ?? row.code ?? "";
    setText(code, source);
    again.hidden = !source;
    cellButton.hidden = !actions.insert;
  }

  function tellCurve() {
    const curve = store.curve;
    steps.hidden = !curve?.length && !(curve === null && store.over);
    setText(read, curve?.length ? reading(curve, store.head.tolerance) : "");
    const markup = curve?.length ? stepsChart(curve, store.head.tolerance, store.head.step) : "";
    if (chart.dataset.markup === markup) return;
    chart.dataset.markup = markup;
    if (markup) chart.innerHTML = markup;
    else chart.replaceChildren(actions.measure ? measure() : "");
  }

  function measure() {
    const button = h("button", { type: "button", class: "btn small boxed", text: "Measure at other steps" });
    button.addEventListener("click", () => actions.look(store.selected, store.k));
    return button;
  }
  return { element, update, copyCode, newCell };
}
