"""What a caller gives to predict on, as an exported file takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.data.columns import check_columns
from zoo.errors import ZooError
from zoo.tasks import TASKS

if TYPE_CHECKING:
    from zoo.recipe import Recipe
    from zoo.serving.exported_model import ExportedModel


def raw_examples(model: ExportedModel, data: Any, notes: list[str]) -> Any:
    """Return examples in a form that `ExportedModel.predict` takes.

    Data sets of other libraries are read, and their targets left out; Pillow's images become pixels by the rules for
    files; of a frame with a series the last steps are taken.

    Args:
        model: what the examples are for.
        data: the examples.
        notes: what a reader of the answers should know is added here.

    Raises:
        ZooError: they do not fit.
    """
    from PIL import Image

    from zoo.data.memory.datasets import as_plain
    from zoo.data.memory.frames import as_pandas
    from zoo.data.memory.given import is_frame
    from zoo.data.memory.images import decoded_images

    plain = as_plain(data, "data")
    if plain is not data:  # a data set of another library
        data = plain[0] if isinstance(plain, tuple) else as_pandas(plain, "data")
    if isinstance(data, Image.Image):
        data = [data]
    if model.kind == "graph" and not _is_padded(data):
        from zoo.data.sources.memory_sequences import graph_examples

        graphs = graph_examples(data)
        return {"nodes": graphs.nodes, "edges": graphs.edges}
    if model.kind == "image" and isinstance(data, list | tuple) and any(isinstance(x, Image.Image) for x in data):
        return decoded_images(data, model.shape[-1], "data", notes)
    if model.task == "forecasting" and hasattr(data, "to_frame") and not is_frame(data):  # a series of pandas
        data = data.to_frame(data.name if data.name is not None else model.target)
    if TASKS[model.task].scans_series and is_frame(data):
        from zoo.data.memory.frames import as_pandas, table_of
        from zoo.serving.history import scanned_windows

        table, _ = table_of(as_pandas(data, "data"), "data", model.signature.reading, forecasts=True)
        return scanned_windows(table, model.signature, notes.append).inputs
    if model.task == "forecasting" and is_frame(data):
        return _last_steps(model, data, notes)
    return data


def _is_padded(data: Any) -> bool:
    """Return whether graphs are given as `ExportedModel.predict` takes them: as two arrays with all of them."""
    return isinstance(data, dict) and np.ndim(data.get("nodes", 0)) == 3


def labelled_examples(model: ExportedModel, recipe: Recipe, data: Any, notes: list[str]) -> tuple[Any, np.ndarray]:
    """Return examples as `raw_examples` does, and their targets: labels or numbers, None or NaN where missing.

    Args:
        model: what the examples are for.
        recipe: that of the run, which names the column of the targets.
        data: a frame with that column, `(x, y)`, or a data set of another library.
        notes: what a reader of the result should know is added here.

    Raises:
        ZooError: it is none of these, or has no targets.
    """
    from zoo.data.memory.datasets import as_plain
    from zoo.data.memory.frames import as_pandas, table_of
    from zoo.data.memory.given import is_frame, is_pair, type_of
    from zoo.data.memory.targets import several_numbers, target_column
    from zoo.data.sources.table import reading_of
    from zoo.data.sources.table_targets import target_values

    data = as_plain(data, "data")
    if is_frame(data):
        frame = as_pandas(data, "data")
        table, _ = table_of(frame, "data", reading_of(recipe.data), forecasts=False)
        check_columns(table, recipe.data.targets, "data.target")
        notes += table.notes
        return raw_examples(model, frame, notes), target_values(table, recipe.data, TASKS[recipe.task])
    if not is_pair(data):
        raise ZooError(
            f"data: expected a frame with the column '{recipe.data.one_target}' or (x, y), received {type_of(data)}"
        )
    several = several_numbers(data[1], "data: y") if model.targets else None
    targets = target_column(data[1], "data: y") if several is None else several[0]
    return raw_examples(model, data[0], notes), targets


def _last_steps(model: ExportedModel, data: Any, notes: list[str]) -> Any:
    from zoo.data.memory.frames import as_pandas, table_of
    from zoo.serving.history import say_unused, windows_of

    if not model.columns:
        raise ZooError(f"{model.path}: the series that the model was trained on had no columns; give an array")
    table, _ = table_of(as_pandas(data, "data"), "data", model.signature.reading, forecasts=True)
    windows = windows_of(table, model.signature, notes.append)
    say_unused(table, model.signature, notes.append)
    return windows
