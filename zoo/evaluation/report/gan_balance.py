"""Whether a generator and its discriminator kept each other in check."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from zoo.evaluation.metrics.common import ratio

MIN_CLEAR_GAP = 0.8  # margin between the scores of real and generated images from which the discriminator sees through
MAX_SWING = 0.2  # of the margin from epoch to epoch, beyond which neither player holds its ground
MAX_LOST_MARGIN = 0.2  # by which generated images may pass for real before the discriminator has lost
VANISHED_FRACTION = 0.05  # of the generator's first gradients, below which it no longer learns
MIN_EPOCHS = 5


def player_verdict(history: Sequence[Mapping[str, float | None]]) -> dict[str, Any]:
    """Say from the curves of a generative adversarial network whether one of its two players lost.

    The *gap* is what the discriminator makes of real images less what it makes of generated ones. *Late* is the mean
    over the last fifth of the epochs, *early* that over the first. The *swing* is by how much the gap changes from one
    epoch to the next, in the mean over the second half. Probabilities, from 0 to 1, are taken as they are. Scores have
    no unit of their own: their gap is divided by five times its median size early, their swing by five times the
    gap's median size over the second half. The state is the first that holds:

    - `diverged`: a loss or an output is NaN or infinite.
    - `too short to tell`: there are fewer than 5 epochs.
    - `generator collapsed`: the late gap is below -0.2, so that the discriminator prefers what is generated: the
      generator found a blind spot, and images outside it have no chance; or the swing is above 0.2, as it is when the
      generator jumps from one kind of image to another.
    - `discriminator wins`: the late gap is above 0.8 or the discriminator's loss, positive throughout, fell to 5% of
      what it was early; and over the last fifth the generator's loss did not fall, compared with the fifth before.
    - `balanced`: none of these.

    Args:
        history: one mapping an epoch with `generator_loss`, `discriminator_loss`, and the discriminator's mean output
            for real and for generated images, `d_real` and `d_fake`.

    Returns:
        `state`, `advice` (a sentence or two), and the late `gap` and the `swing`, None where a state does not ask for
        them.

    Raises:
        ValueError: an epoch lacks one of the four.
    """
    names = ("generator_loss", "discriminator_loss", "d_real", "d_fake")
    missing = {name for row in history for name in names if name not in row}
    if missing:
        raise ValueError(f"every epoch needs {', '.join(names)}; missing {', '.join(sorted(missing))}")
    rows = [[math.nan if row[name] is None else row[name] for name in names] for row in history]
    values = np.array(rows, dtype=np.float64).reshape(-1, 4)
    if not np.isfinite(values).all():
        return {"state": "diverged", "advice": _ADVICE["diverged"], "gap": None, "swing": None}
    if len(values) < MIN_EPOCHS:
        return {"state": "too short to tell", "advice": _ADVICE["too short to tell"], "gap": None, "swing": None}
    fifth, half = len(values) // 5, len(values) // 2
    loss, other, outputs = values[:, 0], values[:, 1], values[:, 2:]
    gap = outputs[:, 0] - outputs[:, 1]
    late, swing = float(gap[-fifth:].mean()), float(np.abs(np.diff(gap[half:])).mean())
    if outputs.min() < 0 or outputs.max() > 1:
        late, swing = (
            ratio(value, 5 * float(np.median(np.abs(part))))
            for value, part in ((late, gap[:fifth]), (swing, gap[half:]))
        )
    apart = late > MIN_CLEAR_GAP or (
        other.min() > 0 and other[-fifth:].mean() <= VANISHED_FRACTION * other[:fifth].mean()
    )
    if late < -MAX_LOST_MARGIN or swing > MAX_SWING:
        state = "generator collapsed"
    elif apart and loss[-fifth:].mean() >= loss[-2 * fifth : -fifth].mean():
        state = "discriminator wins"
    else:
        state = "balanced"
    return {"state": state, "advice": _ADVICE[state], "gap": late, "swing": swing}


_ADVICE = {
    "diverged": "A loss or an output of the discriminator is not finite. Lower both learning rates, or clip gradients.",
    "too short to tell": f"There are fewer than {MIN_EPOCHS} epochs. Train for longer.",
    "generator collapsed": (
        "The generator plays on a blind spot of the discriminator, or jumps from one kind of image to another; look "
        "at class coverage and recall. Lower the generator's learning rate, or add a gradient penalty."
    ),
    "discriminator wins": (
        "The discriminator tells real from generated images and the generator has stopped to improve. Lower the "
        "discriminator's learning rate, or regularise it: label smoothing, dropout, spectral norm, gradient penalty."
    ),
    "balanced": "Neither player lost.",
}
