"""The notebook of the docs: it holds what it gave, and runs to the same accuracy."""

import json
import re
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).resolve().parent.parent / "docs" / "notebook.ipynb"


def test_the_notebook_is_small_and_every_cell_has_run():
    text = NOTEBOOK.read_text(encoding="utf-8")
    assert len(text) < 60_000
    cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert not [
        output for output in outputs if output["output_type"] in ("error", "stream") and "stderr" in str(output)
    ]
    assert not re.findall(r"[\s'\"(](/[a-z]+/[\w./-]+)", text.replace("</", ""))  # paths of a machine


@pytest.mark.ci
def test_the_notebook_runs_to_the_same_accuracy(tmp_path):
    """Needs `.[notebook]`."""
    nbformat = pytest.importorskip("nbformat")
    client = pytest.importorskip("nbclient").NotebookClient
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    shown = accuracy(notebook)
    client(notebook, timeout=900, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert accuracy(notebook) == pytest.approx(shown, abs=2 / 36)  # of the test examples, on another processor
    (training,) = [cell for cell in notebook.cells if cell.cell_type == "code" and "zoo.train(" in cell.source]
    (progress,) = training.outputs  # one output, whatever the number of epochs
    assert progress["data"]["text/plain"].count("  epoch ") == 1 and "Test accuracy" in progress["data"]["text/plain"]


def accuracy(notebook):
    """Return the last result, the accuracy."""
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    return float([output["data"]["text/plain"] for output in outputs if "data" in output][-1])
