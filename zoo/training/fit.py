"""Fitting a recipe's model with `model.fit`."""

from __future__ import annotations

import time
from collections.abc import Sequence
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
from zoo.losses import build_loss
from zoo.optimization.optimizers import build_optimizer, on_plateau
from zoo.optimization.watched import WatchedOptimizer
from zoo.tasks import TASKS
from zoo.training.callbacks.checkpoints import Checkpoints, Monitor
from zoo.training.callbacks.log import EpochLog, EpochStart
from zoo.training.callbacks.monitoring import Monitoring
from zoo.training.callbacks.non_finite import StopOnNonFinite
from zoo.training.callbacks.plateau import Plateau
from zoo.training.callbacks.progress import ProgressDisplay
from zoo.training.callbacks.samples import SampleGrids
from zoo.training.problem import Problem, class_weights
from zoo.training.run import record_backend

STEPS_PER_EXECUTION = {"mlp": 32, "cnn": 8}  # by family: where several steps in one call were measured to be faster


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
    task = TASKS[recipe.task]
    loss = None  # that of a model that makes images is its own
    if not task.makes_images:
        loss = build_loss(recipe.loss, kind=task.kind, class_weights=class_weights(problem))
    with problem.devices.scope():
        built = build_optimizer(optimizer, model, steps, epochs)
        if recipe.training.monitor:
            built = WatchedOptimizer.around(built, model.trainable_variables)
        model.compile(
            optimizer=with_loss_scale(built, recipe.training.precision),
            loss=loss,
            metrics=[] if task.monitor == "loss" else [task.monitor],
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
) -> Fitted:
    """Train the model; write `metrics.csv`, `tensorboard/` and `checkpoints/` to the run folder.

    Args:
        problem: data and model.
        folder: the run folder. Of several processes the first writes there, and all read there what they resume from.
        console: where progress is shown.
        resume: start from the newest state in the run folder that is whole, to the same end as if nothing had been.
        watching: callbacks that see each epoch before its state is written.

    Raises:
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
        return _fit(problem, Path(own), folder if resume else None, console, watching)


def _fit(
    problem: Problem, folder: Path, before: Path | None, console: Console, also: Sequence[keras.callbacks.Callback]
) -> Fitted:
    recipe, training = problem.recipe, problem.recipe.training
    task, scope = TASKS[recipe.task], problem.devices.scope
    model = problem.views.trained
    steps = len(problem.train) // training.batch_size
    auto = STEPS_PER_EXECUTION.get(registry.entry(recipe.model.name).family, 1) if problem.devices.count == 1 else 1
    per_call = auto if training.steps_per_execution == "auto" else training.steps_per_execution
    compile_for_training(problem, recipe.optimizer, steps, training.epochs, per_call)
    log = EpochLog(folder / "metrics.csv")
    rises = task.monitor == task.primary and task.greater_is_better
    settings = training.checkpoints
    kept = Checkpoints(
        folder / "checkpoints", Monitor(f"val_{task.monitor}", rises), log, steps, **settings.model_dump()
    )
    last = training.stop_after or training.epochs
    display = ProgressDisplay(console, last, steps, task.monitor)
    board = keras.callbacks.TensorBoard(folder / "tensorboard", write_graph=False)
    start = EpochStart(steps)
    watching = [Monitoring(problem)] if training.monitor else []
    callbacks = [*problem.devices.callbacks, start, StopOnNonFinite(problem, start), *watching, log, board, display]
    stop = recipe.regularization.early_stopping
    if stop is not None:
        early = keras.callbacks.EarlyStopping("val_loss", min_delta=stop.min_delta, patience=stop.patience, mode="min")
        callbacks.append(early)
        kept.remembering.append(early)
    plateaus = [Plateau(*one) for one in on_plateau(recipe.optimizer, model.optimizer)]
    callbacks += plateaus
    kept.remembering += plateaus
    if task.makes_images:
        callbacks.append(SampleGrids(problem, folder / "samples"))
    callbacks += [*also, kept]

    size = training.batch_size if task.embeds else None  # losses that compare the examples of a batch grow with it
    validation = evaluation_batches(problem.validation, size=size)

    def train(until: int) -> None:
        """Train to the end of an epoch, from the step that is next."""
        start.done = kept.step % steps
        batches = training_batches(
            problem.train, recipe, start=start.step, steps=steps - start.done, part=problem.devices.part
        )
        with scope():
            model.fit(
                batches,
                initial_epoch=kept.step // steps,
                epochs=until,
                validation_data=validation,
                callbacks=callbacks,
                shuffle=False,  # the batches are in their order already
                verbose=0,
            )

    if before is not None:
        kept.set_model(model)
        with scope():
            model.optimizer.build(model.trainable_variables)
            # makes the variables of the metrics, which are restored, too
            model.evaluate(validation.take(1), verbose=0, callbacks=list(problem.devices.callbacks))
            kept.restore(console, before / "checkpoints")
        epoch, done = divmod(kept.step, steps)
        within = f" and {done} of {steps} steps" if done else ""
        console.print(f"Resuming after epoch {epoch} of {last}{within}")
    spent = log.rows[-1]["seconds"] if log.rows else 0.0
    started = time.perf_counter()
    try:
        if kept.step % steps:  # the rest of an epoch has fewer batches than the others
            train(kept.step // steps + 1)
            with scope():
                kept.restore(console)  # averaged weights are put into the model when `fit` ends
        if kept.step < last * steps and not kept.finished:
            train(last)
        elif recipe.optimizer.ema is not None:
            with scope():
                model.optimizer.finalize_variable_values(model.trainable_variables)
    finally:
        display.close()
    seconds = spent + time.perf_counter() - started
    kept_epoch = len(log.rows)
    with scope():
        kept.write_models()
        if training.select == "best":
            kept.restore_best()
            kept_epoch = kept.best_epoch
    problem.views.settle()
    return Fitted(log.rows, kept_epoch, seconds)
