// The chart as a real table: a row per test, newest first; without tests, twenty rows of the curve.

import { pastAt } from "./branches.js";
import { h } from "./dom.js";
import { letter } from "./runs.js";
import { isNet, testLabel, testNets } from "./testnets.js";
import { DASH, integer, percent, rate, significant } from "./format.js";

/** What has a column of its own: a further accuracy of a net comes without its loss. */
const measured = (net) => (isNet(net) ? ["loss", "accuracy"] : ["accuracy"]);

/** Heads of the columns; each test net has its own two, each further run three. */
export function tableHeads(tests, references = []) {
  const ofNets = testNets(tests).flatMap((net) => measured(net).map((what) => testLabel(tests, what, net)));
  const ofRuns = references.flatMap((run, k) => ["train loss", "test loss", "accuracy %"].map((text) => `${letter(k + 1)} ${text}`));
  return ["iteration", "train loss", "raw", ...ofNets, "learning rate", ...ofRuns, "event"];
}

const MOST = 200; // rows
const SAMPLES = 20;

const WORDS = { snapshot: "snapshot", pause: "paused", step: "stepped", stop: "stopped" };

export function eventWords(flag) {
  if (flag.kind === "lr") return flag.before ? `learning rate ${rate(flag.before)} → ${rate(flag.value)}` : `learning rate ${rate(flag.value)}`;
  if (flag.kind === "back") {
    const rates = flag.before !== flag.value ? `, learning rate ${rate(flag.before)} → ${rate(flag.value)}` : "";
    return `went back to ${integer(flag.iter)} from ${integer(flag.reached)}${rates}`;
  }
  if (flag.kind === "nan") return flag.text || "NaN";
  return WORDS[flag.kind] ?? flag.kind;
}

/** Rows of what was given up, at its tests and its end, the latest part first. */
function pastRows(store, nets) {
  return [...store.branches].reverse().flatMap((branch) => {
    const { iter, mean, lr } = branch.columns;
    const last = mean.findLastIndex((v) => Number.isFinite(v));
    const iterations = new Set([...branch.tests.map((t) => t.iter), ...(last < 0 ? [] : [iter[last]])]);
    return [...iterations].sort((a, b) => b - a).map((iteration, k) => {
      const row = iter.findLastIndex((at) => at <= iteration);
      const words = [`given up at ${integer(branch.reached)}`, ...(k ? [] : branch.flags.map(eventWords))];
      return [
        integer(iteration),
        significant(pastAt(store, iteration, store.view.smoothing, store.maxIter)),
        row < 0 ? DASH : significant(mean[row]),
        ...testCells(branch.tests, nets, iteration),
        row < 0 ? DASH : rate(lr[row]),
        ...store.references.flatMap(() => [DASH, DASH, DASH]),
        [...new Set(words)].join(", "),
      ];
    });
  });
}

function testCells(tests, nets, iteration) {
  return nets.flatMap((net) => {
    const test = tests.find((t) => t.iter === iteration && (t.net ?? 0) === net);
    const cells = { loss: significant(test?.loss ?? null), accuracy: percent(test?.accuracy ?? null) };
    return measured(net).map((what) => cells[what]);
  });
}

/** Rows of the table as text, newest first; after them what was given up. */
export function tableRows(store) {
  const { columns } = store;
  let iterations = [...new Set(store.tests.map((t) => t.iter))].sort((a, b) => a - b);
  const nets = testNets(store.tests);
  if (!iterations.length && columns.n) {
    const stride = Math.max(1, Math.floor(columns.n / SAMPLES));
    for (let i = columns.n - 1; i >= 0; i -= stride) iterations.unshift(columns.iter[i]);
  }
  if (columns.n && iterations.at(-1) < columns.last) iterations.push(columns.last);
  iterations = [...new Set(iterations)].slice(-MOST);
  return iterations
    .map((iteration, k) => {
      const v = store.at(iteration);
      const since = k ? iterations[k - 1] : -1;
      const events = store.flags.filter((f) => f.iter > since && f.iter <= iteration).map(eventWords);
      return [
        integer(iteration),
        v.smoothed === null ? DASH : significant(v.smoothed),
        v.raw === null ? DASH : significant(v.raw),
        ...testCells(store.tests, nets, iteration),
        rate(v.lr),
        ...store.references.flatMap((run) => {
          const other = run.at(iteration);
          return [other.smoothed === null ? DASH : significant(other.smoothed), significant(other.test), percent(other.accuracy)];
        }),
        [...new Set(events)].join(", "),
      ];
    })
    .reverse()
    .concat(pastRows(store, nets));
}

export function makeTable(store) {
  const body = h("tbody");
  const head = h("thead");
  const table = h("table", { "aria-label": "Values at each test" }, head, body);
  const element = h("div", { class: "tab", tabindex: 0, hidden: true }, table);

  function update() {
    element.hidden = !store.view.table;
    if (element.hidden) return;
    head.replaceChildren(h("tr", {}, ...tableHeads(store.tests, store.references).map((text) => h("th", { scope: "col", text }))));
    const rows = tableRows(store).map((cells) =>
      h("tr", {}, ...cells.map((text, i) => (i ? h("td", { text }) : h("th", { scope: "row", text })))),
    );
    body.replaceChildren(...rows);
  }
  return { element, update };
}
