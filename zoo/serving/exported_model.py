"""An exported file, opened in onnxruntime. Nothing here imports TensorFlow or Keras."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from zoo.errors import ZooError, prefixed
from zoo.serving.examples import as_token_ids, check_examples
from zoo.serving.feeds import Feeds, input_names, one_blank_example, split_feeds
from zoo.serving.file_outputs import file_outputs
from zoo.serving.graph_check import check_graph
from zoo.serving.history import SeriesWindows
from zoo.serving.kinds import KINDS
from zoo.serving.metadata import SIGNATURE_KEY, read_signature
from zoo.serving.noise import draw_noise, embedding_parts, noise_parts
from zoo.serving.onnx_file import scan
from zoo.serving.prediction import Prediction, marked_finite
from zoo.serving.read_file import read_model
from zoo.serving.text_generation import decode_sources
from zoo.serving.values import shown, whole_number
from zoo.serving.writes_text import WritesText
from zoo.tasks import END, TASKS
from zoo.utils.execution import execution
from zoo.utils.onnx_session import open_session, run_session

__all__ = ["SIGNATURE_KEY", "ExportedModel"]


class ExportedModel(WritesText):
    """An ONNX file that `zoo export` wrote.

    Args:
        model: the file, or its bytes.
        verify: compare the file with the certificate beside it, where there is one, and with the checksum in its
            metadata. False for a file that was changed on purpose, such as a quantized one.
        providers: where it runs, "cpu", "cuda", "openvino" or "coreml", or several, the preferred one first.
        threads: that one operation uses on the CPU; None for one a physical core.
        spinning: as in `zoo.utils.execution.Execution`.

    Attributes:
        task: name of the task.
        kind: "image", "array", "table", "text", "tokens" or "graph"; "noise" where images are made.
        shape: shape of one example, or of a graph's nodes; None where an axis varies.
        columns: the columns of a table, of the table that a series comes from (the target first), or of texts or
            the paths of images.
        targets: names of the numbers that are predicted, in their order, where there are several; else empty.
        labels: class names in the order of the probabilities, or the symbols of the target; empty for numbers.
        tokenizer: how texts become token ids; None where the input is no text.
        threshold: anomaly detection: the score above which an example is abnormal.
        ood_threshold: the out-of-distribution score above which an example is unusual; None where there is no score.
        time: the column of time of a series from a table.
        double: arrays, and numbers that are predicted, are float64.
        session: the file in onnxruntime.
        steps: what writes texts with a cache, where the file has it beside it.
        metadata: the entries of the file's metadata, as text.

    Raises:
        ZooError: the file is missing, is not ONNX, was not written by `zoo export`, was changed or damaged since, or
            is of a later version; or this onnxruntime lacks a provider.
    """

    def __init__(
        self,
        model: str | Path | bytes | bytearray | memoryview,
        *,
        verify: bool = True,
        providers: str | Sequence[str] = "cpu",
        threads: int | None = None,
        spinning: bool = True,
    ) -> None:
        self._execution = execution(providers, threads, spinning=spinning)
        self._verify = verify
        self.path, content = read_model(model, verify=verify)
        file = scan(content, self.path)
        self.metadata = file.metadata
        self.signature = read_signature(file, self.path, verify=verify)
        self.task, self.kind, self.target = self.signature.task, self.signature.kind, self.signature.target
        self.shape, self.columns = self.signature.shape, list(self.signature.columns)
        self.targets = self.signature.targets
        self.labels, self.tokenizer = self.signature.labels, self.signature.tokenizer
        self.threshold, self.time, self.double = self.signature.threshold, self.signature.time, self.signature.double
        self.ood_threshold = self.signature.ood_threshold
        self._task = TASKS[self.task]
        self.session = open_session(content, self.path, self._execution)
        check_graph(
            self.session,
            self.path,
            inputs=input_names(self.signature, decodes=self._task.decodes),
            outputs=file_outputs(self.signature),
            labels=self.labels,
            optional=("label", "guidance", "step_noise") if self._task.makes_images else (),
        )
        self._outputs = [output.name for output in self.session.get_outputs()]

    def sample(
        self, count: int, *, seed: int = 0, labels: Sequence[str] | None = None, guidance: float | None = None
    ) -> np.ndarray:
        """Make images, uint8 `(count, height, width, channels)`.

        Args:
            count: number of images.
            seed: the same seed gives the same images.
            labels: class of each image, for models that take classes; all in turn where it is left out.
            guidance: weight of the class, for diffusion models that take classes; that of the recipe where it is left
                out.

        Raises:
            ZooError: the file does not make images, takes no classes, not these, or no guidance.
        """
        if not self._task.makes_images:
            raise ZooError(
                f"{self.path}: making images is for generators, and the file's task is {self.task}; use "
                + ("generate(), or `zoo sample --prompt`" if self._task.reads_corpus else "predict(), or `zoo predict`")
            )
        given = [each.name for each in self.session.get_inputs()]
        with prefixed(self.path):
            feeds = draw_noise(given, self.signature, count=count, seed=seed, labels=labels, guidance=guidance)
        parts = [self._run(part) for part in noise_parts(feeds, count)]
        if not all(np.isfinite(part["sample"]).all() for part in parts if "sample" in part):
            raise ZooError(f"{self.path}: the images are not finite; take a lower guidance, or train the model again")
        return np.concatenate([part["image"] for part in parts])

    def reconstruct(self, embeddings: Any) -> np.ndarray:
        """Turn embeddings of an autoencoder into images, float32 `(examples, height, width, channels)` in [0, 1].

        Args:
            embeddings: `(examples, features)`, as the first half of the autoencoder gives them.
        """
        with prefixed(self.path):
            parts = list(embedding_parts(embeddings, self.signature))
        return np.concatenate([self._run(part)["reconstruction"] for part in parts])

    def predict(self, raw: Any, decoder_input: np.ndarray | None = None) -> Prediction:
        """Run the model.

        One example alone is taken as one: a text, an image, a vector, a sequence, a row of a table, a graph. No
        examples give a prediction of none.

        Args:
            raw: uint8 images `(examples, height, width, channels)` or a list of single ones of any size; finite vectors
                `(examples, features)` or sequences `(examples, steps, features)`; texts `(examples,)`; token ids
                `(examples, length)`; a dict of columns `(examples,)`, a data frame, or rows as a list of dicts, with
                NaN or None where a value is missing (columns that a data frame has besides are left out); or graphs, a
                dict of `nodes` `(examples, nodes, features)`, padded with NaN, and `edges` `(examples, edges, 2)`,
                padded with -1.
            decoder_input: sequence to sequence only: token ids `(examples, length)` from the start token on. The output
                is then the logits of each next token; without it the target is decoded.

        Returns:
            What the file answers. `finite` is False for an example whose answer is not a finite number, and its label
            is None.

        Raises:
            ZooError: an example does not fit, or holds a number that is not finite where the model takes none.
        """
        if self._task.makes_images:
            given = self.signature.noise.input
            raise ZooError(f"{self.path}: makes images from {given}; use sample(), or `zoo sample`")
        if decoder_input is not None and not self._task.decodes:
            raise ZooError(
                f"{self.path}: decoder_input is for sequence to sequence, and the file's task is {self.task}"
            )
        names = raw.names if isinstance(raw, SeriesWindows) else ()
        examples = self._examples(raw)
        if self._task.decodes and decoder_input is None:
            symbols = decode_sources(self._run, examples, steps=self.steps)
            return Prediction(symbols, texts=[self._text(row) for row in symbols])
        if decoder_input is not None:
            decoder_input = as_token_ids(decoder_input, "decoder_input", len(self.labels))
            if len(decoder_input) != len(examples):
                raise ZooError(f"decoder_input: expected {len(examples)} rows, received {len(decoder_input)}")
        parts = [self._run(feeds) for feeds in split_feeds(examples, self.signature, decoder_input)]
        if not parts:
            blank = self._run(one_blank_example(examples, self.signature, decoder_input))
            parts = [{name: values[:0] for name, values in blank.items()}]
        found = {name: _join([part[name] for part in parts]) for name in parts[0]}
        prediction = marked_finite(KINDS[self._task.kind].prediction(found, self), found)
        return replace(prediction, series=list(names)) if names else prediction

    def predict_stream(self, batches: Iterable[Any]) -> Iterator[Prediction]:
        """Run the model on one batch after another, and yield the prediction of each; one batch is held at a time.

        Args:
            batches: each as `predict` takes it, such as the chunks of a data frame that is read in parts.

        Raises:
            ZooError: it is a single batch, or a batch does not fit; the message has its number.
        """
        if isinstance(batches, str | bytes | Mapping) or hasattr(batches, "columns"):
            raise ZooError(f"{self.path}: expected an iterable of batches, received {shown(batches)}; use predict()")
        return self._predict_each(batches)

    def _predict_each(self, batches: Iterable[Any]) -> Iterator[Prediction]:
        for number, batch in enumerate(batches, start=1):
            with prefixed(f"batch {number}"):
                prediction = self.predict(batch)
            yield prediction

    def latency(self, raw: Any, decoder_input: np.ndarray | None = None, *, calls: int = 200) -> float:
        """Return the median milliseconds that onnxruntime takes for one example.

        Args:
            raw: one example or more, as `predict` takes them; the first is used.
            decoder_input: sequence to sequence only, as in `predict`.
            calls: how often it is run; the first tenth is left out.

        Raises:
            ZooError: there is no example, or it does not fit.
        """
        parts = split_feeds(self._examples(raw), self.signature, decoder_input)
        if not parts:
            raise ZooError(f"{self.path}: expected at least one example, received none")
        feeds = {name: values[:1] for name, values in parts[0].items()}
        times = []
        for _ in range(whole_number(calls, "calls", least=1)):
            started = time.perf_counter()
            self._run(feeds)
            times.append(time.perf_counter() - started)
        return 1000 * statistics.median(times[calls // 10 :])

    def _text(self, row: np.ndarray) -> str:
        return "".join(self.labels[i] for i in row if i > END)

    def _examples(self, raw: Any) -> Any:
        """Return raw examples checked, and texts as token ids."""
        with prefixed(self.path):
            examples = check_examples(raw.inputs if isinstance(raw, SeriesWindows) else raw, self.signature)
        if self.tokenizer is not None:
            return self.tokenizer.encode(examples)
        return examples

    def _run(self, feeds: Feeds) -> dict[str, np.ndarray]:
        return run_session(self.session, self._outputs, feeds, self.path)


def _join(parts: list[np.ndarray]) -> np.ndarray:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
