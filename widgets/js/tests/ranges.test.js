import assert from "node:assert/strict";
import test from "node:test";
import { fromRows, layout } from "../src/flags.js";
import { followingEnd, iterationStep, linear, linearTicks, logTicks, logarithmic, nice, robust } from "../src/ranges.js";

test("nice steps", () => {
  assert.deepEqual([0.03, 1, 1.2, 3, 7].map(nice), [0.05, 1, 2, 5, 10]);
  assert.equal(iterationStep(48000, 800), 5000);
  assert.equal(iterationStep(3, 800), 1);
});

test("robust range leaves out an outlier, not what must be seen", () => {
  const values = Array.from({ length: 1000 }, (_, i) => i / 1000);
  values[500] = 1e6;
  assert.deepEqual(robust(values).map((v) => Number(v.toFixed(2))), [0.01, 0.99]);
  assert.equal(robust(values, [3])[1], 3);
  assert.equal(robust([NaN]), null);
});

test("linear range ends on ticks", () => {
  assert.deepEqual(linear([1.3, 6.9]), { lo: 1, hi: 7, step: 1 });
  const flat = linear([2, 2]);
  assert.ok(flat.lo <= 2 && flat.hi > 2);
  const { lo, hi, step } = linear([1.38629435, 1.3862944]);
  assert.ok(lo < 1.3863 && hi > 1.3862 && step === 1e-4, "a flat loss: ticks of a few digits");
  assert.deepEqual(linearTicks(1, 7, 2), [2, 4, 6]);
  assert.deepEqual(linearTicks(0, 0.3, 0.1), [0, 0.1, 0.2, 0.3]);
});

test("logarithmic range and ticks", () => {
  const { lo, hi } = logarithmic([0.011, 2.6]);
  assert.deepEqual([lo, hi], [0.01, 3]);
  assert.deepEqual(logTicks(lo, hi), [0.01, 0.03, 0.1, 0.3, 1, 3]);
  assert.deepEqual(logTicks(1, 8), [1, 2, 3, 5]);
});

test("the following axis grows in steps, and fits once the run is over", () => {
  let end = 0;
  const seen = new Set();
  for (let i = 1; i <= 2000; i++) seen.add((end = followingEnd(i, 2000, true, end)));
  assert.ok(seen.size < 50, `${seen.size} different ends`);
  assert.equal(followingEnd(2000, 2000, false, end), 2050);
  assert.equal(followingEnd(0, 100000, true), 5000);
});

test("a resume gives the pause before it its length", () => {
  const flags = fromRows([
    { iter: 10, kind: "pause", time: 100 },
    { iter: 10, kind: "resume", time: 160 },
    { iter: 20, kind: "lr", time: 170, value: 0.1 },
    { iter: 30, kind: "unheard", time: 180 },
  ]);
  assert.deepEqual(flags.map((f) => f.kind), ["pause", "lr"]);
  assert.equal(flags[0].seconds, 60);
});

test("colliding flags collapse to one glyph with a count; a label needs room", () => {
  const flags = [
    { iter: 10, kind: "pause" },
    { iter: 11, kind: "lr" },
    { iter: 50, kind: "snapshot" },
    { iter: 90, kind: "lr" },
  ];
  const groups = layout(flags, (i) => i, (f) => (f.kind === "lr" ? "lr 0.1" : ""), (text) => text.length * 4);
  assert.deepEqual(groups.map((g) => g.flags.length), [2, 1, 1]);
  assert.equal(groups[0].flag.kind, "lr");
  assert.equal(groups[0].label, "×2"); // "lr 0.1 +1" would reach the snapshot
  assert.equal(groups[2].label, "lr 0.1");
});
