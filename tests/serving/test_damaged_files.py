"""Damaged and changed files: each is refused with a message or answers as it did before, and none kills the process."""

import importlib.util
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

_SCRIPT = Path(__file__).with_name("damaged_files.py")
_spec = importlib.util.spec_from_file_location("damaged_files", _SCRIPT)
mutations = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(mutations)

EXPORTED = Path(__file__).resolve().parents[2] / "exported"


def outcomes(original, files):
    """Return what became of each file; a process that dies is started again behind the file that killed it."""
    found, left = {}, [str(path) for path in files]
    while left:
        done = subprocess.run(
            [sys.executable, str(_SCRIPT), str(original), *left], capture_output=True, text=True, timeout=300
        )
        lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('["')]
        assert lines, done.stderr[-2000:]
        found |= dict(lines)
        left = left[list(dict(lines)).index(lines[-1][0]) + 1 :]
    return found


def mutated(original, folder, numbers):
    """Write mutated copies, each in a folder of its own, and return their paths with the mutations."""
    content, files = original.read_bytes(), {}
    for number in numbers:
        name, changed = mutations.mutate(content, number)
        path = folder / str(number) / "model.onnx"
        path.parent.mkdir()
        path.write_bytes(changed)
        files[path] = name
    return files


def check(original, folder, numbers):
    files = mutated(original, folder, numbers)
    found = {Path(name): outcome for name, outcome in outcomes(original, files).items()}
    assert len(found) == len(files)
    wrong = {f"{files[path]} {path.parent.name}": o for path, o in found.items() if o not in ("equal", "refused")}
    assert not wrong
    return Counter(found.values())


def test_some_mutations_of_a_file(tmp_path):
    counts = check(EXPORTED / "mlp/wine/model.onnx", tmp_path, range(len(mutations.MUTATIONS)))
    assert counts["equal"] >= 1 and counts["refused"] >= 15


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["mlp/wine", "cnn/digits", "lstm/elnino", "transformer/dates", "graph/digit_neighbors", "gan/digits"]
)
def test_a_hundred_mutations_of_a_file(name, tmp_path):
    counts = check(EXPORTED / name / "model.onnx", tmp_path, range(100, 200))
    assert counts["equal"] + counts["refused"] == 100 and counts["equal"] >= 4
