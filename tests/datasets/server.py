"""A file server on the loopback interface that can misbehave."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@dataclass
class Behaviour:
    """cut : bytes after which each of the first `cuts` answers breaks off. ranges : Range is obeyed."""

    folder: Path
    cut: int = 0
    cuts: int = 0
    ranges: bool = True
    requests: list[str] = field(default_factory=list)  # "name" or "name from first byte"


def _handler(behaviour: Behaviour) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = behaviour.folder / self.path.lstrip("/")
            asked = self.headers.get("Range", "")
            first = int(asked.removeprefix("bytes=").rstrip("-")) if asked and behaviour.ranges else 0
            behaviour.requests.append(path.name + (f" from {first}" if first else ""))
            if not path.is_file():
                self.send_error(404)
                return
            content = path.read_bytes()
            if first >= len(content) > 0:
                self.send_error(416)
                return
            self.send_response(206 if first else 200)
            if first:
                self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
            self.send_header("Content-Length", str(len(content) - first))
            self.end_headers()
            body = content[first:]
            if behaviour.cuts > 0:
                behaviour.cuts -= 1
                body = body[: behaviour.cut]
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    return Handler


@contextmanager
def serving(behaviour: Behaviour) -> Iterator[str]:
    """The address of a server of `behaviour.folder`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(behaviour))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
