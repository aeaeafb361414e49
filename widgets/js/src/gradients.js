// Entry of the gradient-check widget: `initialize` keeps its store for the model's life, `render` makes a view.

import { Commands } from "./commands.js";
import { h, setAttribute } from "./dom.js";
import { integer } from "./format.js";
import { cellInserter, copy, interruptKernel } from "./gradients-cell.js";
import { makeDetail } from "./gradients-detail.js";
import { makeBar, makeFoot, makeHead } from "./gradients-head.js";
import { makeList } from "./gradients-list.js";
import { palette } from "./gradients-map.js";
import { GradientStore } from "./gradients-store.js";
import { state } from "./gradients-text.js";
import { makeHelp } from "./help.js";
import { listenToKeys } from "./keyboard.js";
import { leave } from "./live.js";
import { schedule } from "./schedule.js";
import { makeTooltip } from "./tooltip.js";

const SAVE_DELAY = 300; // milliseconds after the last change of the view
const NARROW = 1000; // of the widget; below that the panel goes beneath the list
const PANEL = 372; // width of the panel beside it
const PERIOD = 30000; // milliseconds between announcements while nothing changes
const KEYS = [
  ["Space", "pause, resume, check again"],
  ["Q", "stop"],
  ["F", "stop at the first wrong blob"],
  ["↑ ↓", "blob (Home, End: first, last)"],
  ["← →", "element (Shift: ten)"],
  ["W", "worst element"],
  ["C", "copy the code"],
  ["N", "new cell with the code"],
  ["T", "table"],
  ["?", "this list"],
  ["Esc", "close, then leave the widget"],
];

function connect(store, model, commands) {
  store.view = { ...store.view, ...model.get("view") };
  store.load(model.get("whole"));
  const handlers = {
    "change:whole": () => store.load(model.get("whole")),
    "msg:custom": (message, buffers) => (message.type === "answer" ? commands.answer(message) : store.apply(message, buffers)),
  };
  for (const [event, handler] of Object.entries(handlers)) model.on(event, handler);
  let timer = 0;
  let saved = store.view;
  const stop = store.subscribe(() => {
    if (store.view === saved) return;
    saved = store.view;
    clearTimeout(timer);
    timer = setTimeout(() => {
      model.set("view", saved);
      model.save_changes();
    }, SAVE_DELAY);
  });
  return () => {
    clearTimeout(timer);
    stop();
    for (const [event, handler] of Object.entries(handlers)) model.off(event, handler);
    commands.dispose();
  };
}

/** State changes at once, otherwise at most every 30 s and only while the focus is inside. */
function makeAnnouncer(store, root) {
  const element = h("div", { class: "sr", role: "status", "aria-live": "polite" });
  let before = null;
  let last = 0;
  function update(now = performance.now()) {
    const word = state(store)[2];
    const calm = !store.over && now - last > PERIOD && root.contains(document.activeElement);
    if (word === before && !calm) return;
    if (before !== null) element.textContent = calm ? `${integer(store.head.done)} of ${integer(store.head.total)} elements` : word;
    [before, last] = [word, now];
    setAttribute(root, "aria-label", `Gradient check: ${store.head.name ?? ""}, ${word.toLowerCase()}`);
  }
  return { element, update };
}

function listen(root, { store, bar, detail, help, tooltip, look }) {
  const step = (by) => {
    const row = store.rows[store.selected];
    if (!row?.done) return;
    const k = Math.max(0, Math.min(row.done - 1, (store.k ?? 0) + by));
    store.setView({ row: store.selected, k: k === row.worst?.k ? null : k });
    look(store.selected, k);
  };
  const keys = {
    " ": () => bar.press("main"),
    q: () => bar.press("stop"),
    f: () => bar.press("until"),
    t: () => bar.press("table"),
    c: () => detail.copyCode(),
    n: () => detail.newCell(),
    w: () => store.setView({ k: null }),
    ArrowLeft: (event) => step(event.shiftKey ? -10 : -1),
    ArrowRight: (event) => step(event.shiftKey ? 10 : 1),
    "?": () => help.toggle(),
    Escape: () => leave(root, { tooltip, help }),
  };
  listenToKeys(root, keys);
}

function view(store, model, commands, el) {
  const root = h("div", { class: "owl grd", role: "region" });
  el.append(root); // first, so that the colours of the theme can be read
  const look = (row, k) => model.send({ type: "element", row, k });
  const help = makeHelp(() => root.querySelector('[data-act="help"]').focus(), KEYS, "while the check has the focus");
  const head = makeHead(store);
  const bar = makeBar(store, commands, { help: () => help.toggle(), interrupt: () => interruptKernel(model) });
  const list = makeList(store, { look });
  const detail = makeDetail(store, { look, copy, insert: cellInserter(model, root), measure: true });
  const foot = makeFoot(store);
  const announcer = makeAnnouncer(store, root);
  const tooltip = makeTooltip(root, bar.element, bar.tip);
  const body = h("div", { class: "body" }, list.element, detail.element);
  root.append(head.element, head.progress, bar.element, body, foot.element, help.element, tooltip.element, announcer.element);
  listen(root, { store, bar, detail, help, tooltip, look });
  let colours = null;
  let word = "";
  const update = () => {
    colours ??= palette(root);
    const wide = root.clientWidth >= NARROW;
    body.hidden = !store.rows.length;
    head.update();
    bar.update();
    list.update(colours);
    detail.update(colours, (wide ? PANEL : root.clientWidth) - 30);
    foot.update();
    announcer.update();
    word = state(store)[2];
  };
  return { root, update, told: () => state(store)[2] !== word, theme: () => (colours = null) };
}

export default () => {
  const store = new GradientStore();
  let commands = null;
  return {
    initialize({ model }) {
      commands = new Commands((content) => model.send(content));
      return connect(store, model, commands);
    },
    render({ model, el }) {
      return schedule(store, view(store, model, commands, el));
    },
  };
};
