// One channel: large over the image, what it sees where it answers most, and in numbers.

import { makeBarsList } from "./bars-list.js";
import { h, setAttribute, setText } from "./dom.js";
import { DASH, THIN, integer, percent, significant } from "./format.js";
import { makeChoice, sized } from "./panel.js";
import { bytesOf, coloured, faded, put, ramped, rectangleOf, smoothAt, tinted } from "./photo.js";
import { paintBars, paintBox } from "./show_filters_paint.js";
import { JUDGED, sharesOf } from "./activations-data.js";

const SIDE = 326; // pixels of the picture's longer side
const LISTED = 7;
const BARS = { width: 326, height: 44 };

export function makeDetail(store) {
  const title = h("span", { class: "b lk-number" });
  const chip = h("span", { class: "chip warn" });
  const picture = h("canvas", { role: "img" });
  const readout = h("span", { class: "act-readout" });
  const look = makeChoice("Look", [["over", "over the image"], ["alone", "alone"], ["image", "image"]], (value) => store.setView({ look: value }));
  const opacity = h("input", { type: "range", class: "sl", min: "0", max: "1", step: "0.05", "aria-label": "Opacity" });
  const opacityGroup = h("label", { class: "lk-group" }, h("span", { class: "mut", text: "opacity" }), opacity);
  const looks = h("div", { class: "lk-look" }, look.element, opacityGroup);
  const listed = makeBarsList("Strongest units", (selected) => store.setView({ selected }));
  const strongest = h("section", {}, h("div", { class: "lk-title wide" }, h("h4", { text: "Strongest units" })), listed.element);
  const terms = ["largest", "at", "mean", "rank", "zero", "sees"].map((text) => ({ dt: h("dt", { text }), dd: h("dd") }));
  const bars = h("canvas", { role: "img" });
  const [low, high] = [h("span"), h("span")];
  const element = h("div", {},
    h("div", { class: "lk-title" }, title, chip), picture, h("div", { class: "cap act-line" }, readout),
    looks,
    h("dl", {}, ...terms.flatMap(({ dt, dd }) => [dt, dd])),
    h("div", { class: "act-bars" }, bars, h("div", { class: "cap act-ends" }, low, h("span", { text: "values" }), high)),
    strongest,
  );
  let scale = 1;
  let pointed = null;

  opacity.addEventListener("input", () => store.setView({ opacity: Number(opacity.value) }));

  /** Value of the channel under a point of the picture: { row, column, value }, or null. */
  function under(x, y) {
    const { unit } = store;
    const [top, left, bottom, right] = unit.frame;
    const [rows, columns] = unit.plane;
    const row = Math.floor(((y / scale - top) / (bottom - top)) * rows);
    const column = Math.floor(((x / scale - left) / (right - left)) * columns);
    if (row < 0 || column < 0 || row >= rows || column >= columns) return null;
    const level = bytesOf(store.plane)[row * columns + column];
    return { row, column, value: unit.low + (level / 255) * (unit.high - unit.low) };
  }
  picture.addEventListener("pointermove", (event) => {
    pointed = store.bank.size === 1 ? null : under(event.offsetX, event.offsetY);
    say();
  });
  picture.addEventListener("pointerleave", () => {
    pointed = null;
    say();
  });

  function say() {
    const { unit } = store;
    if (pointed) return setText(readout, `${significant(pointed.value, 3)} at row ${pointed.row}, column ${pointed.column}`);
    const boxed = unit.box && unit.plane[0] * unit.plane[1] > 1 ? "boxed: what it sees where it answers most" : "";
    return setText(readout, store.view.look === "alone" ? "" : boxed);
  }

  function numbers() {
    const { unit, bank } = store;
    setText(title, unit.name ? `${unit.name} · #${unit.channel}` : `#${unit.channel}`);
    const judged = JUDGED[bank.marks.get(unit.channel)];
    chip.hidden = !judged;
    setText(chip, judged?.long ?? "");
    chip.className = `chip ${bank.marks.get(unit.channel) === "broken" ? "bad" : "warn"}`;
    const wide = unit.plane[0] * unit.plane[1] > 1;
    const values = [
      significant(unit.high, 3), wide ? unit.place.join(", ") : DASH, significant(unit.mean, 3),
      `${integer(bank.ranking.rank.get(unit.channel))} of ${integer(bank.n)}`, `${percent(unit.zeros)}${THIN}%`, store.layer.field ? store.layer.field.split(",")[0].replace("x", `${THIN}×${THIN}`) : DASH,
    ];
    terms.forEach(({ dd }, i) => setText(dd, values[i]));
  }

  function paint(colours) {
    const { unit, image, view, bank } = store;
    scale = SIDE / Math.max(image.height, image.width);
    const [width, height] = [image.width * scale, image.height * scale];
    const g = sized(picture, width, height);
    const rgb = bytesOf(store.pixels);
    const whole = [0, 0, width, height];
    const flat = unit.plane[0] * unit.plane[1] === 1;
    const mapped = view.look === "over" && !flat;
    const alone = view.look === "alone" && !flat;
    if (!alone) put(g, mapped ? faded(rgb, colours.paper, colours.veil) : coloured(rgb), image.height, image.width, whole, smoothAt(scale));
    const limit = bank.limit(unit.channel, view.scale);
    const shares = sharesOf(bytesOf(store.plane), unit.low, unit.high, limit);
    const [rows, columns] = unit.plane;
    const ramp = bank.signed ? colours.ramps.ratio : colours.ramps.size;
    if (alone) put(g, ramped(shares, ramp, bank.signed), rows, columns, whole, false);
    else if (mapped) put(g, tinted(shares, colours.plus, colours.minus, view.opacity), rows, columns, rectangleOf(unit.frame, scale), false);
    if (!alone && unit.box && !flat) paintBox(g, rectangleOf(unit.box, scale), [colours.halo, colours.ink]);
    setAttribute(picture, "aria-label", `Channel ${unit.channel} of ${unit.layer} ${alone ? "alone" : "over the image"}, largest ${significant(unit.high, 3)} at row ${unit.place[0]}, column ${unit.place[1]}`);
  }

  function histogram(colours) {
    const { unit } = store;
    const most = Math.max(...unit.counts, 1);
    const g = sized(bars, BARS.width, BARS.height);
    paintBars(g, unit.counts.map((n) => Math.sqrt(n / most)), BARS.width, BARS.height, () => colours["m-2"]);
    const flat = unit.plane[0] * unit.plane[1] === 1;
    element.querySelector(".act-bars").hidden = flat;
    setText(low, significant(unit.low, 3));
    setText(high, significant(unit.high, 3));
    setAttribute(bars, "aria-label", `Histogram of the values of channel ${unit.channel}, from ${significant(unit.low, 3)} to ${significant(unit.high, 3)}`);
  }

  /** Of what has no plane there is nothing to lay over the image: instead, who answers most. */
  function list() {
    const { bank, unit } = store;
    looks.hidden = bank.size === 1;
    strongest.hidden = bank.size > 1;
    if (strongest.hidden) return;
    const first = bank.ranking.sorted.slice(0, LISTED);
    const { highs, names } = bank.layer;
    listed.update(first.map((c) => ({ unit: c, label: names?.[c] ?? `unit ${c}`, share: highs[c] / bank.most, value: significant(highs[c], 3), on: c === unit.channel })));
  }

  function update(colours) {
    list();
    look.update(store.view.look);
    opacityGroup.hidden = store.view.look !== "over";
    opacity.value = String(store.view.opacity);
    opacity.style.setProperty("--p", `${100 * store.view.opacity}%`);
    setAttribute(opacity, "aria-valuetext", `${Math.round(100 * store.view.opacity)} %`);
    numbers();
    paint(colours);
    histogram(colours);
    say();
  }
  return { element, update };
}
