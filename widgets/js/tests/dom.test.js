import assert from "node:assert/strict";
import test from "node:test";
import { fill, onPress } from "../src/dom.js";

test("children are put in where what they show has changed, and stay otherwise", () => {
  const put = [];
  const [one, other] = [0, 1].map(() => ({ replaceChildren: (...children) => put.push(children) }));
  fill(one, ["train"], () => ["a", "b"]);
  fill(one, ["train"], () => assert.fail("a click on what is there would be lost"));
  fill(other, ["train"], () => ["c"]);
  fill(one, ["test"], () => []);
  assert.deepEqual(put, [["a", "b"], ["c"], []]);
});

/** An element, the page's way of dispatching events, and what is said of presses on the element. */
function pressed(t) {
  const [element, said, page] = [new EventTarget(), [], new EventTarget()];
  for (const name of ["addEventListener", "removeEventListener"]) globalThis[name] = page[name].bind(page);
  t.after(() => ["addEventListener", "removeEventListener"].forEach((name) => delete globalThis[name]));
  t.mock.timers.enable({ apis: ["setTimeout"] });
  onPress(element, () => said.push("down"), () => said.push("up"));
  const at = (target) => (type, pointerType = "mouse", pointerId = 1) => target.dispatchEvent(Object.assign(new Event(type), { pointerType, pointerId }));
  return { said, on: at(element), anywhere: at(page), wait: (milliseconds) => t.mock.timers.tick(milliseconds) };
}

test("a press ends after the click, wherever the pointer is let go", (t) => {
  const { said, on, anywhere, wait } = pressed(t);
  anywhere("pointerup");
  on("pointerdown");
  wait(10_000);
  anywhere("pointerup");
  said.push("click");
  wait(0);
  assert.deepEqual(said, ["down", "click", "up"]);
  anywhere("click");
  wait(10_000);
  assert.equal(said.length, 3, "other clicks end nothing");
});

test("the click of a finger comes some time after it was lifted, and that of a long press never", (t) => {
  const { said, on, anywhere, wait } = pressed(t);
  on("pointerdown", "touch");
  anywhere("pointerup", "touch");
  wait(50);
  assert.deepEqual(said, ["down"]);
  anywhere("click", "touch");
  wait(0);
  on("pointerdown", "touch");
  anywhere("pointerup", "touch");
  wait(1000);
  assert.deepEqual(said, ["down", "up", "down", "up"]);
});

test("a finger that begins to scroll presses no more; another one ends no press of the first", (t) => {
  const { said, on, anywhere, wait } = pressed(t);
  on("pointerdown", "touch", 7);
  anywhere("pointerup", "touch", 8);
  wait(1000);
  assert.deepEqual(said, ["down"]);
  anywhere("pointercancel", "touch", 7);
  wait(0);
  assert.deepEqual(said, ["down", "up"]);
});
