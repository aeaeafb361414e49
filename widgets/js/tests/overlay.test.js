import assert from "node:assert/strict";
import test from "node:test";
import { legendRows, readOut } from "../src/legend.js";
import { letter, runWords } from "../src/runs.js";
import { Store } from "../src/store.js";
import { tableHeads, tableRows } from "../src/table.js";
import { Window } from "../src/window.js";

const range = (n, step = 1) => Array.from({ length: n }, (_, i) => (i + 1) * step);

/** A whole run as the kernel sends it. */
function history(iters, losses, more = {}) {
  const n = iters.length;
  const bytes = new Uint8Array(12 * n);
  bytes.set(new Uint8Array(Uint32Array.from(iters).buffer), 0);
  bytes.set(new Uint8Array(Float32Array.from([...losses, ...losses.map(() => 0.5)]).buffer), 4 * n);
  return { total: n, n, columns: ["mean", "lr"], data: new DataView(bytes.buffer), tests: [], flags: [], ...more };
}

/** A store with 100 iterations in front and a reference of 200. */
function overlaid() {
  const store = new Store();
  store.run = { key: "1", name: "new", max_iter: 1000 };
  store.status = { state: "finished" };
  store.load(history(range(100), range(100).map(() => 1), { tests: [{ iter: 50, net: 0, loss: 2, accuracy: 0.5 }] }));
  const tests = [{ iter: 150, net: 0, loss: 8, accuracy: 0.25 }];
  store.loadReferences([{ key: "2", name: "old", state: "finished", ...history(range(200), range(200).map(() => 4), { tests }) }]);
  return store;
}

test("points reach the run that they are of", () => {
  const store = overlaid();
  const { data, ...more } = history([201], [5]);
  const message = { ...more, first: 200, count: 1, tests_first: 1, flags_first: 0 };
  assert.equal(store.append({ ...message, of: "2" }, data), true);
  assert.equal(store.references[0].columns.last, 201);
  assert.equal(store.columns.last, 100);
  assert.equal(store.append({ ...message, of: "2", first: 500 }, data), false, "a gap");
  assert.equal(store.append({ ...message, of: "3" }, data), true, "a run that is not here is nobody's gap");
});

test("another run in front has nothing of the one before, smoothing included", () => {
  const store = overlaid();
  assert.equal(store.smoothed.at(-1), 1);
  store.run = { key: "2", name: "old", max_iter: 1000 };
  store.load(history(range(100), range(100).map(() => 4)));
  assert.equal(store.smoothed.at(-1), 4);
  assert.equal(store.tests.length, 0);
});

test("what is in sight holds all runs that are switched on", () => {
  const store = overlaid();
  const view = new Window(store);
  assert.ok(view.x[1] >= 200);
  assert.ok(view.ranges().y.hi >= 8);
  assert.ok(view.ranges().accuracy.lo <= 25);
  store.setView({ hidden: ["run:2"] });
  assert.ok(view.ranges().y.hi < 4);
  assert.ok(view.ranges().accuracy.lo > 25);
  assert.equal(store.reach, 100);
});

test("zoom follows the newest point of any run", () => {
  const store = overlaid();
  const view = new Window(store);
  view.zoomTo(50, 120);
  assert.deepEqual(store.view.zoom, [50, 120]);
  view.zoomTo(50, 250);
  assert.deepEqual(view.x, [50, 200]);
});

test("the legend reads all runs out, and says nothing beyond a run's end", () => {
  const store = overlaid();
  const [a, b] = store.runs.map((run) => readOut(run, 160));
  assert.deepEqual([a.train, a.test, a.acc, a.lr], ["–", "–", "–", "–"]);
  assert.deepEqual([b.train, b.test, b.acc, b.lr], ["4.000", "8.000", "25.0", "0.5"]);
  assert.equal(readOut(store.runs[1], 100).test, "–", "not tested yet");
  assert.deepEqual(legendRows(store.tests).map((row) => row[0]), ["train", "raw", "test", "acc", "lr"]);
});

test("the table has columns for each further run", () => {
  const store = overlaid();
  const heads = tableHeads(store.tests, store.references);
  const rows = tableRows(store);
  assert.ok(heads.includes("B accuracy %"));
  assert.ok(rows.every((row) => row.length === heads.length));
  assert.equal(rows[0][heads.indexOf("B train loss")], "4.000");
});

test("states of references follow the figures", () => {
  const store = overlaid();
  store.set("figures", { references: [{ key: "2", state: "running" }] });
  assert.equal(store.references[0].state, "running");
  assert.equal(runWords({ state: "finished", iter: 4000 }), "finished, 4\u202f000 iterations");
  assert.equal([0, 1, 2, 3].map(letter).join(""), "ABCD");
});
