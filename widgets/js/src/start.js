// What happens before the first iteration.

import { escape, h } from "./dom.js";
import { icon } from "./icons.js";

/** Checklist of `{ done, text }`. */
export function startList(items) {
  const list = h("ol", { "aria-label": "What happens before the first iteration" });
  for (const { done, text } of items) {
    list.append(h("li", { class: done ? "mut" : "m", html: icon(done ? "check" : "clock") + escape(text) }));
  }
  return list;
}
