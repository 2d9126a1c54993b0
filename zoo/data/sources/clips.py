"""Clips of any rate and length, brought to one: what was resampled, cut, padded or mixed is said."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zoo.data.inputs import ArrayInputs, ClipInputs, Inputs
from zoo.data.sources.audio import (
    BEYOND,
    CLIPPED,
    CUT,
    MIXED,
    PADDED,
    SILENT,
    Clip,
    Header,
    fit_clip,
    needed,
    read_clip,
    read_header,
)
from zoo.errors import ZooError

if TYPE_CHECKING:
    from zoo.recipe.data_section import Data

MAX_KEPT_BYTES = 1 << 30  # of clips that stay in memory
MAX_DEFAULT_SECONDS = 10.0  # that a recipe without data.seconds takes of long clips
_THREADS = 4
_REMARKS = (MIXED, SILENT, CLIPPED, BEYOND)


@dataclass(frozen=True, kw_only=True)
class Clips:
    """The clips of a split, as they are stored.

    Attributes:
        headers: what each says of itself.
        read: takes the position of a clip, a rate and a number of samples; returns it so. Raises ZooError where it
            cannot be read.
    """

    headers: Sequence[Header]
    read: Callable[[int, int, int], Clip]


@dataclass(frozen=True, kw_only=True)
class Unified:
    """Clips of one rate and length.

    Attributes:
        inputs: the clips of each split that could be read.
        kept: their positions in the split.
        rate: samples a second.
        samples: of each clip.
        notes: what was done to them.
        broken: of each split, position and reason of those that could not be read.
    """

    inputs: dict[str, Inputs]
    kept: dict[str, np.ndarray]
    rate: int
    samples: int
    notes: list[str]
    broken: dict[str, dict[int, str]]


def clips_of_files(files: Sequence[Path], broken: dict[int, str]) -> tuple[Clips, np.ndarray]:
    """Return the clips of files, and which of the files they are; position and reason of the others are added."""

    def header(path: Path) -> Header | str:
        try:
            return read_header(path)
        except ZooError as error:
            return str(error)

    with ThreadPoolExecutor(_THREADS) as pool:
        found = list(pool.map(header, files))
    broken |= {i: each for i, each in enumerate(found) if isinstance(each, str)}
    kept = np.array([i for i, each in enumerate(found) if isinstance(each, Header)], int)
    paths = [files[i] for i in kept]
    headers = [each for each in found if isinstance(each, Header)]
    return Clips(headers=headers, read=lambda i, rate, samples: read_clip(paths[i], rate, samples)), kept


def clips_of_array(x: np.ndarray, rate: int) -> Clips:
    """Return the clips of an array `(clips, samples)`, full scale being -1 to 1."""
    header = Header(rate=rate, frames=x.shape[1])

    def read(position: int, to_rate: int, samples: int) -> Clip:
        return fit_clip(x[position, : needed(header, to_rate, samples), None], header, to_rate, samples)

    return Clips(headers=[header] * len(x), read=read)


def unify(splits: dict[str, Clips], data: Data) -> Unified:
    """Bring all clips to one rate and length: the recipe's, or else the most frequent rate and the longest clip.

    Every clip is read once here, so that damaged ones are found before training starts.

    Args:
        splits: the clips; that of training decides where the recipe does not.
        data: the recipe's section.
    """
    notes: list[str] = []
    every = [header for clips in splits.values() for header in clips.headers]
    train = splits["train"].headers or every
    rate = data.sample_rate or _usual_rate(train, notes)
    seconds = data.seconds or _longest(train, notes)
    samples = max(1, round(seconds * rate))
    size = 4 * samples * len(every)
    resident = data.memory != "streamed" and (data.memory == "resident" or size <= MAX_KEPT_BYTES)
    remarks, broken = list[str](), dict[str, dict[int, str]]()
    inputs, kept = {}, {}
    for name, clips in splits.items():
        broken[name] = {}
        inputs[name], kept[name] = _read_all(clips, rate, samples, broken[name], remarks, resident=resident)
    notes += clip_notes(every, remarks, rate, samples)
    return Unified(inputs=inputs, kept=kept, rate=rate, samples=samples, notes=notes, broken=broken)


def clip_notes(headers: Sequence[Header], remarks: Sequence[str], rate: int, samples: int) -> list[str]:
    """Return what was done to clips to bring them to one rate and length, and what is odd about them.

    Args:
        headers: of all clips.
        remarks: on each of them, one after the other.
        rate: samples a second that they have now.
        samples: how many of them.
    """
    counts = Counter(remarks)
    notes = _rate_notes(headers, rate) + _length_notes(counts, len(headers), samples / rate)
    return notes + [f"{counts[what]:,} of {len(headers):,} clips {what}" for what in _REMARKS if counts[what]]


def _read_all(
    clips: Clips, rate: int, samples: int, broken: dict[int, str], remarks: list[str], *, resident: bool
) -> tuple[Inputs, np.ndarray]:
    """Return the clips of a split that can be read, and their positions."""
    count, digest, positions = len(clips.headers), hashlib.sha256(f"{rate}:{samples}:".encode()), list[int]()
    array = np.empty((count if resident else 0, samples), np.float32)

    def read(position: int) -> Clip | str:
        try:
            return clips.read(position, rate, samples)
        except ZooError as error:
            return str(error)

    with ThreadPoolExecutor(_THREADS) as pool:
        for position, clip in enumerate(pool.map(read, range(count))):
            if isinstance(clip, str):
                broken[position] = clip
                continue
            if resident:
                array[len(positions)] = clip.samples
            digest.update(clip.samples.data)
            remarks += clip.remarks
            positions.append(position)
    kept = np.array(positions, int)
    if resident:
        return ArrayInputs(array[: len(kept)]), kept
    return ClipInputs(len(kept), lambda i: clips.read(int(kept[i]), rate, samples).samples, digest.hexdigest()), kept


def _usual_rate(headers: Sequence[Header], notes: list[str]) -> int:
    """Return the most frequent sample rate; of equally frequent ones the lowest, as what is higher can be resampled."""
    counts = Counter(header.rate for header in headers)
    rate = min(counts, key=lambda rate: (-counts[rate], rate))
    if len(counts) > 1:
        notes.append(f"data.sample_rate is left out: {rate:,} Hz, as {counts[rate]:,} of {len(headers):,} clips have")
    return rate


def _longest(headers: Sequence[Header], notes: list[str]) -> float:
    longest = max(header.seconds for header in headers)
    seconds = min(longest, MAX_DEFAULT_SECONDS)
    if len({header.seconds for header in headers}) > 1:
        limit = f", at most {MAX_DEFAULT_SECONDS:g}" if seconds < longest else ""
        notes.append(f"data.seconds is left out: {seconds:.3g}, that of the longest training clip{limit}")
    return seconds


def _rate_notes(headers: Sequence[Header], rate: int) -> list[str]:
    others = Counter(header.rate for header in headers if header.rate != rate)
    if not others:
        return []
    each = ", ".join(f"{other:,} Hz ({count:,})" for other, count in others.most_common())
    notes = [f"{others.total():,} of {len(headers):,} clips are resampled to {rate:,} Hz: {each}"]
    lower = sum(count for other, count in others.items() if other < rate)
    if lower:
        notes.append(f"{lower:,} of these clips had a lower rate, and hold nothing of the highest frequencies")
    return notes


def _length_notes(remarks: Counter[str], total: int, seconds: float) -> list[str]:
    notes = []
    if remarks[CUT]:
        notes.append(f"{remarks[CUT]:,} of {total:,} clips are longer than {seconds:.3g} s, and cut at their end")
    if remarks[PADDED]:
        notes.append(f"{remarks[PADDED]:,} of {total:,} clips are shorter than {seconds:.3g} s, and padded with zeros")
    return notes
