"""What happens at the end of each epoch: the log, the checkpoints, the stop on a loss that is no number."""

from __future__ import annotations

import csv
import io
import json
import math
import time
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo.errors import ZooError
from zoo.files import replacing, write_text
from zoo.training.plateau import Plateau

RESUME = "resume.npz"
_STOPPING = ("wait", "best", "stopped_epoch")  # what early stopping has to remember
_WRITE_EVERY = 15.0  # seconds between checkpoints on disk; the last of a run is always written


class EpochStart(keras.callbacks.Callback):
    """Tell the batches at which step of the run an epoch starts.

    Every epoch reads its own finite batches, so that several steps in one call never run on into the next epoch.

    Attributes:
        step: the epoch's first step.
    """

    def __init__(self, steps_per_epoch: int) -> None:
        super().__init__()
        import tensorflow as tf

        self.steps_per_epoch = steps_per_epoch
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Move to the epoch's first step."""
        self.step.assign(epoch * self.steps_per_epoch)


class EpochLog(keras.callbacks.Callback):
    """Keep each epoch's figures, and write them to a CSV file."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.rows: list[dict[str, float]] = []
        self._started = time.perf_counter()
        self._before = 0.0

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Count time on from the last row of a run that goes on."""
        self._started = time.perf_counter()
        self._before = self.rows[-1]["seconds"] if self.rows else 0.0

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Add a row."""
        figures = {key: float(value) for key, value in (logs or {}).items()}
        row = {"epoch": epoch + 1, **figures, "learning_rate": float(self.model.optimizer.learning_rate)}
        row["seconds"] = round(self._before + time.perf_counter() - self._started, 3)
        self.rows.append(row)
        text = io.StringIO()
        writer = csv.DictWriter(text, fieldnames=list(row))
        writer.writeheader()
        writer.writerows(self.rows)
        write_text(self.path, text.getvalue())


class Checkpoints(keras.callbacks.Callback):
    """Keep the best and the last weights: in memory at every epoch, on disk every few seconds and at the end.

    Beside them lies what an interrupted run needs to go on: `resume.npz`, with the variables of model and optimizer
    (the states of their random generators among them), the log, and how far early stopping and plateaus have come.

    Attributes:
        best_epoch: number of the best epoch so far, from 1.
    """

    def __init__(self, folder: Path, monitor: str, greater_is_better: bool, log: EpochLog) -> None:
        super().__init__()
        self.folder, self.monitor, self.sign = folder, monitor, 1 if greater_is_better else -1
        self.log, self.early_stopping = log, None
        self.plateaus: list[Plateau] = []
        self.best_epoch, self._best = 0, -math.inf
        self._weights: list[np.ndarray] = []
        self._written, self._improved = time.perf_counter(), False

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Compare with the best epoch so far."""
        value = self.sign * float((logs or {})[self.monitor])
        if value > self._best or not self._weights:  # the first, also where its figure is no number
            self._best, self.best_epoch, self._improved = value, epoch + 1, True
            self._weights = [np.array(w) for w in self.model.get_weights()]
        if time.perf_counter() - self._written >= _WRITE_EVERY:
            self._write()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Write what has not been written."""
        self._write()

    def restore_best(self) -> None:
        """Put the weights of the best epoch into the model."""
        self.model.set_weights(self._weights)

    def _write(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with replacing(self.folder / "last.keras") as path:
            self.model.save(path)
        if self._improved:
            last = self.model.get_weights()
            self.restore_best()
            with replacing(self.folder / "best.weights.h5") as path:
                self.model.save_weights(path)
            self.model.set_weights(last)
        facts: dict[str, Any] = {
            "rows": self.log.rows,
            "best": self._best if math.isfinite(self._best) else None,
            "best_epoch": self.best_epoch,
            "early_stopping": {k: float(getattr(stop, k)) for k in _STOPPING} if (stop := self.early_stopping) else {},
            "plateaus": [{k: getattr(plateau, k) for k in Plateau.STATE} for plateau in self.plateaus],
        }
        arrays: dict[str, Any] = {f"variable_{i}": np.array(v) for i, v in enumerate(_variables(self.model))}
        arrays |= {f"best_{i}": w for i, w in enumerate(self._weights)}
        with replacing(self.folder / RESUME) as path:
            np.savez(path, facts=np.array(json.dumps(facts)), **arrays)
        self._written, self._improved = time.perf_counter(), False

    def restore(self, path: Path) -> int:
        """Put model, optimizer, log and figures back to what a file says; give the number of epochs that are done.

        Raises:
            ZooError: the file is damaged, or of another model.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays = dict(file)
            facts = json.loads(str(arrays.pop("facts")))
            variables = _variables(self.model)
            values = [arrays[f"variable_{i}"] for i in range(len(variables))]
            self._weights = [arrays[f"best_{i}"] for i in range(len(self.model.get_weights()))]
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
        except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise ZooError(f"{path}: not readable as the state of this run ({error})") from error
        self.log.rows = facts["rows"]
        self._best = -math.inf if facts["best"] is None else facts["best"]
        self.best_epoch, self._improved = facts["best_epoch"], True
        self._stopping = facts["early_stopping"]
        for plateau, state in zip(self.plateaus, facts.get("plateaus", ()), strict=True):
            for name, value in state.items():
                setattr(plateau, name, value)
        return len(self.log.rows)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Undo that early stopping begins anew; this callback stands after it."""
        for name, value in getattr(self, "_stopping", {}).items():
            setattr(self.early_stopping, name, type(getattr(self.early_stopping, name) or 0)(value))


def _variables(model: keras.Model) -> list[Any]:
    """Return the variables of model and optimizer, each once."""
    found = {id(v): v for v in [*model.variables, *model.optimizer.variables]}
    return list(found.values())


class StopOnNaN(keras.callbacks.Callback):
    """Stop a run whose loss is no longer a finite number."""

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Look at the loss."""
        loss = float((logs or {}).get("loss", 0.0))
        if not math.isfinite(loss):
            raise ZooError(
                f"the training loss became {loss} by step {batch + 1} of the epoch; lower optimizer.learning_rate, "
                "add a warmup or optimizer.clip_global_norm, and look for extreme values in the inputs"
            )
