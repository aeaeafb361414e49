import assert from "node:assert/strict";
import test from "node:test";
import { guilty } from "../src/banner.js";
import { Norms, extreme, pixelRows, spread, stageOf, stages } from "../src/layers-data.js";
import { shortNames } from "../src/layers-names.js";
import { shareOf } from "../src/layers-paint.js";
import { chipsOf, countWords, listRows, logRatio, pinned, rowTexts, size } from "../src/layers-text.js";
import { openPanel, openPanels, togglePanel } from "../src/panel.js";
import { blend, step } from "../src/ramp.js";

/** Rows [iter, weight of each, update of each] as the kernel sends them. */
function rows(list) {
  const iters = Uint32Array.from(list.map((row) => row[0]));
  const values = Float32Array.from(list.flatMap(([, weights, updates]) => [...weights, ...updates]));
  const bytes = new Uint8Array(iters.byteLength + values.byteLength);
  bytes.set(new Uint8Array(iters.buffer), 0);
  bytes.set(new Uint8Array(values.buffer), iters.byteLength);
  return new DataView(bytes.buffer);
}

function table(list, count = 2) {
  const norms = new Norms();
  norms.load({ total: list.length, n: list.length, count, data: rows(list) });
  return norms;
}

test("rows arrive once, and a gap is noticed", () => {
  const norms = table([[10, [1, 2], [0.1, 0.02]]]);
  const more = rows([[10, [1, 2], [0.1, 0.02]], [20, [1, 2], [0.01, 0.2]]]);
  assert.ok(norms.append({ first: 0, n: 2 }, more));
  assert.equal(norms.n, 2);
  assert.ok(Math.abs(norms.ratio(1, 0) + 2) < 1e-6);
  assert.equal(norms.append({ first: 5, n: 1 }, more), false);
});

test("a full table merges neighbours, and a NaN stays", () => {
  const norms = new Norms(4);
  norms.load({ total: 5, n: 5, data: rows([1, 2, 3, 4, 5].map((i) => [i, [i, i === 3 ? NaN : 1], [1, 1]])), count: 2 });
  assert.deepEqual([...norms.iter.subarray(0, norms.n)], [1, 3, 5]);
  assert.equal(norms.weight(0, 0), 1.5);
  assert.ok(Number.isNaN(norms.ratio(1, 1)));
});

test("what has no ratio: no update, no weight, not finite", () => {
  const norms = table([[1, [1, 0], [0, 1]], [2, [Infinity, 1], [1, NaN]]]);
  assert.equal(norms.ratio(0, 0), -Infinity);
  assert.equal(norms.ratio(0, 1), null);
  assert.ok(Number.isNaN(norms.ratio(1, 0)) && Number.isNaN(norms.ratio(1, 1)));
  assert.deepEqual([-Infinity, null, NaN, -3.456].map(logRatio), ["−∞", "–", "NaN", "−3.46"]);
});

test("a row holds from its iteration to the next: nothing is known before the first", () => {
  const norms = table([[10, [1, 1], [1, 1]], [20, [1, 1], [1, 1]], [40, [1, 1], [1, 1]]]);
  assert.deepEqual([0, 14, 16, 31, 99, null].map((i) => norms.at(i)), [-1, 0, 0, 1, 2, 2]);
  assert.equal(new Norms().at(3), -1);
});

test("pixels: a row holds from its iteration to the next, the last to where the run is", () => {
  const norms = table([[10, [1, 1], [1, 1]], [20, [1, 1], [1, 1]], [30, [1, 1], [1, 1]]]);
  const first = (now) => pixelRows(norms, 0, 40, 40, now).filter((_, i) => i % 2 === 0);
  assert.deepEqual([0, 9, 10, 19, 20, 29, 30, 31].map((x) => first(30)[x]), [-1, -1, 0, 0, 1, 1, 2, -1]);
  assert.deepEqual([29, 30, 34, 35].map((x) => first(35)[x]), [1, 2, 2, -1]);
  const zoomed = pixelRows(norms, 12, 18, 6, 35).filter((_, i) => i % 2 === 0);
  assert.deepEqual([...zoomed], [0, 0, 0, 0, 0, 0], "what holds there was taken before");
});

test("an only row says nothing of the iterations before it", () => {
  const found = pixelRows(table([[30, [1, 1], [1, 1]]]), 0, 40, 40, 30);
  assert.deepEqual(Array.from({ length: 40 }, (_, x) => x).filter((x) => found[2 * x] === 0), [30]);
});

