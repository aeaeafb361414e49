// Tooltip after 400 ms and on keyboard focus: verb, effect with numbers, key.

import { escape, h } from "./dom.js";

const DELAY = 400; // milliseconds

export function makeTooltip(root, toolbar, describe) {
  const id = `owl-tip-${Math.random().toString(36).slice(2)}`;
  const element = h("div", { class: "tip", role: "tooltip", id, hidden: true });
  let timer = 0;
  let owner = null;

  function show(control) {
    const content = describe(control);
    if (!content) return;
    owner = control;
    element.innerHTML = escape(content.text) + (content.key ? content.key.split(" ").map((k) => `<kbd>${escape(k)}</kbd>`).join("") : "");
    element.hidden = false;
    control.setAttribute("aria-describedby", id);
    const [a, b] = [control.getBoundingClientRect(), root.getBoundingClientRect()];
    const left = a.left - b.left + a.width / 2 - element.offsetWidth / 2;
    element.style.left = `${Math.max(8, Math.min(left, b.width - element.offsetWidth - 8))}px`;
    element.style.top = `${a.bottom - b.top + 6}px`;
  }

  function hide() {
    clearTimeout(timer);
    owner?.removeAttribute("aria-describedby");
    owner = null;
    element.hidden = true;
  }

  const controlOf = (event) => event.target.closest("button, input");
  toolbar.addEventListener("pointerover", (event) => {
    const control = controlOf(event);
    if (!control || control === owner) return;
    hide();
    timer = setTimeout(() => show(control), DELAY);
  });
  toolbar.addEventListener("pointerleave", hide);
  toolbar.addEventListener("pointerdown", hide);
  toolbar.addEventListener("focusin", (event) => {
    const control = controlOf(event);
    hide();
    if (control?.matches(":focus-visible") && control.tagName === "BUTTON") show(control);
  });
  toolbar.addEventListener("focusout", hide);
  return { element, hide, get open() { return !element.hidden; } };
}
