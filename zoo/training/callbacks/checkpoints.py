"""Checkpoints: the state that an interrupted run resumes from, and the weights of the best epoch."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from rich.console import Console

from zoo.errors import ZooError, counted
from zoo.training.callbacks.average import AverageInPlace
from zoo.training.callbacks.log import EpochLog
from zoo.training.callbacks.state import clear_leftovers, read_state, state_files, write_state
from zoo.utils.files import replacing
from zoo.utils.stopping import StopRequests

BEST_WEIGHTS = "best.weights.h5"
LAST_MODEL = "last.keras"
_FIELDS = ("wait", "best", "stopped_epoch", "cooldown")  # what a callback that stops or slows has to remember
_WRITE_EVERY = 15.0  # seconds between the states that are written at the ends of epochs; the last is always written


@dataclass(frozen=True)
class Monitor:
    """The figure that chooses the best epoch.

    Attributes:
        name: its name in the log.
        greater_is_better: its direction.
    """

    name: str
    greater_is_better: bool


class Checkpoints(keras.callbacks.Callback):
    """Keep the weights of the best epoch in memory, and the state of the run on disk.

    The state holds the variables of model, optimizer and metrics (random generators among them), the log, the best
    weights, and how far the other callbacks have come. This callback stands last, so that it sees what they did, and
    undoes their beginning anew.

    Args:
        folder: where the files are written.
        monitor: the figure that chooses the best epoch.
        log: the metrics of each epoch.
        steps: training steps of an epoch.
        average: what has the average of the weights in place after validation; taken out here.
        keep: states that stay on disk.
        every_steps: steps after which a state is written, within epochs too.
        every_minutes: minutes after which a state is written within an epoch.
        run_id: what tells this run's states from those of others, where it has one.

    Attributes:
        best_epoch: number of the best epoch so far, from 1.
        step: training steps that are done.
        finished: whether early stopping has ended the run.
        remembering: callbacks whose fields are part of the state.
        stop: what signals ask for: a state is written after the step, and the training ends.
    """

    def __init__(
        self,
        folder: Path,
        monitor: Monitor,
        log: EpochLog,
        steps: int,
        *,
        average: AverageInPlace | None = None,
        keep: int = 2,
        every_steps: int | None = None,
        every_minutes: float | None = None,
        run_id: str | None = None,
    ) -> None:
        super().__init__()
        self.folder, self.monitor, self.log, self.steps, self.keep = folder, monitor, log, steps, keep
        self.every_steps, self.every_minutes, self.run_id = every_steps, every_minutes, run_id
        self.average = AverageInPlace() if average is None else average
        self.best_epoch, self.step, self.finished = 0, 0, False
        self.remembering: list[keras.callbacks.Callback] = []
        self.stop: StopRequests | None = None
        self._best, self._best_loss = -math.inf, math.inf
        self._weights = list[np.ndarray]()
        self._written = time.perf_counter()
        self._metrics, self._fields = list[np.ndarray](), list[dict[str, int | float]]()

    # === While training ===

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Undo that the other callbacks begin anew."""
        for callback, fields in zip(self.remembering, self._fields, strict=False):
            for name, value in fields.items():
                setattr(callback, name, value)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Restore the metrics of an epoch that was interrupted."""
        self._first = self.step - epoch * self.steps  # steps of this epoch that are done
        if self._metrics:
            for variable, value in zip(self.model.metrics_variables, self._metrics, strict=True):
                variable.assign(value)
            self._metrics = []

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Write the state within an epoch, if it is time."""
        done = self.step - self.step % self.steps + min(self._first + batch + 1, self.steps)
        if done % self.steps == 0:
            return  # the epoch is to be validated first
        minutes = (time.perf_counter() - self._written) / 60
        due = self.every_steps is not None and done // self.every_steps > self.step // self.every_steps
        self.step = done
        is_stopping = self.stop is not None and self.stop.is_due(self.step)
        if is_stopping or due or (self.every_minutes is not None and minutes >= self.every_minutes):
            self._write()
        if self.stop is not None and is_stopping:
            raise self.stop.stopped()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Compare with the best epoch so far, and write the state if it is time.

        Of epochs with equal figures the one with the lowest validation loss is the best, of those the last.
        """
        self.step = (epoch + 1) * self.steps
        logs = logs or {}
        value = float(logs[self.monitor.name]) * (1 if self.monitor.greater_is_better else -1)
        value = -math.inf if math.isnan(value) else value
        loss = float(logs.get("val_loss", math.inf))
        loss = math.inf if math.isnan(loss) else loss
        is_best = (value, -loss) >= (self._best, -self._best_loss)
        if is_best or not self._weights:  # the first, also where its figure is no number
            self._best, self._best_loss, self.best_epoch = value, loss, epoch + 1
            self._weights = [np.array(w) for w in self.model.get_weights()]
        self.average.leave()
        self._fields = self._remembered()  # the rest of an interrupted epoch is followed by another beginning
        self.finished = bool(self.model.stop_training)
        waited = time.perf_counter() - self._written
        last = self.finished or epoch + 1 == self.params["epochs"]
        is_stopping = self.stop is not None and self.stop.is_due(self.step)
        if last or is_stopping or self.every_steps is not None or waited >= _WRITE_EVERY:
            self._write()
        if self.stop is not None and is_stopping:
            raise self.stop.stopped()

    # === At the end ===

    def restore_best(self) -> None:
        """Put the weights of the best epoch into the model."""
        self.model.set_weights(self._weights)

    def write_models(self) -> None:
        """Write the model as it is, `last.keras`, and the best weights, `best.weights.h5`."""
        with replacing(self.folder / LAST_MODEL) as path:
            self.model.save(path)
        last = self.model.get_weights()
        self.restore_best()
        with replacing(self.folder / BEST_WEIGHTS) as path:
            self.model.save_weights(path)
        self.model.set_weights(last)

    # === Resuming ===

    def restore(self, console: Console, folder: Path | None = None) -> None:
        """Put everything back to what the newest state says that is whole; damaged ones are named and passed over.

        Args:
            console: where it is said.
            folder: where the states are, if not in the folder that this one writes to.

        Raises:
            ZooError: there is none, or it is of another model.
        """
        folder = folder or self.folder
        clear_leftovers(self.folder)
        files = state_files(folder)
        for path in files:
            try:
                facts, arrays = read_state(path)
            except ZooError as error:
                console.print(f"  {error}; going back to the one before", style="yellow", markup=False)
                continue
            self._set(path, facts, arrays)
            return
        damaged = f": {counted([path.name for path in files], 'damaged')}" if files else ""
        raise ZooError(f"{folder} holds no whole state to resume from{damaged}; train anew")

    def _set(self, path: Path, facts: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        if self.run_id is not None and facts.get("run", self.run_id) != self.run_id:
            raise ZooError(f"{path} is the state of another run; remove it, or put back this run's own")
        if facts["shapes"] != [list(v.shape) for v in self._variables()]:
            raise ZooError(f"{path} is the state of another model, or of another version of its builder; train anew")
        for i, variable in enumerate(self._variables()):
            variable.assign(arrays[f"variable_{i}"])
        self._metrics = [arrays[f"metric_{i}"] for i in range(facts["metrics"])]
        self._weights = [arrays[f"best_{i}"] for i in range(facts["best_weights"])]
        self._best = -math.inf if facts["best"] is None else facts["best"]
        loss = facts.get("best_loss")  # states of older versions have none
        self._best_loss = math.inf if loss is None else loss
        self.best_epoch, self.step, self.finished = facts["best_epoch"], facts["step"], facts["finished"]
        self.log.rows, self._fields = facts["rows"], facts["callbacks"]

    def _write(self) -> None:
        self.average.leave()
        inside = self.step % self.steps != 0
        metrics = self.model.metrics_variables if inside else []
        facts: dict[str, Any] = {
            "step": self.step,
            "finished": self.finished,
            "rows": self.log.rows,
            "best": self._best if math.isfinite(self._best) else None,
            "best_loss": self._best_loss if math.isfinite(self._best_loss) else None,
            "best_epoch": self.best_epoch,
            "best_weights": len(self._weights),
            "metrics": len(metrics),
            "shapes": [list(v.shape) for v in self._variables()],
            **({} if self.run_id is None else {"run": self.run_id}),
            "callbacks": self._remembered(),
        }
        arrays = {f"variable_{i}": np.array(v) for i, v in enumerate(self._variables())}
        wrong = [v.path for v, value in zip(self._variables(), arrays.values(), strict=True) if not _finite(value)]
        if wrong:
            raise ZooError(
                f"after step {self.step} there are values in {wrong[0]} that are no finite numbers; the last "
                "checkpoint is from before. Lower optimizer.learning_rate, add a warmup or optimizer.clip_global_norm"
            )
        arrays |= {f"metric_{i}": np.array(v) for i, v in enumerate(metrics)}
        arrays |= {f"best_{i}": w for i, w in enumerate(self._weights)}
        write_state(self.folder, self.step, facts, arrays, self.keep)
        self._written = time.perf_counter()

    def _remembered(self) -> list[dict[str, int | float]]:
        return [
            {name: _plain(value) for name in _FIELDS if (value := getattr(callback, name, None)) is not None}
            for callback in self.remembering
        ]

    def _variables(self) -> list[Any]:
        """Return the variables of model and optimizer, each once."""
        model = self.model
        metrics = {id(v) for v in model.metrics_variables}
        found = {id(v): v for v in [*model.variables, *model.optimizer.variables] if id(v) not in metrics}
        return list(found.values())


def _finite(values: np.ndarray) -> bool:
    return not np.issubdtype(values.dtype, np.floating) or bool(np.isfinite(values).all())


def _plain(value: Any) -> int | float:
    return value if isinstance(value, int) else float(value)
