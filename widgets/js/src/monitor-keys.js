// Keys of the monitor, while the focus is inside: see keyboard.js.

import { listenToKeys } from "./keyboard.js";

export function listenToMonitorKeys(root, { controls, chart, help, store, tooltip, panels }) {
  const { cursor } = chart;

  function escape() {
    if (tooltip.open) tooltip.hide();
    else if (help.open) help.toggle(false);
    else if (store.view.pinned !== null) store.setView({ pinned: null });
    else {
      document.activeElement?.blur();
      root.closest(".jp-Notebook")?.focus();
    }
  }

  /** Chart and table take each other's place; the focus goes along, or the next key would be the notebook's. */
  function swap() {
    const inside = document.activeElement.closest(".chart, .tab");
    controls.press("table");
    if (inside) requestAnimationFrame(() => root.querySelector(store.view.table ? ".tab" : ".plot").focus({ preventScroll: true }));
  }

  /** A key that is held repeats itself: one that asks something of the run asks once. Q twice stops it. */
  const once = (name) => (event) => event.repeat || controls.press(name);

  const keys = {
    " ": once("main"),
    ".": () => controls.press("step"),
    n: once("stepn"),
    s: once("snapshot"),
    q: once("stop"),
    "[": once("lower"),
    "]": once("higher"),
    r: () => controls.focusRate(),
    ArrowLeft: (event) => cursor.move(-1, event.shiftKey ? 10 : 1),
    ArrowRight: (event) => cursor.move(1, event.shiftKey ? 10 : 1),
    Enter: () => cursor.pin(),
    "+": () => chart.window.zoomBy(0.8, cursor.at()),
    "=": () => chart.window.zoomBy(0.8, cursor.at()),
    "-": () => chart.window.zoomBy(1.25, cursor.at()),
    0: () => chart.window.reset(),
    g: () => controls.press("log"),
    "{": () => controls.smoothBy(-0.05),
    "}": () => controls.smoothBy(0.05),
    1: () => chart.element.querySelector(".plot").focus(),
    2: () => panels.focus("layers"),
    3: () => panels.focus("filters"),
    t: swap,
    "?": () => help.toggle(),
    Escape: escape,
  };
  listenToKeys(root, keys);
}
