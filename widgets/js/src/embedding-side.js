// Beside the plot: the image that is looked at and its neighbours, and the classes, to switch and to count.

import { h, setAttribute, setText } from "./dom.js";
import { DASH, integer } from "./format.js";
import { sized } from "./panel.js";
import { coloured, put } from "./photo.js";
import { lookOf } from "./embedding-data.js";
import { paintShape } from "./embedding-paint.js";

const IMAGE = 96; // pixels of the image's longer side
const NEIGHBOUR = 40;
const FRAME = 2;

export function makeLooked(store) {
  const canvas = h("canvas", { role: "img" });
  const names = ["key", "label", "nearest", "number"];
  const values = names.map(() => h("dd"));
  const facts = h("dl", {}, ...names.flatMap((name, i) => [h("dt", { text: name }), values[i]]));
  const none = h("div", { class: "em-none mut", text: "Point at an image, or walk with the arrow keys." });
  const title = h("span", { class: "tick" });
  const near = Array.from({ length: 6 }, () => {
    const picture = h("canvas", { "aria-hidden": "true" });
    const button = h("button", { type: "button", class: "em-near" }, picture);
    button.addEventListener("click", () => button.dataset.index && store.pin(Number(button.dataset.index)));
    return { picture, button };
  });
  const strip = h("div", { class: "em-strip", role: "group", "aria-label": "Nearest by features" }, ...near.map(({ button }) => button));
  const found = h("div", {}, h("div", { class: "em-look" }, canvas, facts), h("div", { class: "cap", text: "nearest by all features, not only by these two" }), strip);
  const element = h("section", { class: "em-looked" }, h("div", { class: "lk-title" }, h("h4", { text: "Image" }), title), none, found);

  const called = (index) => (store.groups.length ? (store.classes[store.groups[index]]?.name ?? DASH) : null);

  function update(colours) {
    const { looked: index, view } = store;
    none.hidden = index !== null;
    found.hidden = index === null;
    setText(title, index !== null && index === view.pinned && store.hovered === null ? "pinned" : "");
    if (index === null) return;
    paintImage(index);
    const neighbours = store.neighboursOf(index);
    const label = called(index);
    [store.names[index], label ?? DASH, neighbours.length ? (called(neighbours[0]) ?? store.names[neighbours[0]]) : DASH, `${integer(index)} of ${integer(store.net.images)}`].forEach((text, i) => {
      setText(values[i], text);
      setAttribute(values[i], "title", text);
    });
    values[2].classList.toggle("odd", label !== null && neighbours.length > 0 && called(neighbours[0]) !== label);
    near.forEach(({ picture, button }, k) => paintNear(picture, button, neighbours[k], colours));
  }

  function paintImage(index) {
    const whole = store.image(index);
    const { side } = store.net;
    const { height, width, data } = whole ?? { height: side, width: side, data: store.thumbnail(index) };
    const scale = IMAGE / Math.max(height, width);
    const g = sized(canvas, width * scale, height * scale);
    put(g, coloured(data), height, width, [0, 0, width * scale, height * scale], scale < 2);
    setAttribute(canvas, "aria-label", `image ${store.names[index]}`);
  }

  function paintNear(picture, button, index, colours) {
    button.hidden = index === undefined;
    if (button.hidden) return;
    const { side } = store.net;
    const g = sized(picture, NEIGHBOUR, NEIGHBOUR);
    if (store.groups.length) {
      g.fillStyle = colours.classes[lookOf(store.groups[index]).colour];
      g.fillRect(0, 0, NEIGHBOUR, NEIGHBOUR);
    }
    const inner = NEIGHBOUR - 2 * FRAME;
    put(g, coloured(store.thumbnail(index)), side, side, [FRAME, FRAME, inner, inner], true);
    button.dataset.index = String(index);
    const label = called(index);
    setAttribute(button, "aria-label", `image ${store.names[index]}${label === null ? "" : `, label ${label}`}`);
    setAttribute(button, "title", `${store.names[index]}${label === null ? "" : `, label ${label}`}`);
  }
  return { element, update };
}

export function makeClasses(store) {
  const title = h("h4", { text: "Classes" });
  const all = h("button", { type: "button", class: "link", text: "show all" });
  const tick = h("span", { class: "tick" });
  const list = h("div", { class: "em-classes", role: "group", "aria-label": "Classes" });
  const element = h("section", {}, h("div", { class: "lk-title wide" }, title, all, tick), list);
  let rows = [];
  let built = null;

  all.addEventListener("click", () => store.setView({ off: [] }));

  function build() {
    built = store.classes;
    rows = store.classes.map(({ name }, group) => {
      const swatch = h("canvas", { "aria-hidden": "true" });
      const [bar, value] = [h("b"), h("span", { class: "val" })];
      const button = h("button", { type: "button", role: "switch" }, swatch, h("span", { class: "nm", text: name, title: name }), h("i", { class: "track" }, bar), value);
      button.addEventListener("click", (event) => store.switchClass(group, event.altKey));
      return { swatch, bar, value, button, name };
    });
    list.replaceChildren(...rows.map(({ button }) => button));
  }

  function update(colours) {
    element.hidden = !store.classes.length;
    if (element.hidden) return;
    if (built !== store.classes) build();
    const { off, selected: any } = store.view;
    all.hidden = !off.length;
    const counts = store.counts;
    const most = Math.max(...store.classes.map(({ count }) => count));
    setText(tick, any.length ? `${integer(store.selected.length)} selected` : "click: on, off; Alt: alone");
    rows.forEach(({ swatch, bar, value, button, name }, group) => {
      const { count } = store.classes[group];
      const on = !off.includes(group);
      paintShape(sized(swatch, 16, 16), group, 8, 8, 5.5, colours);
      setAttribute(button, "aria-checked", on);
      setText(value, any.length ? `${integer(counts[group])} of ${integer(count)}` : integer(count));
      bar.style.width = `${(100 * (any.length ? counts[group] : count)) / most}%`;
      bar.style.background = colours.classes[lookOf(group).colour];
      setAttribute(button, "aria-label", `${name}, ${any.length ? `${integer(counts[group])} selected of ` : ""}${integer(count)} images`);
    });
  }
  return { element, update };
}
