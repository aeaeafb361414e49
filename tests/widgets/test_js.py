"""The browser side's own tests and lint, run by node; and that no address is written into its sources."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

JS = Path(__file__).resolve().parents[2] / "widgets" / "js"
NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="needs node on PATH")


def run(*command: str) -> None:
    done = subprocess.run(command, cwd=JS, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


@needs_node
def test_modules() -> None:
    run(str(NODE), "--test", "tests/")


@needs_node
def test_lint() -> None:
    eslint = JS / "node_modules" / "eslint" / "bin" / "eslint.js"
    if not eslint.is_file():
        pytest.skip("needs eslint: npm ci in widgets/js")
    run(str(NODE), str(eslint), ".")


def test_no_address_in_sources_or_lock_file() -> None:
    files = [JS / "package.json", JS / "package-lock.json", JS / ".npmrc", *sorted((JS / "src").iterdir())]
    found = {f.name: re.findall(r"\w+://\S+", f.read_text(encoding="utf-8")) for f in files}
    assert not {name: urls for name, urls in found.items() if urls}


def test_colours_are_written_in_the_tokens_only() -> None:
    """tokens.css is the one source of colour: no hex or rgb value elsewhere, shadows apart."""
    for path in sorted((JS / "src").iterdir()):
        if path.name == "tokens.css":
            continue
        text = re.sub(r"box-shadow: [^;]*rgb\(0 0 0 / \.16\);", "", path.read_text(encoding="utf-8"))
        assert not re.findall(r"#[0-9a-fA-F]{3,8}\b(?!\w)(?=[\s;,\"'`)])|rgba?\(", text), path.name
