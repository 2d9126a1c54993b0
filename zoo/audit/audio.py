"""Odd clips: cut off at the loudest value, or silent."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from zoo.audit.finding import Finding, found
from zoo.audit.subject import HELD_OUT, Subject
from zoo.audit.tabular import sampled

_MAX_CLIPS = 20_000  # of a split
_MIN_CLIPPED = 0.002  # of the samples of a clip, in runs at one loudest value
_MIN_RUN = 3  # samples at the loudest value, one after another
_NEAR_PEAK = 0.999  # of the loudest value
_MAX_SILENCE = 1e-3  # of full scale, -60 dB: the loudest value of a silent clip


def audio_findings(subject: Subject) -> Iterator[Finding]:
    """Yield odd clips of all splits, at most 20,000 of each."""
    clipped, silent = [], []
    for name in ("train", *HELD_OUT):
        split = subject.splits[name]
        positions = sampled(len(split), _MAX_CLIPS)
        part = split.part(positions)
        for at in part.chunks(256):
            clips = np.abs(np.asarray(part.take(at), np.float32))
            peak = clips.max(axis=1)
            loud = clips >= _NEAR_PEAK * np.maximum(peak, 1e-9)[:, None]
            runs = np.ones_like(loud[:, _MIN_RUN - 1 :])
            for k in range(_MIN_RUN):
                runs &= loud[:, k : loud.shape[1] - (_MIN_RUN - 1 - k)]
            is_silent = peak < _MAX_SILENCE
            is_clipped = ~is_silent & (runs.mean(axis=1) > _MIN_CLIPPED)
            clipped += [(name, int(positions[at[i]])) for i in np.flatnonzero(is_clipped)]
            silent += [(name, int(positions[at[i]])) for i in np.flatnonzero(is_silent)]
    for what, name, places in (
        ("cut off at the loudest value", "clipped_audio", clipped),
        ("silent", "silent_audio", silent),
    ):
        if places:
            yield found(
                name,
                f"{len(places)} clips are {what}",
                count=len(places),
                evidence=[subject.example(split, at) for split, at in places[:20]],
            )
