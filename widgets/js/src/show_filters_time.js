// A slider over the moments of a run that its monitor has kept; at its right end it follows the run.

import { h, setAttribute, setText } from "./dom.js";
import { icon } from "./icons.js";
import { integer } from "./format.js";

const FRAME_MS = 250;

export function makeTime(store) {
  const play = h("button", { type: "button", class: "btn", "aria-label": "Play training time", html: icon("play") });
  const slider = h("input", { type: "range", class: "sl", min: "0", step: "1", "aria-label": "Training time" });
  const ticks = h("div", { class: "fv-ticks", "aria-hidden": "true" });
  const value = h("span", { class: "m fv-when" });
  const element = h("div", { class: "fv-time" }, play, h("div", { class: "fv-slider" }, ticks, slider), value);
  let timer = 0;

  const last = () => store.film.length - 1;
  const at = () => {
    const k = store.film.indexOf(store.view.frame);
    return k < 0 ? last() : k;
  };
  const go = (k) => store.setView({ frame: k >= last() ? null : store.film[Math.max(0, k)] });

  function stop() {
    clearInterval(timer);
    timer = 0;
    play.innerHTML = icon("play");
    setAttribute(play, "aria-label", "Play training time");
  }

  function start() {
    if (at() >= last()) go(0);
    play.innerHTML = icon("pause");
    setAttribute(play, "aria-label", "Stop playing");
    timer = setInterval(() => {
      if (at() >= last()) stop();
      else go(at() + 1);
    }, FRAME_MS);
  }

  play.addEventListener("click", () => (timer ? stop() : start()));
  slider.addEventListener("input", () => go(Number(slider.value)));

  function update() {
    element.hidden = store.film.length < 2;
    if (element.hidden) return;
    setAttribute(slider, "max", last());
    slider.value = String(at());
    slider.style.setProperty("--p", `${(100 * at()) / last()}%`);
    setAttribute(slider, "aria-valuetext", `iteration ${integer(store.film[at()])}`);
    setText(value, integer(store.film[at()]));
    if (ticks.children.length !== store.film.length) ticks.replaceChildren(...store.film.map((_, k) => h("i", { style: `left:${(100 * k) / last()}%` })));
  }
  return { element, update, stop };
}
