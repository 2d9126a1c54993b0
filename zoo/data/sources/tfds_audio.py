"""Audio of a TFDS builder: clips of any length, as whole numbers of 16 bits or floats."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from zoo.data.dataset import Signature, SourceData, whole
from zoo.data.kinds import RawTargets, Targets
from zoo.data.sources.audio import Clip, Header, fit_clip, full_scale, needed
from zoo.data.sources.clips import Clips, unify
from zoo.data.sources.tfds_read import cached_folder
from zoo.errors import ZooError, counted
from zoo.recipe.data_section import Data
from zoo.tasks import Task


def check_audio(name: str, feature: Any, task: Task, where: str) -> None:
    """Refuse audio of several channels."""
    if len(feature.shape) != 1:
        raise ZooError(f"{where}: {task.name} takes clips of one channel (samples,), and '{name}' has {feature.shape}")


def load_audio(
    builder: Any,
    names: dict[str, str],
    name: str,
    target: str,
    data: Data,
    read_targets: Callable[[RawTargets], Targets],
) -> SourceData:
    """Load the clips of a builder.

    Args:
        builder: a prepared TFDS builder.
        names: the source's names of the splits.
        name: the feature that holds the clips.
        target: the feature that is predicted.
        data: the recipe's section.
        read_targets: turns raw targets into classes.

    Raises:
        ZooError: neither the data set nor the recipe knows the sample rate, or clips are empty or no numbers.
    """
    where = data.source
    rate = getattr(builder.info.features[name], "sample_rate", None) or data.sample_rate
    if not rate:
        raise ZooError(f"{where}: the data set does not say its sample rate; give data.sample_rate")
    clips, values = {}, {}
    for split, own_name in names.items():
        clips[split], values[split] = _read(builder, own_name, name, target, int(rate))
    raw = RawTargets(
        values=values,
        where=where,
        feature=builder.info.features[target],
        metadata=builder.info.metadata or {},
        splits=names,
    )
    labels, targets = read_targets(raw)
    unified = unify(clips, data)
    faults = [f"{names[s]} example {i + 1} ({why})" for s, each in unified.broken.items() for i, why in each.items()]
    if faults:
        raise ZooError(f"{where}: {counted(faults, 'clips cannot be read')}")
    signature = Signature("audio", target, (unified.samples,), labels=labels, sample_rate=unified.rate)
    splits = {split: whole(unified.inputs[split], targets[split]) for split in names}
    return SourceData(signature=signature, splits=splits, notes=[*raw.notes, *unified.notes])


def _read(builder: Any, split: str, name: str, target: str, rate: int) -> tuple[Clips, np.ndarray]:
    """Return the clips and the raw targets of a split, through the cache where there can be one."""

    def collect(folder: Path) -> None:
        import tensorflow_datasets as tfds

        ends, targets = [0], []
        dataset = builder.as_dataset(split=split, shuffle_files=False)
        with open(folder / "values", "wb") as file:
            for x, y in tfds.as_numpy(dataset.map(lambda e: (e[name], e[target]))):
                file.write(full_scale(x).astype("<f4").tobytes())
                ends.append(ends[-1] + len(x))
                targets.append(y)
        if not targets:
            raise ZooError(f"{builder.info.name}: the split '{split}' holds no examples; name another one")
        np.save(folder / "ends.npy", np.array(ends))
        np.save(folder / "y.npy", np.array(targets))

    with cached_folder("clips", builder, (split, name, target), collect) as folder:
        ends, targets = np.load(folder / "ends.npy"), np.load(folder / "y.npy")
        size = (folder / "values").stat().st_size
        values = np.memmap(folder / "values", "<f4", "r") if size else np.zeros(0, np.float32)
    headers = [Header(rate=rate, frames=int(frames)) for frames in np.diff(ends)]

    def read(position: int, to_rate: int, samples: int) -> Clip:
        header = headers[position]
        if not header.frames:
            raise ZooError("holds no samples")
        start = ends[position]
        x = values[start : start + min(header.frames, needed(header, to_rate, samples))]
        return fit_clip(np.array(x)[:, None], header, to_rate, samples)

    return Clips(headers=headers, read=read), targets
