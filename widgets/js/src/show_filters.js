// Entry of the filters widget: `initialize` keeps the store for the model's life, `render` makes a view of it.

import { h, setAttribute, tokens } from "./dom.js";
import { makeHelp } from "./help.js";
import { listenToKeys } from "./keyboard.js";
import { leave, makePolite, makeProblem, savePicture } from "./live.js";
import { ramps } from "./ramp.js";
import { schedule } from "./schedule.js";
import { makeBar } from "./show_filters_bar.js";
import { SIZES } from "./show_filters_data.js";
import { makeDetail, judged } from "./show_filters_detail.js";
import { makeGrid } from "./show_filters_grid.js";
import { makeFoot, makeHead } from "./show_filters_head.js";
import { makeImages } from "./show_filters_images.js";
import { makeNorms } from "./show_filters_norms.js";
import { DEFAULT_VIEW, FilterStore } from "./show_filters_store.js";
import { makeTable } from "./show_filters_table.js";
import { makeTime } from "./show_filters_time.js";
import { makeTooltip } from "./tooltip.js";

const SAVE_DELAY = 60; // milliseconds: the kernel draws weights and patches from the view
const STEP = 8; // pixels by which + and − change the size
const ORDER_KEYS = { i: "index", n: "norm", l: "likeness" };
const KEYS = [
  ["← → ↑ ↓", "filter (Home, End: first, last)"],
  ["I N L", "order by index, norm, likeness"],
  ["S", "own or shared scale"],
  ["F", "all, or flagged ones only"],
  ["+ and −", "size"],
  ["T", "table"],
  ["?", "this list"],
  ["Esc", "close, then leave the widget"],
];

function connect(store, model) {
  const load = () => {
    store.net = model.get("net");
    store.film = model.get("film");
    store.unit = model.get("unit");
    store.pixels = model.get("pixels");
    store.said = model.get("said");
    store.setWeights(model.get("layer"), model.get("weights"));
  };
  store.view = { ...DEFAULT_VIEW, ...model.get("view") };
  load();
  // Traits that belong together arrive in one message, and are told of one after the other.
  let due = false;
  const later = () => {
    if (due) return;
    due = true;
    queueMicrotask(() => {
      due = false;
      load();
      store.changed("kernel");
    });
  };
  const topics = ["net", "film", "unit", "pixels", "layer", "weights", "said"].map((name) => `change:${name}`);
  for (const topic of topics) model.on(topic, later);
  const onMessage = (message, buffers) => message.type === "figure" && savePicture(`${message.name.replaceAll("/", "_")}.png`, buffers[0]);
  model.on("msg:custom", onMessage);
  let timer = 0;
  const stop = store.subscribe((topic) => {
    if (topic !== "view") return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      model.set("view", store.view);
      model.save_changes();
    }, SAVE_DELAY);
  });
  return () => {
    clearTimeout(timer);
    stop();
    for (const topic of topics) model.off(topic, later);
    model.off("msg:custom", onMessage);
  };
}

function makeView(store, model, el) {
  const root = h("div", { class: "owl fv", role: "region" });
  el.append(root); // first, so that the colours of the theme can be read
  const help = makeHelp(() => bar.help.focus(), KEYS, "while the filters have the focus");
  const acts = { figure: () => model.send({ type: "figure" }), table: swap, help: () => help.toggle() };
  const [head, foot, grid, norms, time] = [makeHead, makeFoot, makeGrid, makeNorms, makeTime].map((make) => make(store));
  const bar = makeBar(store, acts, () => grid.tile);
  const [detail, images, table] = [makeDetail, makeImages, makeTable].map((make) => make(store));
  const left = h("div", { class: "fv-left" }, grid.element, table.element, time.element, norms.element);
  const right = h("div", { class: "fv-right" }, detail.element, images.element);
  const tooltip = makeTooltip(root, bar.element, bar.tip);
  const problem = makeProblem();
  const polite = makePolite(root);
  root.append(head.element, bar.element, problem.element, h("div", { class: "fv-body" }, left, right), foot.element, help.element, tooltip.element, polite.element);
  let colours = null;

  function theme() {
    const style = getComputedStyle(root);
    const more = Object.fromEntries(["m-2"].map((name) => [name, style.getPropertyValue(`--owl-${name}`).trim()]));
    colours = { ...tokens(root), ...more, ramp: ramps(root).size };
  }

  function update() {
    if (!store.bank) return false;
    problem.update(store.said.text);
    if (!colours) theme();
    head.update();
    foot.update();
    time.update();
    table.update();
    const room = getComputedStyle(left);
    const width = left.clientWidth - parseFloat(room.paddingLeft) - parseFloat(room.paddingRight);
    grid.element.hidden = store.view.table;
    if (!store.view.table) grid.update(colours, width);
    bar.update();
    norms.update(colours, width);
    detail.update(colours);
    images.update(colours);
    setAttribute(root, "aria-label", `Filters of ${store.bank.layer.name}`);
    polite.say(`filter ${store.selected}, ${judged(store.bank.marks.get(store.selected))}`);
  }

  /** Table for grid and back; the focus goes along. */
  function swap() {
    const inside = left.contains(document.activeElement);
    store.setView({ table: !store.view.table });
    update();
    if (inside) (store.view.table ? table.element : grid).focus();
  }

  listen(root, { store, help, tooltip, acts, tile: () => grid.tile });
  return { root, update, theme: () => (colours = null), stop: () => time.stop() };
}

/** Keys work only while the focus is inside: see keyboard.js. */
function listen(root, { store, help, tooltip, acts, tile }) {
  const resize = (by) => store.setView({ size: Math.max(SIZES.least, Math.min(SIZES.most, (store.view.size ?? tile()) + by)) });
  const actions = {
    s: () => store.setView({ scale: store.view.scale === "own" ? "shared" : "own" }),
    f: () => store.setView({ show: store.view.show === "all" ? "flagged" : "all" }),
    "+": () => resize(STEP),
    "=": () => resize(STEP),
    "-": () => resize(-STEP),
    t: acts.table,
    "?": acts.help,
    Escape: () => leave(root, { tooltip, help }),
  };
  for (const [key, order] of Object.entries(ORDER_KEYS)) actions[key] = () => store.setView({ order });
  listenToKeys(root, actions);
}

export default () => {
  const store = new FilterStore();
  return {
    initialize: ({ model }) => connect(store, model),
    render({ model, el }) {
      const view = makeView(store, model, el);
      const stop = schedule(store, view);
      return () => {
        stop();
        view.stop();
        view.root.remove();
      };
    },
  };
};
