"""Inputs that are rare but come: empty and large batches, NaN, odd sizes, empty texts; the file against the model."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.errors import ZooError
from zoo.serving.feeds import Feeds
from zoo.tasks import UNKNOWN
from zoo.utils.empty_batch import REFUSED, run_empty_batch
from zoo.utils.onnx_session import open_session, run_session

if TYPE_CHECKING:
    from zoo.serving.metadata import FileSignature

Answers = Callable[[Feeds], Mapping[str, np.ndarray]]  # the Keras model's outputs by name, for inputs of the file

MAX_SECONDS = 5.0  # after which no further input is tried
_BATCHES = (0, 1, 257)  # examples: 257 is one more than is predicted at a time
_EXTREME = 1e30
_SIZES = ((1, 1), (3, 50), (64, 48))  # pixels, of images of any size
_MAX_TOKENS = 512  # of the longest text, where the model takes any length
_MAX_NUMBERS = 1 << 22  # in the inputs of a batch


def try_awkward_inputs(
    content: bytes, answers: Answers, feeds: Feeds, signature: FileSignature, tolerance: float
) -> list[dict[str, Any]]:
    """Run a file and its Keras model on awkward inputs, for at most `MAX_SECONDS` and the one that is being tried then.

    Args:
        content: the file. A batch of no examples is run in another process, which it may abort.
        answers: the model.
        feeds: a few usual examples as the file takes them.
        signature: what the file says of itself.
        tolerance: allowed difference of outputs up to 1; it grows with the largest answer.

    Returns:
        For each `input` the `answer`: "equal", where both are not finite in the same places too; "different";
        "refused", where file, model or both raise; or "not tried", where time was up or the batch is too large. With
        `max_abs_difference` of the finite numbers, and whether those of `file` and `keras` are "finite"; a file that
        ends the process has "aborted", and is refused.
    """
    started, tried, session = time.monotonic(), [], open_session(content)
    names = [each.name for each in session.get_outputs()]

    def run(given: Feeds) -> Feeds | str:
        if not any(values.size for values in given.values()):
            return run_empty_batch(content, given)
        try:
            return run_session(session, names, given)
        except ZooError:
            return REFUSED

    for name, given in _awkward(feeds, signature):
        if time.monotonic() - started > MAX_SECONDS or sum(each.size for each in given.values()) > _MAX_NUMBERS:
            tried.append({"input": name, "answer": "not tried"})
            continue
        tried.append({"input": name, **_try(run, answers, given, tolerance)})
    return tried


def _try(run: Callable[[Feeds], Feeds | str], answers: Answers, feeds: Feeds, tolerance: float) -> dict[str, Any]:
    try:
        expected: Mapping[str, np.ndarray] | None = answers(feeds)
    except Exception:  # of TensorFlow and Keras, each with classes of its own
        expected = None
    found = run(feeds)
    if isinstance(found, str) or expected is None:
        file = found if isinstance(found, str) else _state(found, found)
        return {"answer": "refused", "file": file, "keras": _state(expected, expected or ())}
    own = {name: found[name] for name in expected}
    pairs = [(own[name], expected[name]) for name in expected]
    facts = {"file": _state(own, own), "keras": _state(expected, own)}
    if any(ours.shape != theirs.shape for ours, theirs in pairs):
        return {"answer": "different", **facts}
    differences = [_difference(ours, theirs) for ours, theirs in pairs]
    same = all(
        np.array_equal(np.isfinite(ours), np.isfinite(theirs)) and largest <= tolerance * max(1.0, scale)
        for (ours, theirs), (largest, scale) in zip(pairs, differences, strict=True)
    )
    worst = max(largest for largest, _ in differences)
    return {"answer": "equal" if same else "different", "max_abs_difference": worst, **facts}


def _difference(found: np.ndarray, expected: np.ndarray) -> tuple[float, float]:
    """Return the largest difference, and the largest absolute value, of what is finite in both."""
    finite = np.isfinite(found) & np.isfinite(expected)
    ours, theirs = found[finite].astype(np.float64), expected[finite].astype(np.float64)
    return float(np.abs(ours - theirs).max(initial=0.0)), float(np.abs(theirs).max(initial=0.0))


def _state(found: Mapping[str, np.ndarray] | None, names: Any) -> str:
    if found is None:
        return REFUSED
    finite = all(np.isfinite(found[name]).all() for name in names if name in found and found[name].dtype.kind == "f")
    return "finite" if finite else "not finite"


# === What is awkward, by the kind of input ===


def _awkward(feeds: Feeds, signature: FileSignature) -> Iterator[tuple[str, Feeds]]:
    if signature.kind == "noise" and signature.steps > 1:  # the rounding of a sampler grows with its steps
        return
    yield from _BY_KIND[signature.kind](feeds, signature)
    for count in _BATCHES:
        yield f"batch of {count}", {name: values[np.arange(count) % len(values)] for name, values in feeds.items()}


def _changed(feeds: Feeds, value: Any, *, kinds: str) -> Feeds | None:
    """Return inputs with a value in the first place of the first example of each input of some kinds."""
    chosen = [name for name, values in feeds.items() if values.dtype.kind in kinds and values.size]
    if not chosen:
        return None
    changed = {name: values.copy() for name, values in feeds.items()}
    for name in chosen:
        changed[name].flat[0] = value
    return changed


def _numbers(feeds: Feeds, signature: FileSignature) -> Iterator[tuple[str, Feeds]]:
    for name, value in (("NaN", np.nan), ("infinite number", np.inf), ("extreme number", _EXTREME)):
        changed = _changed(feeds, value, kinds="f")
        if changed is not None:
            yield name, changed
    if signature.kind == "array" and signature.shape[:1] == (None,):
        yield "sequence of one step", {name: values[:, :1] for name, values in feeds.items()}


def _columns(feeds: Feeds, signature: FileSignature) -> Iterator[tuple[str, Feeds]]:
    yield from _numbers(feeds, signature)
    for name, value in (("unseen category", "\N{SNOWMAN} never seen"), ("empty category", "")):
        changed = _changed(feeds, value, kinds="OU")
        if changed is not None:
            yield name, changed
    if signature.tensors.unknown:
        unknown = {signature.inputs[column]: number for column, number in signature.tensors.unknown.items()}
        yield (
            "unseen category",
            {name: np.full_like(x, unknown[name]) if name in unknown else x for name, x in feeds.items()},
        )


def _images(feeds: Feeds, signature: FileSignature) -> Iterator[tuple[str, Feeds]]:
    (image,) = feeds.values()
    for name, value in (("black image", 0), ("white image", 255)):
        yield name, dict.fromkeys(feeds, np.full_like(image, value))
    if signature.shape[:2] == (None, None):
        draw = np.random.default_rng(0)
        for size in _SIZES:
            pixels = draw.integers(0, 256, (2, *size, image.shape[3]), dtype=np.uint8)
            yield f"image of {size[0]} x {size[1]} pixels", dict.fromkeys(feeds, pixels)


def _tokens(feeds: Feeds, signature: FileSignature) -> Iterator[tuple[str, Feeds]]:
    name = next(iter(feeds))  # of source and target, the source
    usual = feeds[name]
    longest = signature.shape[0] if signature.shape else None
    if longest is None:
        longest = None if signature.tokenizer is None else signature.tokenizer.length
    yield "longest text", {**feeds, name: np.resize(usual, (len(usual), longest or _MAX_TOKENS))}
    yield "text of symbols that are not known", {**feeds, name: np.full_like(usual, UNKNOWN)}
    if signature.tokenizer is not None:
        empty = signature.tokenizer.encode([""] * len(usual))
        yield "empty text", {**feeds, name: empty.astype(usual.dtype)}


def _graphs(feeds: Feeds, signature: FileSignature) -> Iterator[tuple[str, Feeds]]:
    yield "graph without edges", {**feeds, "edges": np.full_like(feeds["edges"], -1)}
    yield "graph of one node", {"nodes": feeds["nodes"][:, :1], "edges": np.full_like(feeds["edges"], -1)}
    changed = _changed(feeds, _EXTREME, kinds="f")
    if changed is not None:
        yield "extreme number", changed


_BY_KIND: dict[str, Callable[[Feeds, FileSignature], Iterator[tuple[str, Feeds]]]] = {
    "image": _images,
    "array": _numbers,
    "series": _numbers,
    "audio": _numbers,
    "noise": _numbers,
    "table": _columns,
    "text": _tokens,
    "tokens": _tokens,
    "graph": _graphs,
}
