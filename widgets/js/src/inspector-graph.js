// The graph: cards and frames as the kernel laid them out, lines between; moved by dragging, zoomed by keys,
// buttons and Ctrl with the wheel, which alone scrolls the notebook.

import { arrow, noteAt, rounded, shortened } from "./inspector-path.js";
import { fit, kept, overflows, showing, viewHeight, zoomAt } from "./inspector-camera.js";
import { makeMinimap } from "./inspector-minimap.js";
import { escape, h, setAttribute } from "./dom.js";
import { icon } from "./icons.js";

const ROOMY = 420; // pixels
const FAR = 0.52; // below this only names are written on cards
const TINY = 0.3; // below this only those of stages are

/** A line with its arrow and note, as SVG. */
function drawn(line) {
  const ends = `data-ends="${escape(JSON.stringify([line.source, ...line.targets]))}"`;
  const path = `<path class="line" d="${rounded(line.arrow ? shortened(line.points) : line.points)}" stroke-width="${line.width}" ${ends}/>`;
  const tip = line.arrow ? `<path class="tip-of-line" d="${arrow(line.points.at(-1))}" ${ends}/>` : "";
  const at = line.note ? noteAt(line.points) : null;
  return path + tip + (at && at.length > 90 ? `<text class="note" x="${at.x + 16}" y="${at.y + 3.5}">${escape(line.note)}</text>` : "");
}

