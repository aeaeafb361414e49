// The layers panel as a real table: every parameter with its latest values.

import { h } from "./dom.js";
import { FIXED } from "./layers-text.js";

const HEADS = ["layer", "parameter", "shape", "log₁₀ ratio", "weight", "update", "judged"];
const WORD = { hot: "▲ hot", frozen: "▼ frozen", nan: "✕ not finite" };

/** Fill `host`; `texts(norms, row, param)` are the values of a parameter. */
export function layersTable(host, store, texts) {
  const { norms } = store.panels;
  const flags = new Map((store.figures.health?.flags ?? []).map((flag) => [flag.index, flag.kind]));
  const key = `${norms.version} ${flags.size}`;
  if (host.dataset.key === key) return;
  host.dataset.key = key;
  const head = h("thead", {}, h("tr", {}, ...HEADS.map((text) => h("th", { scope: "col", text }))));
  const rows = (store.run.layers ?? []).flatMap((layer) =>
    layer.params.map((param, i) => {
      const cells = [param.name, param.shape.join(" × "), ...texts(norms, norms.n - 1, param), WORD[flags.get(param.index)] ?? (param.fixed ? FIXED : "")];
      return h("tr", {}, h("th", { scope: "row", class: i ? "mut" : null, text: layer.name }), ...cells.map((text) => h("td", { text })));
    }),
  );
  host.replaceChildren(h("table", { "aria-label": "Norms of all parameters, latest" }, head, h("tbody", {}, ...rows)));
}
