// One filter: large, in numbers, per channel, its weights as a histogram.

import { h, setAttribute, setText } from "./dom.js";
import { sized } from "./panel.js";
import { DASH, MINUS, THIN, percent, significant } from "./format.js";
import { histogram } from "./show_filters_data.js";
import { MARKS } from "./filters-paint.js";
import { paintBars, paintFilter, paintMark } from "./show_filters_paint.js";

const BIG = 124;
const PLANE = 52;
const BARS = { width: 172, height: PLANE, count: 29 };
const COLOURS = ["red", "green", "blue"];

/** Words about a mark: "= #62, cosine 0.999". */
export function judged(mark) {
  if (!mark) return "healthy";
  const words = `${MARKS[mark.kind].glyph} ${MARKS[mark.kind].word}`;
  return mark.kind === "duplicate" ? `${words} of #${mark.with}, cosine ${significant(mark.cosine, 3)}` : words;
}

export function makeDetail(store) {
  const big = h("canvas", { "aria-hidden": "true" });
  const number = h("span", { class: "b fv-number" });
  const chip = h("span", { class: "chip" });
  const terms = ["norm", "rank", "mean", "nearest", "fires on"].map((text) => ({ dt: h("dt", { text }), dd: h("dd") }));
  const facts = h("dl", {}, ...terms.flatMap(({ dt, dd }) => [dt, dd]));
  const near = h("button", { type: "button", class: "link" });
  const planes = COLOURS.map((text) => ({ canvas: h("canvas", { "aria-hidden": "true" }), text }));
  const planeHost = h("div", { class: "fv-planes" }, ...planes.map(({ canvas, text }) => h("div", {}, canvas, h("div", { class: "cap", text }))));
  const bars = h("canvas", { role: "img" });
  const [low, high] = [h("span"), h("span")];
  const weights = h("div", { class: "fv-bars" }, bars, h("div", { class: "cap" }, low, h("span", { text: "weights" }), high));
  const top = h("div", { class: "fv-top" }, big, h("div", { class: "fv-facts" }, h("div", { class: "fv-title" }, number, chip), facts));
  const element = h("div", {}, top, h("div", { class: "fv-row" }, planeHost, weights));
  near.addEventListener("click", () => store.setView({ selected: Number(near.dataset.near) }));

  function numbers() {
    const { bank, selected, look } = store;
    const { layer } = bank;
    const mark = bank.marks.get(selected);
    setText(number, `#${selected}`);
    setText(chip, judged(mark));
    chip.className = `chip ${mark ? (mark.kind === "broken" ? "bad" : "warn") : "ok"}`;
    const nearest = layer.nearest[selected];
    if ((near.parentNode !== null) !== Boolean(nearest) || !terms[3].dd.firstChild) terms[3].dd.replaceChildren(nearest ? near : DASH); // in place it stays: a click may be under way
    if (nearest) {
      setText(near, `#${nearest[0]}, cosine ${nearest[1].toFixed(2).replace("-", MINUS)}`);
      near.dataset.near = String(nearest[0]);
    }
    const ready = look.state === "ready";
    const rank = `${bank.ranking.rank.get(selected)} of ${layer.outputs}`;
    const values = [significant(layer.norms[selected], 3), rank, significant(layer.means[selected], 2), null, ready ? `${percent(look.fired)}${THIN}% of positions` : DASH];
    terms.forEach(({ dd }, i) => i !== 3 && setText(dd, values[i]));
    terms[4].dt.hidden = terms[4].dd.hidden = store.net.images === null;
  }

  function update(colours) {
    const { bank, selected, view } = store;
    numbers();
    const whole = [0, 0, BIG, BIG];
    const g = sized(big, BIG, BIG);
    paintFilter(g, bank, selected, view, whole, colours);
    const mark = bank.marks.get(selected);
    if (mark) paintMark(g, mark.kind, [1.5, 1.5, BIG - 3, BIG - 3], colours);
    planeHost.hidden = !bank.coloured;
    if (bank.coloured) planes.forEach(({ canvas }, c) => paintFilter(sized(canvas, PLANE, PLANE), bank, selected, { scale: view.scale, channel: String(c) }, [0, 0, PLANE, PLANE], colours));
    const { limit, counts } = histogram(bank.filter(selected), BARS.count);
    const most = Math.max(...counts, 1);
    const b = sized(bars, BARS.width, BARS.height);
    paintBars(b, counts.map((n) => Math.sqrt(n / most)), BARS.width, BARS.height, () => colours["m-2"]);
    b.fillStyle = colours["ink-2"];
    b.fillRect(BARS.width / 2 - 0.5, 0, 1, BARS.height);
    setText(low, significant(-limit, 2));
    setText(high, significant(limit, 2));
    setAttribute(bars, "aria-label", `Histogram of the weights of filter ${selected}, from ${significant(-limit, 2)} to ${significant(limit, 2)}`);
  }
  return { element, update };
}
