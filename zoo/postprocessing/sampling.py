"""Texts drawn from a language model, token by token.

The loop runs outside the model, which is one function, the step: it gives the logits of each row's next token. Padding,
which is id 0, and the start token are never drawn. Top-k sampling: Fan, Lewis and Dauphin, 2018, arXiv:1805.04833;
top-p (nucleus): Holtzman et al., 2019, arXiv:1904.09751.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.postprocessing.decoding import Floats, Ints, allowed_logits, check, log_softmax
from zoo.tasks import END, PADDING, START

Rows = NDArray[np.intp]
LanguageModel = Callable[[Ints], NDArray[Any]]
RowModel = Callable[[Rows, Ints, Rows], NDArray[Any]]  # rows, their tokens padded with 0, and how many each has
Noise = Callable[[Rows, int], Floats]  # rows and the size of the vocabulary to Gumbel noise


@dataclass(frozen=True)
class Sampling:
    """How a token is drawn.

    Attributes:
        temperature: divides the logits; less than one sharpens the distribution.
        top_k: keep only the k most probable tokens; None for all.
        top_p: draw among the fewest most probable tokens whose probabilities add up to this; None for all.
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None

    def probabilities(self, logits: NDArray[Any]) -> Floats:
        """Return the distribution that tokens are drawn from."""
        return next_token_probabilities(logits, temperature=self.temperature, top_k=self.top_k, top_p=self.top_p)


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
    check(length >= 1, f"length must be at least 1, received {length}")
    tokens = np.pad(_checked(prompt), [(0, 0), (0, length)])
    lengths = (tokens != PADDING).sum(axis=1)
    generator = np.random.default_rng(seed)
    draws = draw_tokens(
        lambda rows, given, counts: step(given),
        prompt,
        length=length,
        sampling=Sampling(temperature=temperature, top_k=top_k, top_p=top_p),
        noise=lambda rows, size: generator.gumbel(size=(len(prompt), size))[rows],
        start=start,
        end=end,
    )
    for rows, drawn in draws:
        tokens[rows, lengths[rows]] = drawn
        lengths[rows] += 1
    return tokens


def draw_tokens(
    step: RowModel,
    prompt: Ints,
    *,
    length: int,
    sampling: Sampling,
    noise: Noise,
    ended: Callable[[int, int], bool] = lambda row, token: False,
    start: int = START,
    end: int | None = END,
) -> Iterator[tuple[Rows, Ints]]:
    """Yield the next token of each row that has not ended, once for each of `length` tokens.

    Args:
        step: the model.
        prompt: `(rows, steps)` tokens, padded on the right with 0, at least one in each row.
        length: number of tokens to add.
        sampling: how a token is drawn.
        noise: the random numbers of a step.
        ended: tells whether a row ends with a token that was drawn for it, which is yielded.
        start: id that is never drawn.
        end: id that ends a row and is not yielded; None where no token does.

    Yields:
        The rows, and a token for each.

    Raises:
        ZooError: as `sample`.
    """
    tokens = np.pad(_checked(prompt), [(0, 0), (0, length)])
    lengths = (tokens != PADDING).sum(axis=1)
    rows = np.arange(len(tokens))
    for _ in range(length):
        if not len(rows):
            return
        answer = step(rows, tokens[rows, : lengths[rows].max()], lengths[rows])
        probabilities = sampling.probabilities(allowed_logits(answer, len(rows), start))
        # the largest logarithm after Gumbel noise is a draw from the distribution
        with np.errstate(divide="ignore"):
            drawn = (np.log(probabilities) + noise(rows, probabilities.shape[1])).argmax(axis=1).astype(np.int32)
        if end is not None:
            goes_on = drawn != end
            rows, drawn = rows[goes_on], drawn[goes_on]
        tokens[rows, lengths[rows]] = drawn
        lengths[rows] += 1
        yield rows, drawn
        goes_on = np.array(
            [not ended(row, token) for row, token in zip(rows.tolist(), drawn.tolist(), strict=True)], bool
        )
        rows = rows[goes_on]


def _checked(prompt: Ints) -> Ints:
    prompt = np.asarray(prompt)
    check(prompt.ndim == 2, f"the prompt must have the shape (rows, steps), received {prompt.shape}")
    lengths = (prompt != PADDING).sum(axis=1)
    padded = np.arange(prompt.shape[1]) >= lengths[:, None]
    check(
        bool((lengths > 0).all() and (prompt[padded] == PADDING).all()),
        "each prompt needs a token, and padding (0) only on the right",
    )
    return prompt.astype(np.int32)


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
    check(0 < temperature < np.inf, f"temperature must be above 0, received {temperature}")
    check(top_k is None or top_k >= 1, f"top_k must be at least 1, received {top_k}")
    check(top_p is None or 0 < top_p <= 1, f"top_p must be above 0 and at most 1, received {top_p}")
    probabilities = np.exp(log_softmax(np.asarray(logits, np.float64) / temperature))
    if top_k is None and (top_p is None or top_p == 1):
        return probabilities
    order = np.argsort(-probabilities, axis=1, kind="stable")
    every = np.arange(len(order))[:, None]
    ordered = probabilities[every, order]
    if top_k is not None:
        ordered[:, top_k:] = 0.0
        ordered /= ordered.sum(axis=1, keepdims=True)
    if top_p is not None and top_p < 1:
        before = np.cumsum(ordered, axis=1) - ordered
        ordered[before >= top_p] = 0.0
        ordered /= ordered.sum(axis=1, keepdims=True)
    probabilities[every, order] = ordered
    return probabilities
