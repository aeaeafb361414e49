// When a widget draws: what the page says of it is acted out, frame by frame.

import assert from "node:assert/strict";
import test from "node:test";
import { schedule } from "../src/schedule.js";

/** A page around one widget; `frame()` lets the next animation frame come, `see`, `size` and `theme` happen. */
function page(t) {
  const [frames, told] = [[], {}];
  const observer = (name) =>
    class {
      constructor(callback) {
        told[name] = callback;
      }
      observe() {}
      disconnect() {
        delete told[name];
      }
    };
  const fakes = {
    document: Object.assign(new EventTarget(), { hidden: false, body: {} }),
    requestAnimationFrame: (callback) => frames.push(callback),
    cancelAnimationFrame: (frame) => (frames[frame - 1] = () => {}),
    IntersectionObserver: observer("sight"),
    ResizeObserver: observer("size"),
    MutationObserver: observer("theme"),
  };
  const before = Object.fromEntries(Object.keys(fakes).map((name) => [name, globalThis[name]]));
  Object.assign(globalThis, fakes);
  t.after(() => Object.assign(globalThis, before));
  return {
    waiting: () => frames.length,
    frame: () => frames.splice(0).forEach((callback) => callback()),
    see: (isIntersecting) => told.sight([{ isIntersecting }]),
    size: (width) => told.size([{ contentRect: { width } }]),
    theme: () => told.theme(),
    hide: (hidden) => {
      fakes.document.hidden = hidden;
      fakes.document.dispatchEvent(new Event("visibilitychange"));
    },
    told,
  };
}

/** A store of one listener, and a view that keeps what it is asked for. */
function widget(more = {}) {
  const drawn = [];
  const root = { clientWidth: 900 };
  const store = { subscribe: (listener) => ((store.changed = listener), () => delete store.changed) };
  const view = { root, update: (topics, seen) => void drawn.push([...topics, seen].join(" ")), ...more };
  return { store, view, root, drawn };
}

test("a widget is drawn the first time also out of sight, then only in sight", (t) => {
  const { frame, see } = page(t);
  const { store, view, drawn } = widget();
  schedule(store, view);
  see(false); // before the first frame has come
  frame();
  store.changed("curve");
  frame();
  assert.deepEqual(drawn, ["start true"]);
  see(true);
  frame();
  assert.deepEqual(drawn.slice(1), ["curve sight true"]);
});

test("while there is nothing to draw, the first time is still to come", (t) => {
  const { frame, see } = page(t);
  let there = false;
  const { store, view, drawn } = widget({ update: (topics, seen) => there && void drawn.push([...topics, seen].join(" ")) });
  schedule(store, view);
  see(false);
  frame();
  there = true;
  store.changed("kernel");
  frame();
  store.changed("kernel");
  frame();
  assert.deepEqual(drawn, ["kernel true"]);
});

test("words are told out of sight; what else was asked for is drawn in sight", (t) => {
  const { frame, see } = page(t);
  const { store, view, drawn } = widget({ told: (topics) => topics.has("status") });
  schedule(store, view);
  frame();
  see(false);
  for (const topic of ["curve", "status"]) {
    store.changed(topic);
    frame();
  }
  assert.deepEqual(drawn.slice(1), ["curve status false"]);
});

test("a page that is hidden, or has no room, draws when it is back, once", (t) => {
  const { frame, see, size, hide } = page(t);
  const { store, view, root, drawn } = widget();
  root.clientWidth = 0;
  schedule(store, view);
  see(false); // a tab behind another, an output that is folded up
  frame();
  root.clientWidth = 900;
  size(900);
  frame();
  assert.deepEqual(drawn, ["start size true"]);
  see(true);
  frame();
  hide(true);
  store.changed("curve");
  frame();
  assert.equal(drawn.length, 2);
  hide(false);
  frame();
  assert.deepEqual(drawn.slice(2), ["sight curve true"]);
});

test("who is out of the page for a part of a frame, of which nobody tells, draws in the next one", (t) => {
  const { frame, see, waiting } = page(t);
  const { store, view, root, drawn } = widget();
  schedule(store, view);
  frame();
  root.clientWidth = 0;
  store.changed("curve");
  frame();
  root.clientWidth = 900;
  frame();
  assert.deepEqual(drawn.slice(1), ["curve true"]);
  root.clientWidth = 0;
  store.changed("curve");
  see(false); // for longer: no frame is asked for until it is back
  frame();
  assert.equal(waiting(), 0);
});

test("colours are read where there are some: in sight, with room, right before they are drawn", (t) => {
  const { frame, see, theme } = page(t);
  const { store, view, root, drawn } = widget({ theme: () => drawn.push("colours") });
  schedule(store, view);
  frame();
  see(false);
  root.clientWidth = 0; // a cell far off, which is taken out of the page
  theme();
  frame();
  root.clientWidth = 900;
  frame();
  assert.deepEqual(drawn, ["start true"]);
  see(true);
  frame();
  assert.deepEqual(drawn.slice(1), ["colours", "theme sight true"]);
});

test("a width and a theme are told before the drawing; a width of nothing is none", (t) => {
  const { frame, size, theme } = page(t);
  const { store, view, drawn } = widget({ resize: (width) => drawn.push(width), theme: () => drawn.push("colours") });
  schedule(store, view);
  frame();
  size(0);
  size(640);
  frame();
  theme();
  frame();
  assert.deepEqual(drawn, ["start true", 640, "size true", "colours", "theme true"]);
});

test("nothing is drawn or observed after the end", (t) => {
  const { frame, told } = page(t);
  const { store, view, drawn } = widget({ theme: () => drawn.push("colours") });
  const stop = schedule(store, view);
  const { theme } = told;
  theme();
  stop();
  frame();
  frame();
  assert.deepEqual([drawn, Object.keys(told), store.changed], [[], [], undefined]);
});
