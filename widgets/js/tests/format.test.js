import assert from "node:assert/strict";
import test from "node:test";
import * as format from "../src/format.js";
import { share } from "../src/inspector-rows.js";
import { swatch, testSwatch } from "../src/icons.js";

const plain = (text) => text.replaceAll(format.THIN, " ");

test("thousands are set apart by a narrow no-break space", () => {
  assert.equal(format.integer(48240), `48${format.THIN}240`);
  assert.equal(plain(format.integer(1281167)), "1 281 167");
  assert.equal(plain(format.integer(-1200)), "−1 200");
  assert.equal(format.integer(999), "999");
});

test("unknown is an en dash, never zero; NaN is written NaN", () => {
  for (const write of [format.integer, format.significant, format.rate, format.percent, format.duration, format.bytes])
    assert.equal(write(null), "–");
  assert.equal(format.significant(NaN), "NaN");
  assert.equal(format.significant(-Infinity), "−Inf");
  assert.equal(format.significant(0), "0");
});

test("a loss has four significant digits, very small ones an exponent", () => {
  assert.equal(format.significant(1.4578), "1.458");
  assert.equal(format.significant(0.034971), "0.03497");
  assert.equal(plain(format.significant(9.1e-4, 2)), "9.1 × 10⁻⁴");
  assert.equal(plain(format.significant(1e30)), "1.00 × 10³⁰");
  assert.equal(format.significant(-2.5), "−2.500");
  assert.deepEqual([4211, 999.96, 9999.96, 12346, 99996, 99999].map((x) => plain(format.significant(x))), ["4 211", "1 000", "10 000", "12 350", "1.00 × 10⁵", "1.00 × 10⁵"]);
  assert.deepEqual([99.96, 9.996, 0.00099996].map((x) => format.significant(x, 2)), ["100", "10", "0.0010"]);
});

test("in narrow columns a very small loss is short", () => {
  assert.deepEqual([4.64e-5, 1e-7, 3e8, -2e-9, 0.0982, 4211, 0, null, NaN].map((x) => plain(format.compact(x, 3))), ["4.6e-5", "1e-7", "3e8", "-2e-9", "0.0982", "4 210", "0", "–", "NaN"]);
});

test("ticks of an axis are written alike", () => {
  const ticks = (lo, hi, step, ...values) => values.map((x) => plain(format.lossTick(x, { lo, hi, step })));
  assert.deepEqual(ticks(0, 1e-3, 2e-4, 0, 2e-4, 1e-3), ["0", "0.0002", "0.0010"]);
  assert.deepEqual(ticks(0, 4e-4, 1e-4, 0, 1e-4, 4e-4), ["0", "1.0 × 10⁻⁴", "4.0 × 10⁻⁴"]);
  assert.deepEqual(ticks(0, 3e5, 5e4, 5e4, 3e5), ["5.0 × 10⁴", "3.0 × 10⁵"]);
  assert.deepEqual(ticks(1.02e5, 1.06e5, 1e3, 1.02e5, 1.03e5), ["1.02 × 10⁵", "1.03 × 10⁵"]);
  assert.deepEqual(ticks(0, 4e4, 1e4, 0, 1e4), ["0", "10 000"]);
  assert.deepEqual(ticks(2.3, 2.4, 0.05, 2.35), ["2.35"]);
  assert.deepEqual(ticks(1e-6, 10, null, 1e-6, 0.01, 10), ["1.0 × 10⁻⁶", "0.01", "10"]);
});

test("a learning rate is written as one would type it", () => {
  assert.equal(format.rate(0.001), "0.001");
  assert.equal(format.rate(0.1 * 0.1), "0.01");
  assert.equal(format.rate(0.00761), "0.00761");
  assert.deepEqual([1e-5, 1.25e-5, 9.999e-5, 1e-7, 1e-4, 0.000125, 2e20, 12345].map((x) => plain(format.rate(x))), ["1 × 10⁻⁵", "1.25 × 10⁻⁵", "0.0001", "1 × 10⁻⁷", "0.0001", "0.000125", "2 × 10²⁰", "12300"]);
  assert.deepEqual([1e-7, 1e-5, 2.5e-4, 1e-4, 0.00123, 0.1 * 0.1, 0, null].map(format.rateField), ["1e-7", "1e-5", "2.5e-4", "0.0001", "0.00123", "0.01", "0", ""]);
});

test("a number is taken as it was typed", () => {
  assert.deepEqual(["0.01", " 100 ", "1e-5", "０．０１", "１００", "1,000", "", " ", "fast"].map(format.typed), [0.01, 100, 1e-5, 0.01, 100, NaN, NaN, NaN, NaN]);
});

test("a net that needs more than a second for an image has a speed all the same", () => {
  assert.deepEqual([0.043, 0.43, 9.94, 9.96, 1234.5, null].map((x) => plain(format.speed(x))), ["0.043", "0.43", "9.9", "10", "1 235", "–"]);
});

test("a share is never written with an e", () => {
  assert.deepEqual([0, 1e-9, 1e-5, 0.0123, 0.1, 1, null].map((x) => plain(share(x))), ["0 %", "1.0 × 10⁻⁷ %", "0.001 %", "1.2 %", "10.0 %", "100.0 %", "–"]);
});

test("a time has two units", () => {
  assert.equal(plain(format.duration(10440)), "2 h 54 min");
  assert.equal(plain(format.duration(463)), "7 min 43 s");
  assert.equal(plain(format.duration(11)), "11 s");
  assert.equal(plain(format.duration(0)), "0 s");
  assert.equal(plain(format.duration(7200)), "2 h");
  assert.equal(plain(format.duration(200000)), "2 d 7 h");
});

test("time left is rounded the coarser the further away it is", () => {
  assert.equal(plain(format.timeLeft(11.4)), "11 s");
  assert.equal(plain(format.timeLeft(463)), "7 min 45 s");
  assert.equal(plain(format.timeLeft(2000)), "33 min");
  assert.equal(plain(format.timeLeft(10443)), "2 h 55 min");
  assert.equal(plain(format.timeLeft(0)), "0 s");
});

test("ticks, bytes, memory, per cent", () => {
  assert.deepEqual([0, 500, 5000, 1500, 1200000].map(format.tick), ["0", "500", "5k", "1.5k", "1.2M"]);
  assert.equal(plain(format.bytes(1100)), "1.1 kB");
  assert.equal(plain(format.bytes(64)), "64 B");
  assert.equal(plain(format.bytes(1.3e6)), "1.3 MB");
  assert.equal(format.gigabytes(5.21e9), "5.21");
  assert.equal(format.gigabytes(24e9), "24.0");
  assert.equal(format.percent(0.583), "58.3");
});

test("the legend shows a line only for what is drawn as one", () => {
  const lines = (picture) => (picture.match(/<path/g) ?? []).length;
  for (const curve of ["train", "raw"]) assert.ok(lines(swatch(curve)) > 0, curve);
  for (const what of ["loss", "accuracy"]) assert.ok(lines(testSwatch(what, "")) > 0, what);
  assert.equal(lines(swatch("lr")), 0);
});
