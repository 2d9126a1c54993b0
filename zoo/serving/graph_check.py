"""Check that the graph of an exported file takes and gives what its metadata say."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from zoo.errors import ZooError, listing

PER_LABEL = ("probabilities", "logits", "scores")  # outputs whose last axis is the labels


def check_graph(
    session: Any,
    path: Path,
    *,
    inputs: Sequence[str],
    outputs: Sequence[str],
    labels: Sequence[str],
    optional: Sequence[str] = (),
) -> None:
    """Check that a graph takes and gives what its metadata say.

    Args:
        session: the graph, in onnxruntime.
        path: the file, for messages.
        inputs: names of the inputs that it must have.
        outputs: names of the outputs that it must have. The last axis of the first is the labels, where that has one.
        labels: names of the classes or symbols.
        optional: inputs that it may have.

    Raises:
        ZooError: it has other inputs, lacks an output, or has another number of classes.
    """
    where = f"{path}: its metadata and its graph do not belong together"
    found = [given.name for given in session.get_inputs()]
    if not set(inputs) <= set(found) <= {*inputs, *optional}:
        raise ZooError(f"{where}: expected the inputs {listing(inputs)}, found {listing(found)}")
    given = {output.name: output.shape for output in session.get_outputs()}
    if not set(outputs) <= set(given):
        raise ZooError(f"{where}: expected the outputs {listing(outputs)}, found {listing(given)}")
    shape = given[outputs[0]]
    if outputs[0] in PER_LABEL and shape and isinstance(shape[-1], int) and shape[-1] != len(labels):
        raise ZooError(f"{where}: {len(labels)} labels, and '{outputs[0]}' has {shape[-1]}")
