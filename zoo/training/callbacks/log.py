"""What happens at the beginning and at the end of each epoch: the place in the data, and the log."""

from __future__ import annotations

import csv
import io
import time
from pathlib import Path
from typing import Any

import keras

from zoo.backend.replicas import learning_rate
from zoo.data.batches import step_counter
from zoo.utils.files import write_text


class EpochStart(keras.callbacks.Callback):
    """Tell the batches at which step of the run an epoch starts.

    Every epoch reads its own finite batches, so that several steps in one call never run on into the next epoch.

    Attributes:
        step: the epoch's first step.
        done: steps of the next epoch to start that are done already.
    """

    def __init__(self, steps_per_epoch: int) -> None:
        super().__init__()
        self.steps_per_epoch, self.done = steps_per_epoch, 0
        self.step = step_counter()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Move to the epoch's first step."""
        self.step.assign(epoch * self.steps_per_epoch + self.done)
        self.done = 0


class EpochLog(keras.callbacks.Callback):
    """Keep each epoch's metrics, and write them to a CSV file."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.rows: list[dict[str, float]] = []
        self._started = time.perf_counter()
        self._before = 0.0

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Count time on from the last row of a run that is resumed."""
        self._started = time.perf_counter()
        self._before = self.rows[-1]["seconds"] if self.rows else 0.0

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Add a row."""
        metrics = {key: float(value) for key, value in (logs or {}).items()}
        row = {"epoch": epoch + 1, **metrics, "learning_rate": learning_rate(self.model.optimizer)}
        row["seconds"] = round(self._before + time.perf_counter() - self._started, 3)
        self.rows.append(row)
        self.write()

    def write(self) -> None:
        """Write the rows."""
        text = io.StringIO()
        writer = csv.DictWriter(text, fieldnames=list(self.rows[-1]))
        writer.writeheader()
        writer.writerows(self.rows)
        write_text(self.path, text.getvalue())
