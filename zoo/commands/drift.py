"""`zoo drift`: whether new data are like those that an exported file was trained on."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from zoo.commands.exported_file import as_paths, open_exported
from zoo.commands.raw_examples import raw_examples
from zoo.errors import ZooError
from zoo.serving.drift.monitor import DriftMonitor
from zoo.serving.exported_model import ExportedModel
from zoo.serving.inputs import read_inputs
from zoo.tasks import TASKS
from zoo.utils.console import OUT, print_json, print_notes, print_table

_MAX_EXAMPLES = 1_000_000  # whose features are held
_COLUMNS = ("feature", "drift", "psi", "ks", "p", "missing", "unseen")


def drift(
    model: str | os.PathLike[str],
    data: Any,
    *,
    verify: bool = True,
    notes: list[str] | None = None,
) -> dict[str, Any]:
    """Say whether new data, and the predictions on them, are like those that a file was trained on.

    Args:
        model: an ONNX file that `zoo export` wrote, or a run that has one.
        data: as `zoo.predict` takes it.
        verify: compare the file with the certificate beside it and with the checksum in its metadata.
        notes: what a reader of the result should know is added to this list.

    Returns:
        What `zoo drift --json` prints (`zoo.serving.drift.report.drift_report`): `drift`, `examples`, `features` and
        `predictions`.

    Raises:
        ZooError: the model or an input is missing, damaged, or does not fit, or the file does not carry the
            distribution of its training data.
    """
    notes = notes if notes is not None else []
    opened = open_exported(model, verify=verify)
    monitor = DriftMonitor(opened, window=_MAX_EXAMPLES)
    task = TASKS[opened.task]
    for raw in _batches(opened, data, notes):
        monitor.add(raw, None if task.reads_corpus or task.fills_in else opened.predict(raw))
    found = monitor.report()
    if not found["examples"]:
        raise ZooError(f"{opened.path}: expected at least one example to compare, received none")
    if found["left_out"]:
        notes.append(f"the file has no room for {found['left_out']} features more, which are not compared")
    times = [column.name for column in opened.columns if column.form == "time"]
    if times:
        notes.append(f"moments are not compared: {', '.join(times)}")
    return found


def _batches(opened: ExportedModel, data: Any, notes: list[str]) -> Iterator[Any]:
    paths = as_paths(opened, data)
    if paths is None:
        yield raw_examples(opened, data, notes)
        return
    for _, raw in read_inputs(opened, paths, notes):
        yield raw


def drift_and_print(
    file: str | os.PathLike[str],
    inputs: Sequence[str | os.PathLike[str]],
    *,
    verify: bool = True,
    as_json: bool = False,
) -> bool:
    """Print whether new data are like those that a file was trained on; return whether they have drifted."""
    notes: list[str] = []
    found = drift(file, list(inputs), verify=verify, notes=notes)
    if as_json:
        print_json(found)
    else:
        print_table(table_rows(found), _COLUMNS, as_json=False)
        for line in summary_lines(found):
            OUT.print(line, markup=False)
    print_notes(notes)
    return bool(found["drift"])


def table_rows(found: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return a row for each feature and prediction, the worst first."""
    rows = [(row["name"], row) for row in found["features"]]
    rows += [(f"prediction: {row['name']}", row) for row in found["predictions"]["features"]]
    rows.sort(key=lambda pair: (-pair[1]["drift"], -pair[1]["psi"]))
    return [
        {
            "feature": name,
            "drift": "drift" if row["drift"] else "",
            "psi": f"{row['psi']:.3f}",
            "ks": "" if row["ks"] is None else f"{row['ks']:.3f}",
            "p": f"{row['p_value']:.2g}",
            "missing": f"{row['missing']:.1%}",
            "unseen": "" if row["unseen"] is None else f"{row['unseen']:.1%}",
        }
        for name, row in rows
    ]


def summary_lines(found: Mapping[str, Any]) -> list[str]:
    """Return what the table comes to."""
    predictions = found["predictions"]
    drifted = [row["name"] for row in found["features"] if row["drift"]]
    drifted += [f"prediction: {row['name']}" for row in predictions["features"] if row["drift"]]
    lines = [f"drift in {len(drifted)} of {_compared(found)}: {', '.join(drifted)}" if drifted else "no drift"]
    lines.append(
        f"{found['examples']:,} examples (worth {found['effective_examples']:,.0f} that do not repeat) against "
        f"{found['training_examples']:,} of training"
    )
    if predictions["unusual"] is not None:
        lines.append(f"{predictions['unusual']:.1%} of the examples are unusual (1% of validation are)")
    return lines


def _compared(found: Mapping[str, Any]) -> str:
    return f"{len(found['features'])} features and {len(found['predictions']['features'])} of predictions"
