// Entry of the widget of embeddings: `initialize` keeps the store for the model's life, `render` makes a view.

import { h, setAttribute } from "./dom.js";
import { METHODS, makeBar, makeFoot, makeHead, stateWords } from "./embedding-bar.js";
import { COLOURS } from "./embedding-data.js";
import { makePlot } from "./embedding-plot.js";
import { makeClasses, makeLooked } from "./embedding-side.js";
import { EmbeddingStore } from "./embedding-store.js";
import { makeHelp } from "./help.js";
import { listenToKeys } from "./keyboard.js";
import { leave, makePolite, makeProblem, savePicture } from "./live.js";
import { lookColours } from "./look-colours.js";
import { schedule } from "./schedule.js";
import { makeTooltip } from "./tooltip.js";

const KEYS = [
  ["← → ↑ ↓", "next image that way"],
  ["Enter", "select the image, or not"],
  ["+ − 0", "zoom in, out, all"],
  ["V B L", "drag moves, box, lasso"],
  ["M", "t-SNE or PCA"],
  ["P", "pictures or shapes"],
  ["F", "all, or odd ones only"],
  ["Space", "stop, or again"],
  ["?", "this list"],
  ["Esc", "free, unselect, then leave"],
];

function makeView(store, el) {
  const root = h("div", { class: "owl lk em", role: "region" });
  el.append(root); // first, so that the colours of the theme can be read
  const help = makeHelp(() => bar.help.focus(), KEYS, "while the images have the focus");
  const [head, foot, plot, looked, classes] = [makeHead, makeFoot, makePlot, makeLooked, makeClasses].map((make) => make(store));
  const acts = { run: () => store.run(), figure: () => store.send({ type: "figure" }), help: () => help.toggle(), in: plot.zoomIn, out: plot.zoomOut, whole: () => store.setView({ zoom: null }) };
  const bar = makeBar(store, acts);
  const problem = makeProblem();
  const left = h("div", { class: "em-left" }, plot.element);
  const body = h("div", { class: "em-body" }, left, h("div", { class: "lk-right" }, looked.element, classes.element));
  const tooltip = makeTooltip(root, bar.element, bar.tip);
  const polite = makePolite(root);
  root.append(head.element, bar.element, problem.element, body, foot.element, help.element, tooltip.element, polite.element);
  let colours = null;

  function readColours() {
    const style = getComputedStyle(root);
    const classColours = Array.from({ length: COLOURS }, (_, k) => style.getPropertyValue(`--owl-c-${k}`).trim());
    return { ...lookColours(root), classes: classColours };
  }

  function update() {
    if (!store.net?.layers) return false;
    colours ??= readColours();
    for (const part of [head, bar, foot]) part.update();
    problem.update(store.course.state === "failed" ? store.course.problem : store.said.text);
    plot.update(colours, left.clientWidth);
    looked.update(colours);
    classes.update(colours);
    setAttribute(root, "aria-label", `Images by ${store.view.layer}`);
    polite.say(words());
  }

  function words() {
    const { looked: index, selected, course } = store;
    if (course.state === "stopped") return stateWords(course);
    if (index === null) return selected.length ? `${selected.length} images selected` : "";
    const label = store.groups.length ? `, label ${store.classes[store.groups[index]]?.name}` : "";
    return `image ${store.names[index]}${label}${selected.includes(index) ? ", selected" : ""}`;
  }

  listen(root, { store, help, tooltip, acts, plot });
  return { root, update, theme: () => (colours = null) };
}

/** Keys work only while the focus is inside: see keyboard.js. */
function listen(root, { store, help, tooltip, acts, plot }) {
  const other = (values, now) => values.find((value) => value !== now);
  const toggle = (index) => {
    const { selected } = store.view;
    store.setView({ selected: selected.includes(index) ? selected.filter((i) => i !== index) : [...selected, index] });
  };
  function escape() {
    const { pinned, selected } = store.view;
    if (!tooltip.open && !help.open && pinned !== null) store.pin(null);
    else if (!tooltip.open && !help.open && selected.length) store.setView({ selected: [] });
    else leave(root, { tooltip, help });
  }
  const actions = {
    "+": acts.in,
    "=": acts.in,
    "-": acts.out,
    0: acts.whole,
    v: () => store.setView({ tool: "move" }),
    b: () => store.setView({ tool: "box" }),
    l: () => store.setView({ tool: "lasso" }),
    m: () => store.setView({ method: other(METHODS.map(([value]) => value), store.view.method), zoom: null }),
    p: () => store.setView({ marks: other(["pictures", "shapes"], store.view.marks) }),
    f: () => store.groups.length && store.setView({ show: other(["all", "odd"], store.view.show) }),
    " ": acts.run,
    Enter: () => store.view.pinned !== null && toggle(store.view.pinned),
    "?": acts.help,
    Escape: escape,
  };
  listenToKeys(root, actions, (event) => plot.walk(event.key));
}

export default () => {
  const store = new EmbeddingStore();
  return {
    initialize({ model }) {
      const stop = store.connect(model, (message, buffers) => {
        if (message.type === "figure") savePicture(`${message.name.replaceAll("/", "_")}.png`, buffers[0]);
        else if (message.type === "image") store.received(message, buffers[0]);
        else if (message.type === "thumbnails") store.receivedPictures(buffers[0]);
      });
      store.send({ type: "thumbnails" });
      return stop;
    },
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
