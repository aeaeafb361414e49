// The toolbar: verbs on the run, learning rate, and how the chart is shown.

import { Awaited, pauseNews, snapshotNews } from "./awaited.js";
import { onVerbs } from "./clicks.js";
import { makeRate } from "./controls-rate.js";
import { makeSaid } from "./controls-said.js";
import { tipOf } from "./controls-tips.js";
import { h, onPress, setAttribute, setText } from "./dom.js";
import { typed } from "./format.js";
import { icon } from "./icons.js";
import { windowOf } from "./smoothing.js";
import { shownState } from "./header.js";

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
  const said = makeSaid();
  const rate = makeRate(store, { ask, said, leave: actions.focus });
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
    rate.element,
    said.element,
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
  const snapshots = new Awaited(store, ["snapshot", "unsaved"], snapshotNews);
  const pauses = new Awaited(store, ["pause"], pauseNews);

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
    if (!ok) said.say(error || `${name} was refused`, "bad");
    update();
    return ok;
  }

  const verbs = {
    main: async () => {
      const [, name, , expected] = mainVerb();
      pauses.forget();
      if (name === "pause") pauses.ask();
      if (!(await ask(name, null, expected))) pauses.forget();
    },
    step: () => ask("step", 1),
    stepn: () => {
      const n = Math.round(typed(count.value));
      if (!(n >= 1)) return said.say(`N must be a whole number from 1 on, found "${count.value}"`, "bad");
      return ask("step", n);
    },
    stop: () => {
      if (!asking) return askStop(true);
      askStop(false);
      return ask("stop");
    },
    snapshot: async () => {
      snapshots.ask();
      if (!(await ask("snapshot"))) snapshots.forget();
      else if (snapshots.waiting) said.say("snapshot asked for", "", Infinity);
    },
    ...rate.verbs,
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

  count.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "Enter") verbs.stepn();
    else if (event.key === "Escape") actions.focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  commands.listeners.add((what, _name, error) => {
    if (what === "trouble") said.say(error, "bad", Infinity);
    if (what === "late") said.say("waiting for the iteration to end");
    if (what === "done" && said.told.startsWith("waiting")) said.say("");
  });

  // -- events --------------------------------------------------------------------------------------------

  onVerbs(element, (name) => verbs[name]());
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
    said.say("");
    for (const awaited of [snapshots, pauses]) awaited.forget();
    rate.forget();
    [run, pressed] = [store.key, null];
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
    for (const control of rate.controls) enable(control, canGoOn());
    rate.update();
    const { smoothing, log: logarithmic, zoom: zoomed, table: tabular } = store.view;
    if (Number(smooth.value) !== smoothing) smooth.value = smoothing;
    smooth.style.setProperty("--p", `${(smoothing / 0.999) * 100}%`);
    setText(smoothValue, smoothing.toFixed(smoothing > 0.99 ? 3 : 2));
    setAttribute(smooth, "aria-valuetext", `${smoothing.toFixed(3)}, about ${windowOf(smoothing, store.maxIter)} iterations`);
    setAttribute(log, "aria-pressed", logarithmic);
    setAttribute(table, "aria-pressed", tabular);
    enable(zoom, Boolean(zoomed));
    const news = [snapshots.news(), pauses.news()].findLast(Boolean);
    if (news) said.say(news.text, news.look);
  }

  /** What the tooltip of a control says, null of something else. */
  function tip(control) {
    const why = !store.connected ? "the kernel is gone" : `the run is ${store.state}`;
    const off = control.getAttribute("aria-disabled") === "true" && control !== zoom;
    const found = tipOf(store, control.dataset.act, { verb: main.dataset.label, n: typed(count.value), lr: rate.current() });
    return found && { text: found[0] + (off ? ` (not now: ${why})` : ""), key: off ? "" : found[1] };
  }

  update();
  return {
    element,
    update,
    tip,
    verbs,
    focusRate: rate.focus,
    press: (name) => {
      const control = element.querySelector(`[data-act="${name}"]`);
      if (control.getAttribute("aria-disabled") !== "true") verbs[name]();
    },
    smoothBy: (delta) => store.setView({ smoothing: Number(Math.min(0.999, Math.max(0, store.view.smoothing + delta)).toFixed(3)) }),
    dispose: said.dispose,
    state: () => shownState(store),
  };
}
