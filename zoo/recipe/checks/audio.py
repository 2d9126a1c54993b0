"""Checks of what goes with audio."""

from __future__ import annotations

from zoo.recipe.checks.collect import Checks
from zoo.recipe.checks.images import check_files
from zoo.tasks import MEMORY


def check_audio(checks: Checks, source: str) -> None:
    """Check the keys on clips, and that a spectrogram is made of them."""
    data, takes_audio = checks.recipe.data, "audio" in checks.task.inputs
    for key in ("sample_rate", "seconds"):
        checks.refuse(
            getattr(data, key) is not None and not takes_audio,
            ("data", key),
            f"is for audio, and the task is {checks.task.name}",
        )
    if source in checks.task.sources:
        check_files(checks, source, "audio", takes_audio)
    if not takes_audio:
        return
    checks.refuse(
        source in ("npz", MEMORY) and data.sample_rate is None,
        ("data", "sample_rate"),
        "required, and missing: arrays do not say how many samples a second they have",
    )
    checks.refuse(
        not any(step.log_mel is not None for step in checks.recipe.preprocess),
        ("preprocess",),
        "required, and missing: log_mel, which turns clips into the spectrograms that networks take",
    )
