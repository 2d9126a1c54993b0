"""`zoo evaluate RUN DATA`: a run's exported file on new labelled data."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.commands.evaluate_structured import STRUCTURED, structured_outcomes
from zoo.commands.given_data import is_path
from zoo.commands.raw_examples import labelled_examples
from zoo.data.columns import as_label, check_columns
from zoo.data.label_sets import multi_hot
from zoo.data.sources.archive import Archive
from zoo.data.sources.folder_layout import subfolders
from zoo.data.tables.file import TABLE_SUFFIXES
from zoo.errors import ZooError, counted, did_you_mean, listing, visible
from zoo.recipe.task import task_of
from zoo.tasks import TASKS, Kind
from zoo.utils.files import write_json

if TYPE_CHECKING:
    from zoo.recipe.schema import Recipe
    from zoo.serving.exported_model import ExportedModel
    from zoo.serving.prediction import Prediction

_TARGET_ARRAYS = ("y", "label", "labels", "target", "y_test")
_ONE_VALUE: tuple[Kind, ...] = ("classification", "regression", "multi_label")  # targets that a row or a folder names

_WHY_NOT = {
    "forecasting": "the error of a seasonal naive forecast on its training part, which MASE divides by",
    "reconstruction": "both parts of the autoencoder, of which the file has one",
    "anomaly": "which classes are abnormal",
    "generation": "features of real images",
    "representation": "a classifier of its embeddings, which is trained on its training split",
}

Labelled = Iterator[tuple[str, Any]]  # what `read_inputs` is given, and its targets, or the one label of all of it


def evaluate_data(run_folder: str | os.PathLike[str], data: Any, *, output: str | Path | None = None) -> dict[str, Any]:
    """Evaluate a run's exported file on data that has the form of the recipe's source.

    Args:
        run_folder: the run, with its exported file.
        data: a table with the recipe's target column, a folder with a subfolder a class, or an npz file with `x` and
            `y`; images with boxes or masks, sentences with tags, pairs of texts, or running text in the form of the
            recipe's source; or what a program holds: a frame with that column, `(x, y)`, or a data set of another
            library.
        output: JSON file to write the result to.

    Returns:
        `run`, `recipe`, `task`, `data`, `samples`, `notes` (such as files that were left out), `metrics` and
        `intervals`.

    Raises:
        ZooError: no such run, no exported file, or data that does not fit; or a task that new examples alone do
            not measure.
    """
    from zoo.evaluation.metrics.evaluate import evaluate
    from zoo.evaluation.metrics.intervals import intervals
    from zoo.evaluation.report.build import jsonable
    from zoo.serving.exported_model import ExportedModel
    from zoo.training.run import open_run

    run = open_run(run_folder)
    loaded = run.recipe()
    recipe, task = loaded.recipe, TASKS[loaded.recipe.task]
    if task.kind not in (*_ONE_VALUE, *STRUCTURED):
        raise ZooError(
            f"zoo evaluate RUN DATA: {task.name} needs more than new examples to be measured on ({run.folder}): "
            f"{_WHY_NOT.get(task.kind, 'what its own data gives')}. Without DATA its own test split is evaluated"
        )
    file = run.folder / "export" / "model.onnx"
    if not file.is_file():
        raise ZooError(f"{file} is not there, and new data is evaluated with it: zoo export {run.folder}")
    model = ExportedModel(file)
    notes: list[str] = []
    if task.kind in STRUCTURED:
        names, targets, outputs = structured_outcomes(model, recipe, data, notes)
    else:
        read = _outcomes if isinstance(data, str | os.PathLike) else _given_outcomes
        names, targets, outputs = read(model, recipe, data, notes, task.kind)
    data = data if is_path(data) else "data"
    lost = [name for name, row in zip(names, outputs, strict=True) if not np.isfinite(row).all()]
    if lost:
        raise ZooError(f"{data}: the answer is not a finite number for {counted(lost, 'examples')}")
    result = {
        "run": str(run.folder),
        "recipe": loaded.name,
        "task": task.name,
        "data": str(data),
        "samples": len(targets),
        "notes": notes,
        "metrics": evaluate(task_of(recipe), targets, outputs, model.labels),
        "intervals": intervals(task_of(recipe), targets, outputs, seed=recipe.training.seed, labels=model.labels),
    }
    result = jsonable(result)
    if output is not None:
        write_json(Path(output), result)
    return result


def _outcomes(
    model: ExportedModel, recipe: Recipe, data: str | os.PathLike[str], notes: list[str], kind: Kind
) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Return the names of the examples of files, their targets and the outputs."""
    from zoo.serving.inputs import read_inputs

    data = Path(data)
    names: list[str] = []
    found: list[Any] = []
    outputs: list[np.ndarray] = []
    for path, targets in _reader(data)(data, recipe):
        before = len(names)
        for some, raw in read_inputs(model, [path], notes):
            outputs.append(_numbers_of(model.predict(raw), kind))
            names += some
        found += [targets] * (len(names) - before) if isinstance(targets, str) else list(targets)
    if not found:
        raise ZooError(f"{data}: no examples")
    if len(names) != len(found):
        raise ZooError(f"{data}: {len(names):,} examples and {len(found):,} targets")
    return names, _targets(kind, found, names, model.labels, data), np.concatenate(outputs)


