// The scale of the strips: what their colours mean.

import { h, setText } from "./dom.js";
import { size } from "./layers-text.js";
import { RATIO, SIZE, gradient } from "./ramp.js";

export function makeScale() {
  const [low, high] = [h("span"), h("span")];
  const bar = h("span", { class: "ramp" });
  const mark = h("i");
  bar.append(mark);
  const element = h("span", { class: "cbar" }, low, bar, high);
  function update(kind, range) {
    const ratio = kind === "ratio";
    bar.style.background = gradient(ratio ? RATIO : SIZE);
    mark.hidden = !ratio;
    setText(low, ratio ? "frozen 10⁻⁶" : size(10 ** range[0], 2));
    setText(high, ratio ? "1 hot" : size(10 ** range[1], 2));
  }
  return { element, update };
}
