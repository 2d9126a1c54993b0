"""An example to begin with: one of the sample beside the file, else what is usual in training, else a blank one."""

from __future__ import annotations

import base64
import io
import wave
from typing import Any

import numpy as np

from zoo.errors import ZooError
from zoo.serving.drift.distribution import Distribution, FeatureDistribution
from zoo.serving.exported_model import ExportedModel
from zoo.serving.feeds import Feeds, as_columns
from zoo.serving.sample_files import read_sample, sample_of
from zoo.serving.server.pictures import png
from zoo.serving.server.served_model import ServedModel

MAX_BLANK_VALUES = 10_000  # of a blank example; larger ones are not shown
_FULL_SCALE = 32767  # of 16 bits


def example_of(model: ServedModel, distribution: Distribution | None) -> dict[str, Any] | None:
    """Return `origin` ("sample", "training" or "blank") and `value`; None where there is nothing to begin with.

    The value is a PNG or WAV file in base64, a row by column, a text, or what `POST /predict/NAME` takes as JSON.
    """
    exported = model.exported
    try:
        sample = read_sample(sample_of(exported.path), list(model.inputs), list(model.outputs)).inputs
        value = _value(exported, {name: values[:1] for name, values in sample.items()})
        if value is not None:
            return {"origin": "sample", "value": value}
    except (ZooError, LookupError, ValueError):  # none, or not of this file
        pass
    if exported.kind == "table" and distribution is not None:
        found = {column.name: distribution.of(column.name) for column in exported.columns}
        return {
            "origin": "training",
            "value": {name: None if each is None else plausible(each) for name, each in found.items()},
        }
    blank = _blank(exported)
    return None if blank is None else {"origin": "blank", "value": blank}


def plausible(feature: FeatureDistribution) -> float | str | None:
    """Return the edge of a bin nearest to the median, or the most frequent category; None where there is none."""
    if feature.edges is None:
        counts = feature.counts[: len(feature.categories)]
        return feature.categories[int(np.argmax(counts))] if counts else None
    if not feature.edges or not sum(feature.counts):
        return None
    reached = np.cumsum(feature.counts)
    bin_of_median = int(np.searchsorted(reached, reached[-1] / 2))
    return float(f"{feature.edges[min(bin_of_median, len(feature.edges) - 1)]:.4g}")


def _value(exported: ExportedModel, first: Feeds) -> Any:
    """Return the one example of some tensors as the page sends it; None where tensors do not say what was read."""
    kind, signature = exported.kind, exported.signature
    if kind == "image":
        return png(first["image"][0])
    if kind == "audio":
        return _wav(first["audio"][0], signature.sample_rate)
    if kind == "table":
        columns = as_columns(first, signature)
        return {
            column.name: _plain(columns[column.name].ravel()[0])
            for column in exported.columns
            if column.type in ("number", "category") and column.form != "time"
        }
    if kind == "text":
        ids = first["source" if "source" in first else "tokens"][0]
        return None if exported.tokenizer is None else exported.tokenizer.decode(ids.tolist())
    if kind == "graph":
        nodes, edges = first["nodes"][0], first["edges"][0]
        known = ~np.isnan(nodes).all(axis=1)
        return {"nodes": _rounded(nodes[known]), "edges": edges[(edges >= 0).all(axis=1)].tolist()}
    if kind == "series":
        found = as_columns(first, signature)
        return {name: _rounded(found[name][0]) for name in first}
    if kind in ("array", "tokens"):
        return _rounded(first[kind][0])
    return None


def _blank(exported: ExportedModel) -> Any:
    """Return zeros of the form of one example; None where they would tell nothing."""
    shape = [size or 8 for size in exported.shape]
    if np.prod(shape) > MAX_BLANK_VALUES:
        return None
    if exported.kind == "array":
        return np.zeros(shape).tolist()
    if exported.kind == "tokens":
        return [1] * shape[0]
    if exported.kind == "graph":
        return {"nodes": np.zeros((3, shape[-1])).tolist(), "edges": [[0, 1], [1, 0], [1, 2], [2, 1]]}
    if exported.kind == "series":
        signature = exported.signature
        known = {"known_covariates": np.zeros((signature.horizon, len(signature.known))).tolist()}
        static = {signature.inputs[c.name]: [0.0 if c.type == "number" else ""] for c in signature.static}
        return {"array": np.zeros(shape).tolist(), **(known if signature.known else {}), **static}
    return None


def _wav(clip: np.ndarray, rate: int) -> str:
    """Return a clip of one channel, -1 to 1, as WAV of 16 bits in base64."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes((np.clip(clip, -1, 1) * _FULL_SCALE).astype("<i2").tobytes())
    return base64.b64encode(file.getvalue()).decode()


def _plain(value: Any) -> Any:
    if isinstance(value, np.floating):
        return None if np.isnan(value) else float(str(value))
    return value if isinstance(value, str) else value.item() if isinstance(value, np.generic) else value


def _rounded(values: np.ndarray) -> Any:
    """Return numbers with the digits that they have in 32 bits; None for NaN."""
    if values.ndim > 1:
        return [_rounded(row) for row in values]
    return [_plain(value) for value in values]
