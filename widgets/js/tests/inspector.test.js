import assert from "node:assert/strict";
import test from "node:test";
import * as camera from "../src/inspector-camera.js";
import { arrow, noteAt, rounded, shortened } from "../src/inspector-path.js";
import { counted, milliseconds, share, sorted, words } from "../src/inspector-rows.js";
import { InspectorStore } from "../src/inspector-store.js";
import { gridOf } from "../src/inspector-tiles.js";
import { partsOf, progressOf, summaryOf } from "../src/inspector-time.js";

const plain = (text) => text.replaceAll("\u202f", " ");
const drawing = { width: 1000, height: 200 };

test("a drawing that fits is seen whole, in the middle, never enlarged", () => {
  const seen = camera.fit(drawing, 1228);
  assert.deepEqual(seen, { k: 1, x: 114, y: 16 });
  assert.equal(camera.overflows(seen, drawing, 1228, 232), false);
});

test("one that is too long begins at the left, at a size that can be read", () => {
  const long = { width: 9000, height: 200 };
  const seen = camera.fit(long, 1100);
  assert.equal(seen.k, 0.85);
  assert.equal(seen.x, 14);
  assert.equal(camera.overflows(seen, long, 1100, 200), true);
  assert.equal(camera.fit(long, 1100, true).k, 0.12);
});

test("zooming keeps what is under the pointer, within limits", () => {
  const before = { k: 1, x: 30, y: 10 };
  const after = camera.zoomAt(before, 2, 130, 60);
  assert.equal((130 - after.x) / after.k, (130 - before.x) / before.k);
  assert.equal((60 - after.y) / after.k, (60 - before.y) / before.k);
  assert.equal(camera.zoomAt(before, 100, 0, 0).k, camera.LARGEST);
  assert.equal(camera.zoomAt(before, 0.001, 0, 0).k, camera.SMALLEST);
});

test("the drawing cannot be lost, and a place is brought into sight", () => {
  const lost = camera.kept({ k: 1, x: -5000, y: 900 }, drawing, 600, 200);
  assert.deepEqual(lost, { k: 1, x: 60 - 1000, y: 170 });
  const place = { x: 900, y: 20, width: 90, height: 60 };
  const shown = camera.showing({ k: 1, x: 14, y: 0 }, place, 600, 200);
  assert.equal(900 + 90 + shown.x, 600 - 14);
  assert.equal(shown.y, 0);
  assert.deepEqual(camera.seen({ k: 2, x: -100, y: -20 }, 600, 200), { x: 50, y: 10, width: 300, height: 100 });
});

test("corners of lines are rounded, arrows end where the line ended", () => {
  assert.equal(rounded([[0, 0], [20, 0], [20, 30]], 5), "M0 0L15 0Q20 0 20 5L20 30");
  assert.deepEqual(shortened([[0, 0], [20, 0]]), [[0, 0], [15, 0]]);
  assert.equal(arrow([20, 10]), "M12 5.5L19 10L12 14.5z");
  assert.deepEqual(noteAt([[0, 0], [10, 0], [10, 50], [90, 50]]), { x: 10, y: 50, length: 80 });
});

const cards = {
  a: { name: "conv1", layer_type: "Convolution", folded: "relu", layers: ["conv1", "relu1"], macs: 5, parameters: 0, std: null },
  b: { name: "fc", layer_type: "InnerProduct", folded: "", layers: ["fc"], macs: 50, parameters: 9, std: 0.5 },
  c: { name: "prob", layer_type: "Softmax", folded: "", layers: ["prob"], macs: null, parameters: 0, std: 0.1 },
};
const order = ["a", "b", "c"];

test("rows are sorted by any column, unknown ones last, whichever way", () => {
  assert.deepEqual(sorted(order, cards, null), order);
  assert.deepEqual(sorted(order, cards, { id: "layer", down: true }), ["c", "b", "a"]);
  assert.deepEqual(sorted(order, cards, { id: "macs", down: true }), ["b", "a", "c"]);
  assert.deepEqual(sorted(order, cards, { id: "macs", down: false }), ["a", "b", "c"]);
  assert.deepEqual(sorted(order, cards, { id: "std", down: false }), ["c", "b", "a"]);
  assert.deepEqual(sorted(order, cards, { id: "type", down: true }), ["c", "b", "a"]);
});

test("a word finds names, types and what is folded into a card", () => {
  assert.deepEqual(sorted(order, cards, null, " RELU1 "), ["a"]);
  assert.deepEqual(sorted(order, cards, null, "inner"), ["b"]);
  assert.deepEqual(sorted(order, cards, null, "nothing"), []);
});

test("counts, shares and types are written as people do", () => {
  assert.equal(plain(counted(149520384)), "149.5 M");
  assert.equal(plain(counted(1.2e9)), "1.20 G");
  assert.equal(plain(counted(1792)), "1 792");
  assert.equal(counted(null), "–");
  assert.equal(plain(share(0.206)), "20.6 %");
  assert.equal(plain(share(0.00123)), "0.12 %");
  assert.equal(plain(share(0)), "0 %");
  assert.equal(words("InnerProduct"), "Inner product");
  assert.equal(words("SoftmaxWithLoss"), "Softmax loss");
  assert.equal(words("LRN"), "LRN");
  assert.equal(words("ReLU"), "ReLU");
});

