"""Texts that an exported file writes: targets decoded, prompts continued, gaps filled in."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from zoo.data.tokenizer import SPECIAL, Tokenizer
from zoo.postprocessing.decoding import beam_search, greedy, sample
from zoo.serving.feeds import Feeds
from zoo.tasks import END, START, UNKNOWN

Run = Callable[[Feeds], Feeds]  # runs the file


def decode_sources(run: Run, source: np.ndarray, *, most: int = 256, beams: int = 1) -> np.ndarray:
    """Decode the target of each source, `(examples, length)` token ids padded with 0.

    Args:
        run: runs one step of decoding.
        source: token ids `(examples, length)`.
        most: most tokens of a target.
        beams: hypotheses that are kept; 1 is greedy.
    """

    def step(rows: np.ndarray, tokens: np.ndarray) -> np.ndarray:
        return run({"source": source[rows], "target": tokens.astype(np.int32)})["logits"][:, -1]

    if beams == 1:
        return greedy(step, len(source), start=START, end=END, most=most)
    return beam_search(step, len(source), start=START, end=END, most=most, width=beams)


def continue_text(
    run: Run,
    tokenizer: Tokenizer,
    prompt: str,
    *,
    length: int,
    context: int,
    temperature: float,
    top_k: int | None,
    top_p: float | None,
    seed: int,
) -> str:
    """Continue a text by sampling. The arguments are those of `ExportedModel.generate`; `context` is in tokens."""

    def step(tokens: np.ndarray) -> np.ndarray:
        return run({"tokens": tokens[:, -context:].astype(np.int32)})["logits"][:, -1]

    ids = sample(
        step,
        tokenizer.encode([prompt]),
        length=length,
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        seed=seed,
    )
    return tokenizer.decode(ids[0])


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
