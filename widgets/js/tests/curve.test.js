import assert from "node:assert/strict";
import test from "node:test";
import { Columns, unpack } from "../src/columns.js";
import { strokes } from "../src/decimate.js";
import { Smoother, unitOf, windowOf } from "../src/smoothing.js";

const block = (iters, losses) => ({
  iter: Uint32Array.from(iters),
  mean: Float32Array.from(losses),
  lo: Float32Array.from(losses),
  hi: Float32Array.from(losses),
  lr: new Float32Array(iters.length).fill(0.5),
});
const range = (n) => Array.from({ length: n }, (_, i) => i + 1);

test("columns grow and drop what they already have", () => {
  const columns = new Columns();
  columns.push(block(range(1500), range(1500)));
  columns.push(block([1499, 1500, 1501], [9, 9, 9]));
  assert.equal(columns.n, 1501);
  assert.equal(columns.mean[1499], 1500);
  assert.equal(columns.last, 1501);
});

test("a full store merges neighbours: mean of means, least, greatest, last", () => {
  const columns = new Columns(8);
  columns.push(block(range(9), [1, 3, 5, 7, 2, 2, 8, 0, 4]));
  assert.equal(columns.n, 5);
  assert.deepEqual([...columns.iter.subarray(0, 5)], [2, 4, 6, 8, 9]);
  assert.deepEqual([...columns.mean.subarray(0, 5)], [2, 6, 2, 4, 4]);
  assert.deepEqual([...columns.hi.subarray(0, 5)], [3, 7, 2, 8, 4]);
});

test("a bucket with a NaN is NaN: a gap is kept", () => {
  const columns = new Columns(4);
  columns.push(block(range(5), [1, NaN, 5, 7, 2]));
  assert.ok(Number.isNaN(columns.mean[0]));
  assert.equal(columns.mean[1], 6);
  assert.equal(columns.lastFinite(), 2);
});

test("nearest row and lower bound", () => {
  const columns = new Columns();
  assert.equal(columns.nearest(5), -1);
  columns.push(block([10, 20, 30], [1, 2, 3]));
  assert.deepEqual([0, 10, 14, 16, 99].map((i) => columns.nearest(i)), [0, 0, 0, 1, 2]);
  assert.deepEqual([0, 10, 11, 31].map((i) => columns.lowerBound(i)), [0, 0, 1, 3]);
});

test("iterations beyond 16.7 million are exact", () => {
  const iters = Uint32Array.from([16777217, 16777218]);
  const values = Float32Array.from([0.5, 0.25, 0.01, 0.01]);
  const bytes = new Uint8Array(3 + iters.byteLength + values.byteLength);
  bytes.set(new Uint8Array(iters.buffer), 3); // not aligned, as a message's buffer may be
  bytes.set(new Uint8Array(values.buffer), 3 + iters.byteLength);
  const found = unpack(new DataView(bytes.buffer, 3), 2, ["mean", "lr"]);
  assert.deepEqual([...found.iter], [16777217, 16777218]);
  assert.deepEqual([...found.mean], [0.5, 0.25]);
  assert.equal(found.hi, found.mean);
});

test("smoothing starts at the first value and forgets by s per thousandth of the run", () => {
  const columns = new Columns();
  columns.push(block([1, 2, 3], [4, 0, 0]));
  const smoother = new Smoother();
  const values = [...smoother.update(columns, 0.5, 1000)];
  assert.equal(values[0], 4);
  assert.ok(Math.abs(values[1] - 4 / 3) < 1e-6);
  assert.equal(unitOf(100000), 100);
  assert.equal(windowOf(0.9, 100000), 1000);
});

test("smoothing appended in parts equals smoothing at once, and decimation changes it little", () => {
  const losses = range(4000).map((i) => 2 * Math.exp(-i / 800) + 0.3 * Math.sin(i));
  const parts = new Columns();
  const smoother = new Smoother();
  for (let i = 0; i < 4000; i += 250) {
    parts.push(block(range(4000).slice(i, i + 250), losses.slice(i, i + 250)));
    smoother.update(parts, 0.9, 4000);
  }
  const whole = new Columns();
  whole.push(block(range(4000), losses));
  const wanted = new Smoother().update(whole, 0.9, 4000);
  assert.deepEqual([...smoother.update(parts, 0.9, 4000)], [...wanted]);
  const halved = new Columns(1000);
  halved.push(block(range(4000), losses));
  const coarse = new Smoother().update(halved, 0.9, 4000);
  assert.ok(Math.abs(coarse.at(-1) - wanted.at(-1)) < 0.05);
});

test("smoothing gives null where the loss is none, and goes on after it", () => {
  const columns = new Columns();
  columns.push(block([1, 2, 3], [1, NaN, 1]));
  const values = new Smoother().update(columns, 0.9, 0);
  assert.ok(Number.isNaN(values[1]));
  assert.equal(values[2], 1);
});

test("a stroke has at most four points a pixel, and keeps the extremes", () => {
  const columns = new Columns();
  const losses = range(10000).map((i) => (i === 5000 ? 100 : i % 7));
  columns.push(block(range(10000), losses));
  const [stroke, ...others] = strokes(columns, columns.lo, columns.hi, 0, 10000, (x) => x / 100, (y) => y);
  assert.equal(others.length, 0);
  assert.ok(stroke.length / 2 <= 4 * 102, `${stroke.length / 2} points`);
  assert.ok(stroke.includes(100));
});

test("what is not finite ends a stroke: never bridged", () => {
  const columns = new Columns();
  columns.push(block(range(6), [1, 2, NaN, Infinity, 5, 6]));
  const found = strokes(columns, columns.lo, columns.hi, 0, 6, (x) => x * 10, (y) => y);
  assert.deepEqual(found, [[10, 1, 20, 2], [50, 5, 60, 6]]);
});
