// Entry of the activations widget: `initialize` keeps the store for the model's life, `render` makes a view of it.

import { makeBar, makeFoot, makeHead } from "./activations-bar.js";
import { SIZES } from "./activations-data.js";
import { makeDetail } from "./activations-detail.js";
import { makeGrid } from "./activations-grid.js";
import { makeLayers } from "./activations-layers.js";
import { makeSorted } from "./activations-sorted.js";
import { ActivationStore } from "./activations-store.js";
import { makeTable } from "./activations-table.js";
import { h, setAttribute } from "./dom.js";
import { makeDrop } from "./dropping.js";
import { makeHelp } from "./help.js";
import { listenToKeys } from "./keyboard.js";
import { leave, makePolite, makeProblem, savePicture } from "./live.js";
import { lookColours } from "./look-colours.js";
import { schedule } from "./schedule.js";
import { makeTooltip } from "./tooltip.js";

const STEP = 8; // pixels by which + and − change the size
const KEYS = [
  ["← → ↑ ↓", "channel (Home, End: first, last)"],
  ["[ and ]", "layer before, after"],
  ["I", "another image"],
  ["S", "own or shared scale"],
  ["F", "all, or dead ones only"],
  ["O", "over the image, alone, image"],
  ["+ and −", "size"],
  ["T", "table"],
  ["?", "this list"],
  ["Esc", "close, then leave the widget"],
];
const LOOKS = ["over", "alone", "image"];

function makeView(store, el) {
  const root = h("div", { class: "owl lk act", role: "region" });
  el.append(root); // first, so that the colours of the theme can be read
  const help = makeHelp(() => bar.help.focus(), KEYS, "while the activations have the focus");
  const problem = makeProblem();
  let wrong = "";
  const drop = makeDrop(root, store, (text) => ((wrong = text), store.changed("said")));
  const acts = { image: drop.open, figure: () => store.send({ type: "figure" }), table: swap, help: () => help.toggle() };
  const [head, foot, layers, grid, sorted, detail, table] = [makeHead, makeFoot, makeLayers, makeGrid, makeSorted, makeDetail, makeTable].map((make) => make(store));
  const bar = makeBar(store, acts, () => grid.tile);
  const middle = h("div", { class: "act-middle" }, grid.element, table.element, sorted.element);
  const body = h("div", { class: "act-body" }, layers.element, middle, h("div", { class: "lk-right" }, detail.element));
  const tooltip = makeTooltip(root, bar.element, bar.tip);
  const polite = makePolite(root);
  root.append(head.element, bar.element, problem.element, body, foot.element, help.element, tooltip.element, polite.element, drop.element);
  let colours = null;

  function update() {
    if (!store.unit?.layer) return false;
    colours ??= lookColours(root);
    for (const part of [head, foot, layers, table]) part.update();
    problem.update(wrong || store.said.text);
    const room = getComputedStyle(middle);
    const width = middle.clientWidth - parseFloat(room.paddingLeft) - parseFloat(room.paddingRight);
    grid.element.hidden = store.view.table;
    if (!store.view.table) grid.update(colours, width);
    bar.update();
    sorted.update(colours, width - 10);
    detail.update(colours);
    setAttribute(root, "aria-label", `Activations of ${store.layer.name}`);
    polite.say(`${store.layer.name}, ${store.called(store.unit.channel)}`);
  }

  /** Table for grid and back; the focus goes along. */
  function swap() {
    const inside = middle.contains(document.activeElement);
    store.setView({ table: !store.view.table });
    update();
    if (inside) (store.view.table ? table.element : grid).focus();
  }

  listen(root, { store, help, tooltip, acts, layers, tile: () => grid.tile });
  return { root, update, theme: () => (colours = null) };
}

/** Keys work only while the focus is inside: see keyboard.js. */
function listen(root, { store, help, tooltip, acts, layers, tile }) {
  const { setView } = store;
  const choose = (change) => setView.call(store, change);
  const resize = (by) => choose({ size: Math.max(SIZES.least, Math.min(SIZES.most, (store.view.size ?? tile()) + by)) });
  const actions = {
    "[": () => layers.go(-1),
    "]": () => layers.go(1),
    i: acts.image,
    s: () => choose({ scale: store.view.scale === "own" ? "shared" : "own" }),
    f: () => choose({ show: store.view.show === "all" ? "dead" : "all" }),
    o: () => choose({ look: LOOKS[(LOOKS.indexOf(store.view.look) + 1) % LOOKS.length] }),
    "+": () => resize(STEP),
    "=": () => resize(STEP),
    "-": () => resize(-STEP),
    t: acts.table,
    "?": acts.help,
    Escape: () => leave(root, { tooltip, help }),
  };
  listenToKeys(root, actions);
}

export default () => {
  const store = new ActivationStore();
  return {
    initialize: ({ model }) =>
      store.connect(model, (message, buffers) => message.type === "figure" && savePicture(`${message.name.replaceAll("/", "_")}.png`, buffers[0])),
    render({ el }) {
      const view = makeView(store, el);
      const stop = schedule(store, view);
      return () => {
        stop();
        view.root.remove();
      };
    },
  };
};
