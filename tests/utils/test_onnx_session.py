"""onnxruntime is imported in one place, with its telemetry off."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import zoo
from zoo.errors import ZooError
from zoo.utils.onnx_session import open_session, run_session

PACKAGE = Path(zoo.__file__).parent
SHIPPED = Path(__file__).resolve().parents[2] / "exported" / "mlp" / "diabetes" / "model.onnx"


def imported(path):
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    found = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return found | {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}


def test_one_file_of_the_package_imports_onnxruntime():
    files = {p.relative_to(PACKAGE).as_posix() for p in PACKAGE.rglob("*.py") if "onnxruntime" in imported(p)}
    assert files == {"utils/onnx_session.py"}


def test_nothing_is_left_in_a_new_home_folder(tmp_path):
    """Without the switch, onnxruntime 1.31 writes a device id and a queue of events there on its import."""
    kept = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    places = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / ".cache")}
    code = f"import zoo; zoo.ExportedModel({str(SHIPPED)!r})"
    subprocess.run([sys.executable, "-c", code], env=kept | places, check=True)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_errors_of_onnxruntime_are_zoo_errors():
    with pytest.raises(ZooError, match=r"mine\.onnx: not readable as an ONNX model \("):
        open_session(b"no model", "mine.onnx")
    session = open_session(SHIPPED)
    with pytest.raises(ZooError, match=r"cannot run the file on age float64 \(2, 2\)"):
        run_session(session, ["value"], {"age": np.zeros((2, 2))})
