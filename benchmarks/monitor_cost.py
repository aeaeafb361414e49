"""What the monitor costs: training, the wire, the browser, memory.

    python benchmarks/monitor_cost.py [--no-browser] [--store]

Training: LeNet (20 layers with weights, 64 images) and CaffeNet (16 images), with 100 000 iterations
behind them, are trained in a Jupyter kernel in blocks without (A) and with (B) a monitor, in the order ABBA,
BAAB, ...; each round gives (B1 + B2) / (A1 + A2) - 1, and the median over rounds counts. The monitor records
losses, norms of all layers and conv1's filters, and sends what it sends to a browser; this script takes it in
and counts its bytes. "own" is what the monitor says of itself.

Browser: Chromium draws the monitor at a million appended points, is fed five times a second, and then takes
in ten million. In JupyterLab the time is taken from running a cell to the first painted point. Needs
playwright and Chromium; runs in under five minutes where nothing else runs.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "widgets")]

from monitor_cost_browser import FIRST_PAINT, appended  # noqa: E402
from report import quiet_blas, store  # noqa: E402

# net -> (seconds of a block, rounds, slowdown to stay under). A monitor that opens samples at once, a large
# net seldom after that, at 0.3 % of the time: CaffeNet's blocks are as long as the time between samples.
NETS = {"lenet": (2.5, 6, 0.02), "caffenet": (20.0, 2, 0.005)}
UPDATE_BYTES = 2000
FRAME_MS = 16.0
FIRST_PAINT_SECONDS = 1.0
POINTS, MORE_POINTS = 1_000_000, 10_000_000
FLAT_BYTES = 4_000_000  # what may be added by nine million points more
CELLS = [
    "import owlkit as owl\nfrom lenet_digits import solver\nready = solver(max_iter=100000)",
    'run = ready.train(name="lenet")',
]


class Kernel:
    """A Jupyter kernel, and what it sends to a front end."""

    def __init__(self) -> None:
        from jupyter_client.manager import start_new_kernel

        os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT / "benchmarks"), *sys.path[:2]])
        self.manager, self.client = start_new_kernel(kernel_name="python3")
        self.sent: dict[str, list[int]] = {}
        self._open = True
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        while self._open:
            try:
                message = self.client.iopub_channel.get_msg(timeout=0.2)
            except Exception:  # nothing came: queue.Empty, or the channel is closed
                continue
            if message["msg_type"] != "comm_msg":
                continue
            data = message["content"]["data"]
            kind = data["content"]["type"] if data.get("method") == "custom" else "state"
            size = len(json.dumps(message["content"])) + sum(len(b) for b in message["buffers"])
            self.sent.setdefault(kind, []).append(size)

    def ask(self, expression: str, timeout: float = 300.0) -> Any:
        """Value of an expression in the kernel, by JSON."""
        code = f"import json\n_value = json.dumps({expression})"
        reply = self._execute(code, {"value": "_value"}, timeout)
        return json.loads(eval(reply["user_expressions"]["value"]["data"]["text/plain"]))

    def run(self, code: str) -> None:
        self._execute(code, {}, 300.0)

    def _execute(self, code: str, expressions: dict[str, str], timeout: float) -> Any:
        identity = self.client.execute(code, store_history=False, user_expressions=expressions)
        while True:
            message = self.client.get_shell_msg(timeout=timeout)
            if message["parent_header"].get("msg_id") == identity:
                break
        content = message["content"]
        if content["status"] != "ok":
            raise RuntimeError("\n".join(content["traceback"]))
        return content

    def close(self) -> None:
        self._open = False
        self._listener.join()
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


def training(kernel: Kernel, name: str) -> dict[str, Any]:
    """Slowdown of one net."""
    wanted, rounds, target = NETS[name]
    kernel.run(f"training = Training({name!r}, {wanted})")
    blocks: list[list[tuple[bool, dict[str, float]]]] = []
    for number in range(rounds):
        order = [False, True, True, False] if number % 2 == 0 else [True, False, False, True]
        blocks.append([(on, kernel.ask(f"training.block({on})")) for on in order])
    slower = [_total(row, True) / _total(row, False) - 1 for row in blocks]
    seconds = [block["seconds"] for row in blocks for on, block in row if on]
    own = [block["own_seconds"] for row in blocks for on, block in row if on]
    result = {
        "slowdown": statistics.median(slower),
        "slowdown_of_rounds": slower,
        "own_share": sum(own) / sum(seconds),
        "target": target,
        "iterations_of_a_block": kernel.ask("training.iterations"),
        "seconds_of_a_block": statistics.median(seconds),
        "weighted_layers": kernel.ask("training.weighted"),
    }
    spread = f"{min(slower):+.2%} to {max(slower):+.2%}"
    print(f"{name}: {result['slowdown']:+.2%} ({spread}), own account {result['own_share']:.2%}", flush=True)
    kernel.run("del training")
    return result


def _total(row: list[tuple[bool, dict[str, float]]], on: bool) -> float:
    return sum(block["seconds"] for monitored, block in row if monitored is on)


def wire(sent: dict[str, list[int]]) -> dict[str, Any]:
    """Bytes per update of the curve, all but filters together: JSON and buffers as they are on the wire."""
    updates = len(sent["append"])
    kinds = {
        kind: {"messages": len(sizes), "bytes": statistics.median(sizes)} for kind, sizes in sent.items()
    }
    curve = statistics.median(sent["append"])
    others = sum(sum(sizes) for kind, sizes in sent.items() if kind not in ("append", "frame")) / updates
    return {"bytes_per_update": curve + others, "target": UPDATE_BYTES, "kinds": kinds}


def first_paint(browser: Any) -> float:
    """Seconds from running the cell to the first painted point, in JupyterLab with a kernel that is warm."""
    from tests.widgets.lab_notebook import Notebook
    from tests.widgets.server import running_lab

    with tempfile.TemporaryDirectory() as folder, running_lab(Path(folder)) as lab:
        page = browser.new_page(viewport={"width": 1560, "height": 860})
        seconds = []
        for number in range(3):
            notebook = Notebook(lab, page, f"first{number}", CELLS)
            notebook.open()
            notebook.command("notebook:run-cell-and-select-next")
            seconds.append(page.evaluate(FIRST_PAINT))
            page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
        page.close()
    return statistics.median(seconds)


def in_browser() -> dict[str, Any]:
    """All that needs Chromium."""
    from playwright.sync_api import sync_playwright

    from tests.widgets.server import CHROMIUM_ARGS, find_chromium

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=find_chromium(), args=[*CHROMIUM_ARGS, "--enable-precise-memory-info"]
        )
        found = appended(chromium, POINTS, MORE_POINTS, 6.0)
        found["first_paint_seconds"] = first_paint(chromium)
        chromium.close()
    found["grown_bytes"] = found["more_bytes"] - found["bytes"]
    targets = {"frame_ms": FRAME_MS, "first_paint_seconds": FIRST_PAINT_SECONDS, "grown_bytes": FLAT_BYTES}
    print(
        f"browser at {POINTS:,} points: {found['main_thread_ms_per_frame']:.1f} ms a frame (script p95 "
        f"{found['script_ms']['p95']:.1f}), first point after {found['first_paint_seconds']:.2f} s, "
        f"{found['grown_bytes'] / 1e6:+.1f} MB up to {MORE_POINTS:,}",
        flush=True,
    )
    return found | {"targets": targets}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--no-browser", action="store_true", help="leave out what needs Chromium")
    parser.add_argument("--store", action="store_true", help="write benchmarks/results/monitor_cost.json")
    args = parser.parse_args()
    quiet_blas()
    started = time.perf_counter()
    browser = {} if args.no_browser else in_browser()
    kernel = Kernel()
    try:
        kernel.run("from monitor_cost_kernel import Training, long_run")
        memory = kernel.ask(f"long_run({MORE_POINTS}, {POINTS})")
        print(
            f"kernel: {memory['grown_bytes'] / 1e6:+.1f} MB from {POINTS:,} to {MORE_POINTS:,} points",
            flush=True,
        )
        nets = {"lenet": training(kernel, "lenet")}
        sent = wire(kernel.sent)
        nets["caffenet"] = training(kernel, "caffenet")
    finally:
        kernel.close()
    print(f"wire: {sent['bytes_per_update']:.0f} bytes an update")
    print(f"{time.perf_counter() - started:.0f} s in all")
    if args.store:
        content = {"training": nets, "wire": sent, "kernel_memory": memory | {"target": FLAT_BYTES}}
        print("stored", store("monitor_cost", content | {"browser": browser}))


if __name__ == "__main__":
    main()
