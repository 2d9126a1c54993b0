"""A sign: something seen in a run that speaks for one state."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Sign:
    """Something seen in a run.

    Attributes:
        state: what it speaks for.
        text: a sentence on what was seen, with its figures.
        cause: what tells edits apart within a state, such as "capacity"; "" for none.
    """

    state: str
    text: str
    cause: str = ""
