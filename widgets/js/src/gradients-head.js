// State, name and figures; progress; buttons and the key of colours; the footer.

import { h, setAttribute, setText } from "./dom.js";
import { integer } from "./format.js";
import { icon } from "./icons.js";
import { detail, error, figures, setting, state } from "./gradients-text.js";

const LATE = 1000; // milliseconds without an answer after which a stop interrupts the kernel

export function makeHead(store) {
  const pill = h("span", { class: "pill" });
  const name = h("span", { class: "name" });
  const small = h("span", { class: "mut detail" });
  const cells = Array.from({ length: 5 }, () => {
    const [key, value, rest] = [h("div", { class: "k" }), h("span"), h("small")];
    return { key, value, rest, element: h("div", { class: "fig" }, key, h("div", { class: "v" }, value, " ", rest)) };
  });
  const bar = h("i");
  const progress = h("div", { class: "prog", role: "progressbar", "aria-label": "Elements checked", "aria-valuemin": 0 }, bar);
  const element = h("header", { class: "hd" }, pill, name, small, h("div", { class: "figs" }, ...cells.map((c) => c.element)));
  let shown = "";

  function update() {
    const [look, glyph, word] = state(store);
    if (shown !== word) {
      pill.className = `pill ${look}`;
      pill.innerHTML = icon(glyph) + word;
      shown = word;
    }
    setText(name, store.head.name ?? "");
    setText(small, detail(store));
    figures(store).forEach(([key, value, rest], i) => {
      setText(cells[i].key, key);
      setText(cells[i].value, value);
      setText(cells[i].rest, rest);
    });
    const { done, total } = store.head;
    const share = store.over && !store.head.interrupted ? 1 : total ? done / total : 0;
    bar.style.width = `${share * 100}%`;
    bar.classList.toggle("bad", look === "bad");
    setAttribute(progress, "aria-valuemax", Math.max(total, 1));
    setAttribute(progress, "aria-valuenow", done);
    setAttribute(progress, "aria-valuetext", `${integer(done)} of ${integer(total)} elements`);
  }
  return { element, progress, update };
}

const button = (act, label, key, inside) =>
  h("button", { type: "button", class: "btn", "data-act": act, "aria-label": label, "aria-keyshortcuts": key, html: inside });

export function makeBar(store, commands, { help, interrupt }) {
  const main = h("button", { type: "button", class: "btn pri", "data-act": "main", "aria-keyshortcuts": "Space" });
  const stop = button("stop", "Stop", "Q", icon("stop"));
  const until = button("until", "Stop at the first wrong blob", "F", "stop at first wrong");
  until.classList.add("boxed");
  const said = h("span", { class: "said", role: "status" });
  const scale = h("span", { class: "cbar" }, h("span", { class: "wide", text: "relative error" }), h("span", { text: setting(1e-12) }), h("span", { class: "scale", "aria-hidden": "true" }, h("i")), h("span", { text: "1" }));
  const kinks = h("span", { class: "cbar", html: `${icon("kink")}<span class="wide">kink, not counted</span><span class="slim">kink</span>` });
  const table = button("table", "Show as table", "T", icon("table"));
  const keys = button("help", "Keyboard help", "?", icon("help"));
  const rule = () => h("span", { class: "rule" });
  const element = h("div", { class: "ctl", role: "toolbar", "aria-label": "Check controls" }, main, stop, until, said, scale, rule(), kinks, rule(), table, keys);
  const order = [main, stop, until, table, keys];
  let pressed = null; // what was asked for and is not confirmed
  let note = "";

  const action = () => (store.over ? "again" : store.head.state === "paused" ? "resume" : "pause");
  const usable = { main: () => !store.over || store.head.can_repeat, stop: () => !store.over, until: () => !store.over };

  async function ask(name, value = null) {
    pressed = name;
    note = "";
    update();
    const late = name === "stop" ? setTimeout(() => !store.over && interrupt(), LATE) : 0;
    const { ok, error: why } = await commands.ask(name, value);
    clearTimeout(late);
    pressed = null;
    note = ok ? "" : why;
    update();
  }

  function press(act) {
    if (!(usable[act] ?? (() => true))()) return;
    if (act === "main") ask(action());
    else if (act === "stop") ask("stop");
    else if (act === "until") ask("until_wrong", !store.head.until_wrong);
    else if (act === "table") store.setView({ table: !store.view.table });
    else help();
  }

  element.addEventListener("click", (event) => {
    const act = event.target.closest("button")?.dataset.act;
    if (act) press(act);
  });
  element.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const here = order.indexOf(event.target);
    if (!move || here < 0) return;
    order[(here + move + order.length) % order.length].focus();
    event.preventDefault();
    event.stopPropagation();
  });
  element.addEventListener("focusin", (event) => {
    for (const each of order) each.tabIndex = each === event.target ? 0 : -1;
  });
  commands.listeners.add((what) => {
    if (what === "late") note = "waiting for the cell to end";
    update();
  });

  let face = "";
  function update() {
    const act = pressed === "pause" ? "resume" : pressed === "resume" ? "pause" : action();
    const [glyph, word] = { again: ["play", "Check again"], resume: ["play", "Resume"], pause: ["pause", "Pause"] }[act];
    if (face !== word) main.innerHTML = icon(glyph) + word;
    face = word;
    for (const [name, element] of Object.entries({ main, stop, until })) setAttribute(element, "aria-disabled", usable[name]() ? null : true);
    setAttribute(until, "aria-pressed", Boolean(store.head.until_wrong));
    setAttribute(table, "aria-pressed", store.view.table);
    const words = store.head.error || note;
    setText(said, words);
    said.classList.toggle("bad", Boolean(words) && words !== "waiting for the cell to end");
    element.style.setProperty("--owl-limit", `${100 * (1 - Math.log10(store.head.tolerance ?? 1e-5) / -12)}%`);
  }
  order.forEach((each, i) => (each.tabIndex = i ? -1 : 0));

  function tip(control) {
    const texts = {
      main: { again: "Check all of it again", resume: "Go on", pause: "Pause after the present element" }[action()],
      stop: "Stop; what is known stays",
      until: "Stop at the first blob that is wrong",
      table: "The same as a table",
      help: "Keys",
    };
    return { text: texts[control.dataset.act] ?? "", key: control.getAttribute("aria-keyshortcuts") };
  }
  return { element, press, tip, update };
}

export function makeFoot(store) {
  const [passes, seed, loss, notes] = [h("span"), h("span"), h("span"), h("span", { class: "notes" })];
  const formula = h("span", { class: "wide", text: "relative error = |a − n| / max(|a|, |n|, 1 % of the blob’s largest slope)" });
  const element = h("footer", { class: "foot" }, passes, seed, loss, notes, h("span", { class: "sp" }), formula);
  function update() {
    const { head } = store;
    setText(passes, `central differences${head.passes ? `, ${integer(head.passes)} forward passes` : ""}`);
    setText(seed, `seed ${head.seed ?? 0}`);
    const along = `loss along ${head.loss_directions} directions`;
    setText(loss, head.loss === null || head.loss === undefined ? "" : `${along}: ${head.loss_is_wrong ? "wrong, " : ""}${error(head.loss)}`);
    loss.classList.toggle("bad", Boolean(head.loss_is_wrong));
    const remarks = [...(head.remarks ?? [])];
    if (head.skipped?.length) remarks.push(`without a gradient: ${head.skipped.join(", ")}`);
    setText(notes, remarks.join("; "));
    setAttribute(notes, "title", remarks.join("; ") || null);
  }
  return { element, update };
}
