// State, name, figures, progress.

import { h, setAttribute, setText } from "./dom.js";
import { DASH, THIN, duration, gigabytes, integer, speed, timeLeft } from "./format.js";
import { icon } from "./icons.js";

export const STATES = {
  starting: ["wait", "wait", "Starting"],
  ready: ["wait", "wait", "Ready"],
  running: ["run", "play", "Running"],
  paused: ["pause", "pause", "Paused"],
  stopped: ["stop", "stop", "Stopped"],
  finished: ["fin", "check", "Finished"],
  failed: ["bad", "warn", "Failed"],
  diverged: ["bad", "x", "Diverged"],
  disconnected: ["wait", "clock", "Disconnected"],
};

/** State as shown: a lost kernel comes before everything but an ended run. */
export const shownState = (store) => (store.connected || store.over ? store.state : "disconnected");

const parts = (value, small = "") => [value, small];

function timeFigure(store, now) {
  const { state, status, figures } = store;
  const since = status.since && store.connected ? now / 1000 - status.since : null;
  if (state === "finished") return ["took", ...parts(duration(figures.seconds))];
  if (state === "stopped" || state === "failed" || state === "diverged")
    return ["stopped after", ...parts(duration(figures.seconds))];
  if (state === "paused") return ["paused for", ...parts(duration(since))];
  if ((figures.iter ?? 0) < 20) return ["time left", "", "after 20 iterations"];
  return ["time left", ...parts(timeLeft(figures.seconds_left))];
}

/** The five figures as [key, value, small print]. */
export function figures(store, now = Date.now()) {
  const f = store.figures;
  const resting = !["running", "starting"].includes(store.state) && f.images_per_second;
  const pace = f.images_per_second ? speed(f.images_per_second) : DASH;
  const wait = f.waiting === null || f.waiting === undefined ? DASH : `${Math.round(f.waiting * 100)}${THIN}%`;
  return [
    ["iteration", integer(store.figures.iter ?? store.iter), store.maxIter ? `/ ${integer(store.maxIter)}` : ""],
    timeFigure(store, now),
    ["images/s", ...(resting ? parts("0", `was ${pace}`) : parts(pace))],
    ["waiting for data", ...parts(wait)],
    ["memory", gigabytes(f.memory), f.memory_total ? `/ ${gigabytes(f.memory_total)} GB` : "GB"],
  ];
}

export function makeHeader(store) {
  const pill = h("span", { class: "pill" });
  const name = h("span", { class: "name" });
  const detail = h("span", { class: "mut detail" });
  const cells = Array.from({ length: 5 }, () => {
    const key = h("div", { class: "k" });
    const value = h("span");
    const small = h("small");
    const element = h("div", { class: "fig" }, key, h("div", { class: "v" }, value, " ", small));
    return { element, key, value, small };
  });
  const bar = h("i");
  const progress = h("div", { class: "prog", role: "progressbar", "aria-label": "Iterations done", "aria-valuemin": 0 }, bar);
  const element = h(
    "header",
    { class: "hd" },
    pill,
    name,
    detail,
    h("div", { class: "figs" }, ...cells.map((cell) => cell.element)),
  );

  let shown = "";
  function update() {
    const state = shownState(store);
    if (state !== shown) {
      const [look, glyph, word] = STATES[state] ?? STATES.starting;
      pill.className = `pill ${look}`;
      pill.innerHTML = icon(glyph) + word;
      shown = state;
    }
    setText(name, store.run.name);
    setText(detail, store.run.detail ?? "");
    figures(store).forEach(([key, value, small], i) => {
      setText(cells[i].key, key);
      setText(cells[i].value, value);
      setText(cells[i].small, small ?? "");
    });
    const share = store.maxIter ? Math.min(1, store.iter / store.maxIter) : 0;
    bar.style.width = `${share * 100}%`;
    bar.classList.toggle("bad", state === "diverged" || state === "failed");
    setAttribute(progress, "aria-valuemax", store.maxIter || null);
    setAttribute(progress, "aria-valuenow", store.iter);
    setAttribute(progress, "aria-valuetext", `${integer(store.iter)} of ${integer(store.maxIter)} iterations`);
  }
  update();
  return { element, progress, update };
}
