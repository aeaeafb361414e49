// The toolbar: verbs on the run, learning rate, and how the chart is shown.

import { tipOf } from "./controls-tips.js";
import { h, onPress, setAttribute, setText } from "./dom.js";
import { rate, rateField } from "./format.js";
import { icon } from "./icons.js";
import { windowOf } from "./smoothing.js";
import { shownState } from "./header.js";
import { Awaited } from "./snapshots.js";

const UNDO = 5000; // milliseconds in which a change of the learning rate can be undone
const DEFAULT_STEPS = 100;

const button = (name, label, key, text = "", extra = "") =>
  h("button", { type: "button", class: `btn ${extra}`, "data-act": name, "aria-label": label, "aria-keyshortcuts": key, html: icon(name) + text });

export function makeControls(store, commands, chart, actions) {
  const main = h("button", { type: "button", class: "btn pri", "data-act": "main", "aria-keyshortcuts": "Space" });
  const step = button("step", "Step one iteration", ".");
  const stepn = button("stepn", "Step N iterations", "N");
  const count = h("input", { class: "count", "data-act": "count", "aria-label": "N", value: DEFAULT_STEPS, inputmode: "numeric", autocomplete: "off" });
  const stop = button("stop", "Stop", "Q");
  const snapshot = button("snapshot", "Snapshot", "S");
  const lr = h("input", { class: "lr", "data-act": "lr", "aria-label": "Learning rate", inputmode: "decimal", autocomplete: "off", "aria-keyshortcuts": "R" });
  const lower = h("button", { type: "button", class: "btn", "data-act": "lower", "aria-keyshortcuts": "[", text: "×0.1", "aria-label": "Learning rate × 0.1" });
  const higher = h("button", { type: "button", class: "btn", "data-act": "higher", "aria-keyshortcuts": "]", text: "×10", "aria-label": "Learning rate × 10" });
  const said = h("span", { class: "said" });
  const smooth = h("input", { type: "range", class: "sl", "data-act": "smooth", "aria-label": "Smoothing", min: 0, max: 0.999, step: 0.001, "aria-keyshortcuts": "{ }" });
  const smoothValue = h("span", { class: "wide smoothval" });
  const log = button("log", "Logarithmic loss axis", "G", '<span class="wide">log</span>');
  const zoom = button("zoom", "Show the whole run", "0");
  const table = button("table", "Show as table", "T");
  const help = button("help", "Keyboard help", "?");
  const element = h(
    "div",
    { class: "ctl", role: "toolbar", "aria-label": "Run controls" },
    main,
    step,
    h("span", { class: "fld" }, stepn, count),
    stop,
    snapshot,
    h("span", { class: "rule" }),
    h("span", { class: "fld" }, h("span", { class: "lab wide", text: "learning rate" }), h("span", { class: "lab slim", text: "lr" }), lr, lower, higher),
    said,
    h("span", { class: "mut wide smoothing", text: "smooth" }),
    smooth,
    smoothValue,
    h("span", { class: "rule" }),
    log,
    zoom,
    table,
    help,
  );

  let run = store.key; // whose controls these are
  let pressed = null; // state shown before the kernel has confirmed it
  let asking = false; // "Stop? Enter"
  let pressing = false; // the pointer is down on the toolbar
  let edited = false; // the learning rate's field holds text that is not applied
  let undo = null;
  let note = "";
  const awaited = new Awaited(store);

  const canRun = () => store.connected && store.live;
  /** A stopped run can be taken up again, by going on or by a step. */
  const canGoOn = () => store.connected && (store.live || store.state === "stopped");
  const shown = () => pressed ?? store.state;
  /** Icon, command, word and expected state of the main button. */
  const mainVerb = () => {
    if (shown() === "running" || shown() === "starting") return ["pause", "pause", "Pause", "paused"];
    return shown() === "ready" ? ["play", "start", "Start", "starting"] : ["play", "resume", "Resume", "running"];
  };

  // -- verbs ---------------------------------------------------------------------------------------------

  async function ask(name, value, optimistic = null) {
    pressed = optimistic;
    update();
    const { ok, error } = await commands.ask(name, value);
    pressed = null;
    if (!ok) say(error || `${name} was refused`, "bad");
    update();
    return ok;
  }

  const verbs = {
    main: () => {
      const [, name, , expected] = mainVerb();
      return ask(name, null, expected);
    },
    step: () => ask("step", 1),
    stepn: () => {
      const n = Math.round(Number(count.value));
      if (!(n >= 1)) return say(`N must be a whole number from 1 on, found "${count.value}"`, "bad");
      return ask("step", n);
    },
    stop: () => {
      if (!asking) return askStop(true);
      askStop(false);
      return ask("stop");
    },
    snapshot: async () => {
      awaited.ask();
      if (!(await ask("snapshot"))) awaited.forget();
      else if (awaited.waiting) say("snapshot asked for", "", Infinity);
    },
    lower: () => setRate(current() / 10),
    higher: () => setRate(current() * 10),
    log: () => store.setView({ log: !store.view.log }),
    zoom: () => chart.window.reset(),
    table: () => store.setView({ table: !store.view.table }),
    help: () => actions.help(),
  };

  function askStop(on) {
    asking = on && canRun();
    stop.classList.toggle("asking", asking);
    stop.innerHTML = asking ? `${icon("stop")}Stop? <kbd>Enter</kbd>` : icon("stop");
    setAttribute(stop, "aria-label", asking ? "Stop? Enter confirms, Escape keeps the run" : "Stop");
    if (asking) stop.focus();
  }

  // -- learning rate -------------------------------------------------------------------------------------

  const current = () => store.figures.lr ?? store.at().lr;

  async function setRate(value) {
    const [before, { key }] = [current(), store];
    if (!(value > 0) || !Number.isFinite(value)) return say(`a learning rate must be above zero, found "${lr.value}"`, "bad");
    edited = false;
    lr.value = rateField(value);
    if (!(await ask("lr", value)) || store.key !== key) return undefined;
    store.figures = { ...store.figures, lr: value };
    offerUndo(before, value);
    return update();
  }

  function offerUndo(before, value) {
    clearTimeout(undo);
    const back = h("button", { type: "button", class: "link", text: "undo" });
    back.addEventListener("click", async () => {
      const { key } = store;
      say("");
      if (!(await ask("undo_lr")) || store.key !== key) return;
      store.figures = { ...store.figures, lr: before };
      lr.value = rateField(before);
    });
    said.replaceChildren(`${rate(before)} → ${rate(value)}, `, back);
    said.className = "said";
    said.title = "";
    element.classList.add("talking");
    undo = setTimeout(() => say(""), UNDO);
  }

  function applyField() {
    const value = Number(lr.value.trim().replace(",", "."));
    if (lr.value.trim() === "" || Number.isNaN(value)) return say(`"${lr.value}" is not a number`, "bad");
    return setRate(value);
  }

  lr.addEventListener("input", () => (edited = true));
  lr.addEventListener("keydown", (event) => {
    if (event.key === "Enter") applyField();
    else if (event.key === "Escape") {
      edited = false;
      lr.value = rateField(current());
      actions.focus();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
  lr.addEventListener("blur", () => {
    edited = false;
    update();
  });
  count.addEventListener("keydown", (event) => {
    if (event.key === "Enter") verbs.stepn();
    else if (event.key === "Escape") actions.focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  /** A short word in place, never a toast; for so many milliseconds, Infinity: until another takes its place. */
  function say(text, look = "", lasting = UNDO) {
    note = text;
    clearTimeout(undo);
    said.textContent = said.title = text; // the title: a long word may not fit
    said.className = `said ${look}`;
    element.classList.toggle("talking", Boolean(text));
    element.classList.remove("long");
    element.classList.toggle("long", said.scrollWidth > said.clientWidth); // the smoothing makes room for it
    if (text && lasting !== Infinity) undo = setTimeout(() => say(""), lasting);
  }

  commands.listeners.add((what, _name, error) => {
    if (what === "trouble") say(error, "bad", Infinity);
    if (what === "late") say("waiting for the iteration to end");
    if (what === "done" && note.startsWith("waiting")) say("");
  });

  // -- events --------------------------------------------------------------------------------------------

  element.addEventListener("click", (event) => {
    const target = event.target.closest("button[data-act]");
    if (target && target.getAttribute("aria-disabled") !== "true") verbs[target.dataset.act]();
  });
  stop.addEventListener("blur", () => asking && !pressing && askStop(false));
  // It gets narrower only after the click: what lies beside it would move away between press and release.
  const released = () => {
    pressing = false;
    if (asking && document.activeElement !== stop) askStop(false);
  };
  onPress(element, () => (pressing = true), released);
  stop.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && asking) {
      askStop(false);
      event.stopPropagation();
    }
  });
  smooth.addEventListener("input", () => store.setView({ smoothing: Number(smooth.value) }));
  element.addEventListener("keydown", roving);

  /** Toolbars are one tab stop: arrows go from control to control. */
  function roving(event) {
    if (!["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) return;
    if (event.target.tagName === "INPUT") return;
    const all = stops();
    const here = all.indexOf(event.target);
    const last = all.length - 1;
    const next = { ArrowLeft: Math.max(0, here - 1), ArrowRight: Math.min(last, here + 1), Home: 0, End: last }[event.key];
    all[next].focus();
    event.preventDefault();
    event.stopPropagation();
  }
  const stops = () => [...element.querySelectorAll("button, input")];
  element.addEventListener("focusin", (event) => stops().forEach((s) => (s.tabIndex = s === event.target ? 0 : -1)));
  stops().forEach((s, i) => (s.tabIndex = i ? -1 : 0));

  // -- what is shown -------------------------------------------------------------------------------------

  const enable = (control, on) => {
    if (control.tagName === "INPUT") control.readOnly = !on;
    setAttribute(control, "aria-disabled", on ? null : "true");
  };

  /** Another run has come to the front: what was begun with the one before is not gone on with. */
  function leaveRun() {
    askStop(false);
    say("");
    awaited.forget();
    [run, pressed, edited] = [store.key, null, false];
  }

  function update() {
    if (store.key !== run) leaveRun();
    const state = shown();
    const [glyph, , label] = mainVerb();
    if (main.dataset.label !== label) {
      main.dataset.label = label;
      main.innerHTML = icon(glyph) + label;
    }
    const can = canRun();
    const begun = store.iter > 0;
    enable(main, canGoOn());
    for (const control of [step, stepn, count]) enable(control, canGoOn() && state !== "starting" && state !== "ready");
    enable(stop, can && state !== "ready");
    enable(snapshot, can && begun);
    for (const control of [lr, lower, higher]) enable(control, canGoOn());
    if (!edited && document.activeElement !== lr) lr.value = rateField(current());
    const { smoothing, log: logarithmic, zoom: zoomed, table: tabular } = store.view;
    if (Number(smooth.value) !== smoothing) smooth.value = smoothing;
    smooth.style.setProperty("--p", `${(smoothing / 0.999) * 100}%`);
    setText(smoothValue, smoothing.toFixed(smoothing > 0.99 ? 3 : 2));
    setAttribute(smooth, "aria-valuetext", `${smoothing.toFixed(3)}, about ${windowOf(smoothing, store.maxIter)} iterations`);
    setAttribute(log, "aria-pressed", logarithmic);
    setAttribute(table, "aria-pressed", tabular);
    enable(zoom, Boolean(zoomed));
    const written = awaited.news();
    if (written) say(written.text, written.look);
  }

  /** What the tooltip of a control says, null of something else. */
  function tip(control) {
    const why = !store.connected ? "the kernel is gone" : `the run is ${store.state}`;
    const off = control.getAttribute("aria-disabled") === "true" && control !== zoom;
    const found = tipOf(store, control.dataset.act, { verb: main.dataset.label, n: Number(count.value), lr: current() });
    return found && { text: found[0] + (off ? ` (not now: ${why})` : ""), key: off ? "" : found[1] };
  }

  update();
  return {
    element,
    update,
    tip,
    verbs,
    focusRate: () => {
      lr.focus();
      lr.select();
    },
    press: (name) => {
      const control = element.querySelector(`[data-act="${name}"]`);
      if (control.getAttribute("aria-disabled") !== "true") verbs[name]();
    },
    smoothBy: (delta) => store.setView({ smoothing: Number(Math.min(0.999, Math.max(0, store.view.smoothing + delta)).toFixed(3)) }),
    dispose: () => clearTimeout(undo),
    state: () => shownState(store),
  };
}
