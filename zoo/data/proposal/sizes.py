"""Sizes that suit the amount of data: of the network, the batch and the run."""

from __future__ import annotations

from zoo.data.proposal.proposal import Proposal

_STEPS = 3_000  # of a run; fewer undertrain small data, more take minutes
_EPOCHS = (20, 200)
_PATIENCE = 20  # epochs without improvement
_TRAINED = 0.72  # of the examples, where a test split and validation are cut


def add_training(proposal: Proposal, examples: int, *, own_test: bool = False) -> None:
    """Add batch size, epochs and early stopping."""
    trained = max(1, round(examples * (0.9 if own_test else _TRAINED)))
    batch = 16 if trained < 500 else 32 if trained < 2_000 else 64 if trained < 20_000 else 256
    steps = -(-trained // batch)
    epochs = min(max(round(_STEPS / steps), _EPOCHS[0]), _EPOCHS[1])
    proposal.add("training.batch_size", batch, f"about {trained:,} examples to train on")
    proposal.add("training.epochs", epochs, f"at most {epochs * steps:,} steps of training")
    patience = min(_PATIENCE, epochs // 2)
    proposal.add("regularization.early_stopping", {"patience": patience}, "ends where validation gets no better")


def widths(examples: int) -> list[int]:
    """Return the widths of a multilayer perceptron."""
    return [32] if examples < 500 else [64, 64] if examples < 5_000 else [128, 64] if examples < 50_000 else [256, 128]


def add_search(proposal: Proposal, space: dict[str, object]) -> None:
    """Add what `zoo tune` tries."""
    proposal.add("search.tuner", "bayesian", "what `zoo tune` tries, with this recipe's values as a start")
    proposal.add("search.max_trials", 20)
    proposal.add("search.objective", "val_loss")
    proposal.add("search.space", {"optimizer.learning_rate.peak": {"log": [3e-4, 1e-2]}, **space})
