// What the monitor itself costs, where snapshots lie, and where the curve is kept.

import { h, setAttribute, setText } from "./dom.js";
import { THIN, bytes } from "./format.js";
import { placeOf } from "./snapshots.js";

export function makeFooter(store) {
  const share = h("span", { class: "m ink" });
  const cost = h("span", {}, "monitor ", share, " of run time");
  const rate = h("span", { class: "rate" });
  const place = h("span", { class: "place" });
  const history = h("span", { class: "history" });
  const link = h("span");
  const element = h("footer", { class: "foot" }, cost, rate, place, h("span", { class: "sp" }), history, link);

  function update() {
    const own = store.figures.monitor ?? {};
    cost.hidden = !Number.isFinite(own.share); // not measured yet
    if (!cost.hidden) setText(share, `${(own.share * 100).toFixed(1)}${THIN}%`);
    setText(rate, own.updates_per_second ? `${Math.round(own.updates_per_second)} updates/s, ${bytes(own.bytes_per_update)} each` : "");
    const snapshots = placeOf(store);
    setText(place, snapshots?.text ?? "");
    setAttribute(place, "title", snapshots?.path ?? null);
    setText(history, own.history_bytes ? `history ${bytes(own.history_bytes)}, survives reload` : "the curve survives reload");
    setText(link, store.connected ? "connected" : "disconnected");
  }
  update();
  return { element, update };
}
