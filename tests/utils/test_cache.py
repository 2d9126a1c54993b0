"""Entries of the cache: made once, and again where they are damaged."""

import json

import numpy as np
import pytest

from zoo.errors import ZooError
from zoo.utils import cache
from zoo.utils.cache import cached


@pytest.fixture
def entry(tmp_path, monkeypatch):
    """Return a function that asks for an entry, and the list of how often it was made."""
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    made = []

    def make(folder):
        made.append(folder)
        (folder / "inner").mkdir()
        np.save(folder / "inner" / "x.npy", np.arange(1000))
        (folder / "facts.json").write_text('{"a": 1}')

    return (lambda: cached("kind/name", make)), made


def test_an_entry_is_made_once(entry):
    ask, made = entry
    assert ask() == ask() and len(made) == 1
    assert [path.name for path in ask().parent.iterdir()] == ["name"]


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path):
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


@pytest.mark.parametrize("name", ["inner/x.npy", "facts.json", "files.zoo.json"])
@pytest.mark.parametrize("damage", [cut, flip, lambda path: path.write_bytes(b""), lambda path: path.unlink()])
def test_a_damaged_entry_is_made_again(entry, name, damage):
    ask, made = entry
    folder = ask()
    with open(folder / "inner" / "x.npy", "rb") as reader:
        damage(folder / name)
        again = ask()
        reader.read()  # what another process has open stays readable
    assert again == folder and len(made) == 2
    assert np.load(folder / "inner" / "x.npy").sum() == 499500 and json.loads((folder / "facts.json").read_text())
    assert [path.name for path in folder.parent.iterdir()] == ["name"]


@pytest.mark.parametrize("older", ["a folder without a list", "a file"])
def test_what_another_version_left_is_made_again(entry, older):
    ask, made = entry
    folder = ask()
    if older == "a file":
        for path in sorted(folder.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        folder.rmdir()
        folder.touch()
    else:
        (folder / "files.zoo.json").unlink()
    assert ask().is_dir() and len(made) == 2


def test_of_two_writers_the_first_is_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path))

    def fast(folder):
        (folder / "x").write_text("fast")

    def slow(folder):
        cached("key", fast)
        (folder / "x").write_text("slow")

    assert (cached("key", slow) / "x").read_text() == "fast"
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_a_failure_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path))

    def make(folder):
        (folder / "half").touch()
        raise ZooError("no")

    with pytest.raises(ZooError, match=r"^no$"):
        cached("key", make)
    assert list(tmp_path.iterdir()) == []


def test_the_ends_of_a_large_file_are_looked_at(entry, monkeypatch):
    monkeypatch.setattr(cache, "_MAX_HASHED", 1000)
    ask, made = entry
    flip(ask() / "inner" / "x.npy")
    assert ask() and len(made) == 2


def test_a_cache_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "file"))
    with pytest.raises(ZooError, match=r"the cache cannot be written .*ZOO_CACHE"):
        cached("key", lambda folder: None)
