// Entry of the widget for heatmaps and saliency: `initialize` keeps the store, `render` makes a view of it.

import { h, setAttribute } from "./dom.js";
import { makeBar, makeFoot, makeHead } from "./drivers-bar.js";
import { stateWords, unitWords } from "./drivers-data.js";
import { makePictures } from "./drivers-pictures.js";
import { makePlace } from "./drivers-place.js";
import { makeSide } from "./drivers-side.js";
import { DriverStore } from "./drivers-store.js";
import { makeDrop } from "./dropping.js";
import { makeHelp } from "./help.js";
import { listenToKeys } from "./keyboard.js";
import { leave, makePolite, makeProblem, savePicture } from "./live.js";
import { lookColours } from "./look-colours.js";
import { schedule } from "./schedule.js";
import { makeTooltip } from "./tooltip.js";

const KEYS = [
  ["M", "next method"],
  ["O", "over, spotlight, map"],
  ["[ and ]", "unit before, after"],
  ["{ and }", "less, more opacity"],
  ["I", "another image"],
  ["Space", "stop, or begin anew"],
  ["?", "this list"],
  ["Esc", "close, then leave the widget"],
];
const FADE = 0.1; // opacity per key

function makeView(store, el) {
  const root = h("div", { class: "owl lk drv", role: "region" });
  el.append(root); // first, so that the colours of the theme can be read
  const help = makeHelp(() => bar.help.focus(), KEYS, "while this has the focus");
  const problem = makeProblem();
  let wrong = "";
  const drop = makeDrop(root, store, (text) => ((wrong = text), store.changed("said")));
  const run = () => store.send({ type: store.found.state === "working" ? "stop" : "again" });
  const acts = { image: drop.open, figure: () => store.send({ type: "figure" }), run, help: () => help.toggle() };
  const [head, foot, pictures, place, side] = [makeHead, makeFoot, makePictures, makePlace, makeSide].map((make) => make(store));
  const bar = makeBar(store, acts);
  const left = h("div", { class: "drv-left" }, pictures.element, place.element);
  const body = h("div", { class: "drv-body" }, left, h("div", { class: "lk-right" }, side.element));
  const tooltip = makeTooltip(root, bar.element, bar.tip);
  const polite = makePolite(root);
  root.append(head.element, bar.element, problem.element, body, foot.element, help.element, tooltip.element, polite.element, drop.element);
  let colours = null;

  function update() {
    if (!store.chosen?.layer) return false;
    colours ??= lookColours(root);
    for (const part of [head, foot, bar]) part.update();
    problem.update(wrong || store.said.text || (store.found.state === "failed" ? store.found.problem : ""));
    const room = getComputedStyle(left);
    pictures.update(colours, left.clientWidth - parseFloat(room.paddingLeft) - parseFloat(room.paddingRight));
    place.update(colours);
    side.update();
    setAttribute(root, "aria-label", `What drives ${unitWords(store.chosen)}`);
    if (store.found.state !== "working") polite.say(`${unitWords(store.chosen)}, ${stateWords(store.found)}`);
  }

  listen(root, { store, help, tooltip, acts });
  return { root, update, theme: () => (colours = null) };
}

/** Keys work only while the focus is inside: see keyboard.js. */
function listen(root, { store, help, tooltip, acts }) {
  const fade = (by) => store.setView({ opacity: Math.round(100 * Math.max(0, Math.min(1, store.view.opacity + by))) / 100 });
  const nextMethod = () => {
    const { methods } = store.net;
    store.setView({ method: methods[(methods.indexOf(store.view.method) + 1) % methods.length] });
  };
  const actions = {
    m: nextMethod,
    o: () => store.nextLook(),
    "[": () => store.step(-1),
    "]": () => store.step(1),
    "{": () => fade(-FADE),
    "}": () => fade(FADE),
    i: acts.image,
    " ": () => ["working", "stopped"].includes(store.found.state) && acts.run(),
    "?": acts.help,
    Escape: () => leave(root, { tooltip, help }),
  };
  listenToKeys(root, actions);
}

export default () => {
  const store = new DriverStore();
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
