// What went wrong, in place: where NaN first appeared, or the error that ended the run; and the way back.

import { h, setAttribute, setText } from "./dom.js";
import { integer } from "./format.js";
import { icon } from "./icons.js";

/** Text of the button, null where there is no snapshot to go back to. */
export const backWords = (problem) => (Number.isInteger(problem?.back) ? `Back to ${integer(problem.back)}, lr × 0.1` : null);

/** The first guilty layer, null where it has no weights: then the layers panel has no row of it. */
export const guilty = (store) => (store.run.layers ?? []).find((layer) => layer.name === store.status.problem?.layer)?.name ?? null;

/** `show(name)` opens a layer in the panel of layers. */
export function makeBanner(store, commands, show) {
  const glyph = h("span", { class: "glyph" });
  const title = h("div", { class: "t" });
  const detail = h("div", { class: "mut" });
  const refused = h("div", { class: "t", role: "status" });
  const label = h("span");
  const back = h("button", { type: "button", class: "btn out1", "data-act": "back", hidden: true }, h("span", { html: icon("undo") }), label);
  const look = h("button", { type: "button", class: "btn out1", "data-act": "show-guilty", hidden: true, title: "Open it in the layers panel: its parameters, activations and gradients" });
  const element = h("div", { class: "banner", hidden: true }, glyph, h("div", { class: "words" }, title, detail, refused), look, back);
  let going = false;

  async function go() {
    if (back.getAttribute("aria-disabled") === "true") return;
    going = true;
    update();
    const { ok, error } = await commands.ask("back", store.status.problem.back);
    going = false;
    setText(refused, ok ? "" : error);
    update();
  }
  back.addEventListener("click", go);
  look.addEventListener("click", () => show(guilty(store)));

  function update() {
    const { problem } = store.status;
    const wanted = Boolean(problem) && (store.state === "diverged" || store.state === "failed");
    updateButton(wanted ? problem : null);
    look.hidden = !wanted || guilty(store) === null;
    if (!look.hidden) setText(look, `Show ${guilty(store)}`);
    if (element.hidden === !wanted && (!wanted || title.textContent === problem.title)) return;
    element.hidden = !wanted;
    if (!wanted) return element.removeAttribute("role");
    glyph.innerHTML = icon(store.state === "diverged" ? "x" : "warn");
    element.setAttribute("role", "alert");
    setText(title, problem.title);
    setText(refused, "");
    return setText(detail, [problem.detail, problem.hint].filter(Boolean).join(" "));
  }

  function updateButton(problem) {
    const words = backWords(problem);
    back.hidden = !words;
    if (!words) return;
    setText(label, going ? "Going back" : words);
    back.title = store.connected ? `Restore the snapshot of iteration ${integer(problem.back)} and train on from it at a tenth of the learning rate` : "not now: the kernel is gone";
    setAttribute(back, "aria-disabled", going || !store.connected ? "true" : null);
  }

  update();
  return { element, update };
}
