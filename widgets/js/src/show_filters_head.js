// Header figures and footer.

import { makeFigures } from "./bar-parts.js";
import { h, setAttribute, setText } from "./dom.js";
import { DASH, THIN, duration, integer, significant } from "./format.js";

const NARROW_CROSS = `${THIN}×${THIN}`;

/** "96 filters, 3 × 11 × 11, stride 4" */
export function describe({ outputs, inputs, height, width, geometry }) {
  const shape = [inputs, height, width].join(NARROW_CROSS);
  return `${integer(outputs)} filter${outputs === 1 ? "" : "s"}, ${shape}${geometry ? `, ${geometry}` : ""}`;
}

/** Words of the footer about the search through the images. */
export function searchWords(look, net) {
  if (net.images === null) return "give images= to see what excites a filter";
  if (look.state === "ready") return `patches from ${integer(look.seen)} images, found in ${look.seconds < 10 ? `${look.seconds.toFixed(1)}${THIN}s` : duration(look.seconds)}${look.remark ? `; ${look.remark}` : ""}`;
  if (look.state === "failed") return `the images could not be searched: ${look.problem}`;
  return look.total ? `looking at ${integer(look.total)} images, ${integer(look.done)} done` : "looking at the images";
}

export function makeHead(store) {
  const name = h("span", { class: "name" });
  const about = h("span", { class: "mut" });
  const { all: figures, element: figs } = makeFigures(["of run", "dead", "duplicates", "still noise", "median norm"]);
  const element = h("div", { class: "hd" }, name, about, figs);

  function update() {
    const { bank, net } = store;
    const { layer } = bank;
    setText(name, layer.name);
    setText(about, describe(layer));
    const pairs = layer.duplicates.length;
    const values = [net.run ?? DASH, layer.dead.length, null, layer.noise.length, significant(layer.median, 3)];
    figures.forEach(({ value }, i) => i !== 2 && setText(value, String(values[i])));
    figures[2].value.replaceChildren(String(pairs), h("small", { text: pairs ? ` pair${pairs > 1 ? "s" : ""}` : "" }));
    figures[0].element.hidden = !net.run;
  }
  return { element, update };
}

export function makeFoot(store) {
  const when = h("span");
  const kept = h("span");
  const search = h("span", { class: "fv-search" });
  const element = h("div", { class: "foot" }, when, kept, h("span", { class: "sp" }), search);

  function update() {
    const { layer } = store.bank;
    setText(when, layer.iter === null ? (store.net.name ? `weights of ${store.net.name}` : "weights as they are") : `weights of iteration ${integer(layer.iter)}`);
    setText(kept, store.film.length ? `${store.film.length} moments kept of the run` : "");
    const words = searchWords(store.look, store.net);
    setText(search, words);
    setAttribute(search, "title", words.length > 80 ? words : null);
  }
  return { element, update };
}
