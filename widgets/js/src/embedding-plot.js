// The plot: points to pan and zoom, to point at, to draw a line around; by pointer and by keys.

import { h, setAttribute } from "./dom.js";
import { integer } from "./format.js";
import { sized } from "./panel.js";
import { cameraOf, middleOf, nearestAt, nextTowards, selectedBy, zoomedAt } from "./embedding-data.js";
import { makeAtlas, paintLine, paintLooked, paintMarks, paintName } from "./embedding-paint.js";

const SHARE = 0.68; // height over width
const [LOWEST, HIGHEST] = [360, 490]; // pixels of height: the widget fits a notebook's window, with its cell
const REACH = 14; // pixels within which a point is meant
const STILL = 4; // pixels that a click may move
const NAMED = 24; // classes whose names are written over their points
const ZOOM_STEP = 1.4;
const WHEEL = 0.0022; // zoom per pixel of the wheel

export function makePlot(store) {
  const canvas = h("canvas", { role: "img" });
  const element = h("div", { class: "em-plot", tabindex: "0", role: "group", "aria-label": "Images by their features" }, canvas);
  let [width, height] = [0, 0];
  let camera = null;
  let atlas = null;
  let atlasOf = null;
  let screen = new Float32Array(0);
  let drag = null; // { from, line, zoom } of the pointer that is down

  function update(colours, room) {
    width = room;
    height = Math.round(Math.max(LOWEST, Math.min(HIGHEST, width * SHARE)));
    const g = sized(canvas, width, height);
    const { places, view, shown, groups, pictures } = store;
    if (!places.length) return;
    if (pictures.length && pictures !== atlasOf) [atlas, atlasOf] = [makeAtlas(pictures, store.net.side, store.net.images), pictures];
    camera = cameraOf(store.bounds, view.zoom, width, height, markSize() / 2);
    if (screen.length !== places.length) screen = new Float32Array(places.length);
    for (let i = 0; i < places.length; i += 2) [screen[i], screen[i + 1]] = camera.toScreen(places[i], places[i + 1]);
    const chosen = new Set(store.selected);
    const faint = (i) => chosen.size > 0 && !chosen.has(i);
    const order = chosen.size ? [...shown.filter(faint), ...store.selected] : shown;
    paintMarks(g, { order, screen, groups, atlas, marks: store.marks, size: markSize(), faint }, colours);
    names(g, colours);
    looked(g, colours);
    if (drag?.line?.length > 1) paintLine(g, drag.line, colours);
    element.dataset.tool = view.tool;
    setAttribute(canvas, "aria-label", `${integer(shown.length)} images at places that ${view.method === "pca" ? "PCA" : "t-SNE"} gave their features in ${view.layer}`);
  }

  /** Pictures grow with the zoom, though less than it: they come apart. */
  const markSize = () => store.view.size * Math.min(3, Math.sqrt(store.view.zoom?.k ?? 1));

  function names(g, colours) {
    const { classes, groups, view, places, shown } = store;
    if (store.marks !== "shapes" || !groups.length || classes.length > NAMED || view.show !== "all") return;
    const members = classes.map(() => []);
    for (const i of shown) members[groups[i]]?.push(i);
    members.forEach((indices, k) => {
      const middle = middleOf(places, indices);
      if (middle) paintName(g, classes[k].name, ...camera.toScreen(...middle), colours);
    });
  }

  function looked(g, colours) {
    const { looked: index } = store;
    if (index === null || 2 * index >= screen.length) return;
    const [x, y] = [screen[2 * index], screen[2 * index + 1]];
    const pictures = store.marks === "pictures";
    const radius = pictures ? markSize() / 2 + 3 : markSize() / 6 + 4;
    const [groups, order] = [store.groups, [index]];
    paintMarks(g, { order, screen, groups, atlas, marks: store.marks, size: markSize(), faint: () => false }, colours);
    paintLooked(g, x, y, radius, pictures, colours);
  }

  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const meant = (place) => {
    const reach = store.marks === "pictures" ? Math.max(REACH, markSize() / 2) : REACH;
    const found = nearestAt(screen, store.shown, place, reach);
    return found < 0 ? null : found;
  };

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button || !camera) return;
    element.focus({ preventScroll: true });
    canvas.setPointerCapture(event.pointerId);
    drag = { from: at(event), moved: false, line: null, camera, add: event.shiftKey };
  });
  // Where text is selected, the browser would drag that text, and cancel the pointer; Shift would select cells.
  canvas.addEventListener("mousedown", (event) => {
    if (event.button) return;
    event.preventDefault();
    if (event.shiftKey) event.stopPropagation();
  });
  canvas.addEventListener("pointermove", (event) => {
    const place = at(event);
    if (!drag) return camera && store.hover(meant(place));
    drag.moved ||= Math.hypot(place[0] - drag.from[0], place[1] - drag.from[1]) > STILL;
    if (drag.moved) pull(place);
  });
  const pull = (place) => {
    const { tool } = store.view;
    const [[x0, y0], [x1, y1]] = [drag.from, place];
    if (tool === "move") {
      const [cx, cy] = drag.camera.toData(width / 2 - (x1 - x0), height / 2 - (y1 - y0));
      return store.setView({ zoom: { x: cx, y: cy, k: drag.camera.k } });
    }
    if (tool === "box") drag.line = [[x0, y0], [x1, y0], [x1, y1], [x0, y1]];
    else (drag.line ??= [drag.from]).push(place);
    store.changed("line");
  };
  canvas.addEventListener("pointerup", (event) => {
    if (!drag) return;
    const { line, moved, add } = drag;
    drag = null;
    if (!moved) return click(meant(at(event)));
    if (!line) return;
    const found = selectedBy(line, screen, store.shown);
    store.setView({ selected: add ? [...new Set([...store.view.selected, ...found])] : found });
    store.changed("line");
  });
  const click = (index) => {
    if (index === null && store.view.selected.length && store.view.pinned === null) store.setView({ selected: [] });
    else store.pin(index === store.view.pinned ? null : index);
  };
  canvas.addEventListener("pointercancel", () => ((drag = null), store.changed("line")));
  canvas.addEventListener("pointerleave", () => !drag && store.hover(null));
  canvas.addEventListener("dblclick", () => store.setView({ zoom: null }));
  canvas.addEventListener("wheel", (event) => {
    if (!(event.ctrlKey || event.metaKey) || !camera) return; // the notebook still scrolls
    event.preventDefault();
    zoomBy(Math.exp(-event.deltaY * WHEEL), at(event));
  }, { passive: false });

  function zoomBy(factor, place = [width / 2, height / 2]) {
    if (camera) store.setView({ zoom: zoomedAt(camera, factor, place, width, height) });
  }

  /** Go to the next image in the direction of an arrow key; whether it was one. */
  function walk(key) {
    const { pinned } = store.view;
    const from = pinned === null || 2 * pinned >= screen.length ? [width / 2, height / 2] : [screen[2 * pinned], screen[2 * pinned + 1]];
    if (!key.startsWith("Arrow")) return false;
    const next = nextTowards(screen, store.shown, from, key);
    store.hovered = null;
    if (next !== null) store.pin(next);
    return true;
  }
  return { element, update, walk, zoomIn: () => zoomBy(ZOOM_STEP), zoomOut: () => zoomBy(1 / ZOOM_STEP), focus: () => element.focus({ preventScroll: true }) };
}
