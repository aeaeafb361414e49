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

/** `down` when the pointer is pressed on an element; `up` when it has been let go, wherever, and clicked. */
export function onPress(element, down, up) {
  element.addEventListener("pointerdown", () => {
    const over = () => {
      for (const end of ["pointerup", "pointercancel"]) removeEventListener(end, over);
      setTimeout(up); // mouseup and click follow at once
    };
    for (const end of ["pointerup", "pointercancel"]) addEventListener(end, over);
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
