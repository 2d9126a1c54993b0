"""Fitting a recipe's model with `model.fit`."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import keras
from rich.console import Console

from zoo import registry
from zoo.backend.cpu_kernels import fused_kernels
from zoo.backend.determinism import ordered_gradient_sums
from zoo.backend.precision import with_loss_scale
from zoo.data.batches import evaluation_batches, training_batches
from zoo.errors import ZooError
from zoo.losses import build_loss
from zoo.optimization.optimizers import build_optimizer, on_plateau
from zoo.optimization.watched import WatchedOptimizer
from zoo.recipe.task import task_of
from zoo.tasks import TASKS
from zoo.training.as_measured import check_trained
from zoo.training.callbacks.average import AverageInPlace
from zoo.training.callbacks.checkpoints import Checkpoints, Monitor
from zoo.training.callbacks.log import EpochLog, EpochStart
from zoo.training.callbacks.measured import MeasuredMetric
from zoo.training.callbacks.monitoring import Monitoring
from zoo.training.callbacks.non_finite import StopOnNonFinite
from zoo.training.callbacks.plateau import Plateau
from zoo.training.callbacks.progress import ProgressDisplay
from zoo.training.callbacks.samples import SampleGrids
from zoo.training.probed_head import begin_with_probe
from zoo.training.problem import Problem, class_weights
from zoo.training.run import id_of, record_backend
from zoo.training.teacher import Taught
from zoo.utils.stopping import StopRequests

# Objects have their variables at once; TensorFlow traces a step twice that makes those of a name.
_METRICS = {"accuracy": keras.metrics.CategoricalAccuracy, "mae": keras.metrics.MeanAbsoluteError}
STEPS_PER_EXECUTION = {
    "mlp": 32,
    "forecaster": 32,
    "cnn": 8,
}  # by family: where several steps in one call were measured to be faster


@dataclass(frozen=True)
class Fitted:
    """What training gave: one row of metrics an epoch, the epoch that was kept, and the time it took."""

    history: list[dict[str, float]]
    kept_epoch: int
    seconds: float


def compile_for_training(problem: Problem, optimizer: Any, steps: int, epochs: int, per_call: int = 1) -> None:
    """Give the model that is trained its optimiser, loss and metrics.

    Args:
        problem: data and model.
        optimizer: a recipe's `optimizer:` section.
        steps: training steps of an epoch.
        epochs: epochs of the run.
        per_call: training steps in one call, at most.
    """
    recipe, model = problem.recipe, problem.views.trained
    if recipe.training.teacher is not None and not isinstance(model, Taught):
        raise ZooError("training.teacher: `zoo train` alone learns from a teacher; leave it out here")
    task = TASKS[recipe.task]
    loss = None  # that of a model that makes images is its own
    is_padded = problem.preprocessor.letterbox is not None
    if not task.makes_images:
        loss = build_loss(
            recipe.loss,
            kind=task.kind,
            class_weights=class_weights(problem),
            ignores_pixels=task.labels_pixels and (recipe.data.ignore_index is not None or is_padded),
        )
    with problem.devices.scope():
        built = build_optimizer(optimizer, model, steps, epochs)
        if recipe.training.monitor:
            built = WatchedOptimizer.around(built, model.trainable_variables)
        model.compile(
            optimizer=with_loss_scale(built, recipe.training.precision),
            loss=loss,
            metrics=[_METRICS[task.monitor](name=task.monitor)] if task.monitor in _METRICS else [],
            steps_per_execution=min(per_call, steps),
            jit_compile=keras.backend.backend() == "jax",  # TensorFlow's is up to five times slower on processors
        )


def fit(
    problem: Problem,
    folder: Path | None,
    console: Console,
    *,
    resume: bool = False,
    watching: Sequence[keras.callbacks.Callback] = (),
    measure: Callable[[], float] | None = None,
    stop: StopRequests | None = None,
) -> Fitted:
    """Train the model; write `metrics.csv`, `tensorboard/` and `checkpoints/` to the run folder.

    Args:
        problem: data and model.
        folder: the run folder. Of several processes the first writes there, and all read there what they resume from.
        console: where progress is shown.
        resume: start from the newest state in the run folder that is whole, to the same end as if nothing had been.
        watching: callbacks that see each epoch before its state is written.
        measure: what `zoo.evaluation.watched.measure_of` returns for the problem.
        stop: what signals ask for: training stops after the step that is under way, and writes its state.

    Raises:
        Stopped: a signal came.
        ZooError: the loss became NaN or infinite, a checkpoint cannot be written, or none is left to resume from.
    """
    own_folder = nullcontext(folder) if problem.devices.first else TemporaryDirectory()
    devices = problem.devices.count
    with (
        own_folder as own,
        ordered_gradient_sums(),
        fused_kernels(problem.recipe.training.cpu_kernels, devices=devices) as kernels,
    ):
        assert own is not None
        if problem.devices.first:
            record_backend(Path(own), {"name": keras.backend.backend(), "devices": devices, "cpu_kernels": kernels})
        fitted = None if resume else begin_with_probe(problem)
        if fitted is not None:
            console.print(f"Head: {fitted}", markup=False)
        run = _Fit(problem, Path(own), console, watching, measure)
        run.checkpoints.stop = stop
        if resume and folder is not None:
            run.resume(folder / "checkpoints")
        spent = run.log.rows[-1]["seconds"] if run.log.rows else 0.0
        started = time.perf_counter()
        with stop.deferred() if stop is not None else nullcontext():
            run.train()
        seconds = spent + time.perf_counter() - started
        return Fitted(run.log.rows, run.finish(), seconds)


class _Fit:
    """One call of `fit`: the compiled model, its callbacks and data, and how far training is."""

    def __init__(
        self,
        problem: Problem,
        folder: Path,
        console: Console,
        watching: Sequence[keras.callbacks.Callback],
        measure: Callable[[], float] | None,
    ) -> None:
        recipe, training = problem.recipe, problem.recipe.training
        task = task_of(recipe)
        self.problem, self.console, self.model = problem, console, problem.views.trained
        self.measured = [] if measure is None else [MeasuredMetric(problem, task.monitor, measure)]
        self.scope = problem.devices.scope
        self.steps = len(problem.train) // training.batch_size  # of an epoch
        self.last_epoch = training.stop_after or training.epochs
        compile_for_training(problem, recipe.optimizer, self.steps, training.epochs, steps_per_call(problem))
        self.log = EpochLog(folder / "metrics.csv")
        self.start = EpochStart(self.steps)
        self.display = ProgressDisplay(console, self.last_epoch, self.steps, task.monitor)
        rises = task.monitor == task.primary and task.greater_is_better
        self.average = AverageInPlace()
        self.checkpoints = Checkpoints(
            folder / "checkpoints",
            Monitor(f"val_{task.monitor}", rises),
            self.log,
            self.steps,
            average=self.average,
            run_id=id_of(folder),
            **training.checkpoints.model_dump(),
        )
        self.callbacks = self._callbacks(folder, watching)
        size = training.batch_size if task.embeds else None  # losses that compare the examples of a batch grow with it
        self.validation = evaluation_batches(problem.validated_on, size=size)

    def _callbacks(self, folder: Path, watching: Sequence[keras.callbacks.Callback]) -> list[keras.callbacks.Callback]:
        """Return the callbacks in their order: what adds to the log, the log, what may end training, checkpoints."""
        problem, recipe = self.problem, self.problem.recipe
        board = keras.callbacks.TensorBoard(folder / "tensorboard", write_graph=False)
        found = [*problem.devices.callbacks, self.average, self.start, StopOnNonFinite(problem, self.start)]
        found += self.measured
        found += [Monitoring(problem)] if recipe.training.monitor else []
        found += [self.log, board, self.display]
        stop = recipe.regularization.early_stopping
        remembering: list[keras.callbacks.Callback] = []  # those whose state a checkpoint holds
        if stop is not None:
            remembering.append(
                keras.callbacks.EarlyStopping("val_loss", min_delta=stop.min_delta, patience=stop.patience, mode="min")
            )
        remembering += [Plateau(*one) for one in on_plateau(recipe.optimizer, self.model.optimizer)]
        self.checkpoints.remembering += remembering
        found += remembering
        found += [SampleGrids(problem, folder / "samples")] if TASKS[recipe.task].makes_images else []
        return [*found, *watching, self.checkpoints]

    def resume(self, checkpoints: Path) -> None:
        """Restore the newest whole state of an interrupted run."""
        self.checkpoints.set_model(self.model)
        with self.scope():
            self.model.optimizer.build(self.model.trainable_variables)
            # makes the variables of the metrics, which are restored, too
            self.model.evaluate(self.validation.take(1), verbose=0, callbacks=list(self.problem.devices.callbacks))
            self.checkpoints.restore(self.console, checkpoints)
        epoch, done = divmod(self.checkpoints.step, self.steps)
        within = f" and {done} of {self.steps} steps" if done else ""
        self.console.print(f"Resuming after epoch {epoch} of {self.last_epoch}{within}")

    def train(self) -> None:
        """Train from the step that is next to the last epoch."""
        kept = self.checkpoints
        try:
            if kept.step % self.steps:  # the rest of an epoch has fewer batches than the others
                self._train_to(kept.step // self.steps + 1)
            if kept.step < self.last_epoch * self.steps and not kept.finished:
                self._train_to(self.last_epoch)
        finally:
            self.display.close()

    def _train_to(self, epoch: int) -> None:
        """Train to the end of an epoch, from the step that is next."""
        step = self.checkpoints.step
        self.start.done = step % self.steps
        rest = self.steps - self.start.done
        recipe, part = self.problem.recipe, self.problem.devices.part
        batches = training_batches(self.problem.trained_on, recipe, start=self.start.step, steps=rest, part=part)
        with self.scope():
            self.model.fit(
                batches,
                initial_epoch=step // self.steps,
                epochs=epoch,
                validation_data=self.validation,
                callbacks=self.callbacks,
                shuffle=False,  # the batches are in their order already
                verbose=0,
            )

    def finish(self) -> int:
        """Write the models, put the weights in place that the recipe selects, and return their epoch.

        Raises:
            ZooError: their figures are not those of the epoch.
        """
        epoch = len(self.log.rows)
        self.average.set_model(self.model)
        with self.scope():
            self.average.enter()
            self.checkpoints.write_models()
            if self.problem.recipe.training.select == "best":
                self.checkpoints.restore_best()
                epoch = self.checkpoints.best_epoch
        self.problem.views.settle()
        check_trained(self.problem, self.log.rows[epoch - 1], self.validation)
        return epoch


def steps_per_call(problem: Problem) -> int:
    """Return how many steps one call of the compiled function takes: the recipe's, or by the builder's family."""
    given = problem.recipe.training.steps_per_execution
    if given != "auto":
        return given
    family = registry.entry(problem.recipe.model.name).family
    return STEPS_PER_EXECUTION.get(family, 1) if problem.devices.count == 1 else 1
