"""docs/how_to.md: its blocks run in their order, as the cells of a notebook."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how_to.md"
TAUGHT = """
assert told.accuracy > 0.8, told
assert len(runs) == 2
assert again.predict(images[1500]).classes == trained.predict(images[1500]).classes
assert tuned.test()["accuracy"] > 0.6
print("all blocks ran")
"""


def test_its_blocks_run_in_their_order(tmp_path: Path) -> None:
    for needed in ("sklearn", "matplotlib"):
        pytest.importorskip(needed, reason="the page is about notebooks: it needs the notebook extra")
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) > 5
    environment = {**os.environ, "MPLBACKEND": "Agg", "PYTHONPATH": str(PAGE.parents[1])}
    ran = subprocess.run(
        [sys.executable, "-c", "\n".join(blocks) + TAUGHT],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr[-3000:]
    assert "all blocks ran" in ran.stdout


def test_its_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", PAGE.read_text(encoding="utf-8")):
        assert (PAGE.parent / target).exists(), target
