import assert from "node:assert/strict";
import test from "node:test";
import { isComposed, isOwnKey, listenToKeys } from "../src/keyboard.js";
import { listenToMonitorKeys } from "../src/monitor-keys.js";

const plot = { tagName: "DIV", closest: () => null };
const field = (type) => ({ tagName: "INPUT", type, closest: () => null });
const button = { tagName: "BUTTON", closest: (what) => (what === "button" ? button : null) };

/** A key as the browser tells it; `held`: "ctrlKey", "altKey", "metaKey", "AltGraph". */
function press(key, held = [], target = plot) {
  const event = { key, target, stopped: 0, getModifierState: (name) => held.includes(name) };
  for (const name of ["ctrlKey", "altKey", "metaKey", "shiftKey"]) event[name] = held.includes(name);
  return Object.assign(event, { preventDefault: () => event.stopped++, stopPropagation: () => event.stopped++ });
}

const WINDOWS = ["ctrlKey", "altKey", "AltGraph"]; // AltGr there; elsewhere "AltGraph" alone

/** What a widget does with keys. */
function widget(actions, ...more) {
  const listeners = {};
  const root = { addEventListener: (name, listener) => (listeners[name] ??= []).push(listener) };
  listenToKeys(root, actions, ...more);
  return (event) => (listeners.keydown[0](event), event.stopped === 2);
}

test("a character of the third level is a plain key: AltGr+8 is [ on a German keyboard", () => {
  const done = [];
  const on = widget({ "[": () => done.push("["), s: () => done.push("s") });
  assert.ok(on(press("[", WINDOWS)));
  assert.ok(on(press("[", ["AltGraph"])));
  assert.ok(on(press("[")));
  assert.deepEqual(done, ["[", "[", "["]);
  for (const held of [["ctrlKey"], ["altKey"], ["metaKey"], ["ctrlKey", "altKey"]]) assert.ok(!on(press("s", held)), held.join());
  assert.equal(done.length, 3, "commands are the notebook's");
});

test("@ that is written into a field does not reach the notebook; Ctrl+S does", () => {
  assert.ok(isOwnKey(press("@", WINDOWS, field("text"))));
  assert.ok(!isOwnKey(press("s", ["ctrlKey"], field("text"))));
  assert.ok(isOwnKey(press("z", ["ctrlKey"], field("text"))));
  assert.ok(!isOwnKey(press("Enter", WINDOWS, field("text"))));
});

test("Option writes characters on a Mac, Alt nowhere else", () => {
  assert.ok(isComposed(press("[", ["altKey"]), true));
  assert.ok(!isComposed(press("[", ["altKey"]), false));
  assert.ok(!isComposed(press("[", ["altKey", "metaKey"]), true));
});

test("what has the focus keeps the keys that it does something with itself", () => {
  const done = [];
  const keys = ["a", " ", "Enter", "ArrowLeft", "Escape"];
  const on = widget(Object.fromEntries(keys.map((key) => [key, () => done.push(key)])));
  const left = (target) => keys.filter((key) => !on(press(key, [], target)));
  assert.deepEqual(left(plot), []);
  assert.deepEqual(left(button), [" ", "Enter"]);
  assert.deepEqual(left(field("range")), ["ArrowLeft"]);
  assert.deepEqual(left(field("text")), ["a", " ", "Enter", "ArrowLeft"]);
});

test("a key that is held asks a run for something once; steps and moves go on", () => {
  const [asked, listeners] = [[], []];
  const root = { addEventListener: (name, listener) => listeners.push(listener) };
  const chart = { cursor: { move: () => asked.push("move") } };
  listenToMonitorKeys(root, { controls: { press: (name) => asked.push(name) }, chart });
  for (const key of [" ", "n", "s", "q", "[", "]", ".", "ArrowLeft"])
    for (const repeat of [false, true]) listeners[0](Object.assign(press(key), { repeat }));
  assert.deepEqual(asked, ["main", "stepn", "snapshot", "stop", "lower", "higher", "step", "step", "move", "move"]);
});

test("capitals are the same keys, and others are asked about", () => {
  const done = [];
  const on = widget({ g: () => done.push("g") }, ({ key }) => key === "Home" && done.push(key));
  assert.deepEqual([press("G"), press("Home"), press("End")].map(on), [true, true, false]);
  assert.deepEqual(done, ["g", "Home"]);
});
