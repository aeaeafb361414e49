// The image, and the map of what drives the unit: over it, as a spotlight, alone, or as signed gradient.

import { h, setAttribute, setText } from "./dom.js";
import { MINUS, significant } from "./format.js";
import { makeChoice, sized } from "./panel.js";
import { bytesOf, coloured, faded, put, ramped, rectangleOf, revealed, smoothAt, tinted } from "./photo.js";
import { RATIO, SIZE, gradient } from "./ramp.js";
import { paintBox } from "./show_filters_paint.js";
import { LOOKS, isSigned, methodName, pointWords, spotlight, unitWords } from "./drivers-data.js";

const GAP = 12;
const MOST = 460; // pixels of a picture's side

export function makePictures(store) {
  const [image, map] = [h("canvas", { role: "img" }), h("canvas", { role: "img" })];
  const [left, right] = [h("div", { class: "cap" }), h("div", { class: "cap drv-said" })];
  const ramp = h("i", { class: "lk-scale" });
  const [low, high] = [h("span"), h("span")];
  const legend = h("div", { class: "lk-legend" }, low, ramp, high);
  const progress = h("div", { class: "prog", role: "progressbar", "aria-label": "Places covered", "aria-valuemin": "0" }, h("i"));
  const look = makeChoice("Look", LOOKS, (value) => store.setView({ look: value }));
  const opacity = h("input", { type: "range", class: "sl", min: "0", max: "1", step: "0.05", "aria-label": "Opacity" });
  const opacityGroup = h("label", { class: "lk-group" }, h("span", { class: "mut", text: "opacity" }), opacity);
  const tools = h("div", { class: "lk-look" }, look.element, opacityGroup);
  const element = h("div", { class: "drv-pair" }, h("figure", {}, image, left), h("figure", {}, map, progress, h("div", { class: "drv-under" }, right, legend), tools));
  opacity.addEventListener("input", () => store.setView({ opacity: Number(opacity.value) }));
  let scale = 1;
  let pointed = null;

  map.addEventListener("pointermove", (event) => {
    pointed = [Math.floor(event.offsetY / scale), Math.floor(event.offsetX / scale)];
    say();
  });
  map.addEventListener("pointerleave", () => {
    pointed = null;
    say();
  });

  function say() {
    const { found, image: size, shares } = store;
    const [row, column] = pointed ?? [-1, -1];
    const inside = shares && row >= 0 && column >= 0 && row < size.height && column < size.width;
    setText(right, inside ? pointWords(found, shares[row * size.width + column], row, column) : `${methodName(found.method ?? store.view.method)} of ${unitWords(store.chosen)}`);
  }

  function update(colours, width) {
    const { image: size } = store;
    const wide = Math.min(MOST, (width - GAP) / 2);
    scale = wide / Math.max(size.width, size.height);
    paintImage(colours);
    paintMap(colours);
    key();
    bar();
    choices();
    say();
  }

  function choices() {
    const { view } = store;
    look.update(store.look);
    look.element.querySelector('[data-value="signed"]').hidden = isSigned(view.method);
    opacityGroup.hidden = store.look !== "over";
    opacity.value = String(view.opacity);
    opacity.style.setProperty("--p", `${100 * view.opacity}%`);
    setAttribute(opacity, "aria-valuetext", `${Math.round(100 * view.opacity)} %`);
  }

  const canvasFor = (canvas) => sized(canvas, store.image.width * scale, store.image.height * scale);
  const whole = () => [0, 0, store.image.width * scale, store.image.height * scale];

  function paintImage(colours) {
    const { image: size, chosen, found } = store;
    const g = canvasFor(image);
    put(g, coloured(bytesOf(store.pixels)), size.height, size.width, whole(), smoothAt(scale));
    if (chosen.box) paintBox(g, rectangleOf(chosen.box, scale), [colours.halo, colours.ink]);
    setText(left, chosen.box ? `${size.name}; boxed: all that the unit sees` : size.name);
    setAttribute(image, "aria-label", `The image as the net got it${found.peak ? `; what matters most lies at row ${found.peak[0]}, column ${found.peak[1]}` : ""}`);
  }

  function paintMap(colours) {
    const { image: size, found, look, shares } = store;
    const g = canvasFor(map);
    const { height, width } = size;
    const rgb = bytesOf(store.pixels);
    const signed = bytesOf(store.signed);
    const smooth = smoothAt(scale);
    const signedMap = isSigned(found.method);
    if (look === "signed" && signed.length === rgb.length) put(g, coloured(signed), height, width, whole(), false);
    else if (look === "map" && shares) put(g, ramped(shares, signedMap ? colours.ramps.ratio : colours.ramps.size, signedMap), height, width, whole(), smooth);
    else if (look === "spot" && shares) {
      put(g, faded(rgb, colours.paper, 0.82), height, width, whole(), smooth);
      put(g, revealed(rgb, spotlight(shares)), height, width, whole(), smooth);
    } else {
      put(g, faded(rgb, colours.paper, colours.veil), height, width, whole(), smooth);
      if (shares) put(g, tinted(shares, colours.plus, colours.minus, store.view.opacity), height, width, whole(), smooth);
    }
    const peak = found.peak ? `, largest at row ${found.peak[0]}, column ${found.peak[1]}` : "";
    setAttribute(map, "aria-label", shares ? `Map of what drives ${unitWords(store.chosen)}, by ${methodName(found.method)}${peak}` : "The image; its map is being made");
  }

  function key() {
    const { found, look, shares } = store;
    legend.hidden = !shares || look === "spot" || look === "signed";
    if (legend.hidden) return;
    const signed = isSigned(found.method);
    setText(low, signed ? `${MINUS}${significant(found.limit, 2)}` : "0");
    setText(high, significant(found.limit, 2));
    ramp.style.background = look === "map" ? gradient(signed ? RATIO : SIZE) : `linear-gradient(90deg, ${signed ? "var(--owl-train), " : ""}transparent, var(--owl-test))`;
  }

  function bar() {
    const { found } = store;
    const going = found.state === "working" && found.total;
    progress.classList.toggle("off", !going && found.state !== "stopped");
    const share = found.total ? found.done / found.total : 0;
    progress.firstChild.style.width = `${100 * share}%`;
    setAttribute(progress, "aria-valuemax", found.total || 1);
    setAttribute(progress, "aria-valuenow", found.done ?? 0);
    setAttribute(progress, "aria-hidden", progress.classList.contains("off") ? "true" : null);
  }
  return { element, update };
}
