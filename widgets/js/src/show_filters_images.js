// What the images say of a filter: the nine patches that excite it most, and where it fires in one of them.

import { h, setAttribute, setText } from "./dom.js";
import { sized } from "./panel.js";
import { integer, significant } from "./format.js";
import { partsOf } from "./show_filters_data.js";
import { paintBox, paintPart } from "./show_filters_paint.js";

const PATCH = 38;
const IMAGE = 182;
const COUNT = 9;
const ON_ANYTHING = ["halo", "ink"];

export function makeImages(store) {
  const field = h("span", { class: "tick" });
  const patches = Array.from({ length: COUNT }, (_, rank) => {
    const canvas = h("canvas", { "aria-hidden": "true" });
    const value = h("div", { class: "cap" });
    const button = h("button", { type: "button", class: "fv-patch" }, canvas, value);
    button.addEventListener("click", () => store.setView({ rank }));
    return { canvas, value, button };
  });
  const nine = h("div", { class: "fv-nine", role: "group", "aria-label": "Nine patches" }, ...patches.map((p) => p.button));
  const which = h("span", { class: "tick" });
  const [image, map] = [h("canvas", { role: "img" }), h("canvas", { role: "img" })];
  const [under, below] = [h("div", { class: "cap", text: "image, strongest position boxed" }), h("div", { class: "cap" })];
  const pair = h("div", { class: "fv-pair" }, h("div", {}, image, under), h("div", {}, map, below));
  const first = h("div", { class: "fv-title" }, h("h4", { text: "Nine patches that excite it most" }), field);
  const second = h("div", { class: "fv-title" }, h("h4", { text: "Where it fires" }), which);
  const waiting = h("div", { class: "fv-wait mut" });
  const found = h("div", {}, nine, second, pair);
  const element = h("div", { class: "fv-images" }, first, waiting, found);

  function update(colours) {
    const { look, net } = store;
    element.hidden = net.images === null;
    if (element.hidden) return;
    const parts = look.state === "ready" && store.pixels ? partsOf(look, store.pixels) : null;
    found.hidden = !parts;
    waiting.hidden = Boolean(parts);
    setText(field, parts ? `receptive field ${look.field}` : "");
    if (!parts) return setText(waiting, look.state === "failed" ? look.problem : "Looking through the images …");
    return show(look, parts, colours);
  }

  function show(look, parts, colours) {
    const box = ON_ANYTHING.map((name) => colours[name]);
    patches.forEach(({ canvas, value, button }, rank) => {
      const patch = look.patches[rank];
      button.hidden = !patch;
      if (!patch) return;
      const [height, width] = patch.size;
      const scale = PATCH / Math.max(height, width);
      const g = sized(canvas, width * scale, height * scale);
      paintPart(g, parts[rank], width * scale, height * scale);
      const [top, left, bottom, right] = patch.box.map((v) => v * scale);
      const whole = bottom - top >= height * scale && right - left >= width * scale;
      if (!whole) paintBox(g, [left, top, right - left, bottom - top], box);
      setText(value, significant(patch.value, 3));
      setAttribute(button, "aria-label", `answer ${significant(patch.value, 3)} in image ${patch.image}`);
      setAttribute(button, "aria-pressed", rank === look.where.rank);
    });
    where(look, parts, colours, box);
  }

  function where(look, parts, colours, box) {
    const { size, plane, place, rank } = look.where;
    setText(which, `image ${integer(look.patches[rank].image)} of ${integer(look.seen)}`);
    const scale = IMAGE / Math.max(...size);
    const [height, width] = size.map((v) => v * scale);
    const g = sized(image, width, height);
    paintPart(g, parts.at(-2), width, height);
    const [top, left, bottom, right] = look.where.box.map((v) => v * scale);
    paintBox(g, [left - 2, top - 2, right - left + 4, bottom - top + 4], box);
    const m = sized(map, width, height);
    paintPart(m, parts.at(-1), width, height, colours.ramp);
    const [ph, pw] = [height / plane[0], width / plane[1]];
    const rim = Math.max(3, 5 - ph);
    paintBox(m, [place[1] * pw - rim, place[0] * ph - rim, pw + 2 * rim, ph + 2 * rim], box);
    setText(below, `${look.top}[${look.unit}], ${plane[0]} × ${plane[1]}`);
    setAttribute(image, "aria-label", `Image ${look.patches[rank].image}, its strongest position boxed`);
    setAttribute(map, "aria-label", `Answers of filter ${look.unit} over the image, the largest ${significant(look.patches[rank].value, 3)}`);
  }
  return { element, update };
}
