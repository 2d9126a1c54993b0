"""Tokens a second that exported files write, with a cache and without one, and the time of a token by its position.

python benchmarks/generation.py FILE… [--length 1000] [--rounds 3] [--sources 64]

FILE is an exported language model or sequence to sequence model with `step.onnx` beside it. Of language models the
same prompt is continued with the cache, with the pass over the window for each token, and as before there was a cache,
when the window moved by one token each time. Of sequence to sequence models the same sources are decoded, greedily and
by beams. All take turns after a warm-up; medians are printed, and whether the tokens are the same.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from zoo.postprocessing.sampling import sample
from zoo.serving.exported_model import ExportedModel
from zoo.serving.sample_files import SAMPLE
from zoo.tasks import TASKS

PROMPT = "The "
PARTS = 10  # of a text, whose tokens are timed apart
SAMPLINGS: dict[str, dict[str, Any]] = {
    "greedy": {"top_k": 1},
    "sampled": {"temperature": 0.8, "top_p": 0.95, "seed": 1},
}


def medians(calls: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return the median seconds of calls that take turns."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - start)
    return {name: statistics.median(each) for name, each in times.items()}


def moving_window(model: ExportedModel, length: int, settings: dict[str, Any]) -> str:
    """Continue the prompt by a pass over the last tokens of the context for each token."""
    context, tokenizer = model.shape[0] or 0, model.tokenizer
    assert tokenizer is not None, "it reads texts"

    def step(tokens: np.ndarray) -> np.ndarray:
        return model._run({"tokens": tokens[:, -context:].astype(np.int32)})["logits"][:, -1]

    ids = sample(step, tokenizer.encode([PROMPT]), length=length, **{"seed": 0, **settings})
    return tokenizer.decode(ids[0])


def time_by_position(model: ExportedModel, length: int, settings: dict[str, Any], rounds: int) -> list[float]:
    """Return the median milliseconds of a token in each part of a text."""
    times = np.empty((rounds, length))
    for each in times:
        pieces = model.stream(PROMPT, length, **settings)
        next(pieces)  # the prompt
        start = time.perf_counter()
        for i, _ in enumerate(pieces):
            now = time.perf_counter()
            each[i], start = now - start, now
    return [1000 * float(np.median(part)) for part in np.array_split(times, PARTS, axis=1)]


def measure_language_model(model: ExportedModel, whole: ExportedModel, length: int, rounds: int) -> None:
    """Print the tokens a second of a language model."""
    context = model.shape[0] or 0
    for name, settings in SAMPLINGS.items():
        calls: dict[str, Callable[[], str]] = {
            "cache": partial(model.generate, PROMPT, length, **settings),
            "window for each token": partial(whole.generate, PROMPT, length, **settings),
            "window moved by one": partial(moving_window, model, length, settings),
        }
        texts = {key: call() for key, call in calls.items()}
        found = medians(calls, rounds)
        rates = "  ".join(f"{key} {length / seconds:.0f}" for key, seconds in found.items())
        print(f"  {name}: tokens/s {rates}")
        for key in list(calls)[1:]:
            same = texts["cache"] == texts[key]
            part = "the" if same else f"the first {context} characters are the"
            unlike = not same and texts["cache"][:context] != texts[key][:context]
            print(f"    {found[key] / found['cache']:.1f} times the {key}; {'no' if unlike else part} same text")
        parts = " ".join(f"{ms:.2f}" for ms in time_by_position(model, length, settings, rounds))
        print(f"    ms a token in each tenth of the text: {parts}")


def measure_decoder(model: ExportedModel, whole: ExportedModel, sources: list[str], rounds: int) -> None:
    """Print the answers a second of a sequence to sequence model."""
    for beams in (1, 4):
        calls = {
            "cache": partial(model.decode, sources, beams=beams),
            "whole": partial(whole.decode, sources, beams=beams),
        }
        answers = [call() for call in calls.values()]
        found = medians(calls, rounds)
        rates = "  ".join(f"{key} {len(sources) / seconds:.0f}" for key, seconds in found.items())
        same = int((answers[0] == answers[1]).all(axis=1).sum())
        print(
            f"  {beams} beams: answers/s {rates}, {found['whole'] / found['cache']:.1f} times; "
            f"{same} of {len(sources)} the same"
        )


def main() -> None:
    """Measure each file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", metavar="FILE", nargs="+")
    parser.add_argument("--length", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sources", type=int, default=64)
    given = parser.parse_args()
    for file in given.files:
        model, whole = ExportedModel(file), ExportedModel(file)
        if model.steps is None:
            parser.error(f"{file} has no step.onnx beside it")
        whole.steps = None
        print(f"{file}: {model.signature.recipe}")
        assert model.tokenizer is not None, "it reads texts"
        if not TASKS[model.task].decodes:
            measure_language_model(model, whole, given.length, given.rounds)
            continue
        rows = np.load(model.path.with_name(SAMPLE))["source"]
        texts = [model.tokenizer.decode(row) for row in rows]
        measure_decoder(model, whole, (texts * given.sources)[: given.sources], given.rounds)


if __name__ == "__main__":
    main()
