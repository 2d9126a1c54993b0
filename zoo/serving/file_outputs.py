"""The outputs of an exported file: which it must have, and which follow from others."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from zoo.postprocessing.kinds import KINDS as POSTPROCESSING
from zoo.serving.kinds import KINDS
from zoo.serving.metadata import FileSignature
from zoo.tasks import TASKS

DERIVED_FORMAT = 3  # version of the metadata from which on files have the derived outputs


def file_outputs(signature: FileSignature) -> tuple[str, ...]:
    """Return the names of the outputs that a file must have: those of its task, bounds, prediction sets and flags."""
    serving, decisions = KINDS[TASKS[signature.task].kind], signature.decisions
    is_older = signature.version < DERIVED_FORMAT
    outputs = serving.earlier if is_older and serving.earlier else serving.outputs
    bounds = ("lower", "upper") * (signature.intervals is not None)
    sets = ("prediction_set",) * (decisions is not None and decisions.level is not None)
    scores = ("ood_score",) * (signature.ood_threshold is not None)
    flags = () if is_older else ("unusual",) * len(scores) + ("abnormal",) * (signature.threshold is not None)
    return (*outputs, *bounds, *sets, *scores, *flags)


def derived_outputs(signature: FileSignature, found: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the outputs that follow from the others of a file, computed in NumPy; none of older files.

    Args:
        signature: what the file says of itself.
        found: its outputs by name.
    """
    if signature.version < DERIVED_FORMAT:
        return {}
    return POSTPROCESSING[TASKS[signature.task].kind].derive(found, signature)
