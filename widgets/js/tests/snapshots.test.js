import assert from "node:assert/strict";
import test from "node:test";
import { placeOf } from "../src/snapshots.js";
import { Store } from "../src/store.js";

const row = (iter, more = {}) => ({ iter, kind: "snapshot", text: "out/a_iter_7.caffemodel", path: "/home/me/out/a_iter_7.caffemodel", ...more });

function running() {
  const store = new Store();
  store.set("status", { state: "running" });
  store.set("run", { name: "a", max_iter: 100, snapshots: "/home/me/out/a" });
  return store;
}

test("where snapshots lie is told before the first one, and of the newest", () => {
  const store = running();
  assert.deepEqual(placeOf(store), { text: "snapshots go to /home/me/out", path: "/home/me/out/a_iter_N.caffemodel" });
  store.rows.push(row(7), { iter: 8, kind: "pause" });
  assert.deepEqual(placeOf(store), { text: "a_iter_7.caffemodel in /home/me/out", path: "/home/me/out/a_iter_7.caffemodel" });
  store.rows.push(row(9, { path: "" })); // as of a log: the files are not here
  assert.equal(placeOf(store), null);
  store.set("run", { name: "a log" });
  store.rows.length = 0;
  assert.equal(placeOf(store), null);
});
