"""The lists of what owlkit needs agree: pyproject.toml, environment.yml, tests/constraints.txt."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import yaml

import owlkit

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
# PyPI's name -> conda-forge's
CONDA_NAMES = {"lmdb": "python-lmdb", "matplotlib": "matplotlib-base", "onednn-cpu-gomp": "onednn"}
# conda-forge's only: npm for the browser bundle (pip's build brings its own), and pip itself
CONDA_ONLY = {"python", "nodejs", "pip"}
# Another build with another numbering; the loader checks the version of either.
OTHER_BOUNDS = {"onednn"}


def split(requirement: str) -> tuple[str, str]:
    """`numpy>=1.26; marker` -> ("numpy", ">=1.26")"""
    match = re.fullmatch(r"([\w.-]+?)\s*([<>=!~].*)?", requirement.split(";")[0].strip())
    assert match, requirement
    return match[1].lower(), match[2] or ""


def conda() -> dict[str, str]:
    listed = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    return dict(split(entry) for entry in listed if isinstance(entry, str))


def test_conda_environment_is_in_step() -> None:
    wanted = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["notebook"]
    ours = {CONDA_NAMES.get(name, name): bounds for name, bounds in map(split, wanted)}
    theirs = {name: bounds for name, bounds in conda().items() if name not in CONDA_ONLY}
    assert theirs.keys() == ours.keys()
    for name in theirs.keys() - OTHER_BOUNDS:
        assert theirs[name] == ours[name], name


def test_conda_python_is_in_step() -> None:
    assert conda()["python"] == PROJECT["requires-python"]


def test_constraints_hold_versions_only() -> None:
    lines = (ROOT / "tests" / "constraints.txt").read_text().splitlines()
    assert lines
    odd = [line for line in lines if not re.fullmatch(r"[\w.-]+==[\w.+!]+( ; .+)?", line) or "://" in line]
    assert not odd


def test_constraints_cover_every_dependency() -> None:
    fixed = {split(line)[0] for line in (ROOT / "tests" / "constraints.txt").read_text().splitlines()}
    extras = PROJECT["optional-dependencies"].values()
    wanted = {split(r)[0] for r in [*PROJECT["dependencies"], *(r for extra in extras for r in extra)]}
    assert wanted <= fixed


def test_changelog_has_an_entry_for_this_version() -> None:
    assert f"\n## {owlkit.__version__}" in (ROOT / "CHANGELOG.md").read_text()
