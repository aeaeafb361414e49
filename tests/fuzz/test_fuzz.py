"""A short, repeatable run of damaged files through every reader; the guards see what they must see."""

from __future__ import annotations

import pickle
import random
from contextlib import suppress
from pathlib import Path

import pytest

from owlkit.core.errors import OwlkitError
from tests.fuzz import campaign, mutation
from tests.fuzz.broken import BROKEN
from tests.fuzz.readers import READERS
from tests.fuzz.worker import CORPUS

COUNT = 60  # damaged files per reader, besides the corpus


def test_readers_give_a_result_or_an_owlkit_error(tmp_path: Path) -> None:
    results = campaign.run(tmp_path, list(READERS), COUNT, limit=240)
    failures = [failure for result in results for failure in result.failures]
    assert not failures, "\n\n".join(failures)
    assert [result.reader for result in results] == list(READERS)
    for result in results:
        assert result.taken + result.refused >= COUNT
        assert result.refused or result.reader in NEVER_REFUSE, f"{result.reader} took every damaged file"


NEVER_REFUSE = {
    "manifest",
    "hdf5_list",
}  # no manifest is "not made yet"; nearly every text is a list of names


@pytest.mark.parametrize("name", list(BROKEN))
def test_a_broken_reader_is_found_out(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong kind of error, a gigabyte, a command, a hang, a crash: each ends as a failure with its file."""
    monkeypatch.setenv("OWLKIT_FUZZ_HANG_SECONDS", "2")
    (result,) = campaign.run(tmp_path, [name], 3, limit=120)
    (failure,) = result.failures
    assert BROKEN[name][1] in failure
    assert Path(failure.partition(": ")[0]).is_file()


def test_the_corpus_is_of_readers_that_exist() -> None:
    assert {folder.name for folder in CORPUS.iterdir()} <= READERS.keys()
    assert sum(path.stat().st_size for path in CORPUS.rglob("*") if path.is_file()) < 200_000


@pytest.mark.parametrize("name", list(READERS))
def test_damage_changes_files(name: str) -> None:
    reader = READERS[name]
    valid = list(reader.seeds())
    rng = random.Random(1)
    damaged = [mutation.mutate(rng, valid, reader.kind, reader.words) for _ in range(20)]
    assert len(set(damaged) - set(valid)) > 10


class Executed:
    """Unpickling it writes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.write_text, (self.path, "executed"))


@pytest.mark.parametrize("protocol", [0, pickle.HIGHEST_PROTOCOL])
def test_a_pickle_is_never_executed(tmp_path: Path, protocol: int) -> None:
    """Whatever reader it is given to, packed or not."""
    trace = tmp_path / "executed"
    content = pickle.dumps(Executed(trace), protocol)
    pickle.loads(content)
    assert trace.exists(), "this pickle does execute"
    trace.unlink()
    for reader in READERS.values():
        reader.seeds()
        path = tmp_path / reader.name / f"file{reader.suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(reader.pack(content))
        with suppress(OwlkitError):
            reader.read(path)
        assert not trace.exists(), reader.name
