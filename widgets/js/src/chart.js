// The loss chart: uPlot draws axes and grid and keeps the scales, paint.js the curves.

import uPlot from "uplot";
import { h, onPress, tokens } from "./dom.js";
import { integer, lossTick, significant, tick } from "./format.js";
import { iterationStep, linearTicks, logTicks } from "./ranges.js";
import { paint } from "./paint.js";
import { makeCursor } from "./cursor.js";
import { makeOverview } from "./overview.js";
import { letter } from "./runs.js";
import { startList } from "./start.js";
import { Window } from "./window.js";

const TOP = 26; // titles
const BOTTOM = 42; // tick labels and flags

export function makeChart(store, root) {
  const window_ = new Window(store);
  const canvasHost = h("div", { class: "plot", role: "img", tabindex: 0 });
  const start = h("div", { class: "empty" });
  const element = h("div", { class: "chart" }, canvasHost, start);
  const overview = makeOverview(store, window_);
  let colours = null;
  let plot = null;
  let ranges = window_.ranges();
  let narrow = false;
  let width = 0;
  let held = false; // by the pointer: a plot that is replaced under a drag loses it
  let due = false; // to be built when it is let go

  const geometry = () => {
    const style = getComputedStyle(element);
    const px = (name) => parseFloat(style.getPropertyValue(name));
    return { left: px("--owl-gutter-left"), right: px("--owl-gutter-right"), height: px("--owl-plot-height") };
  };

  function axes({ left, right }) {
    const text = { stroke: () => colours["ink-2"], font: `400 11px ${colours.font}` };
    const grid = { stroke: () => colours.grid, width: 1 };
    return [
      {
        ...text, grid, scale: "x", size: BOTTOM, gap: 3,
        ticks: { stroke: () => colours.edge, size: 4, width: 1 },
        border: { show: true, stroke: () => colours.edge, width: 1 },
        splits: (u, i, lo, hi) => linearTicks(lo, hi, iterationStep(hi - lo, u.bbox.width / uPlot.pxRatio)),
        values: (u, splits) => splits.map(tick),
      },
      {
        ...text, grid, scale: "y", side: 3, size: left, gap: 8, ticks: { show: false },
        splits: () => {
          const { lo, hi, step } = ranges.y;
          return step ? linearTicks(lo, hi, step) : logTicks(lo, hi);
        },
        values: (u, splits) => splits.map((v) => lossTick(v, ranges.y)),
        filter: (u, splits) => splits,
      },
      {
        ...text, scale: "acc", side: 1, size: right, gap: 8, grid: { show: false }, ticks: { show: false },
        splits: () => (hasAccuracy() ? linearTicks(ranges.accuracy.lo, ranges.accuracy.hi, ranges.accuracy.step) : []),
        values: (u, splits) => splits.map((v) => String(v)),
      },
    ];
  }

  const hasAccuracy = () => store.runs.some((run) => run.tests.some((t) => Number.isFinite(t.accuracy)));

  function options() {
    const place = geometry();
    return {
      width,
      height: TOP + place.height + BOTTOM,
      padding: [TOP, 0, 0, 0],
      legend: { show: false },
      scales: {
        x: { time: false, range: () => ranges.x },
        y: { distr: store.view.log ? 3 : 1, range: () => [ranges.y.lo, ranges.y.hi] },
        acc: { range: () => [ranges.accuracy.lo, ranges.accuracy.hi] },
      },
      axes: axes(place),
      series: [{}, { scale: "y", paths: () => null, points: { show: false } }, { scale: "acc", paths: () => null, points: { show: false } }],
      cursor: {
        x: false, y: false, points: { show: false },
        drag: { x: true, y: false, setScale: false, dist: 4 },
        bind: { dblclick: () => () => window_.reset() },
      },
      hooks: { draw: [draw], setSelect: [select] },
    };
  }

  function select(u) {
    if (u.select.width < 4) return;
    const [a, b] = [u.select.left, u.select.left + u.select.width].map((x) => u.posToVal(x, "x"));
    u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    window_.zoomTo(a, b);
  }

  function scale(u = plot) {
    const [left, top] = [u.bbox.left / uPlot.pxRatio, u.bbox.top / uPlot.pxRatio];
    return {
      px: (v) => left + u.valToPos(v, "x"),
      py: (v) => top + u.valToPos(v, "y"),
      pa: (v) => top + u.valToPos(v * 100, "acc"),
      x0: ranges.x[0],
      x1: ranges.x[1],
    };
  }

  function box(u = plot) {
    const r = uPlot.pxRatio;
    const { left, top, width: w, height } = u.bbox;
    return { left: left / r, top: top / r, right: (left + w) / r, bottom: (top + height) / r, narrow };
  }

  function draw(u) {
    const g = u.ctx;
    g.save();
    g.scale(uPlot.pxRatio, uPlot.pxRatio);
    paint(g, store, box(u), scale(u), colours);
    g.restore();
    cursor.place(); // the scales are settled only now
    overview.draw(box(u));
  }

  const data = () => [ranges.x, [ranges.y.lo, ranges.y.hi], [0, 100]];

  function build() {
    due = held;
    if (held) return;
    plot?.destroy();
    colours = tokens(root);
    ranges = window_.ranges();
    plot = new uPlot(options(), data(), canvasHost);
    cursor.attach(plot.over);
    onPress(plot.over, () => (held = true), letGo);
    overview.theme(colours);
    drawn = `${store.view.log}`;
    update();
  }

  function letGo() {
    held = false;
    if (due) build();
  }

  function destroy() {
    due = false;
    plot?.destroy();
  }

  const compared = () => {
    const parts = store.references.map((run, k) => `${letter(k + 1)} ${run.name}, train loss ${significant(run.at().smoothed)}`);
    return parts.length ? `; compared with ${parts.join("; ")}` : "";
  };

  let drawn = "";
  function update() {
    if (!plot) return;
    if (drawn !== `${store.view.log}`) return build();
    ranges = window_.ranges();
    plot.setData(data());
    checklist();
    const { smoothed } = store.at();
    const summary = `Loss and accuracy over ${integer(store.iter)} iterations; train loss ${significant(smoothed)}${compared()}. T shows the values as a table.`;
    if (canvasHost.getAttribute("aria-label") !== summary) canvasHost.setAttribute("aria-label", summary);
  }

  function checklist() {
    const waiting = store.columns.n === 0 && !store.over;
    start.hidden = !waiting;
    if (waiting) start.replaceChildren(...(store.run.checklist ? [startList(store.run.checklist)] : []));
  }

  const cursor = makeCursor(store, {
    host: canvasHost,
    window: window_,
    position: (iteration) => plot.valToPos(iteration, "x"),
    iteration: (x) => plot.posToVal(x, "x"),
    height: (value) => plot.valToPos(value, "y"),
    ranges: () => ranges,
    box: () => box(),
  });

  function resize(size) {
    narrow = size < 1000;
    if (!size || Math.round(size) === width) return;
    width = Math.round(size);
    build();
  }

  return { element, overview, cursor, window: window_, build, update, resize, destroy };
}
