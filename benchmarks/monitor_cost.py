"""What the monitor costs: training, the wire, the browser, memory.

    python benchmarks/monitor_cost.py [--no-browser] [--nets lenet caffenet] [--store]

Training: LeNet (20 layers with weights, 64 images) and CaffeNet (16 images), with 100 000 iterations
behind them, train on in a Jupyter kernel, in blocks without (A) and with (B) a monitor in the order ABBA. A
pair of neighbouring blocks gives B / A - 1; the median over the pairs in which no other process took 5 % of a
core counts, with its 95 % interval. The control is the same without any monitor: it must come out at 0. The
monitor records losses, norms of all layers and conv1's filters, and sends what it sends to a browser.

Blocks are of two seconds, because the machine's own drift lies between neighbours: three updates of CaffeNet,
ten of LeNet. 40 pairs tell CaffeNet's slowdown to about 0.4 % in seven minutes, control included (`--nets
caffenet` measures nothing else), 24 pairs LeNet's to about as much in four. Samples of the norms are too rare
for such blocks: of CaffeNet one comes in forty seconds. They are made in the training thread, which counts
their seconds; blocks are taken without these, and their share of the time is added to the result.

What runs beside the training thread and oneDNN's: the monitor's threads, the kernel's own that puts
messages on the wire, and in a process of its own this script, which takes the messages from the wire and
looks at them afterwards. No server and no browser run then: what they take is theirs, on whatever machine
they are. "own" is what the monitor says of itself, "threads" the processor time of each Python thread,
"accounted" that of all of them and the samples: what the slowdown is at least where oneDNN wants every core,
and hardly depends on what else the machine does.

Browser: Chromium draws the monitor at a million appended points, is fed five times a second, and then takes
in ten million. In JupyterLab the time is taken from running a cell to the first painted point. Needs
playwright and Chromium; runs in a quarter of an hour where nothing else runs.
"""

from __future__ import annotations

import argparse
import itertools
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
from paired import compared, in_words, order_of  # noqa: E402
from report import quiet_blas, store  # noqa: E402

# net -> (seconds of a block, pairs, slowdown to stay under)
NETS = {"lenet": (2.0, 24, 0.02), "caffenet": (2.0, 40, 0.005)}
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
    """A Jupyter kernel, and what it sends to a front end: kept as it comes, looked at afterwards."""

    def __init__(self) -> None:
        from jupyter_client.manager import start_new_kernel

        os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT / "benchmarks"), *sys.path[:2]])
        self.manager, self.client = start_new_kernel(kernel_name="python3")
        self.client.iopub_channel.stop()  # it would unpack all that comes, on the cores that train
        self._came: list[list[bytes]] = []
        self._open = True
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        socket = self.client.connect_iopub()
        while self._open:
            if socket.poll(200):
                self._came.append(socket.recv_multipart())
        socket.close()

    def sent(self) -> dict[str, list[int]]:
        """Sizes in bytes of the messages of the widget's comm, JSON and buffers, by kind; of the parts of
        the news in place of these, where "news" is what holds them together."""
        sizes: dict[str, list[int]] = {}
        for frames in self._came:
            # signature, header, parent, metadata, content, buffers: Jupyter's message specification
            _, header, _, _, content, *buffers = frames[frames.index(b"<IDS|MSG>") + 1 :]
            if json.loads(header)["msg_type"] != "comm_msg":
                continue
            data = json.loads(content)["data"]
            kind = data["content"]["type"] if data.get("method") == "custom" else "state"
            whole = len(content) + sum(len(buffer) for buffer in buffers)
            parts = data["content"]["parts"] if kind == "news" else []
            for part, buffer in itertools.zip_longest(parts, buffers, fillvalue=b""):
                size = len(json.dumps(part)) + len(buffer)
                sizes.setdefault(part["type"], []).append(size)
                whole -= size
            sizes.setdefault(kind, []).append(whole)
        return sizes

    def ask(self, expression: str, timeout: float = 900.0) -> Any:
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
    """Slowdown of one net, and the control."""
    wanted, pairs, target = NETS[name]
    kernel.run(f"training = Training({name!r}, {wanted})")
    order = order_of(pairs)
    kernel.ask("training.alternate([True])")  # what is only done once is not counted
    blocks = kernel.ask(f"training.alternate({order})")
    samples = kernel.ask("training.sample_share()")
    found = _with_samples(compared(order, blocks), samples)
    control = compared(order, kernel.ask(f"training.alternate({order}, monitored=False)"))
    monitored = [block for on, block in zip(order, blocks, strict=True) if on]
    threads = _threads(order, blocks)
    found |= {
        "target": target,
        "control": control,
        "own_share": samples + sum(b["own"] for b in monitored) / sum(b["seconds"] for b in monitored),
        "threads": threads,
        "samples": samples,
        "accounted": samples + sum(threads.values()),
        "iterations_of_a_block": kernel.ask("training.iterations"),
        "seconds_of_a_block": statistics.median(b["seconds"] for b in monitored),
        "weighted_layers": kernel.ask("training.weighted"),
    }
    told = f"own account {found['own_share']:.2%}, accounted {found['accounted']:.2%}"
    print(f"{name}: {in_words(found)}, {told}", flush=True)
    print(f"{name} control: {in_words(control)}", flush=True)
    kernel.run("training.close()\ndel training")
    return found


