// The scale of the strips: what their colours mean.

import { h, setText } from "./dom.js";
import { FIXED, size } from "./layers-text.js";
import { RATIO, SIZE, gradient } from "./ramp.js";

export function makeScale() {
  const [low, high] = [h("span"), h("span")];
  const bar = h("span", { class: "ramp" });
  const mark = h("i");
  bar.append(mark);
  const still = h("span", { class: "still" }, h("i"), FIXED);
  const element = h("span", { class: "cbar" }, low, bar, high, still);

  /** range: ends of log10 of the norms. fixed: whether some layers are. */
  function update(kind, range, fixed) {
    const ratio = kind === "ratio";
    still.hidden = !fixed || kind === "weight";
    bar.style.background = gradient(ratio ? RATIO : SIZE);
    mark.hidden = !ratio;
    setText(low, ratio ? "frozen 10⁻⁶" : size(10 ** range[0], 2));
    setText(high, ratio ? "1 hot" : size(10 ** range[1], 2));
  }
  return { element, update };
}
