"""A file's steps compared with the pass over whole texts: the same logits, token by token."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zoo.data.tokenizer import SPECIAL
from zoo.errors import ZooError
from zoo.serving.certificate import certificate_of
from zoo.serving.metadata import FileSignature
from zoo.serving.sample_files import Sample
from zoo.serving.step_model import StepCache, StepModel, open_steps
from zoo.utils.files import read_json, read_regular
from zoo.utils.onnx_session import run_session

MAX_CHECKED_TOKENS = 256  # of a text
_TOKENS_WITHOUT_SAMPLE = 32


@dataclass(frozen=True, kw_only=True)
class StepDifference:
    """How far steps are from the whole pass.

    Attributes:
        max_abs_difference: largest difference of a logit.
        scale: largest absolute logit.
        different_tokens: places where another token is the most probable, which rounding decides where two are equal.
        tokens: places compared.
    """

    max_abs_difference: float
    scale: float
    different_tokens: int
    tokens: int


def compare_steps(
    model: StepModel, tokens: np.ndarray, expected: np.ndarray, source: np.ndarray | None = None
) -> StepDifference:
    """Read the first half of texts at once and the rest token by token, and compare with the pass over all of them.

    Args:
        model: the steps.
        tokens: `(texts, length)`; texts without padding or, of a target, with padding on the right.
        expected: the logits of the whole pass, `(texts, length, vocabulary)`.
        source: token ids `(texts, source length)`, where the texts are targets.
    """
    tokens, expected = tokens[:, :MAX_CHECKED_TOKENS], expected[:, :MAX_CHECKED_TOKENS]
    length = tokens.shape[1]
    encoded = {} if source is None else model.encode(source)
    cache = StepCache(model, len(tokens), encoded=encoded)
    first = max(1, length // 2)
    found = [cache.read(tokens[:, :first]), *(cache.read(tokens[:, i : i + 1]) for i in range(first, length))]
    return difference_of(np.concatenate(found, axis=1), expected)


def difference_of(found: np.ndarray, expected: np.ndarray) -> StepDifference:
    """Return how far logits are from those expected, `(texts, length, vocabulary)`."""
    distance = np.abs(found.astype(np.float64) - expected)
    worst = float(distance.max(initial=0.0)) if np.isfinite(distance).all() else float("inf")
    return StepDifference(
        max_abs_difference=worst,
        scale=float(np.abs(expected).max(initial=0.0)),
        different_tokens=int((found.argmax(axis=-1) != expected.argmax(axis=-1)).sum()),
        tokens=expected[..., 0].size,
    )


def check_steps(
    path: Path, session: Any, sample: Sample | None, tolerances: Mapping[str, float], signature: FileSignature
) -> str | None:
    """Compare the steps beside a file with the file itself; return what was seen, None where there are no steps.

    Args:
        path: the file.
        session: the file, open.
        sample: its sample, whose tokens are read; tokens of all kinds are where it has none.
        tolerances: allowed differences by output, under "" for those without their own.
        signature: what the file says of itself.

    Raises:
        ZooError: a file is missing, or is not the certified one; or the steps answer otherwise than the file.
    """
    beside = certificate_of(path)
    certified = {} if beside is None else read_json(beside).get("steps", {}).get("files", {})
    for name, facts in certified.items():
        own = path.with_name(name)
        if not own.is_file():
            raise ZooError(f"{own} is missing; without it texts are made by the pass over the whole text")
        if hashlib.sha256(read_regular(own)).hexdigest() != facts["sha256"]:
            raise ZooError(f"{own} is not the file that was compared with its Keras model")
    model = open_steps(path)
    if model is None:
        return None
    names = [each.name for each in session.get_inputs()]
    feeds = dict.fromkeys(names, _some_tokens(signature)) if sample is None else sample.inputs
    expected = run_session(session, ["logits"], feeds, path)["logits"]
    tokens = feeds["target"] if "target" in feeds else feeds[names[0]]
    found = compare_steps(model, tokens, expected, feeds.get("source"))
    allowed = tolerances.get("logits", tolerances[""])
    if found.max_abs_difference > allowed:
        raise ZooError(
            f"the logits of single steps differ from those of the whole text by {found.max_abs_difference:.1e} "
            f"(allowed {allowed:.1e})"
        )
    return (
        f"{found.tokens:,} tokens, half of them one by one, answered as all at once; largest difference "
        f"{found.max_abs_difference:.1e}; {found.different_tokens} other most probable tokens"
    )


def _some_tokens(signature: FileSignature) -> np.ndarray:
    symbols = max(1, min(signature.vocabulary or len(signature.labels), len(signature.labels)) - len(SPECIAL))
    return (len(SPECIAL) + np.arange(_TOKENS_WITHOUT_SAMPLE, dtype=np.int32) % symbols)[None]
