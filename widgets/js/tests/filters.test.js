import assert from "node:assert/strict";
import test from "node:test";
import { Film, gridOf } from "../src/filters-data.js";
import { describe, filterChips } from "../src/filters.js";

const GREY = { layer: "conv1", outputs: 2, inputs: 1, height: 1, width: 2 };

function frame(film, peaks, norms, levels) {
  const bytes = new Uint8Array(film.bytes);
  bytes.set(new Uint8Array(Float32Array.from([...peaks, ...norms]).buffer), 0);
  bytes.set(levels, 4 * (peaks.length + norms.length));
  return new DataView(bytes.buffer);
}

const row = (iter, more = {}) => ({ iter, dead: [], noise: [], duplicates: [], broken: [], summary: "", ...more });

function film(filters = GREY) {
  const made = new Film();
  made.clear(filters);
  return made;
}

test("frames come and go as the kernel says", () => {
  const made = film();
  const data = frame(made, [1, 2], [1, 2], [0, 255, 64, 191]);
  for (const iter of [0, 10, 20]) made.append({ row: row(iter), kept: [0, 10, 20].filter((i) => i <= iter) }, data);
  assert.deepEqual(made.frames.map((f) => f.iter), [0, 10, 20]);
  made.append({ row: row(30), kept: [0, 20, 30] }, data);
  assert.deepEqual(made.frames.map((f) => f.iter), [0, 20, 30]);
  assert.deepEqual([made.at(null), made.at(4), made.at(12), made.at(99)], [2, 0, 1, 2]);
});

test("a page that loads gets all frames, each with its own bytes", () => {
  const made = film();
  const one = new Uint8Array(frame(made, [1, 2], [3, 4], [0, 255, 64, 191]).buffer);
  const both = new Uint8Array([...one, ...one]);
  both[both.length - 1] = 7;
  made.load({ rows: [row(0), row(5)], data: new DataView(both.buffer), filters: GREY });
  assert.deepEqual([...made.frames[1].levels], [0, 255, 64, 7]);
  assert.deepEqual([...made.frames[1].norms], [3, 4]);
});

test("own and shared scale, one channel of three", () => {
  const made = film();
  made.append({ row: row(1), kept: [1] }, frame(made, [1, 4], [1, 4], [0, 255, 0, 255]));
  const [first] = made.frames;
  assert.deepEqual([...made.pixels(first, 0, "own", "rgb")].slice(0, 5), [0, 0, 0, 255, 255]);
  assert.deepEqual([made.pixels(first, 0, "shared", "rgb")[0], made.pixels(first, 1, "shared", "rgb")[0]], [96, 0]);
  const colour = film({ layer: "c", outputs: 1, inputs: 3, height: 1, width: 1 });
  colour.append({ row: row(1), kept: [1] }, frame(colour, [1], [1], [10, 20, 30]));
  assert.deepEqual([...colour.pixels(colour.frames[0], 0, "own", "rgb")], [10, 20, 30, 255]);
  assert.deepEqual([...colour.pixels(colour.frames[0], 0, "own", "g")], [20, 20, 20, 255]);
});

test("a dead filter is not blown up", () => {
  const made = film();
  made.append({ row: row(1, { dead: [0] }), kept: [1] }, frame(made, [0.01, 1], [0.01, 1], [0, 255, 0, 255]));
  assert.ok(Math.abs(made.pixels(made.frames[0], 0, "own", "rgb")[0] - 127) < 3);
});

test("a filter whose weights are no numbers is told of before all else but being dead", () => {
  const f = row(1, { broken: [1], duplicates: [[0, 2, 0.99]] });
  assert.equal(film().mark(f, 1).kind, "broken");
  assert.deepEqual(filterChips(f).map((chip) => chip.text), ["✕ 1 no numbers", "= 1 duplicate pair"]);
});

test("marks: dead, one of a pair, noise; none where a tile is no filter", () => {
  const made = film({ ...GREY, outputs: 4 });
  const f = row(1, { dead: [0], duplicates: [[1, 2, 0.99]], noise: [3] });
  assert.deepEqual([0, 1, 2, 3].map((i) => made.mark(f, i).kind), ["dead", "duplicate", "duplicate", "noise"]);
  assert.equal(made.mark(f, 2).with, 1);
  assert.equal(film({ ...GREY, inputs: 6 }).mark(f, 0), null);
  assert.deepEqual(filterChips(f).map((chip) => chip.text), ["∅ 1 dead", "= 1 duplicate pair", "~ 1 still noise"]);
});

test("grids are full and fit", () => {
  assert.deepEqual([gridOf(96, 760), gridOf(20, 760), gridOf(64, 760)].map((g) => [g.rows, g.columns]), [[4, 24], [2, 10], [4, 16]]);
  for (const n of [1, 6, 16, 32, 50, 96, 256]) {
    const g = gridOf(n, 760);
    assert.ok(g.columns * g.tile + (g.columns - 1) * g.gap <= 761 && g.rows * g.columns >= n, `${n}`);
  }
});

test("what is shown, in words", () => {
  assert.equal(describe({ ...GREY, outputs: 96, inputs: 3, height: 11, width: 11 }), "conv1, 96 of 11\u202f×\u202f11 RGB");
  assert.match(describe({ ...GREY, inputs: 20 }), /over 20 channels/);
});
