import assert from "node:assert/strict";
import test from "node:test";
import { legendRows, readOut } from "../src/legend.js";
import { Store } from "../src/store.js";
import { tableHeads, tableRows } from "../src/table.js";
import { netLabel, outline, seriesKey, testNets } from "../src/testnets.js";

const TWO = [
  { iter: 1, net: 0, loss: 2, accuracy: 0.5, name: "val" },
  { iter: 1, net: 1, loss: 3, accuracy: 0.4, name: "holdout" },
  { iter: 2, net: 0, loss: 1, accuracy: 0.6 },
];

test("one net needs no name, several have theirs, or a number where names are alike", () => {
  assert.deepEqual(testNets([]), [0]);
  assert.equal(netLabel([TWO[0]], 0), "");
  assert.deepEqual([0, 1].map((net) => netLabel(TWO, net)), ["val", "holdout"]);
  const alike = TWO.map((row) => ({ ...row, name: row.name && "LeNet" }));
  assert.deepEqual([0, 1].map((net) => netLabel(alike, net)), ["#0", "#1"]);
  assert.deepEqual([seriesKey("loss", 0), seriesKey("accuracy", 2)], ["test", "acc2"]);
});

test("legend, read-out and table have a row or column for each net", () => {
  const store = new Store();
  store.tests = TWO;
  assert.deepEqual(legendRows(TWO).map((row) => row[1]), ["train loss", "raw", "test loss val", "test loss holdout", "accuracy % val", "accuracy % holdout", "learning rate"]);
  const values = readOut(store, null);
  assert.deepEqual([values.test, values.test1, values.acc, values.acc1], ["1.000", "3.000", "60.0", "40.0"]);
  assert.equal(readOut(store, 1).test, "2.000");
  assert.deepEqual(tableHeads(TWO).slice(3, 7), ["test loss val", "accuracy % val", "test loss holdout", "accuracy % holdout"]);
  const [newest] = tableRows(store);
  assert.deepEqual(newest.slice(3, 7), ["1.000", "60.0", "–", "–"]);
});

test("every net has a mark of its own", () => {
  const path = (what, net) => {
    const calls = [];
    const record = (name) => (...numbers) => calls.push([name, ...numbers]);
    outline({ beginPath() {}, arc: record("arc"), rect: record("rect"), moveTo: record("move"), lineTo: record("line"), closePath() {} }, what, net, 0, 0);
    return JSON.stringify(calls);
  };
  for (const what of ["loss", "accuracy"]) assert.equal(new Set([0, 1, 2, 3].map((net) => path(what, net))).size, 4);
});

test("several accuracies of a net have the names of their outputs, and one loss", () => {
  const tests = [
    { iter: 1, net: 0, loss: 2, accuracy: 0.5, name: "val", top: "top-1" },
    { iter: 1, net: 1000, loss: null, accuracy: 0.8, name: "val", top: "top-5" },
  ];
  const store = new Store();
  store.tests = tests;
  assert.deepEqual(legendRows(tests).map((row) => row[1]), ["train loss", "raw", "test loss", "top-1 %", "top-5 %", "learning rate"]);
  assert.notEqual(legendRows(tests)[3][2], legendRows(tests)[4][2], "their marks differ");
  assert.equal(readOut(store, null).acc1000, "80.0");
  assert.deepEqual(tableHeads(tests).slice(3, 6), ["test loss", "top-1 %", "top-5 %"]);
  assert.deepEqual(tableRows(store)[0].slice(3, 6), ["2.000", "50.0", "80.0"]);
});
