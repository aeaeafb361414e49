// Keys work only while the focus is inside. Plain ones do not reach the notebook; what comes with Ctrl, Cmd or Alt is
// its own: it is saved from wherever the focus is.

const SUPPRESSED = "data-lm-suppress-shortcuts";

/** What edits the text of a field where Ctrl or Cmd is held; JupyterLab would undo a deleted cell instead. */
const EDITING = new Set(["a", "c", "v", "x", "y", "z", "Backspace", "Delete", "Home", "End", "ArrowLeft", "ArrowRight"]);

/** Whether a key is the widget's own: a plain one, or one that edits the text of a field. Commands (Ctrl+S,
 *  Ctrl+Shift+C) are the notebook's, also while somebody types. */
export function isOwnKey({ key, ctrlKey, metaKey, altKey, shiftKey, target }) {
  if (!ctrlKey && !metaKey && !altKey) return true;
  if (target.tagName !== "INPUT" || target.type === "range") return false;
  return key.length > 1 ? EDITING.has(key) : EDITING.has(key.toLowerCase()) && (!shiftKey || key.toLowerCase() === "z");
}

/** Keep a widget's own keys from the notebook, whose single letters insert and delete cells.
 *
 *  JupyterLab and Notebook 7 look for a shortcut from the element that has the focus upward, and give up at one with
 *  the attribute data-lm-suppress-shortcuts. On the widget's root it would swallow all their commands, Ctrl+S among
 *  them; so it is put on the focused element for own keys and taken from it for others, before anybody else hears of
 *  the key: Notebook 7 listens while it goes down to its target. */
export function keepFromNotebook(root) {
  const mark = (event) => {
    if (!root.contains(event.target)) return window.removeEventListener("keydown", mark, true); // the focus is elsewhere
    return event.target.toggleAttribute(SUPPRESSED, isOwnKey(event));
  };
  root.addEventListener("focusin", () => window.addEventListener("keydown", mark, true));
  root.addEventListener("focusout", () => window.removeEventListener("keydown", mark, true));
  root.addEventListener("keydown", (event) => isOwnKey(event) && event.stopPropagation());
}

export function listenToKeys(root, { controls, chart, help, store, tooltip, panels }) {
  const { cursor } = chart;

  function escape() {
    if (tooltip.open) tooltip.hide();
    else if (help.open) help.toggle(false);
    else if (store.view.pinned !== null) store.setView({ pinned: null });
    else {
      document.activeElement?.blur();
      root.closest(".jp-Notebook")?.focus();
    }
  }

  /** Chart and table take each other's place; the focus goes along, or the next key would be the notebook's. */
  function swap() {
    const inside = document.activeElement.closest(".chart, .tab");
    controls.press("table");
    if (inside) requestAnimationFrame(() => root.querySelector(store.view.table ? ".tab" : ".plot").focus({ preventScroll: true }));
  }

  const keys = {
    " ": () => controls.press("main"),
    ".": () => controls.press("step"),
    n: () => controls.press("stepn"),
    s: () => controls.press("snapshot"),
    q: () => controls.press("stop"),
    "[": () => controls.press("lower"),
    "]": () => controls.press("higher"),
    r: () => controls.focusRate(),
    ArrowLeft: (event) => cursor.move(-1, event.shiftKey ? 10 : 1),
    ArrowRight: (event) => cursor.move(1, event.shiftKey ? 10 : 1),
    Enter: () => cursor.pin(),
    "+": () => chart.window.zoomBy(0.8, cursor.at()),
    "=": () => chart.window.zoomBy(0.8, cursor.at()),
    "-": () => chart.window.zoomBy(1.25, cursor.at()),
    0: () => chart.window.reset(),
    g: () => controls.press("log"),
    "{": () => controls.smoothBy(-0.05),
    "}": () => controls.smoothBy(0.05),
    1: () => chart.element.querySelector(".plot").focus(),
    2: () => panels.focus("layers"),
    3: () => panels.focus("filters"),
    t: swap,
    "?": () => help.toggle(),
    Escape: escape,
  };

  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.target;
    const typing = target.tagName === "INPUT" && target.type !== "range";
    if (typing) return;
    // A button under the focus keeps its own Enter and Space, a slider its arrows.
    if (target.closest("button") && (event.key === "Enter" || event.key === " ")) return;
    if (target.tagName === "INPUT" && event.key.startsWith("Arrow")) return;
    const action = keys[event.key] ?? keys[event.key.toLowerCase()];
    if (!action) return;
    event.preventDefault();
    event.stopPropagation();
    action(event);
  }
  root.addEventListener("keydown", onKey);
  keepFromNotebook(root);
}
