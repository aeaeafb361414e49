// What is said and shown of a run that has ended or has just begun: elements stand in for the page's.

import assert from "node:assert/strict";
import test from "node:test";

const element = () => {
  const made = { attributes: {}, children: [], textContent: "", hidden: false, style: {}, dataset: {} };
  return Object.assign(made, {
    setAttribute: (name, value) => (made.attributes[name] = value),
    getAttribute: (name) => made.attributes[name] ?? null,
    removeAttribute: (name) => delete made.attributes[name],
    append: (...more) => made.children.push(...more),
    contains: () => false,
  });
};
globalThis.document = { createElement: element, activeElement: null };
const { makeAnnouncer } = await import("../src/accessibility.js");
const { makeFooter } = await import("../src/footer.js");

const store = (more) => ({ connected: true, over: false, state: "running", run: { name: "lenet" }, figures: {}, iter: 9, rows: [], ...more });

test("the end is announced at the iteration that the header shows, not at that of an update that was not made", () => {
  const run = store({ figures: { iter: 8 } });
  const announcer = makeAnnouncer(run, element());
  announcer.update(0);
  Object.assign(run, { state: "diverged", over: true });
  announcer.update(1);
  assert.equal(announcer.element.textContent, "Diverged at iteration 8");
});

test("what the monitor costs is shown once it is measured", () => {
  const run = store({ figures: { monitor: { share: null } } });
  const footer = makeFooter(run);
  const [cost] = footer.element.children;
  assert.equal(cost.hidden, true);
  run.figures.monitor.share = 0.0123;
  footer.update();
  assert.equal(cost.hidden, false);
  assert.equal(cost.children[1].textContent, "1.2\u202f%");
});
