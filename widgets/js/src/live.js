// What widgets that are one view of a store have in common: when they draw, pictures to save, leaving by Esc.

import { h, hasRoom } from "./dom.js";

/** Draw in one animation frame, and only while the widget can be seen. `view` has root, update and theme.
 *  Gives what ends it. */
export function schedule(store, view) {
  let frame = 0;
  let seen = true;
  const draw = () => {
    frame = 0;
    if (!seen || document.hidden) return;
    if (hasRoom(view.root)) view.update();
    else ask();
  };
  const ask = () => {
    frame ||= requestAnimationFrame(draw);
  };
  const sight = new IntersectionObserver((entries) => {
    seen = entries.at(-1).isIntersecting;
    ask();
  });
  sight.observe(view.root);
  const size = new ResizeObserver(ask);
  size.observe(view.root);
  const theme = new MutationObserver(() => requestAnimationFrame(() => (view.theme(), ask())));
  theme.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-name", "data-jp-theme-light"] });
  document.addEventListener("visibilitychange", ask);
  const stop = store.subscribe(ask);
  ask();
  return () => {
    stop();
    cancelAnimationFrame(frame);
    document.removeEventListener("visibilitychange", ask);
    for (const observer of [sight, size, theme]) observer.disconnect();
  };
}

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
