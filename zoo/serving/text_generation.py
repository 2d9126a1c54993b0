"""Texts that an exported file writes: targets decoded, prompts continued, gaps filled in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from zoo.data.tokenizer import SPECIAL, Tokenizer
from zoo.errors import ZooError
from zoo.postprocessing.decoding import beam_search, greedy
from zoo.postprocessing.sampling import Rows, Sampling, draw_tokens
from zoo.serving.feeds import Feeds
from zoo.serving.next_tokens import CachedPass, SourceSteps, WholePass
from zoo.serving.step_model import StepModel
from zoo.tasks import END, START, UNKNOWN

Run = Callable[[Feeds], Feeds]  # runs the file
_UNKNOWN_CHARACTER = "\N{REPLACEMENT CHARACTER}"


def decode_sources(
    run: Run, source: np.ndarray, *, steps: StepModel | None = None, most: int = 256, beams: int = 1
) -> np.ndarray:
    """Decode the target of each source, `(examples, length)` token ids padded with 0.

    Args:
        run: runs the file on sources and the beginnings of targets.
        source: token ids `(examples, length)`.
        steps: the file's steps; without them, each token takes a pass over the whole beginning.
        most: most tokens of a target.
        beams: hypotheses that are kept; 1 is greedy.
    """

    def whole(rows: np.ndarray, tokens: np.ndarray) -> np.ndarray:
        return run({"source": source[rows], "target": tokens.astype(np.int32)})["logits"][:, -1]

    step = whole if steps is None else SourceSteps(steps, source)
    if beams == 1:
        return greedy(step, len(source), start=START, end=END, most=most)
    return beam_search(step, len(source), start=START, end=END, most=most, width=beams)


@dataclass(frozen=True, kw_only=True)
class Continuation:
    """How prompts are continued.

    Attributes:
        length: tokens to add.
        sampling: how they are drawn.
        seeds: of each prompt.
        stop: texts before which a continuation ends, and ids of tokens with which it ends and that are left out.
        context: the most tokens that the model reads; 0 for no limit.
    """

    length: int
    sampling: Sampling
    seeds: Sequence[int]
    stop: Sequence[str | int] = ()
    context: int


def continue_texts(
    run: Run, tokenizer: Tokenizer, prompts: Sequence[str], settings: Continuation, steps: StepModel | None = None
) -> Iterator[tuple[int, str]]:
    """Yield the number of a prompt and a piece of its continuation, as the pieces come.

    The pieces of a prompt put together do not depend on the other prompts. First of all comes each prompt itself, as
    the tokenizer reads it.

    Args:
        run: runs the file.
        tokenizer: that of the file.
        prompts: texts of at least one token each.
        settings: how they are continued.
        steps: the file's steps; without them, each token takes a pass over the whole window.
    """
    tokens = tokenizer.encode(prompts)
    lengths = (tokens != 0).sum(axis=1)
    if not lengths.all():
        raise ZooError(f"prompt: expected a text of at least one token, received {prompts[int(lengths.argmin())]!r}")
    texts = [_Text(tokenizer, row[:length].tolist()) for row, length in zip(tokens, lengths, strict=True)]
    for number, text in enumerate(texts):
        yield number, tokenizer.decode(text.tokens)
    stop_ids = {entry for entry in settings.stop if isinstance(entry, int)}
    stop_texts = [entry for entry in settings.stop if isinstance(entry, str)]
    generators = [np.random.default_rng(seed) for seed in settings.seeds]

    def noise(rows: Rows, size: int) -> np.ndarray:
        return np.array([generators[row].gumbel(size=size) for row in rows.tolist()])

    def ended(row: int, token: int) -> bool:
        return token in stop_ids or texts[row].is_over

    longest = int(lengths.max()) + settings.length
    model = (
        WholePass(run, settings.context)
        if steps is None
        else CachedPass(steps, len(prompts), context=settings.context, longest=longest)
    )
    draws = draw_tokens(model, tokens, length=settings.length, sampling=settings.sampling, noise=noise, ended=ended)
    for rows, drawn in draws:
        for row, token in zip(rows.tolist(), drawn.tolist(), strict=True):
            if token not in stop_ids and (piece := texts[row].add(token, stop_texts)):
                yield row, piece
    for number, text in enumerate(texts):
        if piece := text.rest():
            yield number, piece


@dataclass
class _Text:
    """A text that grows by tokens and is given out in pieces.

    The text of a token can depend on its neighbours: it is what the last tokens say with it and do not say without it.
    What could be the beginning of a stop is held back.
    """

    tokenizer: Tokenizer
    tokens: list[int]
    is_over: bool = False
    _said: int = field(init=False)  # tokens whose text is known
    _from: int = field(init=False)  # first of the tokens before them that are decoded again
    _held: str = ""  # text that is not given out yet

    def __post_init__(self) -> None:
        self._said = len(self.tokens)
        self._from = max(0, self._said - 4)

    def add(self, token: int, stops: Sequence[str]) -> str:
        """Add a token and return the text that is certain now."""
        self.tokens.append(token)
        before = self.tokenizer.decode(self.tokens[self._from : self._said])
        now = self.tokenizer.decode(self.tokens[self._from :])
        if now.endswith(_UNKNOWN_CHARACTER) and token != UNKNOWN:
            return ""  # bytes of a character that is not whole
        self._from, self._said = self._said, len(self.tokens)
        self._held += now[len(before) :]
        ends = [at for stop in stops if (at := self._held.find(stop)) >= 0]
        if ends:
            self.is_over, self._held = True, self._held[: min(ends)]
            return self.rest()
        return self._release(max((_overlap(self._held, stop) for stop in stops), default=0))

    def rest(self) -> str:
        """Return the text that was held back."""
        return self._release(0)

    def _release(self, kept: int) -> str:
        given, self._held = self._held[: len(self._held) - kept], self._held[len(self._held) - kept :]
        return given


def _overlap(text: str, stop: str) -> int:
    """Return how many characters at the end of a text are the beginning of a stop."""
    return next((n for n in range(min(len(text), len(stop) - 1), 0, -1) if text.endswith(stop[:n])), 0)


def fill_in_texts(run: Run, tokenizer: Tokenizer, texts: Sequence[str]) -> list[str]:
    """Put the most probable symbol in each place of texts that the vocabulary lacks."""
    tokens = tokenizer.encode(texts)
    if not len(tokens):
        return []
    symbols = len(SPECIAL)
    parts = [run({"tokens": row[None]})["logits"] for row in tokens]
    best = symbols + np.concatenate(parts)[..., symbols:].argmax(axis=-1)
    filled = np.where(tokens == UNKNOWN, best, tokens)
    return [tokenizer.decode(row) for row in filled]
