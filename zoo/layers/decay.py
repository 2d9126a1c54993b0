"""Which weights are decayed and penalised: kernels and embedding tables."""

from __future__ import annotations

from typing import Any

_NAMES_WITHOUT = ("bias", "gamma", "beta")  # biases and the parameters of norms, of whatever rank


def without_decay(variable: Any) -> Any:
    """Mark a weight that starts near 0 and is added to inputs or stands for one, such as a class token; return it."""
    variable.weight_decay = False
    return variable


def is_decayed(variable: Any) -> bool:
    """Return whether weight decay shrinks a weight, and L1 and L2 penalties count it.

    True for kernels and tables of embeddings. False for biases and the parameters of norms, whatever their rank, for
    all vectors, and for class tokens, mask tokens and learned positions.
    """
    return len(variable.shape) > 1 and variable.name not in _NAMES_WITHOUT and getattr(variable, "weight_decay", True)
