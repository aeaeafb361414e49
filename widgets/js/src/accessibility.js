// What a screen reader is told: state changes at once, otherwise at most every 30 s and only while the focus
// is inside; a divergence once, as an alert.

import { h, setAttribute } from "./dom.js";
import { integer, significant } from "./format.js";
import { STATES, shownState } from "./header.js";

const PERIOD = 30000; // milliseconds

export function makeAnnouncer(store, root) {
  const polite = h("div", { class: "sr", role: "status", "aria-live": "polite" });
  let state = null;
  let last = performance.now();

  function update(now = performance.now()) {
    const present = shownState(store);
    const word = STATES[present]?.[2] ?? present;
    if (present !== state) {
      // That of the header: the curve of a run that diverged ends one later, with an update that was not made.
      if (state !== null) polite.textContent = `${word} at iteration ${integer(store.figures.iter ?? store.iter)}`;
      state = present;
      last = now;
      setAttribute(root, "aria-label", `Training monitor: ${store.run.name}, ${word.toLowerCase()}`);
    } else if (store.live && now - last > PERIOD && root.contains(document.activeElement)) {
      const { test, smoothed } = store.at();
      const loss = test === null ? `train loss ${significant(smoothed)}` : `test loss ${significant(test)}`;
      polite.textContent = `iteration ${integer(store.iter)}, ${loss}`;
      last = now;
    }
  }
  return { element: polite, update };
}
