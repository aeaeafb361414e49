// Where a unit of a plane answers in the image; a click asks about another place.

import { h, setAttribute, setText } from "./dom.js";
import { THIN, significant } from "./format.js";
import { sized } from "./panel.js";
import { bytesOf, faded, put, rectangleOf, smoothAt, tinted } from "./photo.js";
import { paintBox } from "./show_filters_paint.js";

const SIDE = 148; // pixels of the picture

export function makePlace(store) {
  const where = h("canvas", { role: "img" });
  const host = h("div", { class: "drv-host", tabindex: "0", role: "group", "aria-label": "Place that is asked about; arrows move it" }, where);
  const words = h("div", { class: "drv-words" });
  const auto = h("button", { type: "button", class: "link", text: "where it answers most" });
  const whereTick = h("span", { class: "tick" });
  const element = h("section", { class: "drv-where" }, h("div", { class: "lk-title" }, h("h4", { text: "Where it answers" }), whereTick), h("div", { class: "drv-place" }, host, h("div", {}, words, auto)));
  let scale = 1;

  auto.addEventListener("click", () => store.ask(store.chosen.layer, store.chosen.unit));
  where.addEventListener("click", (event) => {
    const { chosen } = store;
    const [top, left, bottom, right] = chosen.frame;
    const [rows, columns] = chosen.plane;
    const clamp = (value, most) => Math.max(0, Math.min(most - 1, Math.floor(value)));
    const row = clamp(((event.offsetY / scale - top) / (bottom - top)) * rows, rows);
    const column = clamp(((event.offsetX / scale - left) / (right - left)) * columns, columns);
    store.ask(chosen.layer, chosen.unit, [row, column]);
  });
  host.addEventListener("keydown", (event) => {
    const by = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    const { chosen, view } = store;
    const from = view.at ?? chosen.place;
    store.ask(chosen.layer, chosen.unit, from.map((at, axis) => Math.max(0, Math.min(chosen.plane[axis] - 1, at + by[axis]))));
  });

  function paint(colours) {
    const { chosen, image } = store;
    const [rows, columns] = chosen.plane;
    scale = SIDE / Math.max(image.height, image.width);
    const g = sized(where, image.width * scale, image.height * scale);
    put(g, faded(bytesOf(store.pixels), colours.paper, colours.veil), image.height, image.width, [0, 0, image.width * scale, image.height * scale], smoothAt(scale));
    const levels = bytesOf(store.answers);
    if (levels.length !== rows * columns) return;
    put(g, tinted(Float32Array.from(levels, (v) => v / 255), colours.plus, colours.minus, 0.9), rows, columns, rectangleOf(chosen.frame, scale), false);
    const [row, column] = chosen.place;
    const [x, y, w, h] = rectangleOf(chosen.frame, scale);
    const [cw, ch] = [w / columns, h / rows];
    const rim = Math.max(2, 4 - ch);
    paintBox(g, [x + column * cw - rim, y + row * ch - rim, cw + 2 * rim, ch + 2 * rim], [colours.halo, colours.ink]);
    setAttribute(where, "aria-label", `Where unit ${chosen.unit} answers in the image; asked about: row ${chosen.place[0]}, column ${chosen.place[1]}`);
  }

  function update(colours) {
    const { chosen } = store;
    element.hidden = !chosen.plane;
    if (!chosen.plane) return;
    setText(whereTick, `${chosen.layer}, ${chosen.plane[0]}${THIN}×${THIN}${chosen.plane[1]}`);
    setText(words, `${significant(chosen.value, 3)} at row ${chosen.place[0]}, column ${chosen.place[1]}. Click into the picture, or move with arrows, to ask about another place.`);
    auto.hidden = store.view.at === null;
    paint(colours);
  }
  return { element, update };
}
