// What the monitor itself costs, where snapshots lie, and where the curve is kept.

import { h, setAttribute, setText } from "./dom.js";
import { DASH, THIN, bytes } from "./format.js";
import { placeOf } from "./snapshots.js";

export function makeFooter(store) {
  const share = h("span", { class: "m ink" });
  const rate = h("span", { class: "rate" });
  const place = h("span", { class: "place" });
  const history = h("span", { class: "history" });
  const link = h("span");
  const element = h("footer", { class: "foot" }, h("span", {}, "monitor ", share, " of run time"), rate, place, h("span", { class: "sp" }), history, link);

  function update() {
    const cost = store.figures.monitor ?? {};
    setText(share, cost.share === undefined ? DASH : `${(cost.share * 100).toFixed(1)}${THIN}%`);
    setText(rate, cost.updates_per_second ? `${Math.round(cost.updates_per_second)} updates/s, ${bytes(cost.bytes_per_update)} each` : "");
    const snapshots = placeOf(store);
    setText(place, snapshots?.text ?? "");
    setAttribute(place, "title", snapshots?.path ?? null);
    setText(history, cost.history_bytes ? `history ${bytes(cost.history_bytes)}, survives reload` : "the curve survives reload");
    setText(link, store.connected ? "connected" : "disconnected");
  }
  update();
  return { element, update };
}
