"""The methods of an exported file that write texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from zoo.errors import ZooError, prefixed
from zoo.postprocessing.sampling import Sampling
from zoo.serving.examples import check_examples
from zoo.serving.step_model import StepModel, open_steps
from zoo.serving.text_generation import Continuation, continue_texts, decode_sources, fill_in_texts
from zoo.serving.values import whole_number

if TYPE_CHECKING:
    from zoo.data.tokenizer import Tokenizer
    from zoo.serving.feeds import Feeds
    from zoo.serving.metadata import FileSignature
    from zoo.tasks import Task
    from zoo.utils.execution import Execution

Stop = str | int | Sequence[str | int]


class WritesText:
    """Decoding, generating and filling in, for `zoo.ExportedModel`."""

    path: Path
    task: str
    shape: tuple[int | None, ...]
    tokenizer: Tokenizer | None
    signature: FileSignature
    _task: Task
    _execution: Execution
    _verify: bool

    def _examples(self, raw: Any) -> Any:
        raise NotImplementedError

    def _run(self, feeds: Feeds) -> Feeds:
        raise NotImplementedError

    @cached_property
    def steps(self) -> StepModel | None:
        """The steps beside the file, by which texts are made with a cache; None where there are none."""
        return open_steps(self.path, self._execution, verify=self._verify)

    def decode(self, raw: Any, most: int = 256, *, beams: int = 1) -> np.ndarray:
        """Decode the target of each source, `(examples, length)` token ids padded with 0.

        Args:
            raw: texts `(examples,)`, or one text.
            most: most tokens of a target.
            beams: hypotheses that are kept; 1 is greedy.

        Raises:
            ZooError: the file decodes nothing, or `raw` is no text.
        """
        if not self._task.decodes:
            raise ZooError(f"{self.path}: decoding is for sequence to sequence, and the file's task is {self.task}")
        return decode_sources(
            self._run,
            self._examples(raw),
            steps=self.steps,
            most=whole_number(most, "most", least=1),
            beams=whole_number(beams, "beams", least=1),
        )

    @overload
    def generate(
        self,
        prompt: str,
        length: int,
        *,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int | Sequence[int] = 0,
        stop: Stop = (),
    ) -> str: ...

    @overload
    def generate(
        self,
        prompt: list[str] | tuple[str, ...],
        length: int,
        *,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int | Sequence[int] = 0,
        stop: Stop = (),
    ) -> list[str]: ...

    def generate(
        self,
        prompt: str | list[str] | tuple[str, ...],
        length: int,
        *,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int | Sequence[int] = 0,
        stop: Stop = (),
    ) -> str | list[str]:
        """Continue a text, or several, by sampling from a language model.

        The model reads a text from its beginning until it is longer than the model's context. Then half a context is
        left out and the rest is read again, and so on each time that the context is full.

        Args:
            prompt: what the text begins with, at least one character; or several such.
            length: tokens to add.
            temperature: below 1 is more even, above 1 more varied.
            top_k: keep only the k most probable tokens; 1 always takes the most probable one.
            top_p: sample from the most probable that together have this probability (Holtzman et al. 2019).
            seed: the same seed gives the same text; or one for each prompt.
            stop: texts before which the continuation ends, or ids of tokens with which it ends.

        Returns:
            Prompt and continuation, of each prompt what it gets alone; a list where several were given.

        Raises:
            ZooError: the file is no language model, or an argument is out of range.
        """
        is_one = not isinstance(prompt, list | tuple)
        prompts: list[Any] = [prompt] if is_one else list(prompt)
        pieces: list[list[str]] = [[] for _ in prompts]
        for number, piece in self._continued(prompts, length, Sampling(temperature, top_k, top_p), seed, stop):
            pieces[number].append(piece)
        texts = ["".join(each) for each in pieces]
        return texts[0] if is_one else texts

    def stream(
        self,
        prompt: str,
        length: int,
        *,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int = 0,
        stop: Stop = (),
    ) -> Iterator[str]:
        """Yield what `generate` returns, piece by piece: first the prompt, as the model reads it.

        The arguments are those of `generate`.
        """
        pieces = self._continued([prompt], length, Sampling(temperature, top_k, top_p), seed, stop)
        return (piece for _, piece in pieces)

    def _continued(
        self, prompts: Sequence[Any], length: int, sampling: Sampling, seed: int | Sequence[int], stop: Stop
    ) -> Iterator[tuple[int, str]]:
        if self.task != "language_modeling" or self.tokenizer is None:
            raise ZooError(f"{self.path}: generating is for language models, and the file's task is {self.task}")
        for text in prompts:
            if not isinstance(text, str) or not text:
                raise ZooError(f"prompt: expected a text of at least one character, received {text!r}")
        seeds = list(seed) if isinstance(seed, Sequence | np.ndarray) else [seed] * len(prompts)
        if len(seeds) != len(prompts):
            raise ZooError(f"seed: expected one, or one for each of {len(prompts)} prompts, received {len(seeds)}")
        stops = [stop] if isinstance(stop, str | int) else list(stop)
        if not all(isinstance(entry, int) or (isinstance(entry, str) and entry) for entry in stops):
            raise ZooError(f"stop: expected texts of at least one character, or ids of tokens, received {stop!r}")
        if not prompts:
            return iter(())
        settings = Continuation(
            length=whole_number(length, "length", least=1),
            sampling=sampling,
            seeds=[whole_number(each, "seed", least=0) for each in seeds],
            stop=stops,
            context=self.shape[0] or 0,
        )
        return continue_texts(self._run, self.tokenizer, prompts, settings, self.steps)

    def fill_in(self, texts: Sequence[str] | np.ndarray) -> list[str]:
        """Put the most probable symbol in each place of texts that the vocabulary lacks, for example U+FFFD.

        Args:
            texts: `(examples,)`; what is longer than the model's context is cut.
        """
        if not self._task.fills_in or self.tokenizer is None:
            raise ZooError(f"{self.path}: filling in is for masked language models, and the file's task is {self.task}")
        with prefixed(self.path):
            given = check_examples(texts, self.signature)
        return fill_in_texts(self._run, self.tokenizer, [text[: self.shape[0]] for text in given])
