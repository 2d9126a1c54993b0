"""Sizes that suit the amount of data: of the network, the batch and the run."""

from __future__ import annotations

import math
from collections.abc import Sequence

from zoo.data.proposal.proposal import Proposal

_STEPS = 3_000  # of a run; fewer undertrain small data, more take minutes
_EPOCHS = (20, 200)
_PATIENCE = 20  # epochs without improvement
_FORECAST_STEPS, _FORECAST_EPOCHS = 4_000, 300
_FEW_WINDOWS, _MANY_WINDOWS = 2_000, 10_000  # fewer need a strong penalty; more need twice the steps
_FORECAST_PATIENCE = 1_000  # steps without improvement
_MANY_COLUMNS = 200
_KERNEL_STEPS = 9  # that the kernels of minirocket span
_MAX_STEPS = 500_000  # of all sequences together, for minirocket, whose features are computed in every epoch
_ROCKET_EPOCHS = 40
_VALIDATED = 0.1  # of the examples
_MOST_VALIDATED = 0.4
_FEW = 20  # validation examples, with which the best of many epochs is a matter of luck
TRAINED = 0.72  # of the examples, where a test split and validation are cut


def add_training(
    proposal: Proposal, examples: int, *, own_test: bool = False, most: int = _EPOCHS[1], is_linear: bool = False
) -> None:
    """Add batch size, at most so many epochs, and early stopping.

    Args:
        proposal: what they are added to.
        examples: all, or those that no test split of its own holds.
        own_test: there is a test split.
        most: epochs.
        is_linear: what is trained is a linear model, which more epochs hurt less than a choice by few examples.
    """
    trained, batch = trained_on(examples, own_test=own_test)
    steps = -(-trained // batch)
    epochs = min(max(round(_STEPS / steps), _EPOCHS[0]), most)
    proposal.add("training.batch_size", batch, f"about {trained:,} examples to train on")
    proposal.add("training.epochs", epochs, f"at most {epochs * steps:,} steps of training")
    validation = round(examples * _VALIDATED)
    if is_linear and validation < _FEW:
        proposal.add("training.select", "last", f"{validation} validation examples cannot tell the best epoch")
        return
    patience = min(_PATIENCE, epochs // 2)
    proposal.add("regularization.early_stopping", {"patience": patience}, "ends where validation gets no better")


def add_linear_forecaster(proposal: Proposal, windows: int, *, by_series: bool, level: bool | None) -> None:
    """Add a linear map of the window, its learning rate and its run.

    Args:
        proposal: what they are added to.
        windows: about so many to train on.
        by_series: there are several series, each with a level of its own.
        level: forecasts depend on the level of the series; None where that is not known.
    """
    if not by_series:
        proposal.add("preprocess", [{"standardize": {}}], "windows of one series keep their level")
    of_window, of_differences = "a linear map of the window", "a linear map of differences from the last value"
    name, reason = ("dlinear", of_window) if level or by_series else ("nlinear", of_differences)
    if level is not None:
        other = of_differences if level else of_window
        reason += f", as ridge regression is better on validation so than as {other}"
    proposal.add("model.name", name, reason)
    proposal.add("optimizer.learning_rate", {"peak": 0.003})
    few = windows < _FEW_WINDOWS and not by_series
    proposal.add("optimizer.weight_decay", 0.3 if few else 0.05, "few windows" if few else "")
    add_forecast_training(proposal, windows)
    add_search(proposal, {"optimizer.weight_decay": {"log": [1e-2, 1.0]}})


def add_forecast_training(proposal: Proposal, windows: int) -> None:
    """Add batch size, epochs and early stopping for so many windows: enough steps, however few they are."""
    batch = 4 if windows < 500 else 8 if windows < 1_000 else 32 if windows < _MANY_WINDOWS else 64
    steps, wanted = max(1, windows // batch), _FORECAST_STEPS * (1 + (windows >= _MANY_WINDOWS))
    epochs = min(max(round(wanted / steps), _EPOCHS[0]), _FORECAST_EPOCHS)
    patience = min(max(_PATIENCE, round(_FORECAST_PATIENCE / steps)), epochs // 2)
    proposal.add("training.batch_size", batch, f"about {windows:,} windows to train on")
    proposal.add("training.epochs", epochs, f"at most {epochs * steps:,} steps of training")
    reason = f"ends after {patience * steps:,} steps in which validation got no better"
    proposal.add("regularization.early_stopping", {"patience": patience}, reason)


def trained_on(examples: int, *, own_test: bool) -> tuple[int, int]:
    """Return about how many examples are trained on, and the batch size for so many."""
    trained = max(1, round(examples * (0.9 if own_test else TRAINED)))
    return trained, 16 if trained < 500 else 32 if trained < 2_000 else 64 if trained < 20_000 else 256


def add_validation(proposal: Proposal, examples: int, classes: int) -> None:
    """Add a larger validation split where the usual one would have fewer examples than there are classes."""
    if round(_VALIDATED * examples) < classes:
        fraction = math.ceil(100 * classes / examples) / 100
        proposal.add("data.validation", min(fraction, _MOST_VALIDATED), f"an example of each of {classes} classes")


def add_table_model(proposal: Proposal, rows: int, columns: int, *, texts: bool) -> dict[str, object]:
    """Add the network of a table and its learning rate; return what `zoo tune` is to try."""
    size = f"{rows:,} rows of {columns} columns"
    dropout = [0.0, 0.1, 0.3]
    if texts or columns > _MANY_COLUMNS:  # each of the many words or columns would have an embedding of its own
        proposal.add("model.name", "mlp")
        proposal.add("model.widths", widths(rows), size)
        proposal.add("model.dropout", 0.2)
        return {"model.widths": [[32], [64, 64], [128, 64], [256, 128]], "model.dropout": dropout}
    proposal.add("model.name", "tabm", "perceptrons that share most weights, and whose mean is the answer")
    proposal.add("model.members", 8)
    proposal.add("model.width", 64 if rows < 500 else 128 if rows < 20_000 else 192, size)
    proposal.add("model.depth", 2)
    proposal.add("model.bins", 16 if rows < 20_000 else 48, "numbers are embedded piecewise linearly between quantiles")
    proposal.add("model.embedding", 8)
    proposal.add("optimizer.learning_rate", {"peak": 0.002})
    proposal.add("optimizer.weight_decay", 0.0003)
    return {"model.width": [64, 128, 256], "model.depth": [1, 2, 3], "model.bins": [0, 16], "model.dropout": dropout}


def add_sequence_model(proposal: Proposal, lengths: Sequence[int], *, own_test: bool) -> None:
    """Add the network and the run for sequences of numbers.

    Args:
        proposal: what they are added to.
        lengths: steps of each sequence.
        own_test: there is a test split.
    """
    count, shortest, longest = len(lengths), min(lengths), max(lengths)
    most, model = _EPOCHS[1], "gru"
    if shortest == longest >= _KERNEL_STEPS and sum(lengths) <= _MAX_STEPS:
        reason = f"a linear model on fixed convolutions, for {count:,} sequences of {longest} steps"
        model = "minirocket"
        proposal.add("model.name", model, reason)
        proposal.add("optimizer.learning_rate", {"peak": 3e-4})
        most = _ROCKET_EPOCHS
    else:
        steps = f"{longest}" if shortest == longest else f"{shortest} to {longest}"
        proposal.add("model.name", model)
        proposal.add("model.units", 64 if count > 200 else 32, f"{count:,} sequences of {steps} steps")
        proposal.add("model.dropout", 0.2)
    add_training(proposal, count, own_test=own_test, most=most, is_linear=model == "minirocket")


def widths(examples: int) -> list[int]:
    """Return the widths of a multilayer perceptron."""
    return [32] if examples < 500 else [64, 64] if examples < 5_000 else [128, 64] if examples < 50_000 else [256, 128]


def add_search(proposal: Proposal, space: dict[str, object]) -> None:
    """Add what `zoo tune` tries."""
    proposal.add("search.tuner", "bayesian", "what `zoo tune` tries, with this recipe's values as a start")
    proposal.add("search.max_trials", 20)
    proposal.add("search.objective", "val_loss")
    proposal.add("search.space", {"optimizer.learning_rate.peak": {"log": [3e-4, 1e-2]}, **space})
