// The table of layers: sorted by any column, one row chosen; arrows, Home and End move in it.

import { escape, h, setAttribute } from "./dom.js";
import { integer } from "./format.js";
import { membersOf, total } from "./inspector-graph.js";
import { COLUMNS, counted, milliseconds, sorted } from "./inspector-rows.js";

/** Whether a column of times has anything to show. */
const timed = (store, id) => (store.timing.state === "ready" ? store.timing[id] !== null : store.order.some((key) => store.cards[key][id] !== null));

export function makeInspectorTable(store, graph) {
  const head = h("tr");
  const body = h("tbody");
  const foot = h("tr");
  const table = h("table", { class: "v" }, h("thead", {}, head), body, h("tfoot", {}, foot));
  const element = h("div", { class: "lay", tabindex: "-1" }, table);
  let columns = [];
  let times = ""; // what it shows of the timing

  function build() {
    columns = COLUMNS.filter((c) => (c.id !== "moved" || store.net.earlier) && (c.id !== "std" || store.net.weighted) && (store.net.macs !== null || !["macs", "field"].includes(c.id)));
    columns = columns.filter((c) => c.id !== "parameters" || store.net.parameters !== null);
    columns = columns.filter((c) => !["forward", "backward", "seconds"].includes(c.id) || timed(store, c.id));
    if (store.timing.state === "ready") columns = columns.map((c) => (c.id === "seconds" ? c : { ...c, bar: undefined })); // room for times
    table.classList.toggle("full", columns.length > 7);
    const sort = store.view.sort;
    head.replaceChildren(
      ...columns.flatMap((c) => {
        const active = (sort?.id ?? "layer") === c.id;
        const down = active && sort?.down;
        const mark = active ? (down ? "\u2009▾" : "\u2009▴") : "";
        const cell = h("th", { scope: "col", class: c.left ? "l" : null, "aria-sort": active ? (down ? "descending" : "ascending") : "none" });
        cell.append(h("button", { type: "button", "data-sort": c.id, text: c.title + mark }));
        if (c.bar) setAttribute(cell, "colspan", "2");
        return [cell];
      }),
    );
    const sums = total(store);
    store.found = sorted(store.order, store.cards, sort, store.word);
    const inside = body.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    body.replaceChildren(...store.found.map((key) => row(key, sums)));
    if (inside) [...body.children].find((tr) => tr.dataset.key === inside)?.focus({ preventScroll: true });
    foot.replaceChildren(...columns.flatMap((c) => totalCells(c, sums)));
    choose();
  }

  function row(key, sums) {
    const card = store.cards[key];
    const cells = columns.map((c) => {
      const text = escape(c.write(card));
      if (c.id === "layer") return `<th scope="row" class="l m" title="${text}">${text}</th>`;
      const bar = c.bar ? `<td class="b"><i class="bar ${c.bar}"><b style="width:${(100 * (card[c.bar] ?? 0)) / (sums[c.bar] || 1)}%"></b></i></td>` : "";
      return `<td class="${c.left ? "l mut" : ""}">${text}</td>${bar}`;
    });
    return h("tr", { "data-key": key, tabindex: "-1", html: cells.join("") });
  }

  function totalCells(column, sums) {
    return [h("td", { class: column.left ? "l" : null, text: totalWords(column.id, sums) }), ...(column.bar ? [h("td")] : [])];
  }

  function totalWords(id, sums) {
    if (id === "layer") return "total";
    if (id === "parameters" && sums.parameters !== null) return integer(sums.parameters);
    if (id === "macs" && sums.macs !== null) return counted(sums.macs);
    return ["forward", "backward"].includes(id) ? milliseconds(store.timing[id], "") : "";
  }

  function choose() {
    const inside = new Set(membersOf(store, store.view.chosen));
    let first = null;
    for (const tr of body.children) {
      const chosen = inside.has(tr.dataset.key);
      tr.classList.toggle("sel", chosen);
      setAttribute(tr, "aria-selected", chosen ? "true" : null);
      tr.tabIndex = -1;
      if (chosen) first ??= tr;
    }
    (first ?? body.firstElementChild)?.setAttribute("tabindex", "0");
    if (first) intoSight(first);
  }

  /** Scrolls the table alone, never the notebook. */
  function intoSight(tr) {
    const [top, bottom] = [tr.offsetTop - 34, tr.offsetTop + tr.offsetHeight + 34];
    if (top < element.scrollTop) element.scrollTop = top;
    else if (bottom > element.scrollTop + element.clientHeight) element.scrollTop = bottom - element.clientHeight;
  }

  head.addEventListener("click", (event) => {
    const id = event.target.closest("[data-sort]")?.dataset.sort;
    if (!id) return;
    const before = store.view.sort;
    const same = (before?.id ?? "layer") === id;
    // Numbers first come from the largest on, names from the first.
    const down = same ? !before?.down : !["layer", "type"].includes(id);
    store.choose({ sort: id === "layer" && !down ? null : { id, down } });
    build();
    head.querySelector(`[data-sort="${id}"]`).focus();
  });
  const pick = (tr) => {
    store.pick(tr.dataset.key);
    graph.reveal();
  };
  body.addEventListener("click", (event) => event.target.closest("tr") && pick(event.target.closest("tr")));
  body.addEventListener("dblclick", (event) => event.target.closest("tr") && store.reveal(event.target.closest("tr").dataset.key));
  body.addEventListener("keydown", (event) => {
    const rows = [...body.children];
    const at = rows.indexOf(event.target.closest("tr"));
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key];
    if (event.key === "Enter") store.reveal(rows[at].dataset.key);
    else if (to === undefined || !rows[to]) return;
    else {
      pick(rows[to]);
      rows[to].focus({ preventScroll: true });
    }
    event.preventDefault();
    event.stopPropagation();
  });

  /** Rows stay while it is only timed further: a click on one that is replaced meanwhile would be lost. */
  function update(topics) {
    const { state, forward, backward, seconds } = store.timing;
    const now = JSON.stringify(state === "ready" ? [forward, backward, seconds] : []);
    const timed = now !== times;
    times = now;
    if (timed || ["cards", "order", "net", "word"].some((topic) => topics.has(topic))) build();
    else if (topics.has("view")) choose();
  }
  return { element, update };
}
