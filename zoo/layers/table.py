"""Layers for the columns of tables: moments to parts of dates, and numbers of categories to embeddings."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

PERIODS = {"month": 12.0, "day": 31.0, "weekday": 7.0, "day_of_year": 366.0, "hour": 24.0}  # of parts that come again
PARTS = ("days", "year", *PERIODS)


def _floor_divide(x: Any, by: float) -> Any:
    return ops.floor(x / by)


def _civil(days: Any) -> dict[str, Callable[[], Any]]:
    """Return what computes each part of moments, days since 1970-01-01, in the Gregorian calendar.

    Howard Hinnant, "chrono-compatible low-level date algorithms", 2021, `civil_from_days`: years begin in March there,
    so that the day of a leap year is the last. ONNX has no dates; floors and products it has.
    """
    whole = ops.floor(days)
    z = whole + 719468.0
    era = _floor_divide(z, 146097.0)
    day_of_era = z - era * 146097.0
    leaps = _floor_divide(day_of_era, 1460.0) - _floor_divide(day_of_era, 36524.0) + _floor_divide(day_of_era, 146096.0)
    year_of_era = _floor_divide(day_of_era - leaps, 365.0)
    march_days = day_of_era - (
        365.0 * year_of_era + _floor_divide(year_of_era, 4.0) - _floor_divide(year_of_era, 100.0)
    )
    march_month = _floor_divide(5.0 * march_days + 2.0, 153.0)
    next_year = ops.cast(march_month >= 10.0, march_month.dtype)  # January and February belong to the year after
    year = year_of_era + era * 400.0 + next_year
    before = year - 1.0
    first = 365.0 * before + _floor_divide(before, 4.0) - _floor_divide(before, 100.0) + _floor_divide(before, 400.0)
    return {
        "days": lambda: days,
        "year": lambda: year,
        "month": lambda: march_month + 2.0 - 12.0 * next_year,  # from 0
        "day": lambda: march_days - _floor_divide(153.0 * march_month + 2.0, 5.0),  # from 0
        "weekday": lambda: (whole + 3.0) - 7.0 * _floor_divide(whole + 3.0, 7.0),  # from 0, a Monday
        "day_of_year": lambda: whole + 719162.0 - first,  # from 0
        "hour": lambda: (days - whole) * 24.0,
    }


@keras.saving.register_keras_serializable("zoo")
class DateParts(keras.layers.Layer):
    """Parts of moments: days and year as numbers; what comes again as sine and cosine of its place in its period.

    Input `(batch, 1)`, days since 1970-01-01, which is read in float64; output `(batch, features)` of the layer's type.

    Args:
        parts: names from `PARTS`.
    """

    def __init__(self, parts: Sequence[str], **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "autocast": False})
        self.parts = tuple(parts)

    def call(self, days: Any) -> Any:
        """Return the parts side by side."""
        civil, found = _civil(ops.cast(days, "float64")), []
        for part in self.parts:
            value = civil[part]()
            if part not in PERIODS:
                found.append(ops.cast(value, self.compute_dtype))
                continue
            angle = ops.cast(value * (2.0 * math.pi / PERIODS[part]), "float32")  # ONNX has no cosine in float64
            found += [ops.cast(wave(angle), self.compute_dtype) for wave in (ops.sin, ops.cos)]
        return ops.concatenate(found, axis=-1)

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return `(batch, features)`."""
        return (shape[0], sum(2 if part in PERIODS else 1 for part in self.parts))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "parts": list(self.parts)}


@keras.saving.register_keras_serializable("zoo")
class WholeNumbers(keras.layers.Layer):
    """The number of a category, or the token ids of a text, as columns of a vector: `(batch, columns)` float.

    Args:
        columns: how many there are.
    """

    def __init__(self, columns: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.columns = columns

    def call(self, numbers: Any) -> Any:
        """Return the columns."""
        numbers = ops.reshape(numbers, (-1, self.columns))  # a lookup's result has no shape for tf2onnx
        return ops.cast(numbers, self.compute_dtype)

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return `(batch, columns)`."""
        return (shape[0], self.columns)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "columns": self.columns}


@keras.saving.register_keras_serializable("zoo")
class EmbedColumns(keras.layers.Layer):
    """Embed the last columns of a vector, which hold whole numbers, and put the embeddings in their place.

    A category is one column, and has its own embedding. A text is several, its tokens with 0 for padding, and has the
    mean of its tokens' embeddings (Joulin et al., "Bag of tricks for efficient text classification", 2017).

    Input `(batch, features)` float32; output `(batch, other features + sum of widths)`.

    Args:
        sizes: numbers that each category or token may be: 0 to size - 1.
        widths: of the embedding of each category or text.
        lengths: columns of each text; 0 for a category.
    """

    def __init__(self, sizes: Sequence[int], widths: Sequence[int], lengths: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "autocast": False})  # 16 bits do not hold the numbers
        self.sizes, self.widths, self.lengths = [*map(int, sizes)], [*map(int, widths)], [*map(int, lengths)]
        self.columns = sum(length or 1 for length in self.lengths)

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Make the tables."""
        self.tables = [
            self.add_weight(shape=pair, initializer="uniform", name=f"table{i}")
            for i, pair in enumerate(zip(self.sizes, self.widths, strict=True), start=1)
        ]

    def call(self, vector: Any) -> Any:
        """Embed the columns."""
        place = vector.shape[-1] - self.columns
        found = [ops.cast(vector[:, :place], self.compute_dtype)]
        for table, length in zip(self.tables, self.lengths, strict=True):
            numbers = ops.cast(vector[:, place : place + (length or 1)], "int32")
            place += length or 1
            rows = ops.cast(ops.take(table, numbers, axis=0), self.compute_dtype)
            if not length:
                found.append(rows[:, 0])
                continue
            counts = ops.cast(numbers > 0, self.compute_dtype)[:, :, None]
            found.append(ops.sum(rows * counts, axis=1) / ops.maximum(ops.sum(counts, axis=1), 1.0))
        return ops.concatenate(found, axis=-1)

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return `(batch, features)`."""
        return (shape[0], (shape[-1] or 0) - self.columns + sum(self.widths))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "sizes": self.sizes, "widths": self.widths, "lengths": self.lengths}


def with_embedded_columns(
    network: keras.Model, sizes: Sequence[int], widths: Sequence[int], lengths: Sequence[int]
) -> keras.Model:
    """Return a network that embeds the last columns of its input before the one given.

    Args:
        network: takes vectors in which each column has its embedding.
        sizes: numbers that each category or token may be.
        widths: of the embedding of each category or text.
        lengths: columns of each text; 0 for a category.
    """
    embed = EmbedColumns(sizes, widths, lengths, name="embed_columns")
    inputs = keras.Input((network.input_shape[-1] - sum(widths) + embed.columns,))
    return keras.Model(inputs, network(embed(inputs)), name=f"{network.name}_on_columns")
