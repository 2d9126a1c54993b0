"""From a model's answer for one step to whole sequences: greedy and beam search, and CTC's best path.

The loops run outside the model, which is one function, the step: from the numbers of some rows, `(rows,)`, and their
tokens so far, `(rows, length)`, to the logits of each row's next token, `(rows, vocabulary)`. The numbers let it find
what belongs to a row, such as its source; the same number may come several times and the rows in any order. Padding,
which is id 0, and the start token are never chosen.

Beam search with its length penalty: Wu et al., 2016, arXiv:1609.08144, section 7. CTC: Graves et al., 2006,
doi:10.1145/1143844.1143891.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.errors import ZooError
from zoo.tasks import END, PADDING, START

Ints = NDArray[np.int32]
Floats = NDArray[np.float64]
Step = Callable[[NDArray[np.intp], Ints], NDArray[Any]]


def greedy(step: Step, batch: int, *, start: int = START, end: int = END, most: int) -> Ints:
    """Take the most probable token at every step, until the end token or until there are `most` tokens.

    Args:
        step: the model; it gets the rows that have not ended, with their tokens from the start token on.
        batch: number of rows.
        start: id that every row begins with.
        end: id that ends a row.
        most: length of the longest answer.

    Returns:
        The answers, `(batch, most)`, without start and end token, padded with 0.

    Raises:
        ZooError: `most` is less than one, or the step's answer is no `(rows, vocabulary)` of numbers.
    """
    check(most >= 1, f"most must be at least 1, received {most}")
    tokens = np.full((batch, most + 1), PADDING, np.int32)
    tokens[:, 0] = start
    rows = np.arange(batch)
    for length in range(1, most + 1):
        if not len(rows):
            break
        chosen = next_logits(step, rows, tokens[rows, :length], start).argmax(axis=1)
        tokens[rows, length] = np.where(chosen == end, PADDING, chosen)
        rows = rows[chosen != end]
    return tokens[:, 1:]


def beam_search(
    step: Step,
    batch: int,
    *,
    start: int = START,
    end: int = END,
    most: int,
    width: int = 4,
    length_penalty: float = 0.6,
) -> Ints:
    """Search for the answer of the best score, keeping the `width` best beginnings of each row at every step.

    The score of `n` tokens, the end token among them, is their log-probability divided by
    `((5 + n) / 6) ** length_penalty`. Answers that have ended stay among the `width` for as long as their score does;
    one that does not end within `most` tokens counts as it is. Width 1 is `greedy`.

    Args:
        step: the model; it gets every beginning that can still win, with its tokens from the start token on.
        batch: number of rows.
        start: id that every row begins with.
        end: id that ends a row.
        most: length of the longest answer, with its end token.
        width: beginnings kept for each row.
        length_penalty: 0 ranks by probability, which favors short answers; more favors longer ones.

    Returns:
        The best answer of each row, `(batch, most)`, without start and end token, padded with 0.

    Raises:
        ZooError: a setting is out of range, or the step's answer is no `(rows, vocabulary)` of numbers.
    """
    check(most >= 1, f"most must be at least 1, received {most}")
    check(width >= 1, f"width must be at least 1, received {width}")
    check(0 <= length_penalty < np.inf, f"length_penalty must be at least 0, received {length_penalty}")
    penalty = ((5 + np.arange(most + 1)) / 6) ** length_penalty
    tokens = np.full((batch, width, most + 1), PADDING, np.int32)
    tokens[:, :, 0] = start
    probability = np.full((batch, width), -np.inf)  # logarithms; minus infinity where there is no beginning
    probability[:, 0] = 0.0
    lengths = np.zeros((batch, width), np.intp)
    ended = np.zeros((batch, width), bool)
    every = np.arange(batch)[:, None]
    for length in range(1, most + 1):
        best = np.where(ended, probability / penalty[lengths], -np.inf).max(axis=1, keepdims=True)
        probability[~ended & (probability / penalty[most] <= best)] = -np.inf  # can no longer win
        rows, beams = np.nonzero(~ended & np.isfinite(probability))
        if not len(rows):
            break
        following = log_softmax(next_logits(step, rows, tokens[rows, beams, :length], start))
        vocabulary = following.shape[1]
        # the last column stands for "ended, stays as it is"
        candidates = np.full((batch, width, vocabulary + 1), -np.inf)
        candidates[rows, beams, :vocabulary] = probability[rows, beams, None] + following
        candidates[:, :, vocabulary] = np.where(ended, probability, -np.inf)
        lengths = np.where(ended, lengths, length)
        chosen = _largest(candidates / penalty[lengths][:, :, None], width)
        beams, token = np.divmod(chosen, vocabulary + 1)
        probability = candidates[every, beams, token]
        tokens, lengths, ended = tokens[every, beams], lengths[every, beams], ended[every, beams]
        ended |= token == end
        tokens[:, :, length] = np.where(ended, PADDING, token)
    best = (probability / penalty[lengths]).argmax(axis=1)
    return tokens[np.arange(batch), best, 1:]


def collapse_ctc(best_path: NDArray[Any], blank: int = 0) -> Ints:
    """Merge repeated symbols, then remove the blanks: a symbol comes twice only if a blank stands between.

    Args:
        best_path: `(rows, steps)` classes.
        blank: class that stands for no symbol.

    Returns:
        Symbols, `(rows, length)`, padded on the right with 0; as long as the longest row.
    """
    path = np.asarray(best_path)
    kept = path != blank
    kept[:, 1:] &= path[:, 1:] != path[:, :-1]
    lengths = kept.sum(axis=1)
    symbols = np.full((len(path), int(lengths.max(initial=0))), PADDING, np.int32)
    symbols[np.arange(symbols.shape[1]) < lengths[:, None]] = path[kept]
    return symbols


def ctc_greedy(probabilities: NDArray[Any], blank: int = 0) -> Ints:
    """Decode by the most probable class at each step.

    Args:
        probabilities: `(rows, steps, classes)`; logits do as well.
        blank: class that stands for no symbol.

    Returns:
        Symbols, `(rows, length)`, padded on the right with 0.
    """
    return collapse_ctc(np.asarray(probabilities).argmax(axis=-1), blank)


def next_logits(step: Step, rows: NDArray[np.intp], tokens: Ints, start: int) -> Floats:
    """Return the step's answer, with padding and start token excluded."""
    return allowed_logits(step(rows, tokens), len(rows), start)