export function makeGraph(store) {
  const stage = h("div", { class: "stage" });
  const minimap = makeMinimap(store, (x, y) => lookAt(x, y));
  const element = h("div", { class: "graph", role: "group", "aria-label": "Graph, left to right" }, stage, minimap.element);
  let camera = null;
  let width = 0;
  let height = 0;
  let toggled = null; // what was opened or closed last, to keep it in sight

  // -- drawing
  function build() {
    const { drawing } = store;
    stage.replaceChildren();
    if (!drawing.places) return;
    const picture = `<svg class="lines" width="${drawing.width}" height="${drawing.height}" aria-hidden="true">${drawing.lines.map(drawn).join("")}</svg>`;
    const lines = h("div", { html: picture });
    stage.append(...drawing.places.filter((p) => p.kind === "frame").map(frame), lines);
    stage.append(...drawing.places.filter((p) => p.kind !== "frame").map(card));
    choose();
  }

  const box = (place) => `left:${place.x}px;top:${place.y}px;width:${place.width}px;height:${place.height}px`;

  function frame(place) {
    const { name } = store.cards[place.key];
    const close = h("button", { type: "button", class: "fold", "data-toggle": place.key, "aria-expanded": "true", "aria-label": `Close ${name}`, title: `Close ${name}`, tabindex: "-1", html: icon("fold") });
    const title = h("button", { type: "button", class: "pick", "data-key": place.key, tabindex: "-1", text: store.cards[place.key].short });
    return h("div", { class: "frame", "data-place": place.key, "data-depth": place.depth % 2, style: box(place) }, title, close);
  }

  function card(place) {
    const entry = store.cards[place.key];
    const totals = total(store);
    const bar = (name, of) => `<i class="bar ${name}"><b style="width:${of ? Math.max((100 * (entry[name] ?? 0)) / of, entry[name] ? 1.5 : 0) : 0}%"></b></i>`;
    const words = [entry.type, entry.folded].filter(Boolean);
    const inside = place.compact
      ? `<span class="ty">${escape(words.join(", "))}</span><span class="sh">${escape(entry.shape)}</span>`
      : `<span class="ty">${escape(entry.type)}</span><span class="fo">${escape(entry.folded)}</span><span class="sh">${escape(entry.shape)}</span>`;
    const name = `${entry.name}, ${words.join(", ")}${entry.shape ? `, output ${entry.shape}` : ""}`;
    const pick = h("button", {
      type: "button", class: "pick", "data-key": place.key, tabindex: "-1", "aria-label": name, title: entry.name,
      html: `<span class="nm">${escape(entry.short)}</span>${inside}${bar("macs", totals.macs)}${bar("parameters", totals.parameters)}`,
    });
    const group = entry.kind === "group";
    const open = group ? h("button", { type: "button", class: "unfold", "data-toggle": place.key, "aria-expanded": "false", "aria-label": `Open ${entry.name}`, title: `Open ${entry.name}`, tabindex: "-1", html: icon("unfold") }) : null;
    return h("div", { class: `card${place.compact ? " compact" : ""}${group ? " group" : ""}`, "data-place": place.key, style: box(place) }, pick, open);
  }

  /** Mark what is chosen, the lines at it, and what the field has found. */
  function choose() {
    const place = store.placeOf(store.view.chosen);
    const inside = new Set(membersOf(store, store.view.chosen));
    const found = store.word.trim() ? new Set(store.found.map((key) => store.placeOf(key)?.key)) : null;
    for (const item of stage.querySelectorAll("[data-place]")) {
      const chosen = item.dataset.place === place?.key;
      item.classList.toggle("sel", chosen);
      item.classList.toggle("dim", found !== null && !found.has(item.dataset.place) && !item.classList.contains("frame"));
      const pick = item.querySelector(".pick");
      setAttribute(pick, "aria-pressed", chosen);
      setAttribute(pick, "tabindex", chosen ? "0" : "-1");
    }
    for (const line of stage.querySelectorAll("[data-ends]"))
      line.classList.toggle("near", JSON.parse(line.dataset.ends).some((key) => inside.has(key)));
  }

  // -- camera
  function apply(next, user = false) {
    const { drawing } = store;
    height = viewHeight(drawing, next.k);
    // The small map gets room of its own beneath a low graph, and lies over a corner of a high one.
    const hides = overflows(kept(next, drawing, width, height), drawing, width, height);
    if (hides && height < ROOMY) height += minimap.height();
    camera = kept(next, drawing, width, height);
    element.style.height = `${height}px`;
    stage.style.transform = `translate(${camera.x}px, ${camera.y}px) scale(${camera.k})`;
    stage.classList.toggle("names-only", camera.k < FAR);
    stage.classList.toggle("stages-only", camera.k < TINY);
    stage.style.setProperty("--near", (1 / camera.k).toFixed(2));
    minimap.update(camera, width, height, hides);
    if (user) store.choose({ camera: { ...camera, width } }, true);
  }

  function arrange() {
    const { drawing } = store;
    if (!drawing.width || !width) return;
    const saved = store.view.camera;
    if (camera === null) camera = saved && Math.abs(saved.width - width) < 80 ? saved : fit(drawing, width);
    else if (toggled || !saved) {
      const next = saved ? camera : fit(drawing, width);
      const place = drawing.places.find((p) => p.key === toggled) ?? store.placeOf(store.view.chosen);
      camera = place ? showing(next, place, width, viewHeight(drawing, next.k)) : next;
    }
    toggled = null;
    apply(camera);
  }

  const zoom = (factor, x = width / 2, y = height / 2) => apply(zoomAt(camera, factor, x, y), true);
  const lookAt = (x, y) => apply({ k: camera.k, x: width / 2 - x * camera.k, y: height / 2 - y * camera.k }, true);

  /** Fit what can be read; a second time, all of it. */
  function reset() {
    const whole = fit(store.drawing, width, true);
    const readable = fit(store.drawing, width);
    const already = Math.abs(camera.k - readable.k) < 0.001 && Math.abs(camera.x - readable.x) < 1;
    apply(already ? whole : readable);
    store.choose({ camera: already ? { ...whole, width } : null }, true);
  }

  function reveal() {
    const place = store.placeOf(store.view.chosen);
    if (place && camera) apply(showing(camera, place, width, height));
  }

  /** The card next to the chosen one in a direction, by their middles. */
  function step(dx, dy) {
    const from = store.placeOf(store.view.chosen);
    if (!from) return;
    const [x, y] = [from.x + from.width / 2, from.y + from.height / 2];
    let best = null;
    for (const place of store.drawing.places) {
      if (place === from || place.kind === "frame") continue;
      const [ax, ay] = [place.x + place.width / 2 - x, place.y + place.height / 2 - y];
      const along = ax * dx + ay * dy;
      const aside = Math.abs(ax * dy) + Math.abs(ay * dx);
      if (along < 4) continue;
      const cost = along + (dx ? 1.2 : 3) * aside;
      if (!best || cost < best.cost) best = { cost, key: place.key };
    }
    if (best) {
      store.pick(best.key);
      choose(); // now, not in the next frame: the focus goes there
      reveal();
      element.querySelector(".sel > .pick")?.focus({ preventScroll: true });
    }
  }

  function toggle(key = store.view.chosen) {
    if (store.cards[key]?.kind !== "group") return;
    toggled = key;
    store.toggle(key);
  }

  // -- pointer
  let drag = null;
  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || event.target.closest(".mini")) return;
    drag = { x: event.clientX, y: event.clientY, from: camera, moved: false };
  });
  element.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const [dx, dy] = [event.clientX - drag.x, event.clientY - drag.y];
    if (!drag.moved && Math.hypot(dx, dy) < 4) return;
    if (!drag.moved) element.setPointerCapture(event.pointerId);
    drag.moved = true;
    element.classList.add("moving");
    apply({ k: camera.k, x: drag.from.x + dx, y: drag.from.y + dy });
  });
  const drop = () => {
    if (drag?.moved) {
      store.choose({ camera: { ...camera, width } }, true);
      element.addEventListener("click", (event) => event.stopPropagation(), { capture: true, once: true });
      setTimeout(() => element.dispatchEvent(new Event("click")), 0); // where the browser sends none
    }
    element.classList.remove("moving");
    drag = null;
  };
  element.addEventListener("pointerup", drop);
  element.addEventListener("pointercancel", drop);
  element.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const area = element.getBoundingClientRect();
    zoom(Math.exp(-event.deltaY / 300), event.clientX - area.left, event.clientY - area.top);
  }, { passive: false });
  element.addEventListener("click", (event) => {
    const opener = event.target.closest?.("[data-toggle]");
    if (opener) return toggle(opener.dataset.toggle);
    const pick = event.target.closest?.("[data-key]");
    if (pick) store.pick(pick.dataset.key);
  });
  // Nothing scrolls in here, so what the Tab key comes to is moved into sight.
  element.addEventListener("focusin", (event) => event.target.matches(".pick:focus-visible") && reveal());
  element.addEventListener("dblclick", (event) => {
    const pick = event.target.closest?.("[data-key]");
    if (pick) toggle(pick.dataset.key);
    else if (!event.target.closest?.("button, .mini")) reset();
  });

  function update(topics) {
    if (topics.has("cards") || topics.has("drawing")) {
      build();
      arrange();
    } else if (topics.has("view") || topics.has("word")) choose();
  }
  function resize(next) {
    if (Math.abs(next - width) < 1) return;
    width = next;
    if (!store.view.camera) camera = null;
    arrange();
  }
  return { element, update, resize, zoom, reset, reveal, step, toggle, redraw: () => minimap.redraw() };
}

/** Sums over the whole net, of which bars show shares. */
export function total(store) {
  return { macs: store.net.macs, parameters: store.net.parameters, seconds: store.timing.seconds ?? null };
}

/** The cards under a card or stage. */
export function membersOf(store, key) {
  const entry = store.cards[key];
  if (!entry) return [];
  return entry.kind === "group" ? entry.children.flatMap((child) => membersOf(store, child)) : [key];
}
