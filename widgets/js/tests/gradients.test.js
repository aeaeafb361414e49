import assert from "node:assert/strict";
import test from "node:test";
import { corner, hit, layout, neighbourhood, worstOf } from "../src/gradients-map.js";
import { place } from "../src/gradients-steps.js";
import { GradientStore, KINK, LAST, NO_NUMBER, PENDING, RIGHT, WRONG, logError } from "../src/gradients-store.js";
import * as text from "../src/gradients-text.js";

const THIN = "\u202f";
const row = (more) => ({ layer: "ip", blob: "blobs[0]", type: "InnerProduct", shape: [4, 5], count: 20, number: 20, done: 20, verdict: "passes", kinks: 0, wrong: 0, directions: 0, wrong_directions: 0, faults: [], curve: [], worst: { k: 3, index: [0, 3], error: 1e-9 }, ...more });
const head = (more) => ({ name: "net", state: "running", done: 0, total: 40, step: 1e-5, tolerance: 1e-5, seconds: 2, ...more });

function update(store, rows, cells, codes, positions = [], more = {}) {
  const message = { type: "update", head: head(more), rows, cells };
  store.apply(message, [new DataView(Uint8Array.from(codes).buffer), new DataView(Uint32Array.from(positions).buffer)]);
}

test("what is new is put where it belongs", () => {
  const store = new GradientStore();
  const cells = [
    { row: 0, first: 0, n: 3, positions: 0 },
    { row: 1, first: 0, n: 2, positions: 2 },
  ];
  update(store, { 0: row(), 1: row({ count: 900 }) }, cells, [10, 11, 12, 20, 21], [7, 800]);
  update(store, { 0: row() }, [{ row: 0, first: 1, n: 1, positions: 0 }], [99]);
  assert.deepEqual([...store.codes[0]], [10, 99, 12]);
  assert.deepEqual([...store.codes[1]], [20, 21]);
  assert.deepEqual([...store.positions[1]], [7, 800]);
  update(store, { 1: row() }, [{ row: 1, first: 0, n: 3, positions: 3 }], [20, 21, 22], [7, 800, 5]);
  assert.deepEqual([...store.codes[1]], [20, 21, 22]);
  assert.deepEqual([...store.positions[1]], [7, 800, 5]);
});

test("all of it comes back whole, and starts anew", () => {
  const store = new GradientStore();
  store.load({ head: head(), rows: [row()], cells: [{ row: 0, first: 0, n: 2, positions: 0 }], codes: new DataView(Uint8Array.from([5, 6]).buffer), positions: null });
  assert.deepEqual([...store.codes[0]], [5, 6]);
  store.setView({ row: 0, k: 1 });
  store.apply({ type: "again" }, []);
  assert.equal(store.rows.length, 0);
  assert.equal(store.view.row, null);
});

test("the first wrong blob is looked at, else the present one, else the worst; a choice stays", () => {
  const store = new GradientStore();
  const rows = { 0: row(), 1: row({ worst: { k: 0, index: [0, 0], error: 1e-6 } }), 2: row({ verdict: "checking", done: 4 }) };
  update(store, rows, [], []);
  assert.equal(store.selected, 2);
  update(store, { 2: row() }, [], [], [], { state: "done" });
  assert.equal(store.selected, 1);
  update(store, { 2: row({ verdict: "wrong" }) }, [], [], [], { state: "done" });
  assert.equal(store.selected, 2);
  store.setView({ row: 0, k: null });
  assert.equal(store.selected, 0);
  assert.equal(store.k, 3);
});

test("codes stand for errors on both sides of the tolerance", () => {
  assert.equal(logError(KINK, 1e-5), null);
  assert.equal(logError(RIGHT, 1e-5), -12);
  assert.ok(Math.abs(logError(WRONG - 1, 1e-5) + 5) < 1e-12);
  assert.ok(Math.abs(logError(WRONG, 1e-5) + 5) < 1e-12);
  assert.ok(Math.abs(logError(LAST, 1e-5)) < 1e-12);
});

test("a cell of several elements hides none that is wrong", () => {
  assert.equal(worstOf(Uint8Array.from([9, WRONG + 3, 30]), 0, 3), WRONG + 3);
  assert.equal(worstOf(Uint8Array.from([200, NO_NUMBER, LAST]), 0, 3), NO_NUMBER);
  assert.equal(worstOf(Uint8Array.from([9, KINK, 30]), 0, 3), KINK);
  assert.equal(worstOf(Uint8Array.from([KINK, PENDING, 30]), 0, 3), PENDING);
  assert.equal(worstOf(Uint8Array.from([9, 8]), 1, 3), 8);
});

