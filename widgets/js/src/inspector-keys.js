// Keys work only while the focus is inside: see keyboard.js.

import { isTaken, listenToKeys } from "./keyboard.js";

export const INSPECTOR_KEYS = [
  ["← → ↑ ↓", "next layer that way (in the graph)"],
  ["Enter", "open or close the chosen stage"],
  ["/", "find a layer"],
  ["+ and −", "zoom"],
  ["0", "fit; again: all of it"],
  ["F", "fold relu, pool, norm"],
  ["↑ ↓ Home End", "rows of the table"],
  ["Enter", "on a row: show it in the graph"],
  ["I", "choose an image"],
  ["T", "time the layers, or stop"],
  ["C", "compare with a snapshot"],
  ["?", "this list"],
  ["Esc", "close, then leave the widget"],
];

export function listenToInspectorKeys(root, { store, graph, bar, help, tooltip, answer }) {
  function escape() {
    if (tooltip.open) tooltip.hide();
    else if (help.open) help.toggle(false);
    else {
      document.activeElement?.blur();
      root.closest(".jp-Notebook")?.focus();
    }
  }
  const inGraph = (event) => event.target.closest(".graph");
  const keys = {
    "+": () => graph.zoom(1.25),
    "=": () => graph.zoom(1.25),
    "-": () => graph.zoom(0.8),
    0: () => graph.reset(),
    f: () => bar.act("fold"),
    "/": () => bar.act("find"),
    t: () => store.net.macs !== null && bar.act("time"),
    c: () => bar.act("compare"),
    i: () => store.net.weighted && answer.open(),
    "?": () => help.toggle(),
    Escape: escape,
  };
  const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const opens = ({ key, target }) => key === "Enter" && target.closest(".card.group.sel > .pick, .frame.sel > .pick");
  const also = (event) => {
    const way = inGraph(event) && moves[event.key];
    if (way) graph.step(...way);
    else if (opens(event)) graph.toggle();
    else return false;
    return true;
  };
  listenToKeys(root, keys, also, (event) => !opens(event) && isTaken(event));
}
