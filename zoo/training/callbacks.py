"""What happens at the end of each epoch: the log, the checkpoints, the stop on a loss that is no number."""

from __future__ import annotations

import csv
import io
import math
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo.errors import ZooError
from zoo.files import replacing, write_text

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

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Add a row."""
        figures = {key: float(value) for key, value in (logs or {}).items()}
        row = {"epoch": epoch + 1, **figures, "learning_rate": float(self.model.optimizer.learning_rate)}
        row["seconds"] = round(time.perf_counter() - self._started, 3)
        self.rows.append(row)
        text = io.StringIO()
        writer = csv.DictWriter(text, fieldnames=list(row))
        writer.writeheader()
        writer.writerows(self.rows)
        write_text(self.path, text.getvalue())


class Checkpoints(keras.callbacks.Callback):
    """Keep the best and the last weights: in memory at every epoch, on disk every few seconds and at the end.

    Attributes:
        best_epoch: number of the best epoch so far, from 1.
    """

    def __init__(self, folder: Path, monitor: str, greater_is_better: bool) -> None:
        super().__init__()
        self.folder, self.monitor, self.sign = folder, monitor, 1 if greater_is_better else -1
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
        self._written, self._improved = time.perf_counter(), False


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
