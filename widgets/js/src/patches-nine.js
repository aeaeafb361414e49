// One unit: its nine patches, the whole image of one of them with the receptive field boxed, and where it answers.

import { h, setAttribute, setText } from "./dom.js";
import { integer } from "./format.js";
import { sized } from "./panel.js";
import { rectangleOf } from "./photo.js";
import { paintBox, paintPart } from "./show_filters_paint.js";
import { firedWords, isSilent, patchWords, shortName, valueWords } from "./patches-data.js";

const PATCH = 94; // pixels of a patch's longer side
const IMAGE = 226; // pixels of the image's longer side
const COUNT = 9;
const IMAGE_SHARE = 0.55; // of the image's size, for the map
const RIM = 2; // pixels by which a box keeps clear of the picture's edge
const ON_ANYTHING = ["halo", "ink"];

/** A rectangle as far as it lies inside of a picture, all of its edges in sight. */
function inside([x, y, w, h], width, height) {
  const [left, top] = [Math.max(RIM, x), Math.max(RIM, y)];
  return [left, top, Math.min(width - RIM, x + w) - left, Math.min(height - RIM, y + h) - top];
}

export function makeNine(store) {
  const number = h("h4", { class: "lk-number" });
  const fires = h("span", { class: "tick" });
  const patches = Array.from({ length: COUNT }, (_, rank) => {
    const canvas = h("canvas", { "aria-hidden": "true" });
    const [value, name] = [h("b", { class: "m" }), h("span", { class: "nm" })];
    const button = h("button", { type: "button", class: "pt-patch" }, h("span", { class: "pt-room" }, canvas), h("span", { class: "pt-cap" }, value, name));
    button.addEventListener("click", () => store.setView({ rank }));
    return { canvas, value, name, button };
  });
  const nine = h("div", { class: "pt-nine", role: "group", "aria-label": "Patches that excite it most" }, ...patches.map((p) => p.button));
  const waiting = h("div", { class: "pt-wait mut" });
  const left = h("div", { class: "pt-left" }, h("div", { class: "lk-title" }, number, fires), nine, waiting);
  const which = h("span", { class: "tick" });
  const [image, map] = [h("canvas", { role: "img" }), h("canvas", { role: "img" })];
  const [under, below] = [h("div", { class: "cap" }), h("div", { class: "cap" })];
  const mapFigure = h("figure", {}, map, below);
  const whole = h("div", { class: "pt-whole" }, h("div", { class: "lk-title" }, h("h4", { text: "Whole image" }), which), h("figure", {}, image, under), mapFigure);
  const element = h("div", { class: "pt-detail" }, left, whole);
  let shown = null; // parts that are painted: they stay until the next are here, so that nothing flickers

  function update(colours) {
    const { selected, unit: look, scan } = store;
    setText(number, `unit ${selected}`);
    const parts = store.parts;
    if (parts) shown = { parts, look };
    else if (shown && (!store.current || scan.state === "failed")) shown = null;
    nine.hidden = whole.hidden = !shown;
    waiting.hidden = Boolean(shown);
    const silent = store.current && scan.values?.length && isSilent(scan, selected);
    setText(fires, parts ? (silent ? "∅ silent: no answer above 0" : `fires at ${firedWords(look.fired)} of places`) : "");
    fires.classList.toggle("warn", Boolean(silent));
    if (!shown) setText(waiting, scan.state === "failed" ? scan.problem : "Looking through the images …");
    else paint(shown, colours);
  }

  function paint({ parts, look }, colours) {
    const box = ON_ANYTHING.map((name) => colours[name]);
    patches.forEach(({ canvas, value, name, button }, rank) => {
      const patch = look.patches[rank];
      button.hidden = !patch;
      if (!patch) return;
      const [height, width] = patch.size;
      const scale = PATCH / Math.max(height, width);
      const g = sized(canvas, width * scale, height * scale);
      paintPart(g, parts[rank], width * scale, height * scale);
      const [x, y, w, tall] = rectangleOf(patch.box, scale);
      if (w < width * scale - 1 || tall < height * scale - 1) paintBox(g, [x, y, w, tall], box);
      setText(value, valueWords(patch.value));
      setText(name, shortName(patch.name));
      setAttribute(button, "title", patchWords(patch));
      setAttribute(button, "aria-label", `answer ${valueWords(patch.value)} to ${patchWords(patch)}`);
      setAttribute(button, "aria-pressed", rank === look.where.rank);
    });
    paintWhole(look, parts, colours, box);
  }

  function paintWhole(look, parts, colours, box) {
    const { size, plane, place, rank } = look.where;
    const patch = look.patches[rank];
    setText(which, patch.label === null ? `image ${integer(patch.image)}` : `label ${patch.label}`);
    setText(under, `${patchWords(patch)}: it answers ${valueWords(patch.value)} to what is boxed`);
    const scale = IMAGE / Math.max(...size);
    const [height, width] = size.map((side) => side * scale);
    const g = sized(image, width, height);
    paintPart(g, parts.at(-2), width, height);
    const [x, y, w, tall] = rectangleOf(look.where.box, scale);
    paintBox(g, inside([x - 1, y - 1, w + 2, tall + 2], width, height), box);
    setAttribute(image, "aria-label", `${patchWords(patch)}; boxed is what the unit sees at row ${place[0]}, column ${place[1]} of its plane`);
    mapFigure.hidden = plane[0] * plane[1] < 2;
    if (mapFigure.hidden) return;
    const [mapHeight, mapWidth] = [height * IMAGE_SHARE, width * IMAGE_SHARE];
    const m = sized(map, mapWidth, mapHeight);
    paintPart(m, parts.at(-1), mapWidth, mapHeight, colours.ramps.size);
    const [ph, pw] = [mapHeight / plane[0], mapWidth / plane[1]];
    const rim = Math.max(1, 4 - ph);
    paintBox(m, inside([place[1] * pw - rim, place[0] * ph - rim, pw + 2 * rim, ph + 2 * rim], mapWidth, mapHeight), box);
    setText(below, `where it answers, ${plane[0]} × ${plane[1]} places`);
    setAttribute(map, "aria-label", `Answers of unit ${look.unit} over the image, the largest ${valueWords(patch.value)}`);
  }
  return { element, update };
}
