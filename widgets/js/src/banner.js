// What went wrong, in place: where NaN first appeared, or the error that ended the run.

import { h, setText } from "./dom.js";
import { icon } from "./icons.js";

export function makeBanner(store) {
  const glyph = h("span", { class: "glyph" });
  const title = h("div", { class: "t" });
  const detail = h("div", { class: "mut" });
  const element = h("div", { class: "banner", hidden: true }, glyph, h("div", { class: "words" }, title, detail));

  function update() {
    const { problem } = store.status;
    const wanted = Boolean(problem) && (store.state === "diverged" || store.state === "failed");
    if (element.hidden === !wanted && (!wanted || title.textContent === problem.title)) return;
    element.hidden = !wanted;
    if (!wanted) return element.removeAttribute("role");
    glyph.innerHTML = icon(store.state === "diverged" ? "x" : "warn");
    element.setAttribute("role", "alert");
    setText(title, problem.title);
    return setText(detail, problem.detail ?? "");
  }
  update();
  return { element, update };
}
