"""What the monitor says of this process's memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from owlkit_widgets import machine

STATUS = Path("/proc/self/status")


@pytest.mark.skipif(not STATUS.exists(), reason="the system does not tell")
def test_memory_is_what_is_resident() -> None:
    lines = dict(line.split(":", 1) for line in STATUS.read_text().splitlines())
    resident = 1024 * int(lines["VmRSS"].split()[0])
    assert machine.memory_used() == pytest.approx(resident, rel=0.1)


def test_without_such_a_file_nothing_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(machine, "_STATM", str(tmp_path / "statm"))
    assert machine.memory_used() is None
    (tmp_path / "statm").write_text("no numbers")
    assert machine.memory_used() is None
