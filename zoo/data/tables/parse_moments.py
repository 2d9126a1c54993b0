"""Texts to moments: by pandas, which is fast, or by the standard library where pandas is not installed."""

from __future__ import annotations

import importlib.util
import re
import warnings
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

ISO = "ISO8601"
_BEYOND_MICROSECONDS = re.compile(r"(\.\d{6})\d{1,3}(?!\d)")
_BLANK_BEFORE_OFFSET = re.compile(r"(?<=\d) (?=[-+Z])")


def parse_moments(texts: Sequence[str], form: str) -> np.ndarray:
    """Return moments, datetime64[us] in UTC, NaT where a text has another form.

    Args:
        texts: to read.
        form: of `strptime`; or `ISO`, with or without an offset from UTC.
    """
    has_pandas = importlib.util.find_spec("pandas") is not None
    return (with_pandas if has_pandas else without_pandas)(texts, form)


def with_pandas(texts: Sequence[str], form: str) -> np.ndarray:
    """Return what `parse_moments` does."""
    import pandas as pd

    zoned = form == ISO
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        moments = pd.to_datetime(pd.Series(list(texts), dtype=object), format=form, errors="coerce", utc=zoned)
    moments = moments.dt.tz_localize(None) if zoned else moments
    return moments.to_numpy().astype("datetime64[us]")


def without_pandas(texts: Sequence[str], form: str) -> np.ndarray:
    """Return what `parse_moments` does."""
    return np.array([_moment(text, form) for text in texts], "datetime64[us]")


def _moment(text: str, form: str) -> np.datetime64:
    text = _BEYOND_MICROSECONDS.sub(r"\1", text)
    try:
        moment = _iso_moment(text) if form == ISO else datetime.strptime(text, form)
    except ValueError:
        return np.datetime64("NaT", "us")
    if "%V" in form and moment.strftime(form) != text:  # strptime takes the 53rd week of a year that has 52
        return np.datetime64("NaT", "us")
    return np.datetime64(moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment, "us")


def _iso_moment(text: str) -> datetime:
    if text[10:11] not in ("", "T", " "):  # `fromisoformat` takes any character
        raise ValueError("no moment")
    return datetime.fromisoformat(_BLANK_BEFORE_OFFSET.sub("", text))
