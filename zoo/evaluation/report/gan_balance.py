"""Balance of a generator and its discriminator over training."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from zoo.evaluation.metrics.common import ratio

MIN_CLEAR_GAP = 0.8  # between the outputs for real and for generated images: above, the discriminator tells them apart
MAX_SWING = 0.2  # mean change of the gap from epoch to epoch: above, the generator jumps
MAX_LOST_MARGIN = 0.2  # by which generated images may score above real ones
VANISHED_FRACTION = 0.05  # of the discriminator's early loss: at or below, it has won
MIN_EPOCHS = 5


def gan_verdict(history: Sequence[Mapping[str, float | None]]) -> dict[str, Any]:
    """Say from the curves of a generative adversarial network whether generator or discriminator lost.

    The *gap* is the discriminator's mean output for real images minus that for generated ones. *Late* is the mean over
    the last fifth of the epochs, *early* that over the first. The *swing* is the mean change of the gap from one epoch
    to the next, over the second half. Probabilities, from 0 to 1, are used as they are. Scores have no unit: their gap
    is divided by five times its early median size, their swing by five times the gap's median size over the second
    half. The state is the first that holds:

    - `diverged`: a loss or an output is NaN or infinite.
    - `too short to tell`: there are fewer than 5 epochs.
    - `generator collapsed`: the late gap is below -0.2, so that the discriminator prefers generated images: the
      generator found a blind spot; or the swing is above 0.2, as when the generator jumps from one kind of image to
      another.
    - `discriminator wins`: the late gap is above 0.8 or the discriminator's loss, positive throughout, fell to 5% of
      what it was early; and over the last fifth the generator's loss did not fall, compared with the fifth before.
    - `balanced`: none of these.

    Args:
        history: one mapping an epoch with `generator_loss`, `discriminator_loss`, and the discriminator's mean output
            for real and for generated images, `d_real` and `d_fake`.

    Returns:
        `state`, `advice` (a sentence or two), and the late `gap` and the `swing`, None where they are not computed.

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
        "The generator exploits a blind spot of the discriminator, or jumps from one kind of image to another; check "
        "class coverage and recall. Lower the generator's learning rate, or add a gradient penalty."
    ),
    "discriminator wins": (
        "The discriminator tells real from generated images, and the generator no longer improves. Lower the "
        "discriminator's learning rate, or regularise it: label smoothing, dropout, spectral norm, gradient penalty."
    ),
    "balanced": "Neither generator nor discriminator lost.",
}
