"""A JupyterLab of this checkout on a loopback port, for the browser tests and benchmarks."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]


def find_chromium() -> str | None:
    """Path of the Chromium to use, None where there is none."""
    named = os.environ.get("OWLKIT_CHROMIUM")
    return named or next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )


@dataclass
class Lab:
    """A running JupyterLab: its folder, address and token."""

    folder: Path
    url: str
    token: str
    _spare: Future[str] | None = None

    def start_ahead(self) -> None:
        """Start a kernel for the next notebook, while somebody looks at this one: that takes seconds."""
        if self._spare is None:
            self._spare = spare = Future()

            def start() -> None:
                try:
                    spare.set_result(self._start_kernel())
                except Exception as error:  # who wants it is told
                    spare.set_exception(error)

            threading.Thread(target=start, daemon=True).start()

    def begin(self, notebook: str) -> None:
        """Give a notebook of that name a kernel of its own; the page that opens it finds it there."""
        spare, self._spare = self._spare, None
        kernel = spare.result() if spare is not None else self._start_kernel()
        session = {"path": notebook, "name": notebook, "type": "notebook", "kernel": {"id": kernel}}
        self._ask("POST", "sessions", session)

    def _start_kernel(self) -> str:
        return str(json.loads(self._ask("POST", "kernels", {"name": "python3"}))["id"])

    def end_kernels(self, patience: float = 60.0) -> None:
        """End all kernels but the one for the next notebook: one that is left goes on with its training.

        Of one that is about to start or to end the server knows half (status 500), or nothing any more (404).
        """
        end = time.monotonic() + patience
        spare = self._spare.result() if self._spare is not None else None
        while True:
            try:
                kernels = [each["id"] for each in json.loads(self._ask("GET", "kernels"))]
                if set(kernels) <= {spare}:
                    return
                for kernel in kernels:
                    if kernel != spare:
                        self._ask("DELETE", f"kernels/{kernel}")
            except urllib.error.HTTPError as error:
                if time.monotonic() > end:
                    raise RuntimeError(f"kernels do not end: {error}") from error
                time.sleep(0.2)

    def _ask(self, method: str, what: str, content: Any = None) -> bytes:
        request = urllib.request.Request(
            f"{self.url}/api/{what}",
            method=method,
            data=None if content is None else json.dumps(content).encode(),
            headers={"Authorization": f"token {self.token}"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return bytes(answer.read())


@contextmanager
def running_lab(folder: Path) -> Iterator[Lab]:
    """JupyterLab with settings, data and runtime files of its own in `folder`; this checkout is importable.

    Raises RuntimeError with the end of its log where it does not start.
    """
    config = folder / ".config" / "labconfig"
    config.mkdir(parents=True)
    quiet = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
    (config / "page_config.json").write_text(json.dumps(quiet))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token, url = secrets.token_hex(8), f"http://127.0.0.1:{port}"
    search = [str(ROOT), str(ROOT / "widgets"), str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
    env = {
        **os.environ,
        "JUPYTER_CONFIG_DIR": str(folder / ".config"),
        "JUPYTER_DATA_DIR": str(folder / ".data"),
        "JUPYTER_RUNTIME_DIR": str(folder / ".runtime"),
        "JUPYTER_PREFER_ENV_PATH": "1",
        "IPYTHONDIR": str(folder / ".ipython"),
        "PYTHONPATH": os.pathsep.join(filter(None, search)),
    }
    options = [
        "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0",
        f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={folder}", "--LabApp.news_url=None",
        "--LabApp.expose_app_in_browser=True",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]  # fmt: skip
    with (folder / "lab.log").open("w") as log:
        # It ends with this process. Ctrl-C in a terminal is for the tests: a server would ask.
        tied = [sys.executable, str(Path(__file__).with_name("tied.py")), str(os.getpid())]
        process = subprocess.Popen(
            [*tied, "jupyterlab", *options],
            env=env, stdout=log, stderr=subprocess.STDOUT, cwd=folder, start_new_session=True,
        )  # fmt: skip
    try:
        _wait_for(f"{url}/api/status?token={token}", process, folder / "lab.log")
        yield Lab(folder, url, token)
    finally:
        process.terminate()
        process.wait(20)


def _wait_for(address: str, process: subprocess.Popen[bytes], log: Path, patience: float = 90.0) -> None:
    end = time.monotonic() + patience
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=1):
                return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(f"JupyterLab did not start; its log ends in\n{log.read_text()[-2000:]}")
