// Entry of the widget of top patches: `initialize` keeps the store for the model's life, `render` makes a view.

import { h, setAttribute } from "./dom.js";
import { makeHelp } from "./help.js";
import { listenToKeys } from "./keyboard.js";
import { leave, makePolite, makeProblem, savePicture } from "./live.js";
import { lookColours } from "./look-colours.js";
import { makeBar, makeFoot, makeHead } from "./patches-bar.js";
import { ORDERS, stateWords, valueWords } from "./patches-data.js";
import { makeGrid } from "./patches-grid.js";
import { makeNine } from "./patches-nine.js";
import { PatchStore } from "./patches-store.js";
import { makeTable } from "./patches-table.js";
import { schedule } from "./schedule.js";
import { makeTooltip } from "./tooltip.js";

const KEYS = [
  ["← → ↑ ↓", "unit (Home, End: first, last)"],
  ["1 to 9", "patch, and its image"],
  ["[ and ]", "layer before, after"],
  ["O", "order: index, answer, fires"],
  ["Space", "stop looking, or go on"],
  ["T", "table"],
  ["?", "this list"],
  ["Esc", "close, then leave the widget"],
];

function makeView(store, el) {
  const root = h("div", { class: "owl lk pt", role: "region" });
  el.append(root); // first, so that the colours of the theme can be read
  const help = makeHelp(() => bar.help.focus(), KEYS, "while the patches have the focus");
  const acts = { run: () => store.run(), figure: () => store.send({ type: "figure" }), table: swap, help: () => help.toggle() };
  const [head, foot, grid, nine, table] = [makeHead, makeFoot, makeGrid, makeNine, makeTable].map((make) => make(store));
  const bar = makeBar(store, acts);
  const problem = makeProblem();
  const left = h("div", { class: "pt-units" }, grid.element, table.element);
  const body = h("div", { class: "pt-body" }, left, h("div", { class: "lk-right" }, nine.element));
  const tooltip = makeTooltip(root, bar.element, bar.tip);
  const polite = makePolite(root);
  root.append(head.element, bar.element, problem.element, body, foot.element, help.element, tooltip.element, polite.element);
  let colours = null;

  function update() {
    if (!store.net?.layers) return false;
    colours ??= lookColours(root);
    for (const part of [head, bar, foot, table]) part.update();
    problem.update(store.scan.state === "failed" ? store.scan.problem : store.said.text);
    const room = getComputedStyle(left);
    grid.element.hidden = store.view.table;
    if (!store.view.table) grid.update(colours, left.clientWidth - parseFloat(room.paddingLeft) - parseFloat(room.paddingRight));
    nine.update(colours);
    setAttribute(root, "aria-label", `What excites ${store.view.layer}`);
    polite.say(words());
  }

  function words() {
    const { scan, selected } = store;
    if (scan.state === "stopped") return stateWords(scan);
    const value = store.current && scan.state === "ready" ? `, largest answer ${valueWords(scan.values[selected])}` : "";
    return `unit ${selected}${value}`;
  }

  /** Table for grid and back; the focus goes along. */
  function swap() {
    const inside = left.contains(document.activeElement);
    store.setView({ table: !store.view.table });
    update();
    if (inside) (store.view.table ? table.element : grid).focus();
  }

  listen(root, { store, help, tooltip, acts, grid });
  return { root, update, theme: () => (colours = null) };
}

/** Keys work only while the focus is inside: see keyboard.js. */
function listen(root, { store, help, tooltip, acts, grid }) {
  const actions = {
    "[": () => store.stepLayer(-1),
    "]": () => store.stepLayer(1),
    o: () => store.setView({ order: ORDERS[(ORDERS.indexOf(store.view.order) + 1) % ORDERS.length] }),
    " ": acts.run,
    t: acts.table,
    "?": acts.help,
    Escape: () => leave(root, { tooltip, help }),
  };
  for (let rank = 0; rank < 9; rank++)
    actions[String(rank + 1)] = () => rank < (store.unit.patches?.length ?? 0) && store.setView({ rank });
  listenToKeys(root, actions, (event) => !event.target.closest(".pt-table") && grid.walk(event.key));
}

export default () => {
  const store = new PatchStore();
  return {
    initialize: ({ model }) =>
      store.connect(model, (message, buffers) => message.type === "figure" && savePicture(`${message.name.replaceAll("/", "_")}-patches.png`, buffers[0])),
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
