"""Data sets for `benchmarks/planted_data.py`: clean ones, and those that faults are planted in."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

import numpy as np
import pandas as pd
from sklearn import datasets

TABLE = "_base/tabular_classification"
NUMBERS = "_base/tabular_regression"
IMAGES = "_base/image_classification"
TEXTS = "_base/sequence_classification"
AUDIO = "_base/audio_classification"
SERIES = "_base/forecasting"
_MAX_ROWS = 4000
_MIN_CHARACTERS = 60  # of a text


@dataclass
class Case:
    """What `zoo.check` is given: a recipe, data, and the data of other splits."""

    recipe: str | None
    data: Any
    target: str | None = None
    validation: Any = None
    test: Any = None
    overrides: dict[str, Any] = field(default_factory=dict)


@cache
def frame(name: str) -> pd.DataFrame:
    """Return a table of scikit-learn, with its target as "target"."""
    bunch = getattr(datasets, f"load_{name}")(as_frame=True, **({"scaled": False} if name == "diabetes" else {}))
    table = bunch.frame.copy()
    if "target_names" in bunch and name != "diabetes":
        table["target"] = [str(bunch.target_names[i]) for i in table["target"]]
    return table


def table(name: str) -> Case:
    """Return a case of a table."""
    return Case(NUMBERS if name == "diabetes" else TABLE, frame(name).copy(), "target")


@cache
def digit_arrays() -> tuple[np.ndarray, np.ndarray]:
    """Return digits as images of 32 by 32 pixels, uint8, and their classes."""
    from scipy import ndimage

    bunch = datasets.load_digits()
    large = ndimage.zoom(bunch.images * (255 / 16), (1, 4, 4), order=1)
    return np.clip(np.rint(large), 0, 255).astype(np.uint8)[..., None], bunch.target.astype(str)


def images() -> Case:
    """Return digits."""
    x, y = digit_arrays()
    return Case(IMAGES, (x.copy(), y.copy()))


@cache
def paragraphs() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return paragraphs of Python's help, and the topic of each: the four with the most."""
    from pydoc_data.topics import topics

    found: dict[str, list[str]] = {}
    seen: set[str] = set()
    for name in sorted(topics, key=lambda name: -len(topics[name])):
        parts = [" ".join(part.split()) for part in re.split(r"\n\s*\n", topics[name])]
        kept = [p for p in dict.fromkeys(parts) if len(p) >= _MIN_CHARACTERS and p not in seen and p.count(" ") > 9]
        seen.update(kept)
        found[name] = kept
    names = sorted(found, key=lambda name: -len(found[name]))[:4]
    pairs = [(text, name) for name in names for text in found[name]]
    return tuple(text for text, _ in pairs), tuple(name for _, name in pairs)


def texts() -> Case:
    """Return paragraphs with their topic."""
    found, topics = paragraphs()
    return Case(TEXTS, pd.DataFrame({"text": found, "topic": topics}), "topic", overrides={"data.text": "text"})


@cache
def _clips() -> tuple[np.ndarray, np.ndarray, int]:
    from zoo.data.sources.load import load_dataset
    from zoo.recipe import load_recipe
    from zoo.tasks import TASKS

    recipe = load_recipe("cnn/sounds").recipe
    dataset = load_dataset(recipe.data, TASKS[recipe.task], recipe.preprocess)
    split = dataset.train
    labels = np.array(dataset.signature.labels)
    return np.asarray(split.take(np.arange(len(split)))), labels[split.targets], dataset.signature.sample_rate


def clips() -> Case:
    """Return the built-in sounds."""
    x, y, rate = _clips()
    return Case(AUDIO, (x.copy(), y.copy()), overrides={"data.sample_rate": rate})


def series(name: str) -> Case:
    """Return a series of statsmodels."""
    module = importlib.import_module(f"statsmodels.datasets.{name}")
    if name == "elnino":
        values = module.load_pandas().data.set_index("YEAR").to_numpy().ravel()
    elif name == "co2":
        values = module.load_pandas().data["co2"].resample("MS").mean().interpolate().to_numpy()
    else:
        values = module.load_pandas().data.iloc[:, -1].to_numpy()
    window = {"data.window": {"history": 24, "horizon": 4, "season": 1}}
    return Case(SERIES, pd.DataFrame({"value": values.astype(float)}), "value", overrides=window)


def survey(name: str, target: str, *, classes: bool) -> Case:
    """Return a table of statsmodels."""
    data = importlib.import_module(f"statsmodels.datasets.{name}").load_pandas().data.reset_index(drop=True)
    data = data.sample(min(len(data), _MAX_ROWS), random_state=0).reset_index(drop=True)
    if classes:
        data[target] = "class " + data[target].astype(int).astype(str)
    return Case(TABLE if classes else NUMBERS, data, target)


CLEAN: dict[str, Callable[[], Case]] = {
    **{name: partial(table, name) for name in ("wine", "breast_cancer", "diabetes", "iris")},
    "digits": images,
    "help": texts,
    "sounds": clips,
    **{name: partial(series, name) for name in ("sunspots", "elnino", "co2", "nile")},
    "fair": partial(survey, "fair", "affairs", classes=False),
    "anes96": partial(survey, "anes96", "vote", classes=True),
    "engel": partial(survey, "engel", "foodexp", classes=False),
    "star98": partial(survey, "star98", "NABOVE", classes=False),
}
