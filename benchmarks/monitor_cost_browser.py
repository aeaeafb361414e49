"""The browser's half of monitor_cost.py: the monitor in Chromium, fed as the kernel feeds it."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

STATIC = Path(__file__).resolve().parents[1] / "widgets" / "owlkit_widgets" / "static"

# The kernel's end of the widget, and messages of `rows` rows that stand for `each` iterations a row.
HARNESS = """async ([script, css]) => {
  document.head.append(Object.assign(document.createElement('style'), { textContent: css }));
  const url = URL.createObjectURL(new Blob([script], { type: 'text/javascript' }));
  const widget = (await import(url)).default();
  const handlers = {};
  const empty = { total: 0, n: 0, columns: [], data: new DataView(new ArrayBuffer(0)), tests: [], flags: [],
                  panels: null };
  const state = { run: { key: '1', name: 'long', max_iter: 2e7, layers: [], filters: null, checklist: [] },
                  status: { state: 'running', since: Date.now() / 1000, problem: null },
                  figures: { iter: 0, max_iter: 2e7 }, view: {}, history: empty, references: [] };
  const model = { get: (k) => state[k], set: (k, v) => { state[k] = v; }, save_changes() {}, send() {},
                  on: (e, f) => (handlers[e] ??= []).push(f), off() {} };
  const host = document.body.appendChild(document.createElement('div'));
  host.style.width = '1200px';
  widget.initialize({ model });
  widget.render({ model, el: host });
  const bench = window.bench = { iter: 0, frames: [] };
  const real = window.requestAnimationFrame.bind(window);
  window.requestAnimationFrame = (f) => real((t) => {
    const start = performance.now(); f(t); bench.frames.push(performance.now() - start); });
  bench.append = (rows, each, figures = false) => {
    const block = new Uint8Array(20 * rows);
    const iters = new Uint32Array(block.buffer, 0, rows), values = new Float32Array(block.buffer, 4 * rows);
    for (let i = 0; i < rows; i++) {
      iters[i] = bench.iter + (i + 1) * each;
      const loss = 0.2 + 2 * Math.exp(-iters[i] / 3e5) + 0.3 * Math.random();
      [loss, loss - 0.1, loss + 0.1, 0.01].forEach((v, k) => { values[k * rows + i] = v; });
    }
    const append = { type: 'append', first: bench.iter, count: rows * each, n: rows, tests_first: 0,
                     tests: [], flags_first: 0, flags: [], columns: ['mean', 'lo', 'hi', 'lr'] };
    bench.iter += rows * each;
    const changed = { iter: bench.iter, images_per_second: 8000, waiting: 0.02, lr: 0.01 };
    const parts = figures ? [append, { type: 'figures', changed }] : [append];
    for (const f of handlers['msg:custom']) f({ type: 'news', parts }, [new DataView(block.buffer)]);
  };
  bench.fill = async (points) => {
    while (bench.iter < points) {
      for (let k = 0; k < 400 && bench.iter < points; k++) bench.append(250, 1);
      await new Promise((done) => setTimeout(done, 0));
    }
  };
  bench.watch = async (seconds) => {
    bench.frames.length = 0;
    for (let k = 0; k < seconds * 5; k++) {
      bench.append(23, 1, k % 2 === 1);
      await new Promise((done) => setTimeout(done, 200));
    }
    return bench.frames;
  };
}"""


def appended(browser: Any, points: int, more: int, watched_seconds: float) -> dict[str, Any]:
    """Milliseconds of a frame at `points` appended points, and what the page holds there and at `more`."""
    page = browser.new_page(viewport={"width": 1300, "height": 900})
    page.goto("about:blank")
    page.evaluate(HARNESS, [(STATIC / "monitor.js").read_text(), (STATIC / "owlkit.css").read_text()])
    tools = page.context.new_cdp_session(page)
    tools.send("Performance.enable")
    page.evaluate("(points) => bench.fill(points)", points)
    page.wait_for_timeout(300)
    before = _busy(tools)
    frames = page.evaluate("(seconds) => bench.watch(seconds)", watched_seconds)
    drawn = [ms for ms in frames if ms > 0.1]
    busy = _busy(tools) - before
    result = {
        "points": points,
        "frames": len(drawn),
        "script_ms": {"median": statistics.median(drawn), "p95": _p95(drawn), "max": max(drawn)},
        "main_thread_ms_per_frame": 1e3 * busy / len(drawn),
        "bytes": _held(tools),
    }
    page.evaluate("(points) => bench.fill(points)", more)
    page.wait_for_timeout(300)
    result |= {"more_points": more, "more_bytes": _held(tools)}
    page.close()
    return result


def _p95(values: list[float]) -> float:
    return sorted(values)[int(0.95 * (len(values) - 1))]


def _busy(tools: Any) -> float:
    """Seconds that the page's main thread has worked: script, style, layout and paint."""
    metrics = tools.send("Performance.getMetrics")["metrics"]
    return float(next(m["value"] for m in metrics if m["name"] == "TaskDuration"))


def _held(tools: Any) -> int:
    """Bytes of the page's heap after a collection, typed arrays included."""
    tools.send("HeapProfiler.collectGarbage")
    found = tools.send("Runtime.getHeapUsage")
    return int(found["usedSize"] + found.get("backingStorageSize", 0))


FIRST_PAINT = """async () => {
  const start = performance.now();
  window.jupyterapp.commands.execute('notebook:run-cell');
  const blue = (c) => {
    const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
    for (let i = 0; i < d.length; i += 4)
      if (d[i + 3] > 200 && d[i] < 30 && Math.abs(d[i + 2] - 178) < 24) return true;
    return false;
  };
  while (performance.now() - start < 30000) {
    await new Promise((done) => requestAnimationFrame(done));
    const canvas = document.querySelector('.owl .uplot canvas');
    if (canvas && blue(canvas)) return (performance.now() - start) / 1000;
  }
  return null;
}"""
