"""Recipe files for the tests of this folder."""

from textwrap import dedent

import pytest


@pytest.fixture
def write(tmp_path):
    """Write a recipe file and return its path."""

    def write(text, name="mine.yaml"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(dedent(text), encoding="utf-8")
        return path

    return write
