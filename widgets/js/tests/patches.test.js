// What excites units, as numbers: orders, silent ones, tiles, words; the store's choices.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ordered, patchWords, shortName, silentOf, stateWords, tileOf } from "../src/patches-data.js";
import { PatchStore } from "../src/patches-store.js";

const SCAN = { layer: "conv", state: "ready", units: 3, side: 1, values: [1, 0, 4], fired: [0.5, 0, 0.1], done: 7, total: 7, seconds: 1.25 };

test("units by number, by answer, by how often they fire; silent ones are told", () => {
  assert.deepEqual(ordered(SCAN, "index"), [0, 1, 2]);
  assert.deepEqual(ordered(SCAN, "answer"), [2, 0, 1]);
  assert.deepEqual(ordered(SCAN, "fires"), [0, 2, 1]);
  assert.deepEqual(ordered({ units: 2, values: [], fired: [] }, "answer"), [0, 1]);
  assert.deepEqual(silentOf(SCAN), [1]);
});

test("a unit's tile is its part of the bytes", () => {
  assert.deepEqual([...tileOf(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), 1, 1)], [5, 6, 7, 8]);
});

test("words about keys, labels and progress", () => {
  assert.equal(shortName("00000140"), "140");
  assert.equal(shortName("0000"), "0");
  assert.equal(shortName("owl_01.jpg"), "owl_01.jpg");
  assert.equal(patchWords({ name: "3", label: null }), "3");
  assert.equal(patchWords({ name: "3", label: 0 }), "3, label 0");
  assert.equal(stateWords(SCAN), "7 images in 1.3\u202fs");
  assert.equal(stateWords({ ...SCAN, state: "stopped", done: 3 }), "stopped after 3 of 7 images");
});

test("pictures of another layer or unit are not taken for this one's", () => {
  const store = new PatchStore();
  store.net = { layers: [{ name: "conv", units: 3 }, { name: "fc", units: 2 }], images: 7 };
  store.setView({ layer: "conv", unit: 9 });
  Object.assign(store, { scan: SCAN, tiles: new DataView(new ArrayBuffer(12)), unit: { layer: "conv", unit: 1 }, pixels: new DataView(new ArrayBuffer(3)) });
  assert.equal(store.selected, 2);
  assert.equal(store.parts, null);
  assert.equal(store.tileBytes.length, 12);
  store.stepLayer(1);
  assert.deepEqual([store.view.layer, store.view.unit, store.tileBytes], ["fc", 0, null]);
  store.stepLayer(1);
  assert.equal(store.view.layer, "fc");
});
