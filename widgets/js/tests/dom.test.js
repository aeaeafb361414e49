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

test("a press ends after the click, wherever the pointer is let go", async (t) => {
  const [element, said] = [new EventTarget(), []];
  const page = new EventTarget();
  for (const name of ["addEventListener", "removeEventListener"]) globalThis[name] = page[name].bind(page);
  t.after(() => ["addEventListener", "removeEventListener"].forEach((name) => delete globalThis[name]));
  onPress(element, () => said.push("down"), () => said.push("up"));
  page.dispatchEvent(new Event("pointerup"));
  element.dispatchEvent(new Event("pointerdown"));
  page.dispatchEvent(new Event("pointerup"));
  page.dispatchEvent(new Event("pointercancel"));
  said.push("click");
  await new Promise((done) => setTimeout(done, 5));
  assert.deepEqual(said, ["down", "click", "up"]);
});
