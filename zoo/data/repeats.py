"""Training examples that are in another split, too."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zoo.data.dataset import Split
from zoo.data.hashes import split_hashes
from zoo.errors import ZooError


def without_repeats(train: Split, held_out: Sequence[Split]) -> tuple[Split, str]:
    """Leave out the training examples whose input, bit for bit, is in one of the splits that are held out.

    Returns:
        The rest, in its order, and a note on how many were left out.

    Raises:
        ZooError: nothing would be left to train on.
    """
    repeated = np.isin(split_hashes(train), np.concatenate([split_hashes(split) for split in held_out]))
    if repeated.all():
        raise ZooError(
            f"data.leaked_examples: all {len(train)} training examples are in the validation or test split, too; "
            "nothing would be left to train on"
        )
    note = (
        f"{int(repeated.sum()):,} of {len(train):,} training examples are in the validation or test split, too, and "
        "are left out"
    )
    return train.part(np.flatnonzero(~repeated)), note
