// All norms, sorted: a bar per filter, the limit under which a filter is called dead, a click selects.

import { h, setAttribute } from "./dom.js";
import { sized } from "./panel.js";
import { significant } from "./format.js";
import { paintBars } from "./show_filters_paint.js";

const HEIGHT = 58;
const WIDEST = 26; // pixels of a bar
const DEAD = 0.1; // of the median: owlkit.inspection.filter_health

export function makeNorms(store) {
  const canvas = h("canvas", { role: "img" });
  const said = h("span", { class: "tick", text: "a filter under 0.1 of the median is called dead" });
  const element = h("div", { class: "fv-norms" }, h("div", { class: "fv-title" }, h("h4", { text: "Norms, sorted" }), said), canvas);

  function update(colours, room) {
    const { bank } = store;
    const { byNorm } = bank.ranking;
    const { norms, median } = bank.layer;
    const most = norms[byNorm[0]] || 1;
    const width = Math.min(room, WIDEST * byNorm.length);
    const g = sized(canvas, width, HEIGHT);
    const colour = (k) => {
      if (byNorm[k] === store.selected) return colours.focus;
      return bank.marks.get(byNorm[k])?.kind === "dead" ? colours.warn : colours["m-2"];
    };
    paintBars(g, byNorm.map((i) => (norms[i] ?? 0) / most), width, HEIGHT, colour);
    const y = Math.round(HEIGHT - ((median * DEAD) / most) * (HEIGHT - 2)) - 0.5;
    g.setLineDash([3, 3]);
    g.strokeStyle = colours.warn;
    g.beginPath();
    g.moveTo(0, y);
    g.lineTo(width, y);
    g.stroke();
    const words = `Norms from ${significant(most, 3)} down to ${significant(norms[byNorm.at(-1)] ?? 0, 3)}, median ${significant(median, 3)}`;
    setAttribute(canvas, "aria-label", words);
  }

  canvas.addEventListener("click", (event) => {
    const { byNorm } = store.bank.ranking;
    const k = Math.floor((event.offsetX / canvas.clientWidth) * byNorm.length);
    store.setView({ selected: byNorm[Math.max(0, Math.min(byNorm.length - 1, k))] });
  });
  return { element, update };
}
