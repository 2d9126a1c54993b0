"""The progress display of training: live on a terminal, a line an epoch elsewhere."""

from __future__ import annotations

import time
from typing import Any

import keras
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn


class ProgressDisplay(keras.callbacks.Callback):
    """Show epoch, step rate, losses and time left."""

    def __init__(self, console: Console, epochs: int, steps_per_epoch: int, metric: str) -> None:
        super().__init__()
        self.console, self.epochs, self.steps, self.metric = console, epochs, steps_per_epoch, metric
        self._progress: Progress | None = None
        self._task: Any = None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Start the display."""
        self._started = time.perf_counter()
        if self.console.is_terminal:
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.fields[metrics]}"),
                TimeRemainingColumn(),
            )
            self._progress = Progress(*columns, console=self.console, transient=True)
            self._task = self._progress.add_task("epoch 1", total=self.epochs * self.steps, metrics="")
            self._progress.start()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Note where the epoch starts."""
        self._epoch, self._epoch_started = epoch, time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Move the bar."""
        if self._progress is None:
            return
        done = min(batch + 1, self.steps)  # the last call of an epoch may hold fewer steps
        rate = done / max(time.perf_counter() - self._epoch_started, 1e-9)
        metrics = f"{rate:.0f} steps/s · loss {float((logs or {}).get('loss', 0)):.4f}"
        self._progress.update(
            self._task,
            completed=self._epoch * self.steps + done,
            description=f"epoch {self._epoch + 1}/{self.epochs}",
            metrics=metrics,
        )

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Write the epoch's line."""
        logs = logs or {}
        now = time.perf_counter()
        left = (now - self._started) / (epoch + 1) * (self.epochs - epoch - 1)
        rate = self.steps / max(now - self._epoch_started, 1e-9)
        names = dict.fromkeys(("loss", self.metric, "val_loss", f"val_{self.metric}"))
        metrics = "  ".join(f"{name} {float(logs[name]):.4f}" for name in names if name in logs)
        width = len(str(self.epochs))
        self.console.print(
            f"  epoch {epoch + 1:>{width}}/{self.epochs}  {metrics}  {rate:.0f} steps/s  {_duration(left)} left"
        )

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Take the display down."""
        self.close()

    def close(self) -> None:
        """Take the display down, also after an error."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}" if minutes >= 60 else f"{minutes}:{rest:02d}"
