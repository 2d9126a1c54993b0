"""`digits`, `wine`, `breast_cancer`, `diabetes`: data sets of scikit-learn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from zoo.data.builtin.definition import Definition


def wine() -> Definition:
    """Define 178 wines of three cultivars."""
    from sklearn import datasets

    return _table(
        "178 wines of three cultivars, 13 chemical measurements (Aeberhard & Forina 1991).", datasets.load_wine()
    )


def breast_cancer() -> Definition:
    """Define 569 tumours, benign or malignant."""
    from sklearn import datasets

    return _table(
        "569 tumours, benign or malignant, 30 measurements of cell nuclei (Wolberg et al. 1993).",
        datasets.load_breast_cancer(),
    )


def diabetes() -> Definition:
    """Define the course of the disease in 442 patients."""
    from sklearn import datasets

    return _table(
        "442 patients, 10 measurements, disease progression after a year (Efron et al. 2004).",
        datasets.load_diabetes(scaled=False),
    )


def digits() -> Definition:
    """Define 1,797 small images of digits."""
    import tensorflow_datasets as tfds
    from sklearn import datasets

    names = [str(name) for name in datasets.load_digits().target_names]
    return Definition(
        description="1,797 grey images of digits, 8×8, with 17 levels spread over 0 to 255 (Alpaydin & Kaynak 1998).",
        features={"image": tfds.features.Image(shape=(8, 8, 1)), "label": tfds.features.ClassLabel(names=names)},
        splits=lambda: {"train": _digit_examples()},
        keys=("image", "label"),
    )


def digit_images() -> tuple[np.ndarray, np.ndarray]:
    """Return scikit-learn's digits: images uint8 `(1797, 8, 8)` of 0 to 255, and what they show, `(1797,)`."""
    from sklearn import datasets

    bunch = datasets.load_digits()
    return np.rint(bunch.images * (255 / 16)).astype(np.uint8), bunch.target.astype(np.int64)


def _digit_examples() -> Iterator[dict[str, Any]]:
    for image, label in zip(*digit_images(), strict=True):
        yield {"image": image[..., None], "label": int(label)}


def _table(description: str, bunch: Any) -> Definition:
    import tensorflow_datasets as tfds

    columns = [str(column) for column in bunch.feature_names]
    labels = [str(name) for name in bunch.target_names] if "target_names" in bunch else None

    def examples() -> Iterator[dict[str, Any]]:
        for row, target in zip(bunch.data, bunch.target, strict=True):
            yield {**dict(zip(columns, row, strict=True)), "target": target}

    target = tfds.features.ClassLabel(names=labels) if labels else np.float32
    return Definition(
        description=description,
        features={**dict.fromkeys(columns, np.float32), "target": target},
        splits=lambda: {"train": examples()},
        keys=({column: column for column in columns}, "target"),
    )
