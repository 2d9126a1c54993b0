"""Series of a TFDS data set: the only example of a split, or an example each."""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo.data.arrays import as_features
from zoo.data.dataset import SourceData
from zoo.data.sources.series import load_series
from zoo.data.sources.windows import forecast_windows
from zoo.data.tables.file import Table
from zoo.errors import ZooError, listing
from zoo.recipe.data_section import Data


def load_tfds_series(builder: Any, split: str, data: Data, where: str) -> SourceData:
    """Load a series, a feature `(time,)` or `(time, channels)` of the only example of a split, as windows; or several.

    Raises:
        ZooError: there is no such feature, or the recipe does not say what tells several series apart.
    """
    import tensorflow_datasets as tfds

    if len(data.targets) > 1 and not data.series_columns:
        raise ZooError(f"{where}: data.target: a series has one feature; several targets are columns of a table")
    name = data.targets[0] if data.targets else "values"
    if name not in builder.info.features:
        raise ZooError(
            f"{where}: data.target must name the feature that holds the series, received {name!r} "
            f"(features: {listing(builder.info.features)})"
        )
    examples = list(tfds.as_numpy(builder.as_dataset(split=split)))
    if data.series_columns:
        return load_series(_panel_table(examples, (builder.info.metadata or {}).get("days"), where), data)
    if len(examples) > 1:
        _refuse_unnamed(examples, where)
    values = np.asarray(examples[0][name])
    values = as_features(values.reshape(len(values), -1), f"{where}: feature '{name}'")
    return forecast_windows(values, data, name, where)


def _panel_table(examples: list[dict[str, Any]], days: str | None, where: str) -> Table:
    """Return a table with a row for each step of each series.

    Args:
        examples: of each series its steps, arrays of one length, and what is the same at all of them.
        days: the feature with the moment of each step, in days since 1970.
        where: the source, for messages.

    Raises:
        ZooError: the data set does not say at which moments the steps are.
    """
    if days is None:
        raise ZooError(
            f"{where}: holds {len(examples)} series, and its metadata name no feature 'days' with the moments of their "
            "steps; write them as a table, a row for each step"
        )
    columns: dict[str, np.ndarray] = {}
    lengths = [len(example[days]) for example in examples]
    for name in examples[0]:
        values = [np.asarray(example[name]) for example in examples]
        if values[0].ndim > 1:
            raise ZooError(f"{where}: feature '{name}' has {values[0].ndim} axes; a series has one number a step")
        if values[0].ndim:
            column = np.concatenate(values)
        else:
            texts = [value.item() for value in values]
            plain = [text.decode() if isinstance(text, bytes) else text for text in texts]
            column = np.repeat(np.array(plain, object if isinstance(plain[0], str) else None), lengths)
        columns[name] = column.astype("datetime64[D]").astype("datetime64[us]") if name == days else column
    return Table(where, columns)


def _refuse_unnamed(examples: list[dict[str, Any]], where: str) -> None:
    """Refuse several series where the recipe does not name what tells them apart.

    Raises:
        ZooError: always.
    """
    names = [name for name, value in examples[0].items() if np.ndim(value) == 0]
    raise ZooError(f"{where}: holds {len(examples)} series; name what tells them apart: data.series ({listing(names)})")
