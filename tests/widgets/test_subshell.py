"""The thread of a real kernel in which the browser's messages are taken, without a browser."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("anywidget", reason="the widgets need the notebook extra")
pytest.importorskip("ipykernel.subshell", reason="ipykernel 7 was the first to have subshells")

from ipykernel.comm.comm import BaseComm
from jupyter_client.manager import start_new_kernel

ROOT = Path(__file__).resolve().parents[2]
SLOW = 30  # seconds that somebody's handler takes; the test does not wait for it
SHOWN = f"""import sys, time
sys.path[:0] = {[str(ROOT), str(ROOT / "widgets"), str(Path(__file__).parent)]!r}
import ipywidgets
from fake_run import FakeRun
from owlkit_widgets.monitor import Monitor
run = FakeRun(max_iter=10**6)
monitor, button = Monitor(run), ipywidgets.Button()
button.on_click(lambda _: print("clicked", flush=True) or time.sleep({SLOW}))
run.start()
print(monitor.model_id, button.model_id, monitor.run["key"])"""


class Page:
    """What JupyterLab does: one subshell for the messages of all widgets."""

    def __init__(self, client: Any) -> None:
        self._client = client
        client.control_channel.send(client.session.msg("create_subshell_request", {}))
        self._subshell = client.get_control_msg(timeout=20)["content"]["subshell_id"]

    def run(self, code: str) -> list[str]:
        """Words that a cell prints."""
        self._client.execute(code)
        return str(self.hear(lambda m: m["content"].get("name") == "stdout")["content"]["text"]).split()

    def send(self, comm: str, content: dict[str, Any]) -> None:
        data = {"method": "custom", "content": content}
        message = self._client.session.msg("comm_msg", {"comm_id": comm, "data": data})
        message["header"]["subshell_id"] = self._subshell
        self._client.shell_channel.send(message)

    def hear(self, wanted: Any) -> dict[str, Any]:
        """The next message that is wanted."""
        end = time.monotonic() + 20
        while time.monotonic() < end:
            message: dict[str, Any] = self._client.get_iopub_msg(timeout=20)
            assert message["msg_type"] != "error", message["content"]
            if wanted(message):
                return message
        raise AssertionError("nothing came")

    def answer(self, order: str) -> dict[str, Any]:
        """To a command with that id."""

        def told(message: dict[str, Any]) -> dict[str, Any]:
            content: dict[str, Any] = message["content"].get("data", {}).get("content", {})
            return content

        return told(self.hear(lambda message: told(message).get("id") == order))


@pytest.fixture
def page() -> Iterator[Page]:
    kernel, client = start_new_kernel(kernel_name="python3")
    try:
        yield Page(client)
    finally:
        client.stop_channels()
        kernel.shutdown_kernel(now=True)


@pytest.mark.slow
def test_a_run_is_paused_while_a_handler_of_somebody_elses_is_at_work(page: Page) -> None:
    """It is taken in the thread of the cells, which sent last on its comm; ours go where the page says."""
    if not hasattr(BaseComm, "_reply_subshell_for"):
        pytest.skip("before ipykernel 7.4 all go where the page says, and it does hold up ours")
    monitor, button, key = page.run(SHOWN)
    page.send(button, {"event": "click"})
    page.hear(lambda message: "clicked" in str(message["content"].get("text")))
    begun = time.monotonic()
    for name in ("pause", "resume"):
        order = {"type": "command", "id": name, "name": name, "value": None, "run": key, "state": "running"}
        page.send(monitor, order)
        answer = page.hear(
            lambda m, name=name: m["content"].get("data", {}).get("content", {}).get("id") == name
        )
        assert answer["content"]["data"]["content"]["ok"]
    assert time.monotonic() - begun < SLOW / 2
