import assert from "node:assert/strict";
import test from "node:test";
import { Histogram, axisOf, density, histogramText } from "../src/histograms.js";
import { PanelData } from "../src/panels-data.js";

/** A row with ends lo and hi, and all its values in one bin. */
function row(lo, hi, bin = 24, zeros = 0, bad = 0) {
  const values = new Float32Array(54);
  values.set([lo, hi, lo - 1, hi + 1, zeros, bad]);
  values[6 + bin] = 1;
  return values;
}
const view = (values) => new DataView(values.buffer);

test("rows arrive once, and a gap is noticed", () => {
  const data = new PanelData();
  const message = { type: "histogram", layer: "conv1", kind: "gradients" };
  assert.equal(data.receive({ ...message, first: 0, iter: 5 }, view(row(-1, 1))), true);
  assert.equal(data.receive({ ...message, first: 0, iter: 5 }, view(row(-1, 1))), true);
  assert.equal(data.receive({ ...message, first: 3, iter: 9 }, view(row(-1, 1))), false);
  const histogram = data.histograms.get("conv1/gradients");
  assert.deepEqual([histogram.n, histogram.at(0), histogram.at(5), histogram.at(null), new Histogram().at(3)], [1, -1, 0, 0, -1]);
});

test("all rows on load", () => {
  const bytes = new Uint8Array(4 * 2 + 2 * 54 * 4);
  bytes.set(new Uint8Array(Uint32Array.from([3, 7]).buffer), 0);
  bytes.set(new Uint8Array(row(-1, 1).buffer), 8);
  bytes.set(new Uint8Array(row(-2, 2).buffer), 8 + 54 * 4);
  const histogram = new Histogram("fc", "activations");
  histogram.load({ total: 2, n: 2, data: new DataView(bytes.buffer) });
  assert.deepEqual([histogram.iter, histogram.rows[1][1]], [[3, 7], 2]);
});

test("the axis holds 0 and most rows, not the first outlier", () => {
  const histogram = new Histogram();
  histogram.rows = [row(-100, 100), ...Array.from({ length: 30 }, () => row(0.5, 2))];
  assert.deepEqual(axisOf(histogram), [0, 2]);
  histogram.rows = [];
  assert.deepEqual(axisOf(histogram), [-1, 1]);
});

test("density is that of the value's bin, relative to the fullest", () => {
  const values = row(-1, 1, 47);
  values[6] = 0.5;
  assert.deepEqual([0.99, -0.99, 0, 3].map((v) => density(values, v, v)), [1, 0.5, 0, 0]);
  assert.equal(density(values, -5, 5), 1, "a narrow bin within a pixel is seen");
  assert.equal(density(row(3, 3), 2, 4), 1);
  assert.equal(density(row(3, 3), 4, 5), 0);
});

test("in words", () => {
  assert.equal(histogramText(row(-1, 1, 24, 0.574)), "−2.0 to 2.0, 57\u202f% zero");
  assert.match(histogramText(row(-1, 1, 24, 0, 0.1)), /NaN or Inf/);
  assert.equal(histogramText(undefined), "from the next sample on");
});
