"""n-gram models of tokens with interpolated Kneser-Ney smoothing, whose discounts are fitted to the validation part.

By hand, because NLTK's has one fixed discount and a dictionary look-up for each token, which takes hours here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

ORDER = 5
_CHUNK_PROBABILITIES = 1 << 22  # float64, 32 MiB
_MAX_FITTED_TOKENS = 200_000  # of the validation part; the discounts are 3 numbers a level


@dataclass(frozen=True)
class _Level:
    """The grams of one length, in the order of their keys: number of the context x vocabulary + last token.

    Attributes:
        keys: sorted, shape `(grams,)`. A gram's number is its place here, a context's its place one level below.
        counts: how often each occurs; below the longest, how many distinct tokens precede it; `(grams + 1,)`.
        total: sum of the counts that follow each context, shape `(contexts + 1,)`.
        kinds: how many tokens follow each context with a count of 1, of 2, and of more, shape `(contexts + 1, 3)`.
            The last entry of these three arrays is 0: number -1 stands for what does not occur.
    """

    keys: np.ndarray
    counts: np.ndarray
    total: np.ndarray
    kinds: np.ndarray

    def find(self, contexts: np.ndarray, tokens: np.ndarray, vocabulary: int) -> np.ndarray:
        """Return the numbers of grams, -1 for those that do not occur."""
        wanted = contexts * vocabulary + tokens
        if not len(self.keys):
            return np.full(wanted.shape, -1)
        place = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        return np.where((contexts >= 0) & (self.keys[place] == wanted), place, -1)


@dataclass(frozen=True)
class NGrams:
    """A fitted model.

    Attributes:
        vocabulary: number of token ids; 0 is padding and has probability 0.
        levels: the grams of 1, 2, … tokens.
        discounts: what is subtracted from counts of 1, of 2, and of more, at each level, shape `(order, 3)`.
    """

    vocabulary: int
    levels: tuple[_Level, ...]
    discounts: np.ndarray

    def probabilities(self, contexts: np.ndarray) -> np.ndarray:
        """Return the probability of each token after each context.

        Args:
            contexts: the last `order - 1` tokens before, shape `(n, order - 1)`, with 0 where there is none.

        Returns:
            Shape `(n, vocabulary)`; rows sum to 1.
        """
        p = np.full((len(contexts), self.vocabulary), 1 / (self.vocabulary - 1))
        p[:, 0] = 0
        numbers = _context_numbers(self.levels, contexts, self.vocabulary)
        for level, discounts, number in zip(self.levels, self.discounts, numbers, strict=True):
            rows = np.flatnonzero(level.total[number])
            context = number[rows]
            p[rows] *= (level.kinds[context] @ discounts / level.total[context])[:, None]
            first, last = (np.searchsorted(level.keys, (context + i) * self.vocabulary) for i in (0, 1))
            size = last - first
            row = np.repeat(np.arange(len(rows)), size)
            gram = np.repeat(first - size.cumsum() + size, size) + np.arange(size.sum())
            seen = level.counts[gram]
            left = seen - np.where(seen > 0, discounts[np.clip(seen, 1, 3) - 1], 0)
            p[rows[row], level.keys[gram] % self.vocabulary] += left / level.total[context][row]
        return p

    def score(self, contexts: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the negative log-likelihood of each target in nats, and whether it is the most probable token.

        Args:
            contexts: shape `(n, order - 1)`.
            targets: shape `(n,)`.
        """
        unique, place = np.unique(contexts, axis=0, return_inverse=True)
        best = np.concatenate([self.probabilities(part).argmax(1) for part in _parts(unique, self.vocabulary)])
        terms = [_terms(*level) for level in _counts(self.levels, contexts, targets, self.vocabulary)]
        nll = -np.log(_interpolate(terms, self.discounts, self.vocabulary)[-1])
        return nll, best[place.reshape(-1)] == targets