test("a pixel shows what stands out, and NaN before everything", () => {
  const norms = table([[1, [1, 1], [1e-3, 1e-3]], [2, [1, 1], [0.5, 1e-3]], [3, [1, NaN], [1e-3, 1e-3]]]);
  assert.ok(Math.abs(extreme(norms, "ratio", 0, 0, 2, -3) - Math.log10(0.5)) < 1e-6);
  assert.ok(Number.isNaN(extreme(norms, "ratio", 1, 0, 2, -3)));
});

test("scales: six decades of ratio, at least one decade of norms", () => {
  assert.deepEqual([-6, -3, 0].map((v) => shareOf("ratio", v)), [0, 0.5, 1]);
  const [lo, hi] = spread(table([[1, [10, 10], [1, 1]]]), "weight", [0, 1]);
  assert.ok(Math.abs(hi - lo - 1) < 1e-9 && Math.abs(lo - 0.5) < 1e-6);
  assert.deepEqual([-1, 0.5, 2].map(step), [0, 128, 255]);
  const ramp = blend(["#000000", "#ffffff"]);
  assert.deepEqual([ramp[0], ramp[3 * 255], ramp.length], [0, 255, 768]);
});

test("stages of well-known nets", () => {
  assert.deepEqual(["res4.27.1", "res2a_branch2a", "inception_3a/1x1", "conv4_2", "fc"].map(stageOf), ["res4", "res2", "inception_3", "conv4", "fc"]);
  assert.deepEqual(stages(["conv1", "res2.0", "res2.1", "fc"]).map((s) => [s.name, s.from, s.to]), [["conv1", 0, 1], ["res2", 1, 3], ["fc", 3, 4]]);
});

const LAYERS = [
  { name: "conv1", params: [{ index: 0, name: "weight" }, { index: 1, name: "bias" }] },
  { name: "ip", params: [{ index: 2, name: "weight", fixed: true }] },
  { name: "fc", params: [{ index: 3, name: "weight" }] },
];

test("rows: in the net's order or sorted, parameters beneath an open layer, flags with their layer", () => {
  const norms = table([[1, [1, 1, 1, 1], [1e-4, 1, 1, 1e-2]]], 4);
  const names = (sort, open = []) => listRows(LAYERS, norms, { sort, open, flags: [{ index: 0, kind: "frozen" }] }).map((row) => row.name);
  assert.deepEqual(names("net", ["conv1"]), ["conv1", "bias", "activations", "gradients", "ip", "fc"]);
  assert.deepEqual(names("ratio"), ["fc", "conv1", "ip"]);
  assert.equal(listRows(LAYERS, norms, { sort: "net", open: [], flags: [{ index: 0, kind: "frozen" }] })[0].flag.kind, "frozen");
});

test("texts of a row", () => {
  const norms = table([[1, [15.512, 1], [9.1e-4, 1]]]);
  assert.deepEqual(rowTexts(norms, 0, { index: 0 }), ["−4.23", "15.5", "9.1\u202f×\u202f10⁻⁴"]);
  assert.equal(rowTexts(norms, 0, { index: 0, fixed: true })[0], "fixed");
  assert.deepEqual(rowTexts(norms, -1, { index: 0 }), ["–", "–", "–"]);
  assert.equal(size(0, 2), "0");
});

test("chips name one layer and count several", () => {
  const layers = LAYERS.map((layer) => ({ ...layer, params: layer.params.map((p) => ({ ...p, fixed: false })) }));
  const flags = [{ index: 0, kind: "hot" }, { index: 2, kind: "hot" }, { index: 3, kind: "frozen" }];
  assert.deepEqual(chipsOf({ flags, whole: "" }, layers).map((chip) => chip.text), ["▲ 2 hot", "▼ fc frozen"]);
  assert.equal(chipsOf({ flags: [], whole: "hot" }, layers)[0].text, "▲ the whole net is hot");
  const [hot, frozen, ...none] = chipsOf({ flags, whole: "hot" }, layers);
  assert.deepEqual([hot.text, frozen.text, none], ["▲ the whole net is hot", "▼ fc frozen", []]);
  const [settled, apart] = chipsOf({ flags: flags.filter((flag) => flag.kind === "frozen"), whole: "settled" }, layers);
  assert.deepEqual([settled.text, settled.look], ["updates are small throughout", "quiet"], "a net that has learned needs no look");
  assert.equal(apart.text, "▼ fc frozen", "one that was frozen before still does");
  assert.equal(chipsOf({ flags: [], whole: "frozen" }, layers)[0].text, "▼ the whole net hardly moves");
  assert.match(hot.title, /conv1, ip$/);
});

