// A short word in the toolbar: in place, never a toast.

import { h } from "./dom.js";

const LASTING = 5000; // milliseconds

export function makeSaid() {
  const element = h("span", { class: "said" });
  let timer = 0;
  let told = "";

  /** Say it for so many milliseconds; Infinity: until another word takes its place. */
  function say(text, look = "", lasting = LASTING) {
    told = text;
    clearTimeout(timer);
    element.textContent = element.title = text; // the title: a long word may not fit
    element.className = `said ${look}`;
    const { classList } = element.parentElement;
    classList.toggle("talking", Boolean(text));
    classList.remove("long");
    classList.toggle("long", element.scrollWidth > element.clientWidth); // the smoothing makes room for it
    if (text && lasting !== Infinity) timer = setTimeout(() => say(""), lasting);
  }

  /** The same with something that can be done about it. */
  function offer(text, verb, act) {
    say(text);
    const button = h("button", { type: "button", class: "link", text: verb });
    button.addEventListener("click", () => (say(""), act()));
    element.replaceChildren(`${text}, `, button);
    element.title = "";
  }

  return { element, say, offer, get told() { return told; }, dispose: () => clearTimeout(timer) };
}