test("tiles are as many to a row as are seen well", () => {
  assert.deepEqual(gridOf(1, 424, 1), { columns: 1, side: 256, tall: 256, rows: 1 });
  assert.equal(gridOf(112, 424, 1).columns, 16);
  assert.equal(gridOf(112, 424, 1).rows, 7);
  assert.equal(gridOf(3, 424, 0.5).tall, 32);
});

function model(traits) {
  const handlers = {};
  return {
    saved: 0,
    get: (name) => traits[name],
    set(name, value) { traits[name] = value; },
    save_changes() { this.saved++; },
    on: (event, handler) => (handlers[event] = handler),
    off: (event) => delete handlers[event],
    handlers,
  };
}

test("choices go to the kernel, and a stage is opened around what is hidden in it", () => {
  const traits = {
    view: { chosen: "x", open: [] }, drawing: { places: [{ key: "stage" }] },
    cards: { x: { parent: "block" }, block: { parent: "stage" }, stage: { parent: null } },
  };
  const kernel = model(traits);
  const store = new InspectorStore(kernel);
  assert.equal(store.placeOf("x").key, "stage");
  store.reveal("x");
  assert.deepEqual(traits.view.open, ["block", "stage"]);
  store.toggle("block");
  assert.deepEqual(traits.view.open, ["stage"]);
  store.pick("x");
  assert.equal(kernel.saved, 2, "what is chosen already is not chosen again");
  const topics = [];
  store.subscribe((topic) => topics.push(topic));
  traits.said = { text: "no", bad: true };
  store.busy = "reading";
  kernel.handlers["change:said"]();
  assert.equal(store.busy, "");
  assert.deepEqual(topics, ["said"]);
  store.dispose();
  assert.deepEqual(kernel.handlers, {});
});

test("a small file goes to the kernel as it is; what cannot be read is told", async () => {
  const traits = { view: {}, cards: {}, drawing: {} };
  const kernel = model(traits);
  const sent = [];
  kernel.send = (content, _callbacks, buffers) => sent.push([content, buffers[0].byteLength]);
  const store = new InspectorStore(kernel);
  const bytes = new ArrayBuffer(12);
  await store.give({ name: "owl.png", size: 12, arrayBuffer: async () => bytes });
  assert.deepEqual(sent, [[{ type: "image", name: "owl.png" }, 12]]);
  assert.equal(store.busy, "looking at owl.png");
  await store.give({ name: "gone.png", size: 1, arrayBuffer: async () => Promise.reject(new Error("it was moved")) });
  assert.equal(store.busy, "");
  assert.match(store.said.text, /gone.png cannot be read as an image: it was moved/);
});

test("times: how far, what was measured, and the chosen layer's share", () => {
  assert.equal(progressOf({ state: "none" }), null);
  assert.deepEqual(progressOf({ state: "running", done: 0, of: 0 }), { part: null, text: "warming up" });
  assert.deepEqual(progressOf({ state: "running", done: 1, of: 4 }), { part: 0.25, text: "2 of 4" });
  const timing = { state: "ready", batch: 32, passes: 5, forward: 0.12, backward: 0.28, seconds: 0.4 };
  assert.equal(summaryOf(timing), "times: medians of 5 passes with 32 images");
  assert.equal(summaryOf({ ...timing, passes: 1, batch: 1, backward: null }), "times: 1 pass with 1 image, forward only: no loss");
  const parts = partsOf({ forward: 0.01, backward: 0.03, seconds: 0.04, share: 0.1 }, timing);
  assert.equal(plain(parts.words), "10.0 % of 400 ms with 32 images");
  assert.deepEqual(parts.ways.map(plain), ["10.0 ms forward", "30.0 ms backward"]);
  assert.ok(Math.abs(parts.forward - 0.025) < 1e-9 && Math.abs(parts.backward - 0.075) < 1e-9);
  assert.match(partsOf({ seconds: null, within: "conv1" }, timing).words, /in one kernel with conv1/);
  assert.equal(partsOf({ seconds: null, within: null }, timing), null);
  assert.equal(partsOf({ seconds: 1 }, { state: "none" }), null);
  assert.equal(plain(milliseconds(0.0004567)), "0.457 ms");
  assert.equal(milliseconds(0.0123, ""), "12.3");
  assert.equal(milliseconds(null), "–");
});

test("the same key has layers timed, and stops that", () => {
  const sent = [];
  const kernel = { ...model({ view: {}, cards: {}, drawing: {}, timing: { state: "none" } }), send: (content) => sent.push(content.type) };
  const store = new InspectorStore(kernel);
  store.time();
  store.timing = { state: "running", done: 0, of: 0 };
  store.time();
  assert.deepEqual(sent, ["time", "stop timing"]);
});