test("what holds of all that learn is not said of the whole net where some layers are fixed", () => {
  const only = LAYERS.map((layer) => ({ ...layer, params: layer.params.map((p) => ({ ...p, fixed: layer.name !== "fc" })) }));
  const said = (whole, layers) => chipsOf({ flags: [], whole }, layers)[0].text;
  assert.deepEqual(["hot", "frozen", "settled"].map((whole) => said(whole, only)), ["▲ fc hot", "▼ fc frozen", "small updates"]);
  assert.equal(said("hot", LAYERS), "▲ all 2 hot");
  assert.match(chipsOf({ flags: [], whole: "hot" }, only)[0].title, /^fc is the only layer that learns, the others are fixed \(lr_mult 0\)/);
  assert.deepEqual([only, LAYERS].map(countWords), ["1 of 3 learns", "2 of 3 learn"]);
  assert.equal(countWords([LAYERS[0]]), "1 with weights");
});

test("panels are open at first, then as the person left them, then as the run says", () => {
  const kept = {};
  const storage = { getItem: (key) => kept[key] ?? null, setItem: (key, value) => (kept[key] = value) };
  const store = { view: { panels: null }, setView(part) { this.view = { ...this.view, ...part }; } };
  assert.deepEqual(openPanels(store.view, storage), ["layers", "filters"]);
  togglePanel(store, "layers", storage);
  assert.deepEqual(store.view.panels, ["filters"]);
  assert.deepEqual(openPanels({ panels: null }, storage), ["filters"]);
  assert.deepEqual(openPanels({ panels: ["layers"] }, storage), ["layers"]);
  assert.deepEqual(openPanels({ panels: null }, { getItem() { throw new Error("no storage"); } }), ["layers", "filters"]);
});

test("a norm takes no more room than its column, however large", () => {
  assert.deepEqual([0.5, 12.345, 1234, 9999].map((v) => size(v, 3)), ["0.500", "12.3", "1\u202f230", "10\u202f000"]);
  assert.equal(size(1.24e11, 3), "1.2\u202f×\u202f10¹¹");
  assert.equal(size(6.1e37, 2), "6.1\u202f×\u202f10³⁷");
  assert.deepEqual([NaN, Infinity].map((v) => size(v, 3)), ["NaN", "Inf"]);
  for (const value of [1e-30, 3.2e-4, 0.01, 5, 88888, 1e11, 3e38]) assert.ok(size(value, 3).length <= 11, size(value, 3));
});

test("of a deep net the opened layer has its rows, however many others are flagged", () => {
  const row = (name, more) => ({ name, layer: { name }, main: true, flag: null, ...more });
  const flagged = Array.from({ length: 10 }, (_, i) => row(`a${i}`, { flag: { kind: "hot" } }));
  const opened = [row("z"), row("bias", { layer: { name: "z" }, main: false })];
  const names = pinned([...flagged, row("calm"), ...opened], ["z"], 8).map((r) => r.name);
  assert.deepEqual(names, ["a0", "a1", "a2", "a3", "a4", "a5", "z", "bias"]);
});

test("the guilty layer can be shown where it has weights", () => {
  const store = (layer) => ({ run: { layers: [{ name: "conv1" }, { name: "fc" }] }, status: { problem: layer === null ? null : { layer } } });
  assert.equal(guilty(store("fc")), "fc");
  assert.equal(guilty(store("relu1")), null);
  assert.equal(guilty(store("")), null);
  assert.equal(guilty(store(null)), null);
});

test("a folded panel is opened, an open one stays", () => {
  const storage = { setItem() {}, getItem: () => null };
  const store = { view: { panels: ["filters"] }, setView(more) { Object.assign(this.view, more); } };
  openPanel(store, "layers", storage);
  assert.deepEqual(store.view.panels, ["filters", "layers"]);
  openPanel(store, "layers", storage);
  assert.deepEqual(store.view.panels, ["filters", "layers"]);
});

test("names too long for the gutter are shorter, and no two alike: as in owlkit_widgets/layer_names.py", () => {
  const twelve = (text) => text.length <= 12;
  const short = (...names) => [...shortNames(names, twelve).values()];
  assert.deepEqual(short("conv1", "fire2/squeeze1x1", "fire2/expand3x3"), ["conv1", "fire2/sq…1x1", "fire2/ex…3x3"]);
  assert.deepEqual(short("inception_3a/3x3", "inception_3a/3x3_reduce"), ["incep…3a/3x3", "i…3a/3x3_re…"]);
  assert.deepEqual(short("averyverylongname", "averyverylongnumber"), ["…longname", "…longnumber"]);
  assert.deepEqual(short("1234567890123", "b"), ["12345678901…", "b"]);
});
