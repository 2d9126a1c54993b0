"""An exported file, opened in onnxruntime. Nothing here imports TensorFlow or Keras."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zoo.data.tables import Column
from zoo.errors import ZooError

SIGNATURE_KEY = "zoo.signature"
BATCH = 256


@dataclass(frozen=True)
class Prediction:
    """What the file gives for some examples.

    Attributes:
        probabilities: `(examples, classes)` float32, or None for a number.
        labels: the most probable class of each example, or None for a number.
        values: `(examples,)` float32, or None for classes.
    """

    probabilities: np.ndarray | None = None
    labels: list[str] | None = None
    values: np.ndarray | None = None


class ExportedModel:
    """An ONNX file that `zoo export` wrote.

    Attributes:
        kind: "image", "array" or "table".
        shape: shape of one example; None where an axis varies.
        columns: the columns of a table.
        labels: class names in the order of the probabilities; empty for a number.

    Raises:
        ZooError: the file is missing, is not ONNX, or was not written by `zoo export`.
    """

    def __init__(self, path: str | Path) -> None:
        import onnxruntime

        self.path = Path(path)
        if not self.path.is_file():
            raise ZooError(f"model file {path} does not exist")
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
        self.kind: str = signature["kind"]
        self.shape: tuple[int | None, ...] = tuple(signature["shape"])
        self.columns = [Column(**column) for column in signature["columns"]]
        self.labels: tuple[str, ...] = tuple(signature["labels"])

    def predict(self, raw: Any) -> Prediction:
        """Run the model.

        Args:
            raw: uint8 images `(examples, height, width, channels)` or a list of single ones of any size; float32
                vectors `(examples, features)`; or a dict of columns `(examples,)`.
        """
        if isinstance(raw, Mapping):
            rows = len(next(iter(raw.values())))
            parts = [
                self._run({c.name: raw[c.name][i : i + BATCH, None] for c in self.columns})
                for i in range(0, rows, BATCH)
            ]
        elif isinstance(raw, Sequence):
            parts = [self._run({self.kind: image[None]}) for image in raw]
        else:
            parts = [self._run({self.kind: raw[i : i + BATCH]}) for i in range(0, len(raw), BATCH)]
        if not self.labels:
            return Prediction(values=np.concatenate([p["value"] for p in parts]))
        labels = [str(label) for p in parts for label in p["label"]]
        return Prediction(probabilities=np.concatenate([p["probabilities"] for p in parts]), labels=labels)

    def _run(self, feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        names = [output.name for output in self._session.get_outputs()]
        return dict(zip(names, self._session.run(names, feeds), strict=True))
