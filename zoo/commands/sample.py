"""`zoo sample`: images from a generator, or texts from a language model."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from zoo.errors import ZooError
from zoo.serving.exported_model import ExportedModel
from zoo.utils.console import OUT


@dataclass(frozen=True, kw_only=True)
class TextOptions:
    """How prompts are continued; the arguments of `zoo.ExportedModel.generate`."""

    length: int
    temperature: float
    top_k: int | None
    top_p: float | None
    stop: Sequence[str]
    seed: int


def write_images(
    model: ExportedModel, output: Path, *, count: int, seed: int, label: str | None, guidance: float | None
) -> None:
    """Write a grid of images, and print its path."""
    from zoo.utils.image_grid import write_grid

    labels = None if label is None else [label] * count
    write_grid(output, model.sample(count, seed=seed, labels=labels, guidance=guidance))
    OUT.print(str(output), markup=False)


def print_texts(model: ExportedModel, prompts: Sequence[str], options: TextOptions, *, stream: bool) -> None:
    """Print prompts with their continuations.

    Args:
        model: a language model.
        prompts: what the texts begin with.
        options: how they go on.
        stream: print each piece as it comes.

    Raises:
        ZooError: the model writes no texts, or there are several prompts to stream.
    """
    settings: dict[str, Any] = {name: value for name, value in asdict(options).items() if name != "length"}
    if not stream:
        for text in model.generate(list(prompts), options.length, **settings):
            sys.stdout.write(text + "\n")
        return
    if len(prompts) > 1:
        raise ZooError(f"--stream: expected one --prompt, received {len(prompts)}")
    for piece in model.stream(prompts[0], options.length, **settings):
        sys.stdout.write(piece)
        sys.stdout.flush()
    sys.stdout.write("\n")
