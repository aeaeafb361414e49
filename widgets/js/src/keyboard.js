// Keys work only while the focus is inside, and none of them reaches the notebook.

/** Keep plain keys from JupyterLab. Its command registry (Lumino) looks for a shortcut from the focused element
 *  upward until data-lm-suppress-shortcuts, which the root carries. That alone is not enough: the notebook's
 *  shortcuts ask for a descendant of it that has the focus, so the focused element itself matches first. */
export function keepFromNotebook(root) {
  root.addEventListener("keydown", (event) => {
    if (!event.ctrlKey && !event.metaKey && !event.altKey) event.stopPropagation();
  });
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
