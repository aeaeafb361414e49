import assert from "node:assert/strict";
import test from "node:test";
import { pastAt, smoothedBranches } from "../src/branches.js";
import { backWords } from "../src/banner.js";
import { layout } from "../src/flags.js";
import { legendRows } from "../src/legend.js";
import { Store } from "../src/store.js";
import { eventWords, tableRows } from "../src/table.js";

/** Rows of a curve as they are sent: iterations first..last, loss `value` each. */
function block(first, last, value) {
  const n = last - first + 1;
  const bytes = new ArrayBuffer(12 * n);
  new Uint32Array(bytes, 0, n).set(Array.from({ length: n }, (_, i) => first + i));
  new Float32Array(bytes, 4 * n, 2 * n).set([...Array(n).fill(value), ...Array(n).fill(0.01)]);
  return { n, columns: ["mean", "lr"], data: new DataView(bytes) };
}

const branch = (iter, reached, value, more = {}) => ({ iter, reached, ...block(iter + 1, reached, value), tests: [], flags: [], ...more });

/** A run at 400 that went back from 310 to 300 and from 350 to 200. */
function wentBack() {
  const store = new Store();
  const first = branch(300, 310, 5, { flags: [{ iter: 310, kind: "nan", text: "NaN conv2" }] });
  const second = branch(200, 350, 3, { tests: [{ iter: 250, net: 0, loss: 3, accuracy: 0.5 }] });
  const flags = [{ iter: 200, kind: "back", value: 0.001, before: 0.01, reached: 350 }];
  store.load({ total: 560, ...block(1, 400, 1), tests: [], flags, abandoned: [first, second] });
  return store;
}

test("each part given up begins where it left its trunk, and that may itself be given up", () => {
  const store = wentBack();
  const trunk = { iter: store.columns.iter.subarray(0, 400), values: store.smoothed };
  const [first, second] = smoothedBranches(store.branches, trunk, 0.9, 0);
  assert.deepEqual([second.iter[0], second.values[0]], [200, 1]);
  assert.equal(first.iter[0], 300);
  assert.ok(Math.abs(first.values[0] - 3) < 1e-3);
  assert.ok(Math.abs(first.values.at(-1) - (5 - 2 * 0.9 ** 10)) < 1e-3, "the rule is that of owlkit_widgets/branches.py");
});

test("what was given up is read out at the cursor, named in the table and switched in the legend", () => {
  const store = wentBack();
  assert.ok(Math.abs(pastAt(store, 340, 0.9, 0) - 3) < 1e-3);
  assert.equal(pastAt(store, 100, 0.9, 0), null);
  assert.equal(store.at(340).raw, 1, "the curve itself is that of the present line");
  const words = tableRows(store).map((row) => row.at(-1));
  assert.ok(words.some((text) => text.startsWith("went back to 200 from 350, learning rate 0.01 → 0.001")), words.join("|"));
  assert.ok(words.includes("given up at 350"));
  assert.ok(words.includes("given up at 310, NaN conv2"));
  assert.deepEqual(legendRows(store.tests, true).map((row) => row[0]).includes("past"), true);
  assert.deepEqual(legendRows(store.tests).map((row) => row[0]).includes("past"), false);
});

test("what was given up stays in sight unless it is switched off", () => {
  const store = new Store();
  store.load({ total: 500, ...block(1, 100, 1), tests: [], flags: [], abandoned: [branch(90, 410, 2)] });
  assert.equal(store.reach, 410);
  store.setView({ hidden: ["past"] });
  assert.equal(store.reach, 100);
});

test("the way back is offered where there is one", () => {
  assert.equal(backWords({ title: "NaN", back: 20000 }), "Back to 20\u202f000, lr × 0.1");
  assert.equal(backWords({ title: "NaN", hint: "There is none" }), null);
  assert.equal(backWords(null), null);
  assert.equal(eventWords({ kind: "back", iter: 10, reached: 12, before: 0.1, value: 0.1 }), "went back to 10 from 12");
});

test("the label of NaN lies to its left and gives way to the flag there", () => {
  const flags = [{ iter: 60, kind: "lr", value: 1 }, { iter: 100, kind: "nan", text: "NaN" }];
  const labels = (width) => layout(flags, (x) => x, (flag) => flag.kind, () => width).map((group) => group.label);
  assert.deepEqual(labels(10), ["lr", "nan"]);
  assert.deepEqual(labels(20), ["", ""]);
});
