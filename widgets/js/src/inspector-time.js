// How long layers take: the button that has them timed, the bar of the chosen one, and words.

import { h, setAttribute, setText } from "./dom.js";
import { integer } from "./format.js";
import { icon } from "./icons.js";
import { milliseconds, timeShare } from "./inspector-rows.js";

/** "32 images". */
export const images = (n) => (n === 1 ? "1 image" : `${integer(n)} images`);

/** How far a timing is: {part: 0 to 1 or null, text}. */
export function progressOf(timing) {
  if (timing.state !== "running") return null;
  if (!timing.of) return { part: null, text: "warming up" };
  return { part: timing.done / timing.of, text: `${timing.done + 1} of ${timing.of}` };
}

/** What was measured. */
export function summaryOf(timing) {
  if (timing.state !== "ready") return "";
  const passes = timing.passes === 1 ? "1 pass" : `medians of ${timing.passes} passes`;
  return `times: ${passes} with ${images(timing.batch)}${timing.backward === null ? ", forward only: no loss" : ""}`;
}

/** Lengths of the chosen layer's bar, as shares of a pass, and words; null where nothing was timed. */
export function partsOf(card, timing) {
  if (timing.state !== "ready" || (card.seconds === null && !card.within)) return null;
  if (card.within) return { forward: 0, backward: 0, words: `in one kernel with ${card.within}, which has its time`, ways: "" };
  const back = card.backward === null ? [] : [`${milliseconds(card.backward)} backward`];
  return {
    forward: card.forward / (timing.seconds || 1),
    backward: (card.backward ?? 0) / (timing.seconds || 1),
    words: `${timeShare(card.share)} of ${milliseconds(timing.seconds)} with ${images(timing.batch)}`,
    ways: [`${milliseconds(card.forward)} forward`, ...back],
  };
}

/** "Time", and while it runs how far it is. */
export function makeTimeButton(store) {
  const button = h("button", { type: "button", class: "btn", "data-act": "time" });
  const filled = h("b");
  const track = h("i", { class: "track timing", role: "progressbar", "aria-label": "Timing", "aria-valuemin": "0", "aria-valuemax": "100", hidden: true }, filled);
  const words = h("span", { class: "tick timing", hidden: true });

  function update() {
    const progress = progressOf(store.timing);
    const name = progress ? "Stop" : "Time";
    if (button.dataset.shows !== name) {
      button.dataset.shows = name;
      button.setAttribute("aria-label", progress ? "Stop timing" : "Time the layers");
      button.innerHTML = `${icon(progress ? "stop" : "clock")}<span class="wide">${name}</span>`;
    }
    button.disabled = store.net.macs === null;
    track.hidden = words.hidden = !progress;
    if (!progress) return;
    filled.style.width = `${100 * (progress.part ?? 0)}%`;
    setAttribute(track, "aria-valuenow", progress.part === null ? null : Math.round(100 * progress.part));
    setAttribute(track, "aria-valuetext", progress.text);
    setText(words, progress.text);
  }
  const tip = () => {
    if (store.timing.state === "running") return { text: "Stop timing; what was found before stays", key: "T" };
    const again = summaryOf(store.timing);
    return { text: again ? `${again}; time again` : "Time every layer, forward and backward: a net like this one runs a few passes", key: "T" };
  };
  return { elements: [track, words, button], update, tip };
}

/** The chosen layer's share of a pass. */
export function makeTimeBar() {
  const forward = h("b", { class: "forward" });
  const backward = h("b", { class: "backward" });
  const words = h("span", { class: "tick" });
  const bar = h("i", { class: "bar seconds", "aria-hidden": "true" }, forward, backward);
  const ways = h("div", { class: "line tick" });
  const element = h("section", { class: "took", hidden: true }, h("div", { class: "h4r" }, h("h4", { text: "Time" }), words), bar, ways);

  function update(card, timing) {
    const parts = partsOf(card, timing);
    element.hidden = !parts;
    if (!parts) return;
    bar.hidden = ways.hidden = Boolean(card.within);
    forward.style.width = `${100 * parts.forward}%`;
    backward.style.width = `${100 * parts.backward}%`;
    setText(words, parts.words);
    if (parts.ways) ways.replaceChildren(...parts.ways.map((text, i) => h("span", {}, h("i", { class: `sq${i ? " backward" : ""}` }), text)));
  }
  return { element, update };
}
