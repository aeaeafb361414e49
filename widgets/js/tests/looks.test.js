// Activations, and what drives a unit, as numbers: levels, limits, orders, pixels, words.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Channels, fittingSize, gridOf, shapeWords } from "../src/activations-data.js";
import { rowsOf } from "../src/activations-layers.js";
import { ActivationStore } from "../src/activations-store.js";
import { tableRows } from "../src/activations-table.js";
import { aboutWords, halfOfIt, pointWords, readings, sharesOf, spotlight, stateWords, unitWords, valueWords } from "../src/drivers-data.js";
import { DriverStore } from "../src/drivers-store.js";
import { bytesOf, coloured, faded, ramped, rectangleOf, revealed, tinted } from "../src/photo.js";
import { TraitStore } from "../src/traits.js";

const LAYER = {
  name: "conv", channels: 3, height: 1, width: 2, plane: [1, 2], names: null, low: -1, high: 4,
  lows: [0, -1, 0], highs: [4, 1, 0], means: [2, 0, 0], dead: [2], broken: [],
};
const view = (...bytes) => new DataView(Uint8Array.from(bytes).buffer);
const channels = (change = {}) => new Channels({ ...LAYER, ...change }, view(0, 255, 0, 255, 0, 0));
const close = (a, b) => assert.ok(a.length === b.length && a.every((v, i) => Math.abs(v - b[i]) < 1e-6), `${a} is not ${b}`);

test("levels become shares of the channel's own largest value, or of the layer's", () => {
  close([...channels().shares(0, "own")], [0, 1]);
  close([...channels().shares(1, "own")], [-1, 1]);
  close([...channels().shares(1, "shared")], [-0.25, 0.25]);
  assert.ok(channels().signed);
  assert.ok(!channels({ low: 0, lows: [0, 0, 0] }).signed);
});

test("dead channels, and single values, have the scale of all", () => {
  assert.equal(channels().limit(2, "own"), 4);
  const single = new Channels({ ...LAYER, height: 1, width: 1, plane: [1, 1], dead: [] }, view(0, 0, 0));
  assert.equal(single.limit(1, "own"), 4);
});

test("orders, ranks, and the choice of dead ones", () => {
  assert.deepEqual(channels().ordered({ order: "largest", show: "all" }), [0, 1, 2]);
  assert.deepEqual(channels({ means: [0, 3, 1] }).ordered({ order: "mean", show: "all" }), [1, 2, 0]);
  assert.deepEqual(channels().ordered({ order: "index", show: "dead" }), [2]);
  assert.equal(channels().ranking.rank.get(1), 2);
  assert.equal(new Channels(LAYER, view(0, 255)).n, 1, "levels that are not here are not shown");
});

test("tiles lie in rows, taller ones too, and the largest size that fits is found", () => {
  const { columns, tile, step, high, rowStep } = gridOf(64, 500, 40, 2);
  assert.ok(Math.abs((columns - 1) * step + tile - 500) < 1e-9);
  assert.equal(high, 2 * tile);
  assert.equal(rowStep, high + 4);
  const size = fittingSize(64, 500, 400);
  assert.ok(gridOf(64, 500, size).rows * gridOf(64, 500, size).rowStep <= 400);
});

test("layers that work in place are set in, and called by their type", () => {
  const layers = [
    { name: "conv", type: "Convolution", blob: "conv", shape: [4, 8, 8], silent: 1 },
    { name: "relu", type: "ReLU", blob: "conv", shape: [4, 8, 8], silent: 1 },
    { name: "prob", type: "Softmax", blob: "prob", shape: [10, 1, 1], silent: 0 },
  ];
  assert.deepEqual(rowsOf(layers).map((row) => [row.about, row.inPlace, row.silent]), [["4\u202f×\u202f8\u202f×\u202f8", false, 1], ["ReLU", true, 0], ["10", false, 0]]);
  assert.equal(shapeWords([1000], String), "1000");
});

test("the table names what is judged", () => {
  const rows = tableRows(channels({ names: ["a", "b", "c"] }), { order: "index", show: "all" });
  assert.deepEqual(rows[2], ["#2 c", "0", "3", "0", "0", "dead here"]);
  assert.equal(rows[0].at(-1), "answers");
});

test("until the kernel has answered for a layer, the channel in sight is the one chosen", () => {
  const store = new ActivationStore();
  Object.assign(store, { layer: LAYER, tiles: view(0, 255, 0, 255, 0, 0), unit: { layer: "conv", channel: 1 } });
  assert.equal(store.selected, 1);
  store.setView({ layer: "conv", selected: 2 });
  assert.equal(store.selected, 2);
  store.setView({ layer: "other", selected: 0 });
  assert.equal(store.selected, 1);
  const { bank, epoch } = store;
  assert.ok(store.bank === bank && store.epoch === 1 && epoch === 1, "channels are made once per layer");
});