def fit_ngrams(
    train: np.ndarray, validation: tuple[np.ndarray, np.ndarray], *, vocabulary: int, order: int = ORDER
) -> tuple[NGrams, bool]:
    """Count the grams of the training text, and fit the discounts to the validation part.

    Kneser and Ney, "Improved backing-off for m-gram language modeling", 1995, in the modified and interpolated form of
    Chen and Goodman, "An empirical study of smoothing techniques for language modeling", 1998
    (https://dash.harvard.edu/handle/1/25104739), with one change: the discounts maximise the likelihood of the
    validation part. Theirs follow from counts of counts, which small vocabularies lack.

    Args:
        train: token ids of the training text, shape `(tokens,)`, without padding.
        validation: contexts of shape `(n, at least order - 1)` and targets of shape `(n,)`, see `windows_in_text`.
        vocabulary: number of token ids.
        order: length of the longest grams: one more than the tokens of context.

    Returns:
        The model, and whether the search for the discounts converged.
    """
    from scipy.optimize import minimize

    levels = _count(np.asarray(train, dtype=np.int64), vocabulary, order)
    contexts, targets = (np.asarray(a)[:_MAX_FITTED_TOKENS] for a in validation)
    contexts = contexts[:, contexts.shape[1] - (order - 1) :]
    terms = [_terms(*level) for level in _counts(levels, contexts, targets, vocabulary)]

    def objective(flat: np.ndarray) -> tuple[float, np.ndarray]:
        return _loss_and_gradient(terms, flat.reshape(order, 3), vocabulary)

    start = np.tile([0.5, 0.75, 0.9], order)
    bounds = [(1e-3, most - 1e-3) for most in (1.0, 2.0, 3.0)] * order
    found = minimize(objective, start, jac=True, method="L-BFGS-B", bounds=bounds)
    return NGrams(vocabulary, levels, found.x.reshape(order, 3)), bool(found.success)


def ngram_nll(
    train: np.ndarray,
    validation: tuple[np.ndarray, np.ndarray],
    windows: tuple[np.ndarray, np.ndarray],
    *,
    vocabulary: int,
    order: int = ORDER,
    across: bool = True,
) -> np.ndarray:
    """Fit a model and return the negative log-likelihood of the targets of some windows, in nats.

    Args:
        train: token ids of the training text, shape `(tokens,)`.
        validation: windows of the validation part: inputs and targets, `(m, length)` each.
        windows: windows to score: inputs and targets, `(n, length)` each; target 0 does not count and scores 0.
        vocabulary: number of token ids.
        order: length of the longest grams.
        across: see `windows_in_text`.

    Returns:
        Shape `(n, length)`.
    """
    return run_ngrams(train, {"v": validation, "t": windows}, "v", vocabulary=vocabulary, order=order, across=across)[
        0
    ]["t"][..., 0]


def run_ngrams(
    train: np.ndarray,
    windows: dict[str, tuple[np.ndarray, np.ndarray]],
    fit_on: str,
    *,
    vocabulary: int,
    order: int = ORDER,
    across: bool = True,
) -> tuple[dict[str, np.ndarray], bool]:
    """Fit a model and score splits.

    Args:
        train: token ids of the training text, shape `(tokens,)`.
        windows: split to inputs and targets, `(n, length)` each.
        fit_on: the split that the discounts are fitted on.
        vocabulary: number of token ids.
        order: length of the longest grams.
        across: see `windows_in_text`.

    Returns:
        Split to float32 of shape `(n, length, 2)`, the compact output of token tasks; and whether the fit converged.
    """
    text = {name: windows_in_text(x, y, across=across, order=order) for name, (x, y) in windows.items()}
    model, converged = fit_ngrams(train, text[fit_on], vocabulary=vocabulary, order=order)
    outputs = {}
    for name, (_, y) in windows.items():
        outputs[name] = np.zeros((*y.shape, 2), dtype=np.float32)
        outputs[name][np.asarray(y) != 0] = np.stack(model.score(*text[name]), axis=-1)
    return outputs, converged


def windows_in_text(
    x: np.ndarray, y: np.ndarray, *, across: bool = True, order: int = ORDER
) -> tuple[np.ndarray, np.ndarray]:
    """Return the targets that count, each with the tokens before it.

    Args:
        x: inputs, shape `(n, length)`; `y[:, t]` follows `x[:, t]`.
        y: targets, shape `(n, length)`, 0 where there is nothing to predict.
        across: whether the context reaches into the previous row, if that row's last target is this one's first input.
            A network that sees one row at a time lacks this context, so the baseline is stronger with it.
        order: one more than the tokens of context.

    Returns:
        Contexts, shape `(targets, order - 1)`, with 0 where nothing comes before; and targets, shape `(targets,)`.
    """
    x, y = np.asarray(x, dtype=np.int64), np.asarray(y, dtype=np.int64)
    width = order - 1
    before = np.zeros((len(x), width), dtype=np.int64)
    if across and width and len(x) > 1:
        follows = (y[:-1, -1] == x[1:, 0]) & (y[:-1, -1] != 0)
        tail = np.concatenate([np.zeros_like(before[:-1]), x[:-1]], axis=1)[:, -width:]
        before[1:] = np.where(follows[:, None], tail, 0)
    line = np.concatenate([before, x], axis=1)
    if not width:
        return np.zeros((int((y != 0).sum()), 0), dtype=np.int64), y[y != 0]
    contexts = np.lib.stride_tricks.sliding_window_view(line, width, axis=1)[:, 1:]
    return contexts[y != 0], y[y != 0]