test("cells run down and then right, and a point finds its element", () => {
  for (const n of [1, 4, 20, 24, 500, 1024, 100000]) {
    const map = layout(n, 300, 42);
    assert.ok(map.wide * map.w <= 300.001, `${n} elements are wider than the map`);
    for (const k of [0, Math.floor(n / 2), n - 1]) {
      const [x, y] = corner(map, k);
      const found = hit(map, x + map.w / 2, y + map.h / 2);
      assert.ok(found <= k && k < found + map.each, `element ${k} of ${n}: ${found}`);
    }
  }
  assert.equal(layout(24, 300, 42).each, 1);
  assert.ok(layout(100000, 300, 42).each > 1);
  assert.equal(hit(layout(20, 300, 40), 299, 10), null);
});

test("a closer look holds the element, at both ends as well", () => {
  const map = layout(1024, 300, 42);
  for (const k of [0, 500, 1023]) {
    const near = neighbourhood(map, k, 30);
    assert.equal(near.columns, 30);
    assert.ok(near.first <= k && k < near.first + near.count);
  }
});

test("numbers are written as the specification says", () => {
  assert.equal(text.error(2.3e-5), `2.3${THIN}×${THIN}10⁻⁵`);
  assert.equal(text.error(0.613), "0.61");
  assert.equal(text.error("NaN"), "NaN");
  assert.equal(text.error(null), "–");
  assert.equal(text.slope(0.03411792), `0.034${THIN}117${THIN}920`);
  assert.equal(text.slope(-12.5), `−12.500${THIN}000`);
  assert.equal(text.setting(1e-5), "10⁻⁵");
  assert.equal(text.setting(0.01), "0.01");
  assert.deepEqual(text.unravel(15804, [50, 20, 5, 5]), [31, 12, 0, 4]);
});

test("the state is said in a word", () => {
  const store = new GradientStore();
  update(store, { 0: row({ verdict: "checking" }) }, [], []);
  assert.equal(text.state(store)[2], "Checking");
  assert.equal(text.detail({ ...store, head: head({ doing: "ip (1 of 3 layers)" }), over: false }), "checking ip (1 of 3 layers)");
  assert.equal(text.detail({ ...store, head: head({ doing: "" }), over: false }), "running the whole net once in float64");
  const paused = { ...store, head: head({ doing: "ip (1 of 3 layers)", state: "paused" }), over: false };
  assert.equal(text.detail(paused), "at ip (1 of 3 layers)");
  assert.equal(text.state({ ...paused, wrongRows: [] })[2], "Paused");
  assert.equal(text.state({ ...paused, wrongRows: [row()] })[2], "1 wrong, paused");
  update(store, { 0: row() }, [], [], [], { state: "done" });
  assert.equal(text.state(store)[2], "All pass");
  update(store, {}, [], [], [], { state: "done", loss_is_wrong: true });
  assert.equal(text.state(store)[2], "Loss wrong");
  update(store, { 1: row({ verdict: "unasked" }) }, [], [], [], { state: "done", loss_is_wrong: false });
  assert.deepEqual([text.state(store)[0], text.state(store)[2], store.selected], ["warn", "1 unasked", 1]);
  update(store, { 1: row() }, [], [], []);
  update(store, {}, [], [], [], { state: "done", interrupted: true });
  assert.equal(text.state(store)[2], "Interrupted");
  assert.equal(text.verdict(row({ verdict: "waits" }), true)[1], "not checked");
});

test("a curve is read: a valley, flat, or neither", () => {
  const at = (f) => [-10, -9, -8, -7, -6, -5, -4, -3, -2, -1].map((e) => [10 ** e, f(e)]);
  assert.equal(text.reading(at((e) => 10 ** (2 * e + 2) + 10 ** (-14 - e)), 1e-5), "a valley: the gradient is right");
  assert.equal(text.reading(at(() => 0.4), 1e-5), "flat: wrong, whatever the step");
  assert.equal(text.reading(at((e) => 10 ** (e / 3)), 1e-9), "no valley: a kink nearby?");
  assert.equal(text.reading(at(() => "NaN"), 1e-5), "no numbers");
  const [, top] = place(1e-5, 1);
  const [, bottom] = place(1e-5, 1e-12);
  assert.ok(top < bottom);
  assert.deepEqual(place(1e-5, "Inf"), place(1e-5, 1));
});
