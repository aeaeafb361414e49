import assert from "node:assert/strict";
import test from "node:test";
import { onVerbs } from "../src/clicks.js";

const VERBS = ["main", "step", "stepn", "stop", "snapshot", "lower", "higher", "log"];

/** A toolbar with buttons of those names, and which were pressed. */
function toolbar() {
  const [listeners, done] = [{}, []];
  onVerbs({ addEventListener: (name, listener) => (listeners[name] = listener) }, (name) => done.push(name));
  const buttons = Object.fromEntries(VERBS.map((act) => [act, { dataset: { act }, disabled: null, getAttribute: () => buttons[act].disabled }]));
  const on = (type, name, event) => listeners[type]({ target: { closest: () => buttons[name] ?? null }, ...event });
  const click = (name, event) => on("click", name, { detail: 1, pointerType: "mouse", timeStamp: 0, ...event });
  const held = (name, event) => {
    let native = true;
    on("keydown", name, { key: "Enter", repeat: true, preventDefault: () => (native = false), ...event });
    return native;
  };
  return { done, click, held, buttons };
}

test("the second click of a double click does not undo the first, nor answer what that has asked", () => {
  for (const [name, times] of [["main", 1], ["stop", 1], ["snapshot", 1], ["log", 1], ["step", 3], ["stepn", 3], ["lower", 3], ["higher", 3]]) {
    const { done, click } = toolbar();
    for (const detail of [1, 2, 3]) click(name, { detail });
    assert.deepEqual(done, Array(times).fill(name));
    click(name);
    assert.equal(done.length, times + 1, "a click of its own is one");
  }
});

test("nor does a second tap, where the browser does not count them", () => {
  const { done, click } = toolbar();
  const tap = (timeStamp) => click("main", { pointerType: "touch", timeStamp });
  for (const time of [0, 200, 2000]) tap(time);
  assert.deepEqual(done, ["main", "main"]);
});

test("two buttons are two presses, keys and disabled buttons what they were", () => {
  const { done, click, buttons } = toolbar();
  click("main");
  click("stop", { detail: 2 }); // it has moved under the pointer
  click("log", { detail: 0, pointerType: "" }); // Space, twice
  click("log", { detail: 0, pointerType: "" });
  assert.deepEqual(done, ["main", "stop", "log", "log"]);
  buttons.main.disabled = "true";
  click("main");
  click("none");
  assert.equal(done.length, 4);
});

test("Enter that is held presses a button once; steps go on", () => {
  const { held } = toolbar();
  assert.deepEqual(VERBS.filter((name) => held(name)), ["step"]);
  assert.ok(held("main", { repeat: false }));
  assert.ok(held("main", { key: "Tab" }));
  assert.ok(held("a field"));
});
