// The largest value of every channel, sorted, with the colours of the scale; a click selects.

import { h, setAttribute, setText } from "./dom.js";
import { MINUS, significant } from "./format.js";
import { sized } from "./panel.js";
import { RATIO, SIZE, gradient } from "./ramp.js";
import { paintBars } from "./show_filters_paint.js";

const HEIGHT = 52;
const WIDEST = 26; // pixels of a bar

export function makeSorted(store) {
  const canvas = h("canvas", { role: "img" });
  const ramp = h("i", { class: "lk-scale" });
  const [low, high] = [h("span"), h("span")];
  const legend = h("span", { class: "lk-legend" }, low, ramp, high);
  const title = h("div", { class: "lk-title" }, h("h4", { text: "Largest values, sorted" }), h("span", { class: "tick" }, legend));
  const element = h("div", { class: "act-sorted" }, title, canvas);

  function update(colours, room) {
    const { bank, view } = store;
    const { sorted } = bank.ranking;
    const { highs } = bank.layer;
    const most = Math.max(highs[sorted[0]], 0) || 1;
    const width = Math.min(room, WIDEST * sorted.length);
    const g = sized(canvas, width, HEIGHT);
    paintBars(g, sorted.map((c) => Math.max(0, highs[c]) / most), width, HEIGHT, (k) => (sorted[k] === store.selected ? colours.focus : colours["m-2"]));
    const own = view.scale === "own" && bank.size > 1;
    const largest = significant(bank.most, 3);
    setText(low, bank.signed ? (own ? `${MINUS}its largest` : significant(-bank.most, 3)) : "0");
    setText(high, own ? "its own largest" : largest);
    ramp.style.background = gradient(bank.signed ? RATIO : SIZE);
    setAttribute(canvas, "aria-label", `Largest values of the channels, from ${significant(highs[sorted[0]], 3)} down to ${significant(highs[sorted.at(-1)], 3)}`);
  }
  canvas.addEventListener("click", (event) => {
    const { sorted } = store.bank.ranking;
    const k = Math.floor((event.offsetX / canvas.clientWidth) * sorted.length);
    store.setView({ selected: sorted[Math.max(0, Math.min(sorted.length - 1, k))] });
  });
  return { element, update };
}
