"""What the environment says: cache folder, backend, and the variables of another process."""

import os
import sys
from pathlib import Path

from zoo.backend.startup import cache_root, choose_backend, environment_with, is_set


def test_the_cache_is_where_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "own"))
    assert cache_root() == tmp_path / "own"
    monkeypatch.delenv("ZOO_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_root() == tmp_path / "zoo"
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    assert cache_root() == Path.home() / ".cache" / "zoo"


def test_an_empty_variable_is_not_set(monkeypatch):
    monkeypatch.setenv("ZOO_DEBUG", "")
    assert not is_set("ZOO_DEBUG")
    monkeypatch.setenv("ZOO_DEBUG", "1")
    assert is_set("ZOO_DEBUG")


def test_another_process_gets_more_and_this_one_stays(monkeypatch):
    monkeypatch.delenv("ZOO_OTHER", raising=False)
    assert environment_with(ZOO_OTHER="x") == {**os.environ, "ZOO_OTHER": "x"}
    assert "ZOO_OTHER" not in os.environ


def test_a_backend_is_chosen_only_before_keras_is_there(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "before")
    monkeypatch.setitem(sys.modules, "keras", object())
    choose_backend("jax")
    assert os.environ["KERAS_BACKEND"] == "before"
    monkeypatch.delitem(sys.modules, "keras")
    choose_backend("jax")
    assert os.environ["KERAS_BACKEND"] == "jax"
