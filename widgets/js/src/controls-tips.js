// What the tooltips of the toolbar say: verb, effect with numbers, key.

import { integer, rate } from "./format.js";
import { windowOf } from "./smoothing.js";
import { placeOf } from "./snapshots.js";

/** [text, keys] of a control, null where there is none of that name. `verb` is what the main button says, `n` how
 *  many iterations its neighbour does, `lr` the present learning rate. */
export function tipOf(store, name, { verb, n, lr }) {
  const { view } = store;
  const place = placeOf(store);
  const texts = {
    main: [verb === "Pause" ? "Pause after this iteration" : `${verb} training`, "Space"],
    step: ["One iteration, then pause", "."],
    stepn: [`${integer(n)} iterations, then pause`, "N"],
    count: ["How many iterations N stands for", ""],
    stop: ["Stop training; asks once more", "Q"],
    snapshot: [`Write a snapshot now${place ? `; ${place.text}` : ""}`, "S"],
    lr: ["Learning rate; Enter applies", "R"],
    lower: [`Learning rate × 0.1: ${rate(lr)} → ${rate(lr / 10)}`, "["],
    higher: [`Learning rate × 10: ${rate(lr)} → ${rate(lr * 10)}`, "]"],
    smooth: [`Train loss averaged over about ${integer(windowOf(view.smoothing, store.maxIter))} iterations`, "{ }"],
    log: [view.log ? "Linear loss axis" : "Logarithmic loss axis", "G"],
    zoom: ["Show the whole run", "0"],
    table: [view.table ? "Back to the chart" : "Values as a table", "T"],
    help: ["Keyboard", "?"],
  };
  return Object.hasOwn(texts, name ?? "") ? texts[name] : null;
}
