"""From a model's answer for one step to whole sequences: greedy and beam search, sampling, and CTC's best path.

The loops run outside the model, which is one function, the step: from the numbers of some rows, `(rows,)`, and their
tokens so far, `(rows, length)`, to the logits of each row's next token, `(rows, vocabulary)`. The numbers let it find
what belongs to a row, such as its source; the same number may come several times and the rows in any order. Sampling,
which continues a text without a source, leaves the numbers out. Padding, which is id 0, and the start token are never
chosen.

Beam search with its length penalty: Wu et al., 2016, arXiv:1609.08144, section 7. Top-k sampling: Fan, Lewis and
Dauphin, 2018, arXiv:1805.04833; top-p (nucleus): Holtzman et al., 2019, arXiv:1904.09751. CTC: Graves et al., 2006,
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
LanguageModel = Callable[[Ints], NDArray[Any]]


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
    _check(most >= 1, f"most must be at least 1, received {most}")
    tokens = np.full((batch, most + 1), PADDING, np.int32)
    tokens[:, 0] = start
    rows = np.arange(batch)
    for length in range(1, most + 1):
        if not len(rows):
            break
        chosen = _next_logits(step, rows, tokens[rows, :length], start).argmax(axis=1)
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
    _check(most >= 1, f"most must be at least 1, received {most}")
    _check(width >= 1, f"width must be at least 1, received {width}")
    _check(0 <= length_penalty < np.inf, f"length_penalty must be at least 0, received {length_penalty}")
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
        following = _log_softmax(_next_logits(step, rows, tokens[rows, beams, :length], start))
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


def sample(
    step: LanguageModel,
    prompt: Ints,
    *,
    length: int,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    start: int = START,
    end: int | None = END,
    seed: int,
) -> Ints:
    """Continue each prompt by tokens drawn from the model's distribution.

    Args:
        step: the model; it gets the tokens of the rows that have not ended, `(rows, length)`, padded on the right with
            0 where the prompts differ in length, and gives the logits `(rows, vocabulary)` of the token that comes
            after each row's last one that is no padding.
        prompt: `(rows, steps)` tokens, padded on the right with 0, at least one in each row.
        length: number of tokens to add.
        temperature: divides the logits; less than one sharpens the distribution.
        top_k: keep only the k most probable tokens.
        top_p: draw among the fewest most probable tokens whose probabilities add up to this.
        start: id that is never drawn.
        end: id that ends a row; None where no token does.
        seed: seed of the draws; those of one row do not depend on where another row ends.

    Returns:
        The prompts and their continuations, `(rows, steps + length)`, without end tokens, padded on the right with 0.

    Raises:
        ZooError: a setting is out of range, a prompt is empty or padded elsewhere, or the step's answer is no
            `(rows, vocabulary)` of numbers.
    """
    _check(length >= 1, f"length must be at least 1, received {length}")
    prompt = np.asarray(prompt)
    _check(prompt.ndim == 2, f"the prompt must have the shape (rows, steps), received {prompt.shape}")
    lengths = (prompt != PADDING).sum(axis=1)
    padded = np.arange(prompt.shape[1]) >= lengths[:, None]
    _check(
        bool((lengths > 0).all() and (prompt[padded] == PADDING).all()),
        "each prompt needs a token, and padding (0) only on the right",
    )
    tokens = np.pad(prompt.astype(np.int32), [(0, 0), (0, length)])
    generator = np.random.default_rng(seed)
    rows = np.arange(len(prompt))
    for _ in range(length):
        if not len(rows):
            break
        logits = _next_logits(lambda _, t: step(t), rows, tokens[rows, : lengths[rows].max()], start)
        probabilities = next_token_probabilities(logits, temperature=temperature, top_k=top_k, top_p=top_p)
        # the largest logarithm after Gumbel noise is a draw from the distribution
        noise = generator.gumbel(size=(len(prompt), probabilities.shape[1]))[rows]
        with np.errstate(divide="ignore"):
            drawn = (np.log(probabilities) + noise).argmax(axis=1)
        keeps = np.full(len(rows), True) if end is None else drawn != end
        rows, drawn = rows[keeps], drawn[keeps]
        tokens[rows, lengths[rows]] = drawn
        lengths[rows] += 1
    return tokens


def next_token_probabilities(
    logits: NDArray[Any], *, temperature: float = 1.0, top_k: int | None = None, top_p: float | None = None
) -> Floats:
    """Return the distribution that `sample` draws from.

    The logits are divided by the temperature, then the `top_k` most probable tokens are kept, then of those, with
    probabilities that add up to one again, the fewest most probable ones that make up `top_p`. Of equals the lower id
    goes first.

    Args:
        logits: `(rows, vocabulary)`; minus infinity excludes a token.
        temperature: positive.
        top_k: at least one, or None for all.
        top_p: above zero and at most one, or None for all.

    Returns:
        Probabilities, `(rows, vocabulary)`; zero for what was not kept.

    Raises:
        ZooError: a setting is out of range.
    """
    _check(0 < temperature < np.inf, f"temperature must be above 0, received {temperature}")
    _check(top_k is None or top_k >= 1, f"top_k must be at least 1, received {top_k}")
    _check(top_p is None or 0 < top_p <= 1, f"top_p must be above 0 and at most 1, received {top_p}")
    probabilities = np.exp(_log_softmax(np.asarray(logits, np.float64) / temperature))
    order = np.argsort(-probabilities, axis=1, kind="stable")
    ordered = np.take_along_axis(probabilities, order, axis=1)
    if top_k is not None:
        ordered[:, top_k:] = 0.0
        ordered /= ordered.sum(axis=1, keepdims=True)
    if top_p is not None and top_p < 1:
        before = np.cumsum(ordered, axis=1) - ordered
        ordered[before >= top_p] = 0.0
        ordered /= ordered.sum(axis=1, keepdims=True)
    np.put_along_axis(probabilities, order, ordered, axis=1)
    return probabilities


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


def _next_logits(step: Step, rows: NDArray[np.intp], tokens: Ints, start: int) -> Floats:
    """Return the step's answer, with padding and start token excluded."""
    logits = np.array(step(rows, tokens), np.float64)
    _check(
        logits.ndim == 2 and len(logits) == len(rows) and logits.shape[1] > start,
        f"the step must give logits of shape ({len(rows)}, vocabulary), received {logits.shape}",
    )
    logits[:, [PADDING, start]] = -np.inf
    _check(not np.isnan(logits).any(), "the step gave logits that are not numbers (NaN): did its training diverge?")
    _check(bool((logits.max(axis=1) > -np.inf).all()), "the step excludes every token")
    return logits


def _log_softmax(logits: Floats) -> Floats:
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


def _check(holds: bool, message: str) -> None:
    if not holds:
        raise ZooError(message)
