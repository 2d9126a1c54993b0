"""One version of a model: an exported file that is open, and what its tensors are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zoo.errors import ZooError, listing
from zoo.serving.examples import check_graphs
from zoo.serving.exported_model import ExportedModel
from zoo.serving.feeds import Feeds
from zoo.serving.server.tensors import spec_of
from zoo.utils.execution import Execution
from zoo.utils.onnx_session import run_session

FOR_REQUESTS = Execution(spinning=False)  # a core is for requests
PLATFORM = "onnx_onnxruntime"
_IDS = ("tokens", "source")  # inputs of token ids


class ServedModel:
    """One version of a model.

    Args:
        name: what requests call it.
        version: "1", "2", …
        path: an ONNX file that `zoo export` wrote.
        verify: compare the file with the certificate beside it and with the checksum in its metadata.
        execution: where it is run.

    Attributes:
        exported: the file.
        inputs: what it takes, by name.
        outputs: what it gives, by name.
        is_batched: the first axis of all that it takes and gives is that of the examples, so that requests can be run
            together.

    Raises:
        ZooError: the file is missing, damaged, or was not written by `zoo export`.
    """

    def __init__(
        self, name: str, version: str, path: Path, *, verify: bool = True, execution: Execution = FOR_REQUESTS
    ) -> None:
        self.name, self.version = name, version
        self.exported = ExportedModel(path, verify=verify, **execution.settings())
        session = self.exported.session
        self.inputs = {node.name: spec_of(node) for node in session.get_inputs()}
        self.outputs = {node.name: spec_of(node) for node in session.get_outputs()}
        specs = [*self.inputs.values(), *self.outputs.values()]
        self.is_batched = self.exported.kind != "noise" and all(spec.shape[:1] == (None,) for spec in specs)

    def metadata(self, versions: Sequence[str]) -> dict[str, Any]:
        """Return the protocol's metadata of a model."""
        return {
            "name": self.name,
            "versions": list(versions),
            "platform": PLATFORM,
            "inputs": [spec.facts() for spec in self.inputs.values()],
            "outputs": [spec.facts() for spec in self.outputs.values()],
        }

    def check(self, feeds: Feeds) -> int:
        """Check the values of inputs whose types and shapes fit, and return the number of examples.

        Raises:
            ZooError: the inputs hold unequal numbers of examples, a number is not finite where the model takes none, an
                id does not exist, or a graph is none.
        """
        rows = {name: len(values) for name, values in feeds.items()}
        if self.is_batched and len(set(rows.values())) > 1:
            counts = listing(f"{name} {count}" for name, count in rows.items())
            raise ZooError(f"every input needs a value for each example; received {counts}")
        for name, values in feeds.items():
            if values.dtype.kind == "f":
                self._check_finite(name, values)
            elif values.dtype.kind in "iu" and self.exported.kind != "graph":
                self._check_ids(name, values)
        if self.exported.kind == "graph":
            check_graphs(feeds, self.exported.shape)
        return next(iter(rows.values()))

    def run(self, feeds: Feeds, outputs: Sequence[str]) -> dict[str, np.ndarray]:
        """Return some outputs.

        Raises:
            ZooError: an operation of the file fails on these inputs.
        """
        return run_session(self.exported.session, outputs, feeds, self.name)

    def _check_finite(self, name: str, values: np.ndarray) -> None:
        """Refuse infinities, and NaN where it is no missing value and no padding behind a last step or node."""
        takes_nan = self.exported.kind in ("table", "graph") or None in self.inputs[name].shape[1:]
        wrong = np.argwhere(np.isinf(values) if takes_nan else ~np.isfinite(values))
        if len(wrong):
            place = tuple(wrong[0].tolist())
            raise ZooError(
                f"input '{name}': expected finite numbers, received {values[place]} at {place} ({len(wrong)} such)"
            )

    def _check_ids(self, name: str, values: np.ndarray) -> None:
        known: Mapping[str, int | None] = {
            **dict.fromkeys(_IDS, self.exported.signature.vocabulary),
            "target": len(self.exported.labels),
        }
        limit = known.get(name)
        wrong = values[(values < 0) | (values >= limit)] if limit is not None else values[values < 0]
        if len(wrong):
            most = "" if limit is None else f" to {limit - 1}"
            raise ZooError(f"input '{name}': expected ids from 0{most}, received {wrong[0]} ({len(wrong)} such)")
