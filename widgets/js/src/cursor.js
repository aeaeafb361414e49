// The one cursor: follows the pointer or the arrow keys, stays where it is pinned.

import { h } from "./dom.js";
import { integer } from "./format.js";

const CLICK = 4; // pixels the pointer may move in a click

export function makeCursor(store, { host, window: view, position, iteration, height, ranges, box }) {
  const line = h("div", { class: "cursor-line" });
  const chip = h("div", { class: "cursor-chip" });
  const dot = h("div", { class: "cursor-dot" });
  const dots = [dot, ...Array.from({ length: 3 }, () => h("div", { class: "cursor-dot", hidden: true }))];
  const layer = h("div", { class: "cursor", hidden: true }, line, ...dots, chip);
  host.append(layer);
  const listeners = new Set();
  let hover = null;

  /** Iteration the legend reads out, null for the latest. */
  const at = () => store.view.pinned ?? hover;

  /** To a row of the run in front, beyond its end to one of the longest other. */
  function snap(value) {
    const beyond = value > store.columns.last + store.spacing;
    const others = beyond ? store.references.filter((run) => store.shows(run)) : [];
    const run = others.reduce((a, b) => (b.columns.last > a.columns.last ? b : a), store);
    const i = run.columns.nearest(value);
    return i < 0 ? null : run.columns.iter[i];
  }

  function set(value) {
    hover = value === null ? null : snap(value);
    place();
    for (const listener of listeners) listener();
  }

  function place() {
    const value = at();
    const [x0, x1] = ranges().x;
    const hidden = value === null || value < x0 || value > x1 || !store.runs.some((run) => run.columns.n);
    layer.hidden = hidden;
    if (hidden) return;
    const area = box();
    const x = Math.round(area.left + position(value));
    line.style.cssText = `left:${x}px;top:${area.top - 4}px;height:${area.bottom - area.top + 46}px`;
    chip.textContent = integer(value);
    chip.style.cssText = `left:${x}px;top:${area.bottom + 4}px`;
    chip.classList.toggle("pinned", store.view.pinned !== null);
    dots.forEach((each, k) => placeDot(each, store.runs[k], value, x, area));
  }

  function placeDot(each, run, value, x, area) {
    const smoothed = run ? run.at(value).smoothed : null;
    const y = area.top + height(smoothed);
    each.hidden = !Number.isFinite(smoothed) || !store.visible("train", run) || y < area.top - 2 || y > area.bottom + 2;
    each.style.left = `${x}px`;
    each.style.top = `${y}px`;
  }

  function pin() {
    const pinned = store.view.pinned === null ? at() : null;
    store.setView({ pinned });
  }

  function attach(over) {
    let down = null;
    over.addEventListener("pointermove", (event) => set(iteration(event.offsetX)));
    over.addEventListener("pointerleave", () => set(null));
    over.addEventListener("pointerdown", (event) => {
      down = event.button === 0 ? event.clientX : null;
      host.focus({ preventScroll: true });
    });
    over.addEventListener("pointerup", (event) => {
      if (down !== null && Math.abs(event.clientX - down) < CLICK && event.detail < 2) {
        hover = snap(iteration(event.offsetX));
        pin();
      }
      down = null;
    });
    over.addEventListener(
      "wheel",
      (event) => {
        if (!event.ctrlKey && !event.metaKey) return; // the notebook scrolls
        event.preventDefault();
        view.zoomBy(event.deltaY > 0 ? 1.25 : 0.8, iteration(event.offsetX));
      },
      { passive: false },
    );
  }

  /** One pixel, but at least one row, to the left (-1) or right (+1). */
  function move(direction, times = 1) {
    const { columns } = store;
    if (!columns.n) return;
    if (store.view.pinned !== null) {
      hover = store.view.pinned;
      store.setView({ pinned: null });
    }
    const [x0, x1] = ranges().x;
    const area = box();
    const pixel = (x1 - x0) / (area.right - area.left);
    const from = hover ?? columns.last;
    const row = columns.nearest(from) + direction * times;
    const byRow = columns.iter[Math.min(columns.n - 1, Math.max(0, row))];
    const byPixel = from + direction * times * pixel;
    set(direction > 0 ? Math.max(byRow, byPixel) : Math.min(byRow, byPixel));
  }

  return { attach, place, at, pin, move, set, onMove: (listener) => listeners.add(listener) };
}
