"""`builtin:NAME`: data sets that need no network, written as TFDS builders so that one path loads all."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np

from zoo.cache import cache_folder
from zoo.errors import ZooError, did_you_mean, listing

NAMES = ("breast_cancer", "diabetes", "digits", "wine")
_VERSION = "1.0.0"
_DESCRIPTIONS = {
    "digits": "1,797 grey images of digits, 8×8, with 17 levels spread over 0 to 255 (Alpaydin & Kaynak 1998).",
    "wine": "178 wines of three cultivars, 13 chemical measurements (Aeberhard & Forina 1991).",
    "breast_cancer": "569 tumours, benign or malignant, 30 measurements of cell nuclei (Wolberg et al. 1993).",
    "diabetes": "442 patients, 10 measurements, disease progression after a year (Efron et al. 2004).",
}


def builtin_builder(name: str) -> Any:
    """Return the prepared TFDS builder of a built-in data set.

    Raises:
        ZooError: unknown name; the message suggests the nearest.
    """
    if name not in NAMES:
        raise ZooError(f"unknown built-in data set '{name}'{did_you_mean(name, NAMES)} (known: {listing(NAMES)})")
    import tensorflow_datasets as tfds

    tfds.disable_progress_bar()
    builder = _builder_class(name)(data_dir=cache_folder() / "tfds")
    with contextlib.redirect_stdout(io.StringIO()):  # takes a second, and would announce itself
        builder.download_and_prepare()
    return builder


@cache
def _builder_class(name: str) -> Any:
    """Return a TFDS builder class over one of scikit-learn's data sets."""
    import tensorflow_datasets as tfds
    from sklearn import datasets

    bunch = datasets.load_diabetes(scaled=False) if name == "diabetes" else getattr(datasets, f"load_{name}")()

    class Builtin(tfds.core.GeneratorBasedBuilder, skip_registration=True):  # type: ignore[call-arg]
        VERSION = tfds.core.Version(_VERSION)
        pkg_dir_path = None

        def _info(self) -> tfds.core.DatasetInfo:
            labels = [str(n) for n in bunch.target_names] if "target_names" in bunch else None
            target = tfds.features.ClassLabel(names=labels) if labels else np.float32
            if name == "digits":
                features = {"image": tfds.features.Image(shape=(8, 8, 1)), "label": target}
                keys: Any = ("image", "label")
            else:
                inputs = {str(column): np.float32 for column in bunch.feature_names}
                features = {**inputs, "target": target}
                keys = ({c: c for c in inputs}, "target")
            return tfds.core.DatasetInfo(
                builder=self,
                description=_DESCRIPTIONS[name],
                features=tfds.features.FeaturesDict(features),
                supervised_keys=keys,
            )

        def _split_generators(self, manager: Any) -> dict[str, Any]:
            return {"train": self._generate_examples()}

        def _generate_examples(self) -> Iterator[tuple[int, dict[str, Any]]]:
            for row, target in enumerate(bunch.target):
                if name == "digits":
                    pixels = np.rint(bunch.images[row] * (255 / 16)).astype(np.uint8)
                    yield row, {"image": pixels[..., None], "label": int(target)}
                else:
                    yield (
                        row,
                        {**dict(zip(map(str, bunch.feature_names), bunch.data[row], strict=True)), "target": target},
                    )

    Builtin.name = name
    return Builtin
