import assert from "node:assert/strict";
import test from "node:test";
import { Commands } from "../src/commands.js";
import { Store } from "../src/store.js";
import { Window } from "../src/window.js";

/** Message and buffer as the kernel sends them. */
function append(first, iters, losses, more = {}) {
  const n = iters.length;
  const bytes = new Uint8Array(12 * n);
  bytes.set(new Uint8Array(Uint32Array.from(iters).buffer), 0);
  bytes.set(new Uint8Array(Float32Array.from([...losses, ...losses.map(() => 0.5)]).buffer), 4 * n);
  const message = { first, count: n, n, columns: ["mean", "lr"], tests_first: 0, tests: [], flags_first: 0, flags: [] };
  return [{ ...message, ...more }, new DataView(bytes.buffer)];
}

test("points arrive once, whether in the history or in a message", () => {
  const store = new Store();
  const [message, view] = append(0, [1, 2, 3], [3, 2, 1]);
  store.load({ total: 2, n: 2, columns: ["mean", "lr"], data: append(0, [1, 2], [3, 2])[1], tests: [], flags: [] });
  assert.ok(store.append(message, view));
  assert.equal(store.columns.n, 3);
  assert.equal(store.received, 3);
});

test("a gap is noticed", () => {
  const store = new Store();
  assert.equal(store.append(...append(5, [6], [1])), false);
  assert.equal(store.append(...append(0, [1], [1], { tests_first: 2 })), false);
  assert.equal(store.columns.n, 0);
});

test("news are taken part by part, each with its buffer", () => {
  const store = new Store();
  store.figures = { iter: 0, lr: 0.1 };
  const topics = [];
  store.subscribe((topic) => topics.push(topic));
  const [message, view] = append(0, [1, 2], [3, 2]);
  const parts = [{ ...message, type: "append" }, { type: "figures", changed: { iter: 2 } }];
  assert.ok(store.receiveAll(parts, [view]));
  assert.equal(store.columns.n, 2);
  assert.deepEqual(store.figures, { iter: 2, lr: 0.1 }, "what has not changed stays");
  assert.deepEqual(topics, ["curve", "figures"]);
  const [late, lateView] = append(5, [6], [1]);
  assert.equal(store.receiveAll([{ ...late, type: "append" }, { type: "figures", changed: { iter: 6 } }], [lateView]), false);
  assert.equal(store.figures.iter, 6, "a gap in the curve holds up nothing else");
});

test("tests and flags that came with the history are not repeated", () => {
  const store = new Store();
  const tests = [{ iter: 1, loss: 1, accuracy: 0.5 }];
  const flags = [{ iter: 1, kind: "lr", value: 0.1, time: 1 }];
  store.append(...append(0, [1], [1], { tests, flags }));
  store.append(...append(0, [1, 2], [1, 1], { tests: [...tests, { iter: 2, loss: 2, accuracy: null }], flags }));
  assert.equal(store.tests.length, 2);
  assert.equal(store.flags.length, 1);
});

test("values at an iteration, and the latest", () => {
  const store = new Store();
  store.append(...append(0, [1, 2, 3], [3, 2, 1], { tests: [{ iter: 2, loss: 9, accuracy: 0.25 }] }));
  assert.equal(store.at(1).raw, 3);
  assert.equal(store.at(1).test, null);
  assert.equal(store.at(3).test, 9);
  assert.equal(store.at().raw, 1);
  assert.equal(store.at().accuracy, 0.25);
  assert.equal(new Store().at().raw, null);
});

test("zoom: whole run, part of it, following the newest point", () => {
  const store = new Store();
  const iters = Array.from({ length: 1000 }, (_, i) => i + 1);
  store.append(...append(0, iters, iters.map((i) => 1 / i)));
  const view = new Window(store);
  view.zoomTo(100, 300);
  assert.deepEqual(view.x, [100, 300]);
  view.zoomTo(400, 1200);
  assert.deepEqual(store.view.zoom, [400, null]);
  assert.deepEqual(view.x, [400, 1000]);
  view.zoomTo(0, 2000);
  assert.equal(store.view.zoom, null);
});

