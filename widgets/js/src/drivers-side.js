// Who answers: the classes that the net sees, the strongest units of the layer; and what the map says.

import { makeBarsList } from "./bars-list.js";
import { h, setText } from "./dom.js";
import { THIN, integer, percent } from "./format.js";
import { aboutWords, readings, valueWords } from "./drivers-data.js";

export function makeSide(store) {
  const classes = makeBarsList("Most likely classes", (unit) => store.ask(store.image.layer, unit));
  const units = makeBarsList("Strongest units", (unit) => store.ask(store.chosen.layer, unit));
  const unitTitle = h("h4");
  const unitTick = h("span", { class: "tick" });
  const says = h("section", {}, h("div", { class: "lk-title" }, h("h4", { text: "What it says" }), h("span", { class: "tick", text: "click: what drives it" })), classes.element);
  const strong = h("section", {}, h("div", { class: "lk-title wide" }, unitTitle, unitTick), units.element);
  const about = h("p", { class: "mut" });
  const numbers = h("dl");
  const reading = h("section", {}, h("div", { class: "lk-title wide" }, h("h4", { text: "What the map says" })), about, numbers);
  const element = h("div", {}, says, strong, reading);
  let told = null;
  function read() {
    const { found, chosen, shares } = store;
    setText(about, aboutWords(found, store.view.method, chosen.type));
    const key = [found, store.map];
    if (told && key.every((part, i) => part === told[i])) return;
    told = key;
    const rows = found.state === "ready" && shares ? readings(found, chosen, shares) : [];
    numbers.replaceChildren(...rows.flatMap(([term, value]) => [h("dt", { text: term }), h("dd", { text: value })]));
  }

  function update() {
    const { chosen, image } = store;
    const isClass = chosen.layer === image.layer;
    says.hidden = !image.classes.length;
    classes.update(image.classes.map(({ unit, name, share }) => ({ unit, label: name, share, value: `${percent(share)}${THIN}%`, on: isClass && unit === chosen.unit })));
    strong.hidden = isClass && image.classes.length > 0;
    setText(unitTitle, `Strongest of ${chosen.layer}`);
    setText(unitTick, `${integer(chosen.units)} units`);
    const most = Math.max(...chosen.top.map(({ value }) => value), 0) || 1;
    units.update(chosen.top.map(({ unit, name, value }) => ({ unit, label: name ?? `unit ${unit}`, share: value / most, value: valueWords(value, chosen.type), on: unit === chosen.unit })));
    read();
  }
  return { element, update };
}
