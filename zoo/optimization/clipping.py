"""Clipping of gradients, each of one tensor over the whole batch (`zoo.backend.replicas.whole_gradients`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from keras import ops


def _values(gradients: list[Any], limit: float) -> list[Any]:
    """Limit each value."""
    return [ops.clip(g, -limit, limit) for g in gradients]


def _norms(gradients: list[Any], limit: float) -> list[Any]:
    """Limit the norm of each weight's gradient."""
    return [g * (limit / ops.maximum(ops.sqrt(ops.sum(ops.square(g))), limit)) for g in gradients]


def _global_norm(gradients: list[Any], limit: float) -> list[Any]:
    """Limit the norm of all gradients together (Pascanu et al. 2013)."""
    norm = ops.sqrt(ops.sum(ops.stack([ops.sum(ops.square(g)) for g in gradients])))
    scale = limit * ops.minimum(1.0 / norm, 1.0 / limit) + (norm - norm)  # no number where the norm is infinite
    return [g * scale for g in gradients]


_RULES: dict[str, Callable[[list[Any], float], list[Any]]] = {
    "clip_value": _values,
    "clip_norm": _norms,
    "clip_global_norm": _global_norm,
}
CLIPS = tuple(_RULES)  # the recipe's keys


def clip(gradients: Sequence[Any], rule: str, limit: float, players: Sequence[int]) -> list[Any]:
    """Return the gradients, clipped.

    Args:
        gradients: a tensor or None for each weight.
        rule: the recipe's key.
        limit: its value.
        players: number of the player that each weight belongs to: a global norm is that of one player.
    """
    clipped = list(gradients)
    for player in set(players):
        own = [i for i, g in enumerate(gradients) if g is not None and players[i] == player]
        if own:
            for i, gradient in zip(own, _RULES[rule]([gradients[i] for i in own], limit), strict=True):
                clipped[i] = gradient
    return clipped
