"""How the columns of a table become numbers, decided on the training split: parts of dates, one-hot, embeddings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from zoo.data.columns import MISSING, Column
from zoo.recipe.steps import Encode, PreprocessStep

_SHORT_PERIODS = ("month", "day", "weekday", "day_of_year", "hour")


@dataclass(frozen=True, kw_only=True)
class CategoryCode:
    """How a column of categories becomes numbers.

    Attributes:
        known: the categories that are told apart; where they are embedded, the most frequent first.
        width: numbers of the embedding; 0 where the categories are one-hot.
        rare: categories that are not told apart, as they are seen too seldom.
        rare_rows: training rows that have one of them.
    """

    known: tuple[str, ...]
    width: int = 0
    rare: int = 0
    rare_rows: int = 0


@dataclass(frozen=True, kw_only=True)
class Embedded:
    """A column that the network embeds; its numbers stand last in a prepared example.

    Attributes:
        size: numbers that it may hold, 0 to size - 1.
        width: of the embedding.
        length: tokens of a text, of which 0 is padding and the others' embeddings are averaged; 0 for a category.
    """

    size: int
    width: int
    length: int = 0

    @property
    def columns(self) -> int:
        """Columns of a prepared example that hold it."""
        return self.length or 1


def encode_settings(steps: Sequence[PreprocessStep]) -> Encode:
    """Return how a recipe encodes the columns of a table."""
    return next((step.encode for step in steps if step.encode is not None), Encode())


def category_code(values: np.ndarray, encode: Encode) -> CategoryCode:
    """Return how the categories of a column become numbers.

    Few categories are one-hot. Of many, those that are seen seldom are one with the unseen ones, and the rest are
    embedded.

    Args:
        values: the column in the training split.
        encode: the recipe's settings.
    """
    counts = Counter(values.tolist())
    if encode.embed_above is None or len(counts) <= encode.embed_above:
        return CategoryCode(known=tuple(sorted(counts)))
    ranked = sorted(counts, key=lambda name: (-counts[name], name))
    frequent = [name for name in ranked if counts[name] >= encode.rare_below or name == MISSING]
    known = frequent or ranked[: encode.embed_above]
    rare = {name: counts[name] for name in ranked if name not in set(known)}
    lost = {"rare": len(rare), "rare_rows": sum(rare.values())}
    if len(known) <= encode.embed_above:
        return CategoryCode(known=tuple(sorted(known)), **lost)
    return CategoryCode(known=tuple(known), width=embedding_width(len(known)), **lost)


def embedding_width(categories: int) -> int:
    """Return the numbers that a category is embedded in: twice the fourth root of their count, rounded."""
    return round(2 * categories**0.25)


def moment_parts(days: np.ndarray) -> dict[str, np.ndarray]:
    """Return the parts of moments, days since 1970, of which none is missing: what `DateParts` computes in the model.

    Parts that come again are places in their period, from 0.
    """
    moments = (np.datetime64(0, "us") + np.round(days * 86_400e6).astype("timedelta64[us]")).astype("datetime64[us]")
    dates = moments.astype("datetime64[D]")
    months, years = dates.astype("datetime64[M]"), dates.astype("datetime64[Y]")
    return {
        "days": days,
        "year": years.astype(np.int64) + 1970,
        "month": months.astype(np.int64) % 12,
        "day": (dates - months).astype(np.int64),
        "weekday": (dates.astype(np.int64) + 3) % 7,
        "day_of_year": (dates - years).astype(np.int64),
        "hour": (moments - dates).astype(np.int64) / 3.6e9,
    }


def date_parts(values: np.ndarray) -> tuple[str, ...]:
    """Return the parts of moments that differ among the training rows; the days alone where none does."""
    present = values[~np.isnan(values)].astype(np.float64)
    parts = moment_parts(present) if len(present) else {}
    return tuple(name for name, found in parts.items() if len(np.unique(found)) > 1) or ("days",)


def has_parts(column: Column, encode: Encode) -> bool:
    """Return whether a column holds moments whose parts the model takes."""
    return column.form == "time" and encode.dates == "parts"


def encoding_notes(
    columns: Sequence[Column], train: Mapping[str, np.ndarray], steps: Sequence[PreprocessStep]
) -> list[str]:
    """Return notes on dates that become parts, and on columns of many categories."""
    encode, notes = encode_settings(steps), []
    for column in columns:
        values = train[column.name]
        if has_parts(column, encode):
            parts = ", ".join(part.replace("_", " ") for part in date_parts(values))
            notes.append(f"column '{column.name}' goes into the model as {parts} (encode.dates: days takes the days)")
        if column.type != "category":
            continue
        code = category_code(values, encode)
        if code.width:
            notes.append(
                f"column '{column.name}' has {len(code.known) + code.rare:,} categories in the training split; "
                f"{len(code.known):,} are embedded, in {code.width} numbers each (encode.embed_above)"
            )
        if code.rare:
            notes.append(
                f"column '{column.name}': {code.rare:,} categories that fewer than {encode.rare_below} training rows "
                f"have ({code.rare_rows:,} rows) count as one with those that training has not seen (encode.rare_below)"
            )
    return notes