def _given_outcomes(
    model: ExportedModel, recipe: Recipe, data: Any, notes: list[str], kind: Kind
) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Return the names of the examples that a program holds, their targets and the outputs."""
    raw, targets = labelled_examples(model, recipe, data, notes)
    names = [f"row {row + 1}" for row in range(len(targets))]
    outputs = _numbers_of(model.predict(raw), kind)
    if len(outputs) != len(targets):
        raise ZooError(f"data: {len(outputs):,} examples and {len(targets):,} targets")
    return names, _targets(kind, list(targets), names, model.labels, "data"), outputs


def _numbers_of(prediction: Prediction, kind: Kind) -> np.ndarray:
    return np.asarray(prediction.values if kind == "regression" else prediction.probabilities, np.float64)


def _targets(kind: Kind, found: list[Any], names: list[str], labels: tuple[str, ...], data: Path | str) -> np.ndarray:
    """Return targets as the task's kind has them."""
    if kind == "regression":
        return _numbers(found, names)
    if kind == "multi_label":
        return multi_hot(np.fromiter(found, object, len(found)), labels, str(data), names)
    return _classes(found, names, labels, data)


def _reader(data: Path) -> Callable[[Path, Recipe], Labelled]:
    if not data.exists():
        raise ZooError(f"{data} does not exist")
    if data.is_dir():
        return _folders
    reader = _READERS.get(data.suffix.lower())
    if reader is None:
        raise ZooError(f"{data}: expected a folder with a subfolder a class, or a file: {listing(_READERS)}")
    return reader


def _table(data: Path, recipe: Recipe) -> Labelled:
    from zoo.data.sources.table import reading_of
    from zoo.data.sources.table_targets import target_values
    from zoo.data.tables.file import read_table

    names = recipe.data.targets
    table = read_table(data, reading_of(recipe.data), names[0])
    check_columns(table, names, "data.target")
    yield str(data), target_values(table, recipe.data, TASKS[recipe.task])


def _folders(data: Path, recipe: Recipe) -> Labelled:
    folders = subfolders(data)
    if not folders:
        raise ZooError(f"{data}: expected one subfolder a class, found none")
    for folder in folders:
        yield str(folder), folder.name


def _arrays(data: Path, recipe: Recipe) -> Labelled:
    archive = Archive(data)
    name = next((name for name in _TARGET_ARRAYS if name in archive.names), None)
    if name is None:
        raise ZooError(f"{data}: expected an array 'y' with the targets; found {listing(archive.names)}")
    yield str(data), archive.read(name).reshape(-1)


_READERS: dict[str, Callable[[Path, Recipe], Labelled]] = {".npz": _arrays, **dict.fromkeys(TABLE_SUFFIXES, _table)}


def _numbers(found: list[Any], names: list[str]) -> np.ndarray:
    values = []
    for name, value in zip(names, found, strict=True):
        try:
            number = np.asarray(value, np.float64)
        except (TypeError, ValueError):
            number = np.array(np.nan)
        if not np.isfinite(number).all():
            raise ZooError(f"{name}: expected a number as target, received {value!r}")
        values.append(number)
    return np.array(values)


def _classes(found: list[Any], names: list[str], labels: tuple[str, ...], data: Path | str) -> np.ndarray:
    """Return class indices: a target is the name of a class, or its number where the names are not the file's."""
    index = {label: i for i, label in enumerate(labels)}
    if all(isinstance(value, int | np.integer) for value in found) and not all(str(v) in index for v in found):
        index = {str(i): i for i in range(len(labels))}
    written = [as_label(value) for value in found]
    unknown = [f"{name} ({visible(value)})" for name, value in zip(names, written, strict=True) if value not in index]
    if unknown:
        first = next(value for value in written if value not in index)
        raise ZooError(
            f"{data}: the run has no such class{did_you_mean(first, labels)} (its classes: {listing(labels)}): "
            f"{counted(unknown, 'examples')}"
        )
    return np.array([index[value] for value in written])
