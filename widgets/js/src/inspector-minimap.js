// The whole graph, small, with the part that is seen: shown where some of it is out of sight.

import { h, tokens } from "./dom.js";
import { seen } from "./inspector-camera.js";

const [WIDEST, HIGHEST] = [190, 64]; // pixels

export function makeMinimap(store, lookAt) {
  const canvas = h("canvas", { "aria-hidden": "true" });
  const element = h("div", { class: "mini", hidden: true, title: "The whole graph: drag to look elsewhere" }, canvas);
  let last = null;

  const scale = () => Math.min(WIDEST / store.drawing.width, HIGHEST / store.drawing.height);

  function draw() {
    const [camera, width, height] = last;
    const k = scale();
    const [w, hgt] = [Math.max(store.drawing.width * k, 24), Math.max(store.drawing.height * k, 10)];
    const dense = window.devicePixelRatio || 1;
    canvas.width = Math.round((w + 8) * dense);
    canvas.height = Math.round((hgt + 8) * dense);
    canvas.style.width = `${w + 8}px`;
    canvas.style.height = `${hgt + 8}px`;
    const g = canvas.getContext("2d");
    const colour = tokens(element);
    g.scale(dense, dense);
    g.translate(4, 4);
    for (const place of store.drawing.places) {
      g.fillStyle = place.kind === "frame" ? colour.line : colour.edge;
      g.fillRect(place.x * k, place.y * k, Math.max(place.width * k, 1), Math.max(place.height * k, 1));
    }
    const chosen = store.placeOf(store.view.chosen);
    g.fillStyle = colour.focus;
    if (chosen && chosen.kind !== "frame") g.fillRect(chosen.x * k - 0.5, chosen.y * k - 0.5, Math.max(chosen.width * k, 2) + 1, Math.max(chosen.height * k, 2) + 1);
    const part = seen(camera, width, height);
    const [left, top] = [Math.max(part.x * k, -3), Math.max(part.y * k, -3)];
    const [right, bottom] = [Math.min((part.x + part.width) * k, w + 3), Math.min((part.y + part.height) * k, hgt + 3)];
    g.strokeStyle = colour.focus;
    g.lineWidth = 1.5;
    g.strokeRect(left, top, Math.max(right - left, 2), Math.max(bottom - top, 2));
  }

  function move(event) {
    const area = canvas.getBoundingClientRect();
    lookAt((event.clientX - area.left - 4) / scale(), (event.clientY - area.top - 4) / scale());
  }
  element.addEventListener("pointerdown", (event) => {
    event.stopPropagation();
    element.setPointerCapture(event.pointerId);
    move(event);
  });
  element.addEventListener("pointermove", (event) => element.hasPointerCapture(event.pointerId) && move(event));

  function update(camera, width, height, needed) {
    last = [camera, width, height];
    element.hidden = !needed;
    if (needed) draw();
  }
  /** Pixels it takes beneath the graph. */
  const height = () => Math.max(store.drawing.height * scale(), 10) + 16;
  return { element, update, height, redraw: () => last && !element.hidden && draw() };
}
