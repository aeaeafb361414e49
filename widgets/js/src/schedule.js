// When a widget draws: once in an animation frame, and only while it can be seen. The first time it draws
// wherever it is, so that it has its height, and nothing jumps when somebody scrolls to it.

import { hasRoom } from "./dom.js";

const THEME = { attributes: true, attributeFilter: ["data-jp-theme-name", "data-jp-theme-light"] };

/** Draw what a store and the page ask for; gives what ends it. A view has
 *
 *  - root
 *  - update(topics, seen): draws; gives false where there is nothing to draw yet. topics: a Set of those of the
 *    store, and of "start", "sight", "size" and "theme"
 *  - told(topics): whether there are words to say also out of sight (where it is left out: no)
 *  - resize(width): before the update with "size"; theme(): right before the one with "theme", when there are colours
 *    to be read, which there are not while it is out of the page; both may be left out
 */
export function schedule(store, { root, update, told = () => false, resize = () => {}, theme = () => {} }) {
  const pending = new Set();
  let [frame, inSight, drawn] = [0, true, false];
  const draw = () => {
    frame = 0;
    const seen = inSight || !drawn;
    if (document.hidden || !(seen || told(pending))) return; // asked again when that is over
    if (!hasRoom(root)) return void (inSight && again()); // out of sight, the page tells when it has room
    const topics = new Set(pending);
    pending.clear();
    if (topics.has("theme")) theme();
    if (update(topics, seen) !== false) drawn = true;
  };
  const again = () => (frame ||= requestAnimationFrame(draw));
  const ask = (topic) => {
    pending.add(topic);
    again();
  };
  const sight = new IntersectionObserver((entries) => {
    inSight = entries.at(-1).isIntersecting; // a busy page delivers several at once, the oldest first
    if (inSight) ask("sight");
  });
  const size = new ResizeObserver((entries) => {
    const { width } = entries.at(-1).contentRect;
    if (!width) return; // JupyterLab hides all for a moment when the theme changes
    resize(width);
    ask("size");
  });
  const colours = new MutationObserver(() => ask("theme"));
  const wake = () => ask("sight");
  sight.observe(root);
  size.observe(root);
  colours.observe(document.body, THEME);
  document.addEventListener("visibilitychange", wake);
  const stop = store.subscribe(ask);
  ask("start");
  return () => {
    stop();
    cancelAnimationFrame(frame);
    document.removeEventListener("visibilitychange", wake);
    for (const observer of [sight, size, colours]) observer.disconnect();
  };
}
