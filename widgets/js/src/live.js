// What widgets that are one view of a store have in common: pictures to save, leaving by Esc, words. See schedule.js.

import { h } from "./dom.js";

/** Hand a picture to the person as a file. */
export function savePicture(name, view) {
  const link = h("a", { href: URL.createObjectURL(new Blob([view], { type: "image/png" })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

/** Esc: close what is open, then leave the widget. */
export function leave(root, { tooltip, help }) {
  if (tooltip.open) tooltip.hide();
  else if (help.open) help.toggle(false);
  else {
    document.activeElement?.blur();
    root.closest(".jp-Notebook")?.focus();
  }
}

/** A polite word for screen readers, said when it changes while the focus is inside. */
export function makePolite(root) {
  const element = h("div", { class: "sr", role: "status", "aria-live": "polite" });
  let said = null;
  const say = (words) => {
    if (said !== null && words !== said && root.contains(document.activeElement)) element.textContent = words;
    said = words;
  };
  return { element, say };
}

/** The line in which the kernel says what went wrong. */
export function makeProblem() {
  const element = h("div", { class: "lk-problem", role: "status", hidden: true });
  const update = (text) => {
    element.hidden = !text;
    if (element.textContent !== (text ?? "")) element.textContent = text ?? "";
  };
  return { element, update };
}
