"""An exported file run on its sample again: do the answers repeat, and does the size of the batch change them?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from zoo.errors import ZooError
from zoo.serving.feeds import Feeds
from zoo.serving.file_outputs import derived_outputs
from zoo.serving.metadata import FileSignature
from zoo.serving.sample_files import Sample
from zoo.utils.onnx_session import run_session

MAX_CHANGED = (
    0.001  # fraction of classes and texts that may differ: another CPU rounds otherwise where two are as likely
)
_BATCH = 7  # examples, beside batches of one
_BLANK_LENGTH = 8  # of open axes, where there is no sample
_BLANK_PIXELS = 32

Tolerances = Mapping[str, float]  # by output; under "" of those that have none of their own


def check_sample(session: Any, sample: Sample, tolerances: Tolerances, signature: FileSignature) -> str:
    """Run a file on the inputs of its sample, and compare; return what was seen.

    Raises:
        ZooError: an answer differs by more than is allowed.
    """
    worst = _compare(_run(session, sample.inputs), sample.outputs, tolerances, signature)
    return f"{_examples(session, sample.inputs)} examples answered as before; largest difference {worst:.1e}"


def check_batches(session: Any, sample: Sample | None, tolerances: Tolerances, signature: FileSignature) -> str:
    """Run a file on batches of one and of `_BATCH` examples, and compare; return what was seen.

    Args:
        session: the file.
        sample: its sample; zeros and empty texts are taken where it has none.
        tolerances: allowed differences.
        signature: what the file says of itself.

    Raises:
        ZooError: the file does not run, or an answer depends on the size of the batch.
    """
    axes = _batch_axes(session)
    if not any(axis is not None for axis in axes.values()):
        return "the file takes one size of batch alone"
    given = _blank(session) if sample is None else sample.inputs
    count = _examples(session, given)
    rows = np.arange(_BATCH) % count
    together = _run(session, _take(given, axes, rows))
    for row in range(count):
        alone = _run(session, _take(given, axes, np.array([row])))
        same = {name: values[rows == row] for name, values in together.items()}
        repeated = {name: np.repeat(values, int((rows == row).sum()), axis=0) for name, values in alone.items()}
        _compare(same, repeated, tolerances, signature)
    on = "blank examples" if sample is None else "the sample"
    return f"batches of 1 and {_BATCH} give the same answers to {on}"


def _run(session: Any, feeds: Feeds) -> Feeds:
    return run_session(session, [each.name for each in session.get_outputs()], feeds)


def _batch_axes(session: Any) -> dict[str, int | None]:
    """Return which axis of each input is that of the examples; None where it has none."""
    shapes = {each.name: list(each.shape) for each in session.get_inputs()}
    return {name: shape.index("batch") if "batch" in shape else None for name, shape in shapes.items()}


def _examples(session: Any, feeds: Feeds) -> int:
    axes = _batch_axes(session)
    return max((feeds[name].shape[axis] for name, axis in axes.items() if axis is not None), default=1)


def _take(feeds: Feeds, axes: Mapping[str, int | None], rows: np.ndarray) -> Feeds:
    return {
        name: values if axes[name] is None else np.take(values, rows, axis=axes[name]) for name, values in feeds.items()
    }


def _blank(session: Any) -> Feeds:
    """Return one example of zeros or empty texts."""
    types = {"tensor(string)": object, "tensor(uint8)": np.uint8, "tensor(int32)": np.int32}
    types |= {"tensor(double)": np.float64, "tensor(int64)": np.int64}
    feeds = {}
    for each in session.get_inputs():
        length = _BLANK_PIXELS if each.type == "tensor(uint8)" else _BLANK_LENGTH
        shape = [1 if n == "batch" else n if isinstance(n, int) else length for n in each.shape]
        dtype = types.get(each.type, np.float32)
        feeds[each.name] = np.full(shape, "" if dtype is object else 0, dtype)
    return feeds


def _compare(found: Feeds, expected: Feeds, tolerances: Tolerances, signature: FileSignature) -> float:
    """Return the largest difference of the numbers.

    What follows from other outputs, such as the order of boxes, is held to those: rounding may change it.

    Raises:
        ZooError: it is more than is allowed, or more decisions differ than rounding explains.
    """
    worst = 0.0
    for name, wanted in {**expected, **derived_outputs(signature, found)}.items():
        got = found[name]
        if got.shape != wanted.shape:
            raise ZooError(f"output '{name}' has the shape {got.shape}, expected {wanted.shape}")
        if wanted.dtype.kind == "f":
            worst = max(worst, _compare_numbers(name, got, wanted, tolerances, signature))
        elif wanted.dtype == np.uint8:  # pixels, which may round to the next level
            if np.abs(got.astype(int) - wanted).max(initial=0) > 1:
                raise ZooError(f"output '{name}': pixels differ by more than one level")
        elif (changed := int((got != wanted).sum())) > MAX_CHANGED * wanted.size:
            raise ZooError(f"output '{name}': {changed:,} of {wanted.size:,} differ from what is expected")
    return worst


def _compare_numbers(
    name: str, found: np.ndarray, expected: np.ndarray, tolerances: Tolerances, signature: FileSignature
) -> float:
    if not np.array_equal(np.isfinite(found), np.isfinite(expected)):
        raise ZooError(f"output '{name}': its numbers are not finite in other places than expected")
    finite = np.isfinite(expected)
    differences = np.where(finite, np.abs(found.astype(np.float64, copy=False) - expected), 0.0)
    if signature.kind == "noise" and signature.steps > 1:  # of samplers the root mean square is held to the tolerance
        differences = np.sqrt(np.mean(differences**2, keepdims=True))
    allowed = _allowed(name, tolerances, signature)
    if (differences > allowed).any():
        raise ZooError(f"output '{name}' differs by {differences.max():.1e} (allowed {np.max(allowed):.1e})")
    return float(differences.max(initial=0.0))


def _allowed(name: str, tolerances: Tolerances, signature: FileSignature) -> Any:
    """Return the allowed difference of an output, one for each target where there are several."""
    if signature.targets and name not in tolerances:
        prefix = f"{name} of " if name in ("lower", "upper") else ""
        return np.array([tolerances.get(prefix + target, tolerances[""]) for target in signature.targets])
    return tolerances.get(name, tolerances[""])
