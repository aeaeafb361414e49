// Header, toolbar and footer of embeddings.

import { buttonsOf, makeFigures, makeLayerChoice, makeRun, makeSize } from "./bar-parts.js";
import { h, setAttribute, setText } from "./dom.js";
import { DASH, THIN, duration, integer, percent } from "./format.js";
import { makeChoice } from "./panel.js";

export const METHODS = [["tsne", "t-SNE"], ["pca", "PCA"]];
export const MARKS = [["pictures", "pictures"], ["shapes", "shapes"]];
export const TOOLS = [["move", "move"], ["box", "box"], ["lasso", "lasso"]];
const METHOD_WORDS = {
  pca: "PCA: the two directions of largest spread",
  tsne: "t-SNE: who is near whom counts; sizes and distances of groups say little",
};
const SIZES = { least: 12, most: 64 };
const methodName = (method) => METHODS.find(([value]) => value === method)?.[1] ?? method;

/** What the kernel is doing. */
export function stateWords(course) {
  const { state, what, done = 0, total, seconds } = course;
  if (state === "failed") return course.problem;
  if (state === "ready") return seconds ? `${methodName(course.method)} in ${seconds < 10 ? `${seconds.toFixed(1)}${THIN}s` : duration(seconds)}` : methodName(course.method);
  const words = total ? `${integer(done)} of ${integer(total)} ${what}` : `${methodName(course.method)} at work`;
  return state === "stopped" ? `stopped after ${words}` : words;
}

export function makeHead(store) {
  const name = h("span", { class: "name" });
  const about = h("span", { class: "mut" });
  const { all: figures, element: figs } = makeFigures(["nearest is alike", "odd ones", "selected"]);
  const bar = h("i");
  const progress = h("div", { class: "prog", role: "progressbar", "aria-label": "Progress", "aria-valuemin": "0" }, bar);
  const element = h("div", { class: "em-head" }, h("div", { class: "hd" }, name, about, figs), progress);

  function update() {
    const { facts, course, net, view } = store;
    setText(name, `Images by ${view.layer}`);
    setText(about, `${integer(net.images)} images, ${facts.layer === view.layer ? integer(facts.features) : DASH} features, ${methodName(view.method)}`);
    const known = facts.agreement !== null && facts.agreement !== undefined;
    figures[0].element.hidden = figures[1].element.hidden = !known;
    figures[0].value.replaceChildren(known ? percent(facts.agreement) : DASH, h("small", { text: `${THIN}%` }));
    setText(figures[1].value, known ? integer(store.odd.size) : DASH);
    setText(figures[2].value, integer(store.selected.length));
    const going = course.state === "working" || course.state === "stopped";
    progress.classList.toggle("off", !going || !course.total);
    bar.style.width = `${course.total ? (100 * course.done) / course.total : 0}%`;
    setAttribute(progress, "aria-valuemax", course.total || 1);
    setAttribute(progress, "aria-valuenow", course.done ?? 0);
    setAttribute(progress, "aria-valuetext", stateWords(course));
  }
  return { element, update };
}

const RUN = { working: ["stop", "Stop"], stopped: ["play", "Again"], failed: ["play", "Try again"] };

export function makeBar(store, acts) {
  const layer = makeLayerChoice("lk-select", (name) => store.setView({ layer: name, zoom: null }));
  const choice = (label, values, key, extra = {}) => makeChoice(label, values, (value) => store.setView({ [key]: value, ...extra }));
  const method = choice("Method", METHODS, "method", { zoom: null });
  const marks = choice("Marks", MARKS, "marks");
  const tool = choice("Tool", TOOLS, "tool");
  const show = choice("Show", [["all", "all"], ["odd", "odd ones"]], "show");
  const size = makeSize(SIZES, "Size of a mark", (pixels) => store.setView({ size: pixels }));
  const run = makeRun(acts, "em-run", RUN);
  const words = h("span", { class: "mut em-state" });
  const button = buttonsOf(acts);
  const help = button("help", "help", "Keyboard help");
  const element = h("div", { class: "ctl lk-ctl", role: "toolbar", "aria-label": "Embedding" },
    layer.element, method.element, marks.element, show.element, tool.element, run.element, words,
    h("span", { class: "lk-tools" }, h("label", { class: "lk-group" }, h("span", { class: "mut", text: "size" }), size.element), h("span", { class: "rule" }),
      button("in", "plus", "Zoom in"), button("out", "minus", "Zoom out"), button("whole", "zoom", "Show all"), button("figure", "snapshot", "Figure for a paper", "Figure"), help));

  function update() {
    const { net, view, course } = store;
    layer.update(net.layers.map(({ name, features }) => [name, `${name} (${features})`]), view.layer);
    method.update(view.method);
    marks.update(view.marks);
    tool.update(view.tool);
    show.update(view.show);
    show.element.hidden = !store.groups.length;
    size.update(view.size);
    run.update(course.state, course.state === "ready");
    setText(words, course.state === "working" || course.state === "stopped" ? stateWords(course) : "");
  }
  const TIPS = {
    figure: { text: "Save the figure for a paper" },
    help: { text: "Keyboard", key: "?" },
    in: { text: "Zoom in; Ctrl and wheel at the pointer", key: "+" },
    out: { text: "Zoom out", key: "−" },
    whole: { text: "Show all; or double-click", key: "0" },
    odd: { text: "Only images whose nearest neighbour has another label", key: "F" },
    move: { text: "Drag moves the plot", key: "V" },
    box: { text: "Drag a box around images to count them; Shift adds", key: "B" },
    lasso: { text: "Draw around images to count them; Shift adds", key: "L" },
    tsne: { text: "What is alike lies close together; distances between groups say little", key: "M" },
    pca: { text: "The two directions of largest spread", key: "M" },
    shapes: { text: "A colour and a shape per class", key: "P" },
    pictures: { text: "The images themselves, framed by class", key: "P" },
  };
  const tip = (control) => {
    if (control.dataset.act === "run") return { text: store.course.state === "working" ? "Stop; the places reached so far stay" : "Arrange them again", key: "Space" };
    return TIPS[control.dataset.act ?? control.dataset.value] ?? null;
  };
  return { element, update, tip, help };
}

export function makeFoot(store) {
  const left = h("span");
  const right = h("span");
  const element = h("div", { class: "foot" }, left, h("span", { class: "sp" }), right);
  function update() {
    setText(left, store.net.remark || METHOD_WORDS[store.view.method]);
    setText(right, `${store.net.name || "net"} in test phase, ${stateWords(store.course)}`);
  }
  return { element, update };
}
