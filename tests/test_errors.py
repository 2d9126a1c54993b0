"""Messages that several stages share."""

import configparser
import os
import runpy
import sys
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import setuptools

from zoo import errors
from zoo.errors import ZooError, counted, first_few, import_extra, listing, prefixed

SETUP = Path(__file__).parents[1] / "setup.cfg"


def test_each_optional_package_stands_under_the_extra_that_is_named() -> None:
    declared = configparser.ConfigParser()
    declared.read(SETUP)
    runtime: dict[str, Any] = {}
    with patch.object(setuptools, "setup", runtime.update):
        runpy.run_path(str(SETUP.parent / "runtime" / "setup.py"))
    extras = {name: text.split() for name, text in declared["options.extras_require"].items()}
    for package, extra in errors._EXTRAS.values():
        lines = [*extras.get(extra, ()), *runtime["extras_require"].get(extra, ())]
        assert any(line.startswith(f"{package}>=") for line in lines), package


def test_a_missing_package_is_named_as_this_project_installs_it(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "statsmodels", None)
    with pytest.raises(
        ZooError, match=r'^arima needs statsmodels, which is not installed: pip install "\.\[forecast\]"'
    ):
        import_extra("statsmodels", "arima")


def test_a_package_that_is_there_passes() -> None:
    assert import_extra("statsmodels", "arima").__name__ == "statsmodels"


def test_a_list_of_files_counts_them_all_and_shows_the_first_five() -> None:
    assert counted("gfedcba", "files") == "7 files: g, f, e, d, c, …"
    assert counted([10, 9], "rows") == "2 rows: 10, 9"


def test_the_first_five_are_named_and_the_others_counted() -> None:
    assert first_few("abcde") == "a, b, c, d, e"
    assert first_few([*"abcde", 6, 7]) == "a, b, c, d, e and 2 more"


def test_names_that_are_no_text_can_be_printed() -> None:
    assert listing(["b", os.fsdecode(b"caf\xe9"), "a"]).encode("utf-8") == b"a, b, caf\\udce9"


def test_a_message_begins_with_where_it_is() -> None:
    with pytest.raises(ZooError, match=r"^a\.onnx: no such column$"), prefixed(Path("a.onnx")):
        raise ZooError("no such column")
    with pytest.raises(KeyError), prefixed("a.onnx"):
        raise KeyError("x")
