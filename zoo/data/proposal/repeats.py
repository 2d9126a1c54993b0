"""Rows that repeat others, which must not be in two splits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from zoo.data.proposal.proposal import Proposal
from zoo.data.rare_rows import rare_rows
from zoo.data.tables.file import Table

_MIN_REPEATS = 5
_MIN_FRACTION = 0.005  # of the rows; fewer change no figure that is reported


def add_repeats(proposal: Proposal, table: Table, names: Sequence[str]) -> None:
    """Leave the repeats of test and validation rows out of training, where rows repeat that are too rare for chance.

    Args:
        proposal: what it is added to.
        table: the rows.
        names: the columns that are inputs.
    """
    columns = [table.texts(name) for name in names]
    if not columns:
        return
    frame = pd.DataFrame(dict(enumerate(columns)))
    repeated = np.flatnonzero(frame.duplicated().to_numpy())
    if len(repeated) < max(_MIN_REPEATS, _MIN_FRACTION * len(table)):
        return
    count = int(rare_rows([values[repeated] for values in columns], columns).sum())
    if count >= max(_MIN_REPEATS, _MIN_FRACTION * len(table)):
        reason = f"{count:,} rows repeat another: those of the test are not trained on"
        proposal.add("data.leaked_examples", "drop", reason)
