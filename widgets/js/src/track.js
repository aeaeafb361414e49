// A slider over training time that has the chart's pixels per iteration: to move it is to move the cursor.

import { h, setAttribute } from "./dom.js";
import { integer } from "./format.js";

/** `stops()`: iterations it can stand at; `range()`: first and last iteration in sight. */
export function makeTrack(store, stops, range) {
  const done = h("i");
  const line = h("div", { class: "ln" }, done);
  const ticks = h("div", { class: "ticks", "aria-hidden": true });
  const thumb = h("span", { class: "th" });
  const element = h("div", { class: "track", role: "slider", tabindex: 0, "aria-label": "Training time of the filters" }, line, ticks, thumb);
  let at = null;
  let drawn = "";

  const share = (iteration) => {
    const [x0, x1] = range();
    return Math.min(1, Math.max(0, (iteration - x0) / (x1 - x0)));
  };

  /** Pin the cursor at a stop; the newest one follows the run instead. */
  function go(k) {
    const all = stops();
    if (!all.length) return;
    const i = Math.max(0, Math.min(all.length - 1, k));
    store.setView({ pinned: i === all.length - 1 ? null : all[i] });
  }

  function nearest(iteration) {
    const all = stops();
    let best = 0;
    all.forEach((stop, i) => {
      if (Math.abs(stop - iteration) < Math.abs(all[best] - iteration)) best = i;
    });
    return best;
  }

  function update(iteration) {
    at = iteration;
    const all = stops();
    const key = JSON.stringify([iteration, range(), all.length, all.at(-1)]);
    if (key === drawn) return;
    drawn = key;
    const [x0, x1] = range();
    ticks.replaceChildren(...all.filter((s) => s >= x0 && s <= x1).map((s) => h("span", { class: "tk", style: `left:${100 * share(s)}%` })));
    done.style.width = thumb.style.left = `${100 * share(iteration)}%`;
    setAttribute(element, "aria-valuemin", all[0]);
    setAttribute(element, "aria-valuemax", all.at(-1));
    setAttribute(element, "aria-valuenow", iteration);
    setAttribute(element, "aria-valuetext", `iteration ${integer(iteration)}, ${nearest(iteration) + 1} of ${all.length}`);
  }

  const pointed = (event) => {
    const box = element.getBoundingClientRect();
    const [x0, x1] = range();
    go(nearest(x0 + ((event.clientX - box.left) / box.width) * (x1 - x0)));
  };
  element.addEventListener("pointerdown", (event) => {
    element.setPointerCapture(event.pointerId);
    pointed(event);
  });
  element.addEventListener("pointermove", (event) => element.hasPointerCapture(event.pointerId) && pointed(event));
  element.addEventListener("keydown", (event) => {
    const here = nearest(at);
    const next = { ArrowLeft: here - 1, ArrowDown: here - 1, ArrowRight: here + 1, ArrowUp: here + 1, Home: 0, End: stops().length - 1 }[event.key];
    if (next === undefined) return;
    go(next);
    event.preventDefault();
    event.stopPropagation();
  });
  return { element, update };
}
