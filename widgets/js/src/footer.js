// What the monitor itself costs, and where the curve is kept.

import { h, setText } from "./dom.js";
import { DASH, THIN, bytes } from "./format.js";

export function makeFooter(store) {
  const share = h("span", { class: "m ink" });
  const rate = h("span");
  const history = h("span");
  const link = h("span");
  const element = h("footer", { class: "foot" }, h("span", {}, "monitor ", share, " of run time"), rate, h("span", { class: "sp" }), history, link);

  function update() {
    const cost = store.figures.monitor ?? {};
    setText(share, cost.share === undefined ? DASH : `${(cost.share * 100).toFixed(1)}${THIN}%`);
    setText(rate, cost.updates_per_second ? `${Math.round(cost.updates_per_second)} updates/s, ${bytes(cost.bytes_per_update)} each` : "");
    setText(history, cost.history_bytes ? `history ${bytes(cost.history_bytes)}, survives reload` : "the curve survives reload");
    setText(link, store.connected ? "connected" : "disconnected");
  }
  update();
  return { element, update };
}