test("the y range grows at once and shrinks only on reset", () => {
  const store = new Store();
  store.set("status", { state: "running" });
  store.append(...append(0, [1, 2, 3], [1, 1.1, 1.2]));
  const view = new Window(store);
  const before = view.ranges().y;
  store.append(...append(3, [4, 5, 6, 7], [4, 4, 4, 4]));
  const after = view.ranges().y;
  assert.ok(after.hi >= 4 && before.hi < 2);
  store.view.hidden = ["raw"];
  assert.deepEqual(view.ranges().y, after);
});

test("a blow-up does not flatten the run that it ends", () => {
  const store = new Store();
  const iters = Array.from({ length: 500 }, (_, i) => i + 1);
  store.append(...append(0, iters, iters.map((i) => (i > 495 ? 10 ** (i - 490) : 2))));
  store.set("status", { state: "diverged" });
  assert.ok(new Window(store).ranges().y.hi < 20);
});

/** As a LeNet that learns: from 2.31 down to 0.002, nine in ten values far below the first ones. */
const learned = (n) => Array.from({ length: n }, (_, i) => 2.3 * Math.exp(-i / 40) + 0.01 * (1.5 + Math.sin(i)));

for (const log of [false, true])
  for (const state of ["running", "finished", "diverged"])
    test(`where the curve begins is in sight: ${log ? "log" : "linear"} axis, ${state}`, () => {
      const store = new Store();
      store.status = { state };
      store.setView({ log });
      const losses = learned(4000);
      if (state === "diverged") losses.push(1e9);
      store.append(...append(0, losses.map((_, i) => i + 1), losses));
      const { lo, hi } = new Window(store).ranges().y;
      assert.ok(hi >= losses[0] && hi < 10, `up to ${hi}`);
      assert.ok(lo < 0.03, `from ${lo}`);
    });

test("a logarithmic axis holds what stands out upwards, a linear one is not flattened by it", () => {
  const store = new Store();
  store.status = { state: "running" };
  const losses = learned(4000).map((v, i) => (i === 3001 ? 50 : v));
  store.append(...append(0, losses.map((_, i) => i + 1), losses));
  store.setView({ smoothing: 0.999 });
  assert.ok(new Window(store).ranges().y.hi < 10);
  store.setView({ log: true });
  assert.ok(new Window(store).ranges().y.hi >= 50);
});

test("losses below zero are in sight", () => {
  const store = new Store();
  store.status = { state: "diverged" };
  store.append(...append(0, [1, 2, 3], [-1, -2, -3]));
  const { lo, hi } = new Window(store).ranges().y;
  assert.deepEqual([lo, hi], [-3, -1]);
});

test("where a run that is compared begins is in sight", () => {
  const store = new Store();
  const iters = Array.from({ length: 4000 }, (_, i) => i + 1);
  store.status = { state: "running" };
  store.append(...append(0, iters, iters.map(() => 0.1)));
  const [{ columns }, data] = append(0, iters, learned(4000));
  store.loadReferences([{ key: "b", name: "b", total: 4000, n: 4000, columns, data, tests: [], flags: [] }]);
  store.setView({ log: true });
  assert.ok(new Window(store).ranges().y.hi >= 2.3);
});

test("commands are answered once, and told to be late", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const sent = [];
  const told = [];
  const commands = new Commands((content) => sent.push(content));
  commands.listeners.add((what) => told.push(what));
  const answer = commands.ask("pause");
  t.mock.timers.tick(2100);
  commands.answer({ id: sent[0].id, ok: false, error: "no" });
  commands.answer({ id: sent[0].id, ok: true });
  assert.deepEqual(await answer, { ok: false, error: "no", value: null });
  assert.deepEqual(told, ["sent", "late", "refused"]);
});

test("what another page is answered is not taken for one's own", () => {
  const sent = [];
  const [here, there] = [0, 1].map(() => new Commands((content) => sent.push(content)));
  here.ask("pause");
  there.ask("step", 1);
  here.answer({ id: sent[1].id, ok: true });
  assert.ok(here.waiting);
  here.answer({ id: sent[0].id, ok: true });
  assert.ok(!here.waiting);
  there.dispose();
});
