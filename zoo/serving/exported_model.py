"""An exported file, opened in onnxruntime. Nothing here imports TensorFlow or Keras."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zoo.data.columns import Column
from zoo.data.tokenizer import SPECIAL, Tokenizer
from zoo.errors import ZooError, did_you_mean, listing
from zoo.postprocessing.decoding import beam_search, greedy, sample
from zoo.serving.kinds import KINDS
from zoo.serving.prediction import Prediction
from zoo.tasks import END, START, TASKS, UNKNOWN
from zoo.utils.files import check_regular

SIGNATURE_KEY = "zoo.signature"
MAX_BATCH = 256  # examples that are run at a time
MAX_BATCH_VALUES = 1 << 22  # and numbers in their inputs


class ExportedModel:
    """An ONNX file that `zoo export` wrote.

    Attributes:
        task: name of the task.
        kind: "image", "array", "table", "text", "tokens" or "graph"; "noise" where images are made.
        shape: shape of one example, or of a graph's nodes; None where an axis varies.
        columns: the columns of a table.
        labels: class names in the order of the probabilities, or the symbols of the target; empty for numbers.
        tokenizer: how texts become token ids; None where the input is no text.
        threshold: anomaly detection: the score above which an example is abnormal.

    Raises:
        ZooError: the file is missing, is not ONNX, or was not written by `zoo export`.
    """

    def __init__(self, path: str | Path) -> None:
        import onnxruntime

        self.path = Path(path)
        if not self.path.exists():
            raise ZooError(f"model file {path} does not exist")
        try:
            check_regular(self.path)
        except OSError as error:
            raise ZooError(f"model file {path}: not readable ({error.strerror})") from error
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime raises classes of its own, one for each cause
            raise ZooError(f"{path}: not readable as an ONNX model ({str(error).partition(chr(10))[0]})") from error
        metadata = self._session.get_modelmeta().custom_metadata_map
        if SIGNATURE_KEY not in metadata:
            raise ZooError(
                f"{path}: lacks the metadata '{SIGNATURE_KEY}'; only files written by `zoo export` can be used"
            )
        signature = json.loads(metadata[SIGNATURE_KEY])
        self.task: str = signature["task"]
        self.kind: str = signature["kind"]
        self.target: str = signature["target"]
        self.shape: tuple[int | None, ...] = tuple(signature["shape"])
        self.columns = [Column(**column) for column in signature["columns"]]
        self.labels: tuple[str, ...] = tuple(signature["labels"])
        self.tokenizer = Tokenizer.from_json(signature["tokenizer"]) if "tokenizer" in signature else None
        self.threshold: float | None = signature.get("threshold")
        self._steps, self._guidance = signature.get("steps", 1), signature.get("guidance", 1.0)
        self._task = TASKS[self.task]

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
            ZooError: the file does not make images, or takes no classes, or not these.
        """
        if not self._task.makes_images:
            raise ZooError(f"{self.path}: making images is for generators, and the file's task is {self.task}")
        if labels is not None and not self.labels:
            raise ZooError(f"{self.path}: this model takes no classes")
        for name in labels or ():
            if name not in self.labels:
                hint = did_you_mean(name, self.labels)
                raise ZooError(f"{self.path}: unknown class '{name}'{hint} (known: {listing(self.labels)})")
        if labels is not None and len(labels) != count:
            raise ZooError(f"labels: expected one for each of {count} images, received {len(labels)}")
        generator = np.random.default_rng(seed)
        feeds: dict[str, np.ndarray] = {}
        for given in self._session.get_inputs():
            if given.name == "label":
                chosen = [self.labels.index(n) for n in labels] if labels else np.arange(count) % len(self.labels)
                feeds["label"] = np.asarray(chosen, np.int32)
            elif given.name == "guidance":
                feeds["guidance"] = np.array([self._guidance if guidance is None else guidance], np.float32)
            else:
                lead = (self._steps, count) if given.name == "step_noise" else (count,)
                feeds[given.name] = generator.standard_normal((*lead, *self.shape), np.float32)  # type: ignore[arg-type]
        parts = []
        for i in range(0, count, MAX_BATCH):
            part = slice(i, i + MAX_BATCH)
            cut = {n: x if n == "guidance" else x[:, part] if n == "step_noise" else x[part] for n, x in feeds.items()}
            parts.append(self._run(cut)["image"])
        return _join(parts)

    def predict(self, raw: Any, decoder_input: np.ndarray | None = None) -> Prediction:
        """Run the model.

        Args:
            raw: uint8 images `(examples, height, width, channels)` or a list of single ones of any size; float32
                vectors `(examples, features)` or sequences `(examples, steps, features)`; texts `(examples,)`; token
                ids `(examples, length)`; a dict of columns `(examples,)`; or graphs, a dict of `nodes` `(examples,
                nodes, features)` float32, padded with NaN, and `edges` `(examples, edges, 2)` int32, padded with -1.
            decoder_input: sequence to sequence only: token ids `(examples, length)` from the start token on. The output
                is then the logits of each next token; without it the target is decoded.
        """
        if self._task.makes_images:
            raise ZooError(f"{self.path}: makes images from noise; use sample(), or `zoo sample`")
        if self._task.decodes and decoder_input is None:
            symbols = self.decode(raw)
            return Prediction(symbols, texts=[self._text(row) for row in symbols])
        parts = [self._run(feeds) for feeds in self._feeds(raw, decoder_input)]
        found = {name: _join([part[name] for part in parts]) for name in parts[0]}
        return KINDS[self._task.kind].prediction(found, self)

    def latency(self, raw: Any, decoder_input: np.ndarray | None = None, *, calls: int = 200) -> float:
        """Return the median milliseconds that onnxruntime takes for one example.

        Args:
            raw: one example or more, as `predict` takes them; the first is used.
            decoder_input: sequence to sequence only, as in `predict`.
            calls: how often it is run; the first tenth is left out.
        """
        feeds = {name: values[:1] for name, values in self._feeds(raw, decoder_input)[0].items()}
        times = []
        for _ in range(calls):
            started = time.perf_counter()
            self._run(feeds)
            times.append(time.perf_counter() - started)
        return 1000 * statistics.median(times[calls // 10 :])

    def decode(self, raw: Any, most: int = 256, *, beams: int = 1) -> np.ndarray:
        """Decode the target of each source, `(examples, length)` token ids padded with 0.

        Args:
            raw: texts `(examples,)`.
            most: most tokens of a target.
            beams: hypotheses that are kept; 1 is greedy.
        """
        if not self._task.decodes:
            raise ZooError(f"{self.path}: decoding is for sequence to sequence, and the file's task is {self.task}")
        source = self._tensor(raw)

        def step(rows: np.ndarray, tokens: np.ndarray) -> np.ndarray:
            return self._run({"source": source[rows], "target": tokens.astype(np.int32)})["logits"][:, -1]

        if beams == 1:
            return greedy(step, len(source), start=START, end=END, most=most)
        return beam_search(step, len(source), start=START, end=END, most=most, width=beams)

    def generate(
        self,
        prompt: str,
        length: int,
        *,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int = 0,
    ) -> str:
        """Continue a text by sampling from a language model.

        Args:
            prompt: what the text begins with, at least one character.
            length: characters to add.
            temperature: below 1 is more even, above 1 more varied.
            top_k: keep only the k most probable tokens.
            top_p: sample from the most probable that together have this probability (Holtzman et al. 2019).
            seed: the same seed gives the same text.
        """
        if self.task != "language_modeling" or self.tokenizer is None:
            raise ZooError(f"{self.path}: generating is for language models, and the file's task is {self.task}")
        if not prompt:
            raise ZooError("prompt: expected at least one character")

        def step(tokens: np.ndarray) -> np.ndarray:
            return self._run({"tokens": tokens[:, -(self.shape[0] or 0) :].astype(np.int32)})["logits"][:, -1]

        ids = sample(
            step,
            self.tokenizer.encode([prompt]),
            length=length,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            seed=seed,
        )
        return self.tokenizer.decode(ids[0])

    def fill_in(self, texts: Sequence[str] | np.ndarray) -> list[str]:
        """Put the most probable symbol in each place of texts that the vocabulary lacks, for example U+FFFD.

        Args:
            texts: `(examples,)`; what is longer than the model's context is cut.
        """
        if not self._task.fills_in or self.tokenizer is None:
            raise ZooError(f"{self.path}: filling in is for masked language models, and the file's task is {self.task}")
        tokens = self.tokenizer.encode([text[: self.shape[0]] for text in texts])
        symbols = len(SPECIAL)
        parts = [self._run({"tokens": row[None]})["logits"] for row in tokens]
        best = symbols + np.concatenate(parts)[..., symbols:].argmax(axis=-1)
        filled = np.where(tokens == UNKNOWN, best, tokens)
        return [self.tokenizer.decode(row) for row in filled]

    def _text(self, row: np.ndarray) -> str:
        return "".join(self.labels[i] for i in row if i > END)

    def _tensor(self, raw: Any) -> np.ndarray:
        return self.tokenizer.encode(raw) if self.tokenizer is not None else raw

    def _feeds(self, raw: Any, decoder_input: np.ndarray | None) -> list[dict[str, np.ndarray]]:
        """Return the inputs of the file, some examples at a time."""
        if self.kind == "graph":
            size = max(1, min(MAX_BATCH, MAX_BATCH_VALUES // max(1, raw["nodes"][:1].size)))
            parts = [slice(i, i + size) for i in range(0, len(raw["nodes"]), size)]
            return [{name: raw[name][part] for name in ("nodes", "edges")} for part in parts]
        if isinstance(raw, Mapping):
            rows = len(next(iter(raw.values())))
            return [
                {c.name: raw[c.name][i : i + MAX_BATCH, None] for c in self.columns} for i in range(0, rows, MAX_BATCH)
            ]
        if self.tokenizer is None and isinstance(raw, Sequence):
            return [{self.kind: image[None]} for image in raw]
        x = self._tensor(raw)
        size = max(1, min(MAX_BATCH, MAX_BATCH_VALUES // max(1, x[:1].size)))
        parts = [slice(i, i + size) for i in range(0, len(x), size)]
        if decoder_input is not None:
            return [{"source": x[part], "target": decoder_input[part]} for part in parts]
        return [{"tokens" if self.kind == "text" else self.kind: x[part]} for part in parts]

    def _run(self, feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        names = [output.name for output in self._session.get_outputs()]
        return dict(zip(names, self._session.run(names, feeds), strict=True))


def _join(parts: list[np.ndarray]) -> np.ndarray:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
