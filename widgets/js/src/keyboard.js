// Keys work only while the focus is inside. The root carries data-lm-suppress-shortcuts, at which JupyterLab's
// command registry (Lumino) stops looking for shortcuts, so no key is stolen from or by the notebook.

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
    t: () => controls.press("table"),
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
}
