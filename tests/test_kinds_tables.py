"""Every stage's table from the kind of a task to what the stage does for it."""

import importlib
from pathlib import Path
from typing import get_args

import pytest

import zoo
from zoo.tasks import TASKS, Kind

ROOT = Path(zoo.__file__).parent
FILES = sorted(
    path.relative_to(ROOT.parent).with_suffix("")
    for path in ROOT.rglob("kinds.py")
    if "sections" not in path.parts  # only some kinds have a section of their own
)
KINDS = set(get_args(Kind))


@pytest.mark.parametrize("path", FILES, ids=Path.as_posix)
def test_table_has_every_kind(path):
    module = importlib.import_module(".".join(path.parts))
    assert set(module.KINDS) == KINDS


def test_every_kind_has_a_task():
    assert {task.kind for task in TASKS.values()} == KINDS