def _with_samples(found: dict[str, Any], share: float) -> dict[str, Any]:
    """A comparison of blocks without samples, with the samples."""
    ends = [end + share for end in found["interval_95"]]
    pairs = [slower + share for slower in found["slowdown_of_pairs"]]
    return found | {
        "slowdown": found["slowdown"] + share, "interval_95": ends, "slowdown_of_pairs": pairs
    }  # fmt: skip


def _threads(order: list[bool], blocks: list[dict[str, Any]]) -> dict[str, float]:
    """Share of the time that each Python thread spends more with a monitor; those that train are left out."""
    shares: dict[bool, dict[str, list[float]]] = {True: {}, False: {}}
    for on, block in zip(order, blocks, strict=True):
        for name, seconds in block["threads"].items():
            shares[on].setdefault(name, []).append(seconds / block["seconds"])
    more = {name: statistics.mean(values) for name, values in shares[True].items()}
    for name, values in shares[False].items():
        more[name] = more.get(name, 0.0) - statistics.mean(values)
    training_too = ("others", "owlkit run")
    return {n: s for n, s in more.items() if abs(s) > 1e-4 and not n.startswith(training_too)}


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


def parsed(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--no-browser", action="store_true", help="leave out what needs Chromium")
    parser.add_argument(
        "--nets", nargs="+", choices=tuple(NETS), default=list(NETS), help="nets to train; both else"
    )
    parser.add_argument("--store", action="store_true", help="write benchmarks/results/monitor_cost.json")
    args = parser.parse_args(words)
    if args.store and (args.no_browser or set(args.nets) != set(NETS)):
        parser.error("--store writes the result of a whole run: leave out --nets and --no-browser")
    return args


def main(args: argparse.Namespace) -> None:
    quiet_blas()
    started = time.perf_counter()
    browser = {} if args.no_browser else in_browser()
    kernel = Kernel()
    try:
        kernel.run("from monitor_cost_kernel import Training, long_run")
        memory = kernel.ask(f"long_run({MORE_POINTS}, {POINTS})")
        print(
            f"kernel: history and monitor hold {memory['held_bytes'] / 1e6:.1f} MB at {POINTS:,} points, "
            f"{memory['grown_bytes'] / 1e6:+.1f} MB up to {MORE_POINTS:,}",
            flush=True,
        )
        first, *others = args.nets
        nets = {first: training(kernel, first)}
        sent = wire(kernel.sent())
        nets |= {name: training(kernel, name) for name in others}
    finally:
        kernel.close()
    print(f"wire: {sent['bytes_per_update']:.0f} bytes an update")
    print(f"{time.perf_counter() - started:.0f} s in all")
    if args.store:
        content = {"training": nets, "wire": sent, "kernel_memory": memory | {"target": FLAT_BYTES}}
        print("stored", store("monitor_cost", content | {"browser": browser}))


if __name__ == "__main__":
    main(parsed())