def _count(tokens: np.ndarray, vocabulary: int, order: int) -> tuple[_Level, ...]:
    """Return the grams of up to `order` tokens."""
    numbers = np.zeros(len(tokens) + 1, dtype=np.int64)  # of the gram that ends before each position
    contexts = 1
    found: list[tuple[np.ndarray, np.ndarray, int]] = []
    for length in range(1, order + 1):
        start = min(length - 1, len(tokens))
        raw = numbers[start:-1] * vocabulary + tokens[start:]
        keys, first, inverse, counts = np.unique(raw, return_index=True, return_inverse=True, return_counts=True)
        if found:  # the shorter gram counts once for each distinct token before it
            shorter, _, below = found[-1]
            found[-1] = shorter, np.bincount(numbers[1:][start:][first], minlength=contexts), below
        found.append((keys, counts, contexts))
        numbers = np.concatenate([np.full(start + 1, -1), inverse])
        contexts = len(keys)
    return tuple(_level(keys, counts, contexts, vocabulary) for keys, counts, contexts in found)


def _level(keys: np.ndarray, counts: np.ndarray, contexts: int, vocabulary: int) -> _Level:
    context, size = keys // vocabulary, contexts + 1
    kinds = [np.bincount(context, chosen, size) for chosen in (counts == 1, counts == 2, counts > 2)]
    return _Level(keys, np.append(counts, 0), np.bincount(context, counts, size), np.stack(kinds, axis=1))


def _context_numbers(levels: tuple[_Level, ...], contexts: np.ndarray, vocabulary: int) -> Iterator[np.ndarray]:
    """Yield, level by level, the number of the last 0, 1, 2, … tokens of each context; -1 where it does not occur."""
    for length in range(len(levels)):
        number = np.zeros(len(contexts), dtype=np.int64)
        for level, column in zip(levels, contexts.T[contexts.shape[1] - length :], strict=False):
            number = level.find(number, column, vocabulary)
        yield number


def _counts(
    levels: tuple[_Level, ...], contexts: np.ndarray, targets: np.ndarray, vocabulary: int
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yield, level by level, the count of each gram, the total after its context, and that context's `kinds`."""
    for level, number in zip(levels, _context_numbers(levels, contexts, vocabulary), strict=True):
        yield level.counts[level.find(number, targets, vocabulary)], level.total[number], level.kinds[number]


def _terms(counts: np.ndarray, total: np.ndarray, kinds: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return `kept`, `derivative`, `lost` and `absent` of a level.

    A gram's own probability is `kept + discounts @ derivative`, that of the level below is weighted by
    `discounts @ lost`, and where the context is `absent` the level below is taken as it is.
    """
    there = total > 0
    whole = np.where(there, total, 1)
    derivative = (np.clip(counts, 0, 3)[:, None] == np.arange(1, 4)) / -whole[:, None]
    return counts / whole, derivative, np.where(there[:, None], kinds / whole[:, None], 0), ~there


def _interpolate(terms: list[tuple[np.ndarray, ...]], discounts: np.ndarray, vocabulary: int) -> list[np.ndarray]:
    """Return the probability of each target at each level, from no context to the longest."""
    p = [np.full(len(terms[0][0]), 1 / (vocabulary - 1))]
    for (kept, derivative, lost, absent), d in zip(terms, discounts, strict=True):
        p.append(np.where(absent, p[-1], kept + derivative @ d + (lost @ d) * p[-1]))
    return p


def _loss_and_gradient(
    terms: list[tuple[np.ndarray, ...]], discounts: np.ndarray, vocabulary: int
) -> tuple[float, np.ndarray]:
    """Return the mean negative log-likelihood and its gradient with respect to the discounts, flat."""
    p = _interpolate(terms, discounts, vocabulary)
    back = -1 / p[-1] / len(p[-1])
    gradient = np.zeros_like(discounts)
    for k in reversed(range(len(terms))):
        _, derivative, lost, absent = terms[k]
        gradient[k] = back @ (derivative + lost * p[k][:, None])
        back = back * np.where(absent, 1, lost @ discounts[k])
    return float(-np.log(p[-1]).mean()), gradient.ravel()


def _parts(rows: np.ndarray, vocabulary: int) -> Iterator[np.ndarray]:
    size = max(1, _CHUNK_PROBABILITIES // vocabulary)
    for start in range(0, max(1, len(rows)), size):
        yield rows[start : start + size]
