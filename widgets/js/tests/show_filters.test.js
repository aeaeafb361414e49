// Filters as numbers: layout, pixels, orders, grids, and the parts of the kernel's pictures.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Bank, SIZES, fittingSize, gridOf, histogram, move, painted, partsOf } from "../src/show_filters_data.js";
import { FilterStore } from "../src/show_filters_store.js";

const LAYER = {
  name: "conv", outputs: 3, inputs: 3, planes: 3, height: 1, width: 2, norms: [2, 0.1, 3], likeness: [2, 0, 1],
  dead: [1], noise: [], duplicates: [[0, 2, 0.99]], broken: [],
};
// Per filter: red 2, green 2, blue 2.
const VALUES = Float32Array.of(1, 0, 0, -1, 0, 0.5, 0.1, 0, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0);
const bytes = (array) => new DataView(array.buffer, array.byteOffset, array.byteLength);
const bank = () => new Bank(LAYER, bytes(VALUES));

test("pixels of own and shared scale, in colour and of one plane", () => {
  assert.deepEqual([...bank().pixels(0, "own")], [255, 128, 128, 255, 128, 0, 191, 255]);
  assert.deepEqual([...bank().pixels(0, "shared")], [191, 128, 128, 255, 128, 64, 159, 255]);
  assert.deepEqual([...bank().pixels(0, "own", "1")], [128, 128, 128, 255, 0, 0, 0, 255]);
});

test("a dead filter stays grey at its own scale", () => {
  assert.ok(Math.abs(bank().pixels(1, "own")[0] - 128) < 8);
  assert.equal(new Bank({ ...LAYER, dead: [] }, bytes(VALUES)).pixels(1, "own")[0], 255);
});

test("weights that do not begin at a multiple of four bytes are read", () => {
  const moved = new Uint8Array(VALUES.byteLength + 1);
  moved.set(new Uint8Array(VALUES.buffer), 1);
  assert.deepEqual(new Bank(LAYER, new DataView(moved.buffer, 1)).filter(2), VALUES.subarray(12));
});

test("orders and the choice of flagged ones", () => {
  assert.deepEqual(bank().ordered({ order: "index", show: "all" }), [0, 1, 2]);
  assert.deepEqual(bank().ordered({ order: "norm", show: "all" }), [2, 0, 1]);
  assert.deepEqual(bank().ordered({ order: "likeness", show: "all" }), [2, 0, 1]);
  assert.deepEqual(new Bank({ ...LAYER, dead: [1], duplicates: [] }, bytes(VALUES)).ordered({ order: "index", show: "flagged" }), [1]);
  assert.equal(bank().ranking.rank.get(1), 3);
  assert.deepEqual(bank().marks.get(0), { kind: "duplicate", with: 2, cosine: 0.99 });
});

test("a histogram is symmetric about 0 and leaves NaN out", () => {
  const { limit, counts } = histogram(Float32Array.of(-2, 2, 0, NaN), 3);
  assert.equal(limit, 2);
  assert.deepEqual(counts, [1, 1, 1]);
});

test("a full row fills the width, and the largest size that fits is found", () => {
  const { columns, rows, tile, step } = gridOf(96, 700, 50);
  assert.ok(Math.abs((columns - 1) * step + tile - 700) < 1e-9);
  assert.equal(rows, Math.ceil(96 / columns));
  assert.equal(gridOf(3, 700, 50).tile, 50);
  const size = fittingSize(96, 700, 400);
  const fits = (wish) => gridOf(96, 700, wish).rows * gridOf(96, 700, wish).rowStep <= 400;
  assert.ok(fits(size) && !fits(size + 2));
  assert.equal(fittingSize(2, 700, 400), SIZES.most);
  assert.equal(fittingSize(100000, 700, 400), SIZES.least);
});

test("keys move within the list", () => {
  assert.equal(move(5, 12, 4, "ArrowDown"), 9);
  assert.equal(move(9, 12, 4, "ArrowDown"), 9);
  assert.equal(move(0, 12, 4, "ArrowLeft"), 0);
  assert.equal(move(3, 12, 4, "End"), 11);
  assert.equal(move(3, 12, 4, "x"), null);
});

test("parts of the kernel's pictures; a buffer of another length is refused", () => {
  const unit = { patches: [{ size: [1, 2] }], where: { size: [1, 1], plane: [1, 2] } };
  const data = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 255);
  const [patch, image, map] = partsOf(unit, bytes(data));
  assert.deepEqual([...painted(patch)], [1, 2, 3, 255, 4, 5, 6, 255]);
  assert.deepEqual([...painted(image)], [7, 8, 9, 255]);
  const ramp = Uint8ClampedArray.from({ length: 768 }, (_, i) => (i < 3 ? 10 : 20));
  assert.deepEqual([...painted(map, ramp)], [10, 10, 10, 255, 20, 20, 20, 255]);
  assert.equal(partsOf(unit, bytes(data.slice(1))), null);
});

test("another layer starts at its first filter and at the present", () => {
  const store = new FilterStore();
  store.setView({ layer: "a", selected: 4, rank: 2, frame: 10, order: "norm" });
  store.setView({ rank: 2 });
  store.setView({ layer: "b" });
  assert.deepEqual([store.view.selected, store.view.rank, store.view.frame, store.view.order], [0, 0, null, "norm"]);
});

test("what the images say of another filter is not shown", () => {
  const store = new FilterStore();
  store.setWeights(LAYER, bytes(VALUES));
  store.unit = { state: "ready", layer: "conv", unit: 1 };
  assert.equal(store.look.state, "looking");
  store.setView({ selected: 1 });
  assert.equal(store.look.state, "ready");
});
