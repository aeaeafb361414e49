// Points of an embedding: the camera, who is meant, who lies within a line, counts; the store's switches.

import assert from "node:assert/strict";
import { test } from "node:test";
import { boundsOf, cameraOf, countsOf, lookOf, middleOf, nearestAt, nextTowards, oddOnes, selectedBy, within, zoomedAt } from "../src/embedding-data.js";
import { EmbeddingStore } from "../src/embedding-store.js";

const POINTS = Float32Array.of(0, 0, 10, 0, 0, 5, 10, 5);
const view = (array) => new DataView(array.buffer, array.byteOffset, array.byteLength);

test("the camera shows all points, with one scale, and goes back", () => {
  const camera = cameraOf(boundsOf(POINTS), null, 200, 200);
  assert.ok(Math.abs(camera.scale - 18.4) < 1e-9);
  assert.deepEqual(camera.toScreen(5, 2.5), [100, 100]);
  assert.ok(camera.toScreen(0, 5)[1] < camera.toScreen(0, 0)[1], "up is up");
  const [x, y] = camera.toData(...camera.toScreen(3, 4));
  assert.ok(Math.hypot(x - 3, y - 4) < 1e-9);
  assert.deepEqual(boundsOf(new Float32Array(0)), { x: 0, y: 0, width: 1, height: 1 });
});

test("what lies under the pointer stays there while it is zoomed", () => {
  const bounds = boundsOf(POINTS);
  const before = cameraOf(bounds, null, 200, 100);
  const zoom = zoomedAt(before, 3, [20, 30], 200, 100);
  const after = cameraOf(bounds, zoom, 200, 100);
  const [a, b] = [before.toData(20, 30), after.toData(20, 30)];
  assert.ok(Math.hypot(a[0] - b[0], a[1] - b[1]) < 1e-6);
  assert.equal(zoomedAt(before, 1e9, [0, 0], 200, 100).k, 60);
});

test("who is meant by a place, and by an arrow key", () => {
  const screen = Float32Array.of(0, 0, 50, 0, 100, 0, 52, 40);
  assert.equal(nearestAt(screen, [0, 1, 2, 3], [47, 3], 10), 1);
  assert.equal(nearestAt(screen, [0, 2, 3], [47, 3], 10), -1);
  assert.equal(nextTowards(screen, [0, 1, 2, 3], [0, 0], "ArrowRight"), 1);
  assert.equal(nextTowards(screen, [0, 1, 2, 3], [50, 0], "ArrowDown"), 3);
  assert.equal(nextTowards(screen, [0, 1, 2, 3], [100, 0], "ArrowRight"), null);
});

test("a lasso takes what lies within it, also where it is hollow", () => {
  const hollow = [[0, 0], [10, 0], [10, 10], [5, 2], [0, 10]];
  assert.ok(within(hollow, [1, 5]));
  assert.ok(!within(hollow, [5, 8]));
  assert.deepEqual(selectedBy(hollow, Float32Array.of(1, 5, 5, 8, 9, 5), [0, 1]), [0]);
  assert.deepEqual(countsOf([0, 2, 3], Uint16Array.of(1, 1, 0, 1), 2), [1, 2]);
});

test("42 classes look each otherwise", () => {
  const looks = new Set(Array.from({ length: 42 }, (_, k) => JSON.stringify(lookOf(k))));
  assert.equal(looks.size, 42);
});

test("odd ones, and the middle of a class", () => {
  assert.deepEqual([...oddOnes(Uint16Array.of(0, 0, 1), Uint32Array.of(1, 0, 0), 1)], [2]);
  assert.deepEqual(middleOf(Float32Array.of(0, 0, 100, 1, 2, 2), [0, 1, 2]), [2, 1]);
  assert.equal(middleOf(POINTS, []), null);
});

test("classes are switched, alone and all again; what is not shown is not selected", () => {
  const store = new EmbeddingStore();
  store.facts = { classes: [{ name: "a", count: 2 }, { name: "b", count: 1 }, { name: "c", count: 1 }], neighbours: 1 };
  Object.assign(store, { points: view(POINTS), each: view(Uint16Array.of(0, 0, 1, 2)), nearest: view(Uint32Array.of(1, 0, 0, 2)) });
  store.setView({ selected: [0, 2] });
  assert.deepEqual(store.counts, [1, 1, 0]);
  store.switchClass(0);
  assert.deepEqual([store.shown, store.selected, store.counts], [[2, 3], [2], [0, 1, 0]]);
  store.switchClass(0);
  store.switchClass(1, true);
  assert.deepEqual(store.view.off, [0, 2]);
  store.switchClass(1, true);
  assert.deepEqual(store.view.off, []);
  store.setView({ show: "odd" });
  assert.deepEqual(store.shown, [2, 3]);
});

test("shapes stand for pictures until these have come", () => {
  const store = new EmbeddingStore();
  store.net = { side: 1 };
  const told = [];
  store.subscribe((topic) => told.push(topic));
  assert.deepEqual([store.view.marks, store.marks, [...store.thumbnail(1)]], ["pictures", "shapes", [128, 128, 128]]);
  store.receivedPictures(view(Uint8Array.of(1, 2, 3, 4, 5, 6)));
  assert.deepEqual([store.marks, [...store.thumbnail(1)], told], ["pictures", [4, 5, 6], ["pictures"]]);
});
