"""`builtin:NAME`: data sets that need no network, as TFDS builders, so that one loader reads all.

They come with a package or are drawn from fixed seeds: every preparation gives the same examples.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from zoo.data.builtin import dates, graphs, measured, memory, scenes, series, shops, sounds, strips, topics
from zoo.data.builtin.definition import Definition
from zoo.data.builtin.series import season
from zoo.errors import ZooError, did_you_mean, listing
from zoo.utils.cache import cached

_VERSION = "1.0.0"
_DEFINITIONS: dict[str, Callable[[], Definition]] = {
    "adding_problem": memory.adding_problem,
    "breast_cancer": measured.breast_cancer,
    "co2": series.co2,
    "copy_memory": memory.copy_memory,
    "dates": dates.dates,
    "diabetes": measured.diabetes,
    "digit_graphs": graphs.digit_graphs,
    "digit_neighbors": graphs.digit_neighbors,
    "digit_scenes": scenes.digit_scenes,
    "digit_strips": strips.digit_strips,
    "digits": measured.digits,
    "elnino": series.elnino,
    "python_topics": topics.python_topics,
    "shop_sales": shops.shop_sales,
    "sounds": sounds.sounds,
    "sunspots": series.sunspots,
    "wine": measured.wine,
}
NAMES = tuple(_DEFINITIONS)

__all__ = ["NAMES", "builtin_builder", "season"]


def builtin_builder(name: str) -> Any:
    """Return the prepared TFDS builder of a built-in data set.

    Raises:
        ZooError: unknown name (the message suggests the nearest), or the package that holds the data is missing.
    """
    if name not in NAMES:
        raise ZooError(f"unknown built-in data set '{name}'{did_you_mean(name, NAMES)} (known: {listing(NAMES)})")
    import tensorflow_datasets as tfds

    tfds.disable_progress_bar()
    builder_class = _builder_class(name)

    def prepare(folder: Path) -> None:
        with contextlib.redirect_stdout(io.StringIO()):  # TFDS prints its progress
            builder_class(data_dir=folder).download_and_prepare()

    variant = "".join(f"-{config.name}" for config in builder_class.BUILDER_CONFIGS)
    return builder_class(data_dir=cached(f"builtin/{name}{variant}-{_VERSION}", prepare))


@cache
def _builder_class(name: str) -> Any:
    """Return the TFDS builder class of a built-in data set."""
    import tensorflow_datasets as tfds

    definition = _DEFINITIONS[name]()

    class Builtin(tfds.core.GeneratorBasedBuilder, skip_registration=True):  # type: ignore[call-arg]
        VERSION = tfds.core.Version(_VERSION)
        BUILDER_CONFIGS = [tfds.core.BuilderConfig(name=definition.variant)] if definition.variant else []
        pkg_dir_path = None

        def _info(self) -> tfds.core.DatasetInfo:
            return tfds.core.DatasetInfo(
                builder=self,
                description=definition.description,
                features=tfds.features.FeaturesDict(definition.features),
                supervised_keys=definition.keys,
                metadata=tfds.core.MetadataDict(definition.metadata) if definition.metadata else None,
            )

        def _split_generators(self, manager: Any) -> dict[str, Any]:
            return {split: self._generate_examples(examples) for split, examples in definition.splits().items()}

        def _generate_examples(self, examples: Iterable[dict[str, Any]]) -> Iterator[tuple[int, dict[str, Any]]]:
            yield from enumerate(examples)

    Builtin.name = name
    return Builtin
