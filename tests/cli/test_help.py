"""What a user reads before anything runs: helps, the manual, completion; and that none of it takes long."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

from owlkit.cli import completion, manual
from owlkit.cli.catalogue import COMMANDS
from owlkit.cli.main import main
from owlkit.cli.status import MEANINGS

ROOT = Path(__file__).resolve().parents[2]
TERMINAL = 80  # columns
WITH_ACTIONS = ("data",)
ISSUE_NAMES = """train test time device-query convert-imageset compute-image-mean extract-features upgrade-net
upgrade-solver draw parse-log plot-log inspect diff resume"""


def help_of(words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("COLUMNS", str(TERMINAL))
    with pytest.raises(SystemExit) as stopped:
        main([*words, "--help"])
    assert stopped.value.code == 0
    return capsys.readouterr().out


def test_every_command_is_listed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    text = help_of([], capsys, monkeypatch)
    for name, entry in COMMANDS.items():
        assert f"\n  {name:20} {entry.summary}\n" in text
    assert set(ISSUE_NAMES.split()) <= set(COMMANDS)
    assert all(f"\n  {status:<4} {meaning}\n" in text for status, meaning in MEANINGS.items())
    assert max(map(len, text.splitlines())) <= TERMINAL


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_examples_and_fits_a_terminal(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = help_of([name], capsys, monkeypatch)
    assert text.startswith(f"usage: owlkit {name} [-h]")
    examples = text.partition("examples:\n")[2]
    assert f"owlkit {name}" in examples
    assert [line for line in text.splitlines() if len(line) > TERMINAL] == []


HEAVY = {"numpy", "google.protobuf", "lmdb", "PIL", "matplotlib", "shtab"}


@pytest.mark.parametrize("words", [["--help"], ["train", "--help"], ["--version"]])
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    code = (
        "import sys\nfrom owlkit.cli.main import main\n"
        f"try:\n    main({words})\nexcept SystemExit:\n    print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    loaded = set(done.stdout.splitlines()[-1].split())
    assert not loaded & HEAVY
    assert "owlkit.cli.test" not in loaded  # only the command that was asked for


def test_no_command_imports_anything_heavy_before_it_runs() -> None:
    code = "import sys\nfrom owlkit.cli.main import make_parser\nmake_parser()\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    loaded = set(done.stdout.split())
    assert not loaded & HEAVY
    assert "owlkit.cli.time" in loaded


def test_the_manual_is_that_of_the_parsers() -> None:
    told = (ROOT / "docs" / "command-line.md").read_text()
    assert told == manual.page(), "python -m owlkit.cli.manual > docs/command-line.md"
    assert all(f"\n## owlkit {name}\n" in told for name in COMMANDS)


def test_the_programs_are_declared() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert set(scripts) == {"owlkit", "owlkit-compat"}
    for place in scripts.values():
        module, _, function = place.partition(":")
        assert callable(getattr(import_module(module), function))


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        (["owlkit", "com"], {"compute-image-mean", "completion"}),
        (["owlkit", "draw", "--rank"], {"--rankdir"}),
        (["owlkit", "draw", "--rankdir", "L"], {"LR"}),
        (["owlkit", "train", "--s"], {"--solver", "--snapshot", "--set", "--sigint_effect", "--sighup_effect"}
         | {"--stage"}),
        (["owlkit", "data", "g"], {"get"}),
        (["owlkit", "inspect", "net"], {"net.prototxt"}),
    ],
)  # fmt: skip
def test_completion_in_bash(typed: list[str], offered: set[str], tmp_path: Path) -> None:
    """The script is sourced, and its function asked as bash would."""
    (tmp_path / "complete.sh").write_text(completion.script("bash"))
    (tmp_path / "net.prototxt").touch()
    words = " ".join(f"'{word}'" for word in typed)
    ask = (
        "source complete.sh\n"
        "function=$(complete -p owlkit | sed 's/.*-F \\([^ ]*\\).*/\\1/')\n"
        f"COMP_WORDS=({words}); COMP_CWORD={len(typed) - 1}\n"
        f'$function owlkit "{typed[-1]}" "{typed[-2]}"\nprintf "%s\\n" "${{COMPREPLY[@]}}"'
    )
    done = subprocess.run(["bash", "-c", ask], check=True, capture_output=True, text=True, cwd=tmp_path)
    assert set(done.stdout.split()) == offered


@pytest.mark.parametrize(("shell", "start"), [("zsh", "#compdef owlkit"), ("tcsh", "# AUTOMATICALLY")])
def test_completion_for_other_shells(shell: str, start: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert script.startswith(start)
    assert "compute-image-mean" in script
    assert "rankdir" in script


SETUP = {
    "zsh": "fpath=($PWD $fpath); autoload -U compinit; compinit -u -D; LISTMAX=500",
    "tcsh": "source _owlkit",
}


@pytest.mark.parametrize(
    ("shell", "typed", "offered"),
    [
        (
            "zsh",
            "owlkit com\t\t",
            r"completion +-- completion for bash, zsh or tcsh.+compute-image-mean +-- the mean",
        ),
        ("zsh", "owlkit test --caffe\t", r"--caffe_log"),
        ("zsh", "owlkit draw --rankdir \t\t", r"BT +LR +RL +TB"),
        ("zsh", "owlkit data convert-mnist-\t", r"convert-mnist-siamese"),
        ("zsh", "owlkit diff net.prototxt b\t", r"b\.prototxt"),
        ("zsh", "owlkit plot-log net.prototxt b\t", r"b\.prototxt"),
        ("tcsh", "owlkit compute\t", r"compute-image-mean"),
        ("tcsh", "owlkit test --caffe\t", r"--caffe_log"),
        ("tcsh", "owlkit draw --rankdir \x04", r"BT +LR +RL +TB"),
        ("tcsh", "owlkit data convert-mnist-\t", r"convert-mnist-siamese"),
        ("tcsh", "owlkit diff net.prototxt b\t", r"b\.prototxt"),
    ],
)
def test_completion_in_zsh_and_tcsh(shell: str, typed: str, offered: str, tmp_path: Path) -> None:
    """In the shell itself, at a terminal."""
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed here")
    pexpect = pytest.importorskip("pexpect")
    (tmp_path / "_owlkit").write_text(completion.script(shell))
    for name in ("net.prototxt", "b.prototxt"):
        (tmp_path / name).touch()
    environment = {**os.environ, "HOME": str(tmp_path), "TERM": "xterm"}
    child = pexpect.spawn(
        shell,
        ["-f", "-i"],
        env=environment,
        cwd=str(tmp_path),
        encoding="utf-8",
        dimensions=(50, 150),
        timeout=20,
    )
    try:
        child.sendline(f"{SETUP[shell]}; echo set''up")
        child.expect("setup\r")
        child.send(typed)
        child.expect(offered)
    finally:
        child.close(force=True)


def test_an_unknown_shell(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["completion", "cmd.exe"])
    assert "choose from" in capsys.readouterr().err
