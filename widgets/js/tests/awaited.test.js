import assert from "node:assert/strict";
import test from "node:test";
import { Awaited, pauseNews, snapshotNews } from "../src/awaited.js";
import { Store } from "../src/store.js";

const row = (iter, more = {}) => ({ iter, kind: "snapshot", text: "out/a_iter_7.caffemodel", ...more });

function running() {
  const store = new Store();
  store.set("status", { state: "running" });
  store.set("run", { name: "a", max_iter: 100 });
  return store;
}

test("a snapshot that was asked for is told when its files are there, once", () => {
  const store = running();
  store.rows.push(row(5));
  const awaited = new Awaited(store, ["snapshot", "unsaved"], snapshotNews);
  assert.equal(awaited.news(), null);
  awaited.ask();
  assert.equal(awaited.news(), null, "the one before is not it");
  store.rows.push({ iter: 1200, kind: "pause" });
  assert.equal(awaited.news(), null);
  store.rows.push(row(1200, { text: "out/a_iter_1200.caffemodel" }));
  assert.equal(awaited.news().text, "snapshot written: a_iter_1200.caffemodel at iteration 1\u202f200");
  assert.equal(awaited.news(), null);
  assert.equal(awaited.waiting, false);
});

test("one that could not be written is told too, and a run that ends leaves nothing awaited", () => {
  const store = running();
  const awaited = new Awaited(store, ["snapshot", "unsaved"], snapshotNews);
  awaited.ask();
  store.rows.push({ iter: 3, kind: "unsaved", text: "no snapshot: the disk is full" });
  assert.deepEqual(awaited.news(), { text: "no snapshot: the disk is full", look: "bad" });
  awaited.ask();
  store.set("status", { state: "stopped" });
  assert.deepEqual(awaited.news(), { text: "", look: "" });
  assert.equal(awaited.waiting, false);
});

test("the history that comes anew meanwhile loses no snapshot", () => {
  const store = running();
  store.rows.push({ iter: 1, kind: "pause" }, { iter: 2, kind: "resume" });
  const awaited = new Awaited(store, ["snapshot", "unsaved"], snapshotNews);
  awaited.ask();
  store.rows = [row(2)]; // gone back: fewer rows, and what was asked for is among them
  assert.equal(awaited.news(), null, "it may be an older one");
  store.rows.push(row(3));
  assert.ok(awaited.news().text.endsWith("at iteration 3"));
});

test("a pause that came during the last snapshot is told to have come too late", () => {
  const store = running();
  const pauses = new Awaited(store, ["pause"], pauseNews);
  const pressed = (state, ...rows) => {
    store.set("status", { state: "running" });
    pauses.ask();
    assert.equal(pauses.news(), null);
    store.rows.push(...rows);
    store.set("status", { state });
    return [pauses.news()?.text, pauses.waiting];
  };
  assert.deepEqual(pressed("finished"), ["a has finished: there was nothing left to pause", false]);
  assert.deepEqual(pressed("finished", { iter: 9, kind: "pause" }), [undefined, false], "it did pause, and went on");
  assert.deepEqual(pressed("stopped"), [undefined, false], "somebody wanted more");
  assert.deepEqual(pressed("paused", row(9)), [undefined, true], "what it did is not here yet");
});
