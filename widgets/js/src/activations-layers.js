// The list of layers: name and shape; those that work in place are set in under the layer whose blob they change.

import { h, setAttribute } from "./dom.js";
import { integer } from "./format.js";
import { shapeWords } from "./activations-data.js";

/** Row of the list for each layer: { name, about, inPlace, silent }. */
export function rowsOf(layers) {
  const written = new Set();
  return layers.map(({ name, type, blob, shape, silent }) => {
    const inPlace = written.has(blob);
    written.add(blob);
    return { name, about: inPlace ? type : shapeWords(shape, integer), inPlace, silent: inPlace ? 0 : silent };
  });
}

export function makeLayers(store) {
  const list = h("div", { class: "act-layers", role: "listbox", tabindex: "0", "aria-label": "Layers" });
  const id = `owl-layer-${Math.random().toString(36).slice(2)}`;
  const element = h("div", { class: "act-list" }, list);
  const names = () => store.net.layers.map((layer) => layer.name);

  let built = null;
  function build() {
    if (built === store.net.layers) return;
    built = store.net.layers;
    list.replaceChildren(
      ...rowsOf(built).map(({ name, about, inPlace, silent }, k) =>
        h("div", { role: "option", id: `${id}-${k}`, "data-layer": name, class: inPlace ? "in" : null, title: `${name}, ${about}${silent ? `, ${silent} channels dead here` : ""}` },
          h("span", { class: "nm", text: name }), silent ? h("span", { class: "dead", text: `∅${silent}` }) : null, h("span", { class: "tick", text: about })),
      ),
    );
  }

  let shown = null;
  function update() {
    build();
    const place = names().indexOf(store.layer.name);
    [...list.children].forEach((row, k) => setAttribute(row, "aria-selected", k === place));
    setAttribute(list, "aria-activedescendant", place >= 0 ? `${id}-${place}` : null);
    if (shown !== store.layer.name) reveal(list.children[place]);
    shown = store.layer.name;
  }

  function reveal(row) {
    if (!row) return;
    const [top, bottom] = [row.offsetTop, row.offsetTop + row.offsetHeight];
    if (top < list.scrollTop) list.scrollTop = top;
    else if (bottom > list.scrollTop + list.clientHeight) list.scrollTop = bottom - list.clientHeight;
  }

  /** The layer so many rows away. */
  function go(by) {
    const all = names();
    const wanted = store.view.layer ?? store.layer.name;
    const next = all[Math.max(0, Math.min(all.length - 1, all.indexOf(wanted) + by))];
    if (next) store.setView({ layer: next, selected: null });
  }

  list.addEventListener("click", (event) => {
    const layer = event.target.closest("[data-layer]")?.dataset.layer;
    if (layer !== undefined && layer !== store.view.layer) store.setView({ layer, selected: null });
  });
  list.addEventListener("keydown", (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    go(by);
  });
  return { element, update, go };
}