test("photographs: as they are, grey, with a tint, as far as revealed, maps on a ramp", () => {
  const rgb = Uint8Array.of(255, 0, 0, 10, 10, 10);
  assert.deepEqual([...coloured(rgb)], [255, 0, 0, 255, 10, 10, 10, 255]);
  assert.deepEqual([...faded(rgb, [255, 255, 255], 0)], [76, 76, 76, 255, 10, 10, 10, 255]);
  assert.equal(faded(rgb, [255, 255, 255], 1)[4], 255);
  assert.deepEqual([...tinted([1, -0.5], [9, 9, 9], [5, 5, 5], 0.8)], [9, 9, 9, 204, 5, 5, 5, 102]);
  assert.deepEqual([...revealed(rgb, [1, 0])].filter((_, i) => i % 4 === 3), [255, 0]);
  const ramp = Uint8ClampedArray.from({ length: 768 }, (_, i) => Math.floor(i / 3));
  assert.deepEqual([...ramped([0, 1, 2], ramp, false)].filter((_, i) => i % 4 === 0), [0, 255, 255]);
  assert.deepEqual([...ramped([-1, 0], ramp, true)].filter((_, i) => i % 4 === 0), [0, 128]);
  assert.deepEqual(rectangleOf([1, 2, 4, 8], 10), [20, 10, 60, 30]);
  assert.equal(bytesOf(null).length, 0);
});

test("maps: signed of occlusion, magnitudes of gradients", () => {
  close([...sharesOf(Uint8Array.of(128, 255, 1), "occlusion")], [0, 1, -1]);
  close([...sharesOf(Uint8Array.of(0, 255), "guided")], [0, 1]);
  close([...spotlight(Float32Array.of(-1, 0.25))], [0, 0.25]);
  assert.equal(halfOfIt(Float32Array.of(1, 1, 0, -3)), 0.25);
  assert.equal(halfOfIt(Float32Array.of(0, 0)), 0);
});

test("words about pixels, values and what goes on", () => {
  assert.equal(pointWords({ method: "occlusion", limit: 0.5 }, -0.5, 3, 4), "row 3, column 4: covering it adds 0.250");
  assert.match(pointWords({ method: "gradient", limit: 2 }, 1, 0, 0), /2\.0 per step/);
  assert.equal(valueWords(0.5, "Softmax"), "50.0\u202f%");
  assert.equal(valueWords(12.345, "ReLU"), "12.3");
  assert.equal(unitWords({ name: null, unit: 7, place: [1, 2] }), "unit 7 at row 1, column 2");
  assert.equal(stateWords({ state: "working", done: 16, total: 441 }), "16 of 441 places covered");
  assert.equal(stateWords({ state: "stopped", done: 16, total: 441 }), "stopped after 16 of 441 places");
  const ready = { state: "ready", method: "occlusion", total: 441, patch: 32, stride: 10, seconds: 7.39, limit: 0.1, peak: [1, 2], highest: 0.1, deepest: -0.05 };
  assert.equal(stateWords(ready), "441 places, squares of 32\u202f×\u202f32, step 10, 7.4\u202fs");
  const rows = Object.fromEntries(readings(ready, { value: 0.2 }, Float32Array.of(1, 0)));
  assert.equal(rows["costs up to"], "0.100, 50\u202f% of its value");
  assert.equal(rows["half of it lies on"], "50.0\u202f% of the image");
  assert.match(aboutWords({ state: "ready", method: "guided", limit: 0 }, "guided", "Softmax"), /0 everywhere.*scores/);
  assert.match(aboutWords({ state: "ready", method: "guided", limit: 1 }, "guided", "Softmax"), /ReLU/);
  assert.deepEqual(readings({ ...ready, limit: 0 }, { value: 1 }, Float32Array.of(0)), []);
});

test("a map of another image is not shown, and an occlusion has no signed gradient", () => {
  const store = new DriverStore();
  Object.assign(store, { image: { height: 1, width: 2 }, found: { method: "guided" }, map: view(0, 255), chosen: { unit: 3, units: 5 } });
  close([...store.shares], [0, 1]);
  store.map = view(0);
  assert.equal(store.shares, null);
  store.setView({ method: "guided", look: "signed" });
  assert.equal(store.look, "signed");
  store.setView({ method: "occlusion" });
  assert.equal(store.look, "over");
  store.nextLook();
  store.nextLook();
  store.nextLook();
  assert.equal(store.look, "over", "three looks, then the first again");
  store.step(9);
  assert.equal(store.view.unit, 4);
});

test("a choice is not undone by what the kernel says before it knows of it", async () => {
  const traits = { a: 1, view: { x: 1, y: 1 } };
  const listeners = new Map();
  const model = {
    get: (name) => traits[name],
    set: (name, value) => (traits[name] = value),
    save_changes: () => (model.saved = { ...traits.view }),
    on: (topic, f) => listeners.set(topic, f),
    off: (topic) => listeners.delete(topic),
  };
  const store = new TraitStore(["a"], { z: 1 });
  const stop = store.connect(model);
  assert.deepEqual([store.a, store.view], [1, { z: 1, x: 1, y: 1 }]);
  store.setView({ x: 2 });
  traits.a = 5;
  listeners.get("change:a")();
  await null;
  assert.deepEqual([store.a, store.view.x], [5, 2]);
  await new Promise((resolve) => setTimeout(resolve, 90));
  assert.equal(model.saved.x, 2);
  traits.view = { ...traits.view, y: 7 };
  listeners.get("change:view")();
  await null;
  assert.equal(store.view.y, 7, "the kernel may choose, too");
  stop();
  assert.equal(listeners.size, 0);
});