def allowed_logits(answer: NDArray[Any], rows: int, start: int) -> Floats:
    """Return the logits that a step gave for some rows, with padding and start token excluded.

    Raises:
        ZooError: they are no `(rows, vocabulary)` of numbers.
    """
    logits = np.array(answer, np.float64)
    check(
        logits.ndim == 2 and len(logits) == rows and logits.shape[1] > start,
        f"the step must give logits of shape ({rows}, vocabulary), received {logits.shape}",
    )
    logits[:, [PADDING, start]] = -np.inf
    best = logits.max(axis=1)  # NaN where one is
    check(not np.isnan(best).any(), "the step gave logits that are not numbers (NaN): did its training diverge?")
    check(bool((best > -np.inf).all()), "the step excludes every token")
    return logits


def log_softmax(logits: Floats) -> Floats:
    """Return the logarithms of the probabilities of each row."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    result: Floats = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return result


def _largest(scores: Floats, count: int) -> NDArray[np.intp]:
    """Return the places of the `count` largest scores of each row, `(rows, count)`, best first, of equals the first."""
    scores = scores.reshape(len(scores), -1)
    places = np.empty((len(scores), count), np.intp)
    every = np.arange(len(scores))
    for i in range(count):
        places[:, i] = scores.argmax(axis=1)
        scores[every, places[:, i]] = -np.inf
    return places


def check(holds: bool, message: str) -> None:
    """Raise `message` where something does not hold."""
    if not holds:
        raise ZooError(message)
