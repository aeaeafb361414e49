// Keys work only while the focus is inside. Plain ones do not reach the notebook; what comes with Ctrl, Cmd or Alt is
// its own: it is saved from wherever the focus is.

const SUPPRESSED = "data-lm-suppress-shortcuts";

/** What edits the text of a field where Ctrl or Cmd is held; JupyterLab would undo a deleted cell instead. */
const EDITING = new Set(["a", "c", "v", "x", "y", "z", "Backspace", "Delete", "Home", "End", "ArrowLeft", "ArrowRight"]);

const ON_MAC = /^Mac/.test(globalThis.navigator?.platform ?? "");

/** Whether a key writes a character that lies on a keyboard's third level, as "[" and "@" on a German one: with AltGr,
 *  which Windows takes for Ctrl and Alt, or with Option on a Mac. */
export function isComposed(event, onMac = ON_MAC) {
  if (event.key.length > 1 || event.metaKey) return false;
  return event.getModifierState("AltGraph") || (onMac && event.altKey && !event.ctrlKey);
}

/** Whether a key comes with Ctrl, Cmd or Alt, which have not written it. */
const isCommand = (event) => (event.ctrlKey || event.metaKey || event.altKey) && !isComposed(event);

/** Whether a key is the widget's own: a plain one, or one that edits the text of a field. Commands (Ctrl+S,
 *  Ctrl+Shift+C) are the notebook's, also while somebody types. */
export function isOwnKey(event) {
  if (!isCommand(event)) return true;
  const { key, shiftKey, target } = event;
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

/** Whether what has the focus does something with a key itself: fields take what is typed, sliders their arrows,
 *  buttons Enter and Space. */
export function isTaken({ key, target }) {
  if (key === "Escape") return false;
  if (target.tagName === "INPUT" && target.type === "range") return /^(Arrow|Page|Home$|End$)/.test(key);
  if (["INPUT", "SELECT"].includes(target.tagName)) return true;
  return (key === "Enter" || key === " ") && Boolean(target.closest("button"));
}

/** Have keys act in a widget. `actions`: key, letters as small ones -> what it does with its event. `also(event)` does
 *  what other keys do; whether it was one of them. */
export function listenToKeys(root, actions, also = () => false, taken = isTaken) {
  root.addEventListener("keydown", (event) => {
    if (isCommand(event) || taken(event)) return;
    const action = actions[event.key] ?? actions[event.key.toLowerCase()];
    if (action) action(event);
    else if (!also(event)) return;
    event.preventDefault();
    event.stopPropagation();
  });
  keepFromNotebook(root);
}
