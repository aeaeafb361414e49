// Small helpers for building the page.

/** Element from a tag, attributes (null and false are left out, `html` and `text` are its content) and children. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "html") element.innerHTML = value;
    else if (name === "text") element.textContent = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Write text only where it differs: the page is not touched for nothing. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

const filled = new WeakMap();

/** Children from `make()`, put in only where `key` differs from the last time: of a button that is replaced between
 *  press and release the click is lost, and so is the focus. */
export function fill(element, key, make) {
  const now = JSON.stringify(key);
  if (filled.get(element) === now) return;
  filled.set(element, now);
  element.replaceChildren(...make());
}

const CLICK_DELAY = 400; // milliseconds after which a finger that was lifted clicks no more: it was a long press

/** `down` when the pointer is pressed on an element; `up` when it has been let go, wherever, and clicked. */
export function onPress(element, down, up) {
  let stop = () => {}; // listening for the end of the press before

  element.addEventListener("pointerdown", ({ pointerId }) => {
    stop();
    let timer = 0;
    const end = (milliseconds) => {
      clearTimeout(timer);
      timer = setTimeout(() => (stop(), up()), milliseconds);
    };
    const listeners = {
      // The click of a mouse follows at once; that of a finger is an event of its own, or there is none.
      pointerup: (event) => event.pointerId === pointerId && end(event.pointerType === "mouse" ? 0 : CLICK_DELAY),
      click: () => end(0), // when all have heard of it
      pointercancel: (event) => event.pointerId === pointerId && end(0), // it scrolls, or a menu has opened
    };
    stop = () => {
      clearTimeout(timer);
      for (const [name, listener] of Object.entries(listeners)) removeEventListener(name, listener, { capture: true });
    };
    // Before anybody else, who may keep an event to himself.
    for (const [name, listener] of Object.entries(listeners)) addEventListener(name, listener, { capture: true });
    down();
  });
}

export function setAttribute(element, name, value) {
  const wanted = value === null || value === undefined ? null : String(value);
  if (wanted === null) element.removeAttribute(name);
  else if (element.getAttribute(name) !== wanted) element.setAttribute(name, wanted);
}

export const escape = (text) =>
  String(text).replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);

/** Whether it has a width to draw for. JupyterLab takes outputs out of the page and puts them back within one frame,
 *  as when the theme changes: no observer tells of that, so who finds no room asks again in the next frame. */
export const hasRoom = (root) => root.clientWidth > 0;

/** Colours and the like of the tokens, read once per theme. */
export function tokens(root) {
  const style = getComputedStyle(root);
  const get = (name) => style.getPropertyValue(`--owl-${name}`).trim();
  const names = ["bg", "bg-soft", "bg-sunk", "ink", "ink-2", "line", "grid", "edge", "halo", "train", "test"];
  names.push("acc", "lr", "warn", "bad", "hatch", "raw-alpha", "ref-alpha", "past-alpha", "focus");
  names.push("dash-run-2", "dash-run-3", "dash-run-4");
  return { font: style.fontFamily, ...Object.fromEntries(names.map((name) => [name, get(name)])) };
}
