// Header, toolbar, the line in which the kernel answers, and the footer.

import { escape, fill, h, setAttribute, setText } from "./dom.js";
import { bytes } from "./format.js";
import { icon } from "./icons.js";
import { counted, milliseconds } from "./inspector-rows.js";
import { images, makeTimeButton, summaryOf } from "./inspector-time.js";

export function makeHead(store) {
  const name = h("span", { class: "name" });
  const detail = h("span", { class: "mut" });
  const figs = h("div", { class: "figs" });
  const element = h("div", { class: "hd" }, name, detail, figs);

  function update() {
    const { net, timing } = store;
    setText(name, net.name ?? "");
    const learned = net.learned ? `, ${net.learned} with weights` : "";
    setText(detail, `${net.layers} layers${learned}`);
    const figure = (k, v, unit = "") => `<div class="fig"><div class="k">${k}</div><div class="v">${escape(v)}${unit ? ` <small>${unit}</small>` : ""}</div></div>`;
    figs.innerHTML = [
      figure("parameters", counted(net.parameters)),
      figure("multiply-adds", counted(net.macs), net.macs === null ? "" : "/ image"),
      figure("weights", bytes(net.weight_bytes)),
      ...(timing.state === "ready" ? [figure(timing.backward === null ? "forward" : "forward + backward", times(timing), `/ ${images(timing.batch)}`)] : []),
      figure("blobs, forward", bytes(net.blob_bytes), net.blob_bytes === null ? "" : "/ image"),
    ].join("");
  }
  return { element, update };
}

const times = ({ forward, backward }) => (backward === null ? milliseconds(forward) : `${milliseconds(forward, "")} + ${milliseconds(backward)}`);

const keyOf = (id, text) => h("span", { class: "key", html: `<i class="bar ${id}"><b style="width:100%"></b></i>${text}` });

export function makeBar(store, graph, actions) {
  const find = h("input", { type: "search", "aria-label": "Find a layer", placeholder: "Find a layer", "data-act": "find" });
  const phases = h("span", { class: "seg", role: "radiogroup", "aria-label": "Phase" });
  const fold = h("button", { type: "button", class: "btn text", "data-act": "fold", text: "fold relu, pool, norm" });
  const button = (act, name, symbol, text = "") => h("button", { type: "button", class: "btn", "data-act": act, "aria-label": name, html: icon(symbol) + text });
  const time = makeTimeButton(store);
  const path = h("input", { type: "text", "aria-label": "File of the earlier snapshot", placeholder: "earlier.caffemodel" });
  const asking = h("form", { class: "fld asking", hidden: true }, path, h("button", { type: "submit", class: "btn", text: "Compare" }));
  const timeKey = keyOf("seconds", "time");
  const element = h("div", { class: "ctl", role: "toolbar", "aria-label": "Inspector controls" },
    h("span", { class: "fld find", html: icon("search") }, find), phases, fold, h("span", { class: "sp" }),
    h("span", { class: "key wide" }, "share of", keyOf("macs", "multiply-adds"), keyOf("parameters", "parameters"), timeKey),
    h("span", { class: "rule wide" }), button("out", "Zoom out", "minus"), button("in", "Zoom in", "plus"), button("fit", "Fit", "fit"),
    h("span", { class: "rule" }), ...time.elements, asking, button("compare", "Compare with an earlier snapshot", "compare", '<span class="wide">Compare</span>'), button("help", "Keyboard help", "help"));

  find.addEventListener("input", () => store.find(find.value));
  find.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && store.found[0]) (store.pick(store.found[0]), graph.reveal());
    if (event.key === "Escape" && find.value) (event.stopPropagation(), (find.value = ""), store.find(""));
  });
  phases.addEventListener("click", (event) => {
    const phase = event.target.closest("button")?.dataset.phase;
    if (phase && store.net.phases.includes(phase)) store.choose({ phase, open: null, blob: null, page: 0 });
  });
  phases.addEventListener("keydown", (event) => {
    if (!event.key.startsWith("Arrow")) return;
    event.preventDefault();
    const other = store.net.phases.find((p) => p !== store.net.phase);
    if (other) store.choose({ phase: other, open: null, blob: null, page: 0 });
  });
  asking.addEventListener("submit", (event) => {
    event.preventDefault();
    if (path.value.trim()) store.compare(path.value.trim());
    ask(false);
  });
  asking.addEventListener("keydown", (event) => event.key === "Escape" && (event.stopPropagation(), ask(false)));
  function ask(open = asking.hidden) {
    asking.hidden = !open;
    if (open) path.focus();
    else element.querySelector('[data-act="compare"]').focus();
  }
  const acts = { in: () => graph.zoom(1.25), out: () => graph.zoom(0.8), fit: () => graph.reset(), fold: () => store.choose({ fold: !store.view.fold, open: null }), compare: () => ask(), time: () => store.time(), help: () => actions.help(), find: () => find.focus() };
  element.addEventListener("click", (event) => {
    const act = event.target.closest("button[data-act]")?.dataset.act;
    if (act) acts[act]();
  });

  function tip(control) {
    const { net } = store;
    return {
      out: { text: "Zoom out", key: "−" },
      in: { text: "Zoom in", key: "+" },
      fit: { text: "Fit; again: all of it", key: "0" },
      fold: { text: "Put ReLU, pooling, norms and dropout into the card of the layer before", key: "F" },
      compare: { text: net.earlier ? `Compared with ${net.earlier}; compare with another` : "Compare with an earlier snapshot: what moved, by how much", key: "C" },
      time: time.tip(),
      help: { text: "Keys", key: "?" },
    }[control.dataset.act];
  }

  function update() {
    const { net } = store;
    fill(phases, [net.phases, net.phase], () => ["train", "test"].map((p) => {
      const there = net.phases?.includes(p);
      const on = p === net.phase;
      return h("button", { type: "button", role: "radio", "data-phase": p, "aria-checked": on ? "true" : "false", "aria-disabled": there ? null : "true", tabindex: on ? "0" : "-1", title: there ? null : "This net was made for the other phase", text: p });
    }));
    time.update();
    timeKey.hidden = store.timing.state !== "ready";
    setAttribute(fold, "aria-pressed", store.view.fold ? "true" : "false");
  }
  return { element, update, tip, act: (name) => acts[name]() };
}

/** The kernel's answers: what went wrong stays, with the focus where it was. */
export function makeSaid(store) {
  const element = h("div", { class: "answerline", role: "status", hidden: true });
  function update() {
    const text = store.busy ? `${store.busy} …` : store.said.text ?? "";
    element.hidden = !text;
    element.classList.toggle("bad", Boolean(!store.busy && store.said.bad));
    setText(element, text);
  }
  return { element, update };
}

export function makeFoot(store) {
  const left = h("span");
  const element = h("div", { class: "foot" }, left, h("span", { class: "sp" }), h("span", { text: "sees = receptive field in pixels of the input" }));
  function update() {
    const { net } = store;
    const parts = [net.source, net.weighted ? "shapes from the definition, statistics from the weights" : "no weights loaded", summaryOf(store.timing)].filter(Boolean);
    const notes = net.notes ?? [];
    const brief = notes.map((note) => note.split(": ")[0]); // what, without the long why with its paths
    setText(left, [...parts, ...brief].join(" · "));
    setAttribute(left, "title", [...parts, ...notes].join(" · "));
  }
  return { element, update };
}
