// The runs in the monitor: a switch for each, which one is in front, adding one and taking one away.

import { h, setAttribute, setText } from "./dom.js";
import { integer } from "./format.js";
import { STATES } from "./header.js";
import { icon, runSwatch } from "./icons.js";

const MOST = 4; // as many as there are dashes

/** A, B, C, D: the run in front is A. */
export const letter = (k) => String.fromCharCode(65 + k);

/** "finished, 4 000 iterations" of what the kernel says about a run. */
export const runWords = ({ state, iter }) => `${(STATES[state]?.[2] ?? state).toLowerCase()}, ${integer(iter)} iterations`;

export function makeRuns(store, commands, root) {
  const list = h("div", { class: "runlist", role: "group", "aria-label": "Runs" });
  const add = h("button", { type: "button", class: "link", text: "+ compare with another run", "aria-haspopup": "dialog", "aria-expanded": "false" });
  const said = h("div", { class: "said bad", role: "status" });
  const picker = makePicker(root, add, (key) => ask("compare", key));
  const element = h("div", { class: "runs" }, list, add, said);
  let built = "";

  async function ask(name, value) {
    const { ok, error } = await commands.ask(name, value);
    setText(said, ok ? "" : error);
  }

  function toggle(run) {
    const hidden = new Set(store.view.hidden);
    const key = `run:${run.key}`;
    if (!hidden.delete(key)) hidden.add(key);
    store.setView({ hidden: [...hidden] });
  }

  /** Row of the k-th run. Runs behind the first can be put in its place or taken away. */
  function makeRow(run, k) {
    const name = k || store.references.length ? `${letter(k)} ${run.name}` : run.name;
    const content = [h("span", { class: "swi" }), h("span", { html: runSwatch(k) }), h("span", { class: "runname", text: name, title: run.name })];
    const switcher = h("button", { type: "button", class: "row runrow", role: "switch", "data-run": run.key }, ...content);
    switcher.addEventListener("click", () => toggle(run));
    if (!k) return h("div", { class: "runline" }, switcher);
    const front = act("front", `Put ${run.name} in front: header, controls and panels are its own then`, () => ask("select", run.key));
    const drop = act("x", `Take ${run.name} away`, () => ask("drop", run.key));
    return h("div", { class: "runline" }, switcher, front, drop);
  }

  function act(glyph, label, run) {
    const button = h("button", { type: "button", class: "btn mini", "aria-label": label, title: label, html: icon(glyph) });
    button.addEventListener("click", run);
    return button;
  }

  function update() {
    const { runs } = store;
    const key = JSON.stringify(runs.map((run) => [run.key, run.name]));
    if (key !== built) {
      built = key;
      const inside = list.contains(document.activeElement);
      list.replaceChildren(...runs.map(makeRow));
      if (inside) list.querySelector("button").focus({ preventScroll: true });
    }
    for (const run of runs) setAttribute(list.querySelector(`[data-run="${run.key}"]`), "aria-checked", store.shows(run));
    add.hidden = !store.connected || runs.length >= MOST;
  }

  add.addEventListener("click", async () => {
    if (picker.open) return picker.close();
    const { ok, error, value } = await commands.ask("runs");
    return ok ? picker.show(value) : setText(said, error);
  });
  update();
  return { element, update };
}

/** A list of runs to choose from, beside the button that opened it. */
function makePicker(root, opener, choose) {
  const list = h("div", { class: "choices" });
  const title = h("div", { class: "title b", text: "Compare with" });
  const element = h("div", { class: "popt picker", role: "dialog", "aria-label": "Compare with another run", hidden: true }, title, list);
  root.append(element);

  function show(runs) {
    const choice = (run) => {
      const button = h("button", { type: "button", class: "row" }, h("span", { class: "m", text: run.name }), h("span", { class: "mut", text: `run ${run.key}, ${runWords(run)}` }));
      button.addEventListener("click", () => {
        close();
        choose(run.key);
      });
      return button;
    };
    const none = h("p", { class: "mut", text: "There is no other run in this kernel. Those of earlier kernels can be compared by their logs: run.monitor(compare=\"train.log\")." });
    list.replaceChildren(...(runs.length ? runs.map(choice) : [none]));
    element.hidden = false;
    setAttribute(opener, "aria-expanded", true);
    place();
    (list.querySelector("button") ?? element).focus();
  }

  function place() {
    const [a, b] = [opener.getBoundingClientRect(), root.getBoundingClientRect()];
    element.style.left = `${Math.max(8, Math.min(a.left - b.left, b.width - element.offsetWidth - 12))}px`;
    element.style.top = `${a.bottom - b.top + 4}px`;
  }

  function close() {
    element.hidden = true;
    setAttribute(opener, "aria-expanded", false);
    opener.focus({ preventScroll: true });
  }

  element.tabIndex = -1;
  element.addEventListener("keydown", (event) => {
    const all = [...list.querySelectorAll("button")];
    const here = all.indexOf(document.activeElement);
    if (event.key === "Escape") close();
    else if (event.key === "ArrowDown") all[Math.min(all.length - 1, here + 1)]?.focus();
    else if (event.key === "ArrowUp") all[Math.max(0, here - 1)]?.focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  element.addEventListener("focusout", (event) => {
    if (!element.contains(event.relatedTarget) && event.relatedTarget !== opener && event.relatedTarget) element.hidden = true;
  });
  return { show, close, get open() { return !element.hidden; } };
}
