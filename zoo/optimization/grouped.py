"""Several optimisers in one: each variable goes to the optimiser of its group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from zoo.backend.replicas import part_of_batch_mean, update_if, whole_gradients
from zoo.optimization.clipping import clip


@keras.saving.register_keras_serializable("zoo")
class GroupedOptimizer(keras.optimizers.Optimizer):
    """Accumulate and clip the gradients of the whole model, and apply to each variable the optimiser of its group.

    Args:
        optimizers: one for each group.
        groups: number of the group of each variable, in the order of the variables that the optimiser is built for.
        clip: a rule of `zoo.optimization.clipping` and its limit.
        players: number of the player of each variable, where several with losses of their own train at once.
        accumulate: steps over which gradients are averaged before each update.
    """

    built_for: list[Any]

    def __init__(
        self,
        optimizers: Sequence[Any],
        groups: Sequence[int],
        *,
        clip: tuple[str, float] | None = None,
        players: Sequence[int] | None = None,
        accumulate: int = 1,
        **options: Any,
    ) -> None:
        options.pop("learning_rate", None)
        super().__init__(learning_rate=0.0, **options)
        self.optimizers = list(optimizers)
        self.groups = list(groups)
        self.clip, self.accumulate = clip, accumulate
        self.players = list(players) if players is not None else [0] * len(self.groups)

    def build(self, variables: Sequence[Any]) -> None:
        """Build each group's optimiser for its variables."""
        if self.built:
            return
        super().build(variables)
        self.__dict__["built_for"] = list(variables)  # past Keras, which would add them to its own variables
        self._group_of = {id(v): group for v, group in zip(variables, self.groups, strict=True)}
        for i, optimizer in enumerate(self.optimizers):
            optimizer.build([v for v in variables if self._group_of[id(v)] == i])
        if self.accumulate > 1:
            self._totals = [self.add_variable_from_reference(v, name="gradient_total") for v in variables]

    @property
    def own_variables(self) -> list[Any]:
        """Its own variables; none where it only clips for one other optimiser."""
        return super().variables if len(self.optimizers) > 1 or self.accumulate > 1 else []

    @property
    def variables(self) -> list[Any]:
        """Its own variables, then those of all groups."""
        return [*self.own_variables, *(v for optimizer in self.optimizers for v in optimizer.variables)]

    @property
    def iterations(self) -> Any:
        """Number of updates, of which there is one in `accumulate` steps."""
        return self.optimizers[self.groups[-1]].iterations  # a group may have no variables, and no updates

    @property
    def learning_rate(self) -> Any:
        """The learning rate of the last group."""
        return self.optimizers[-1].learning_rate

    def apply(self, grads: Sequence[Any], trainable_variables: Sequence[Any] | None = None) -> None:
        """Let each group's optimiser apply the gradients of its variables, all that it was built for if not given."""
        if trainable_variables is None:
            trainable_variables = self.built_for
        self.build(trainable_variables)
        by_variable = {id(v): g for v, g in zip(trainable_variables, grads, strict=True)}
        gradients = [by_variable.get(id(v)) for v in self.built_for]
        if self.accumulate > 1:
            self._add(whole_gradients(gradients))
        elif self.clip is not None:
            self._update(self._clipped(whole_gradients(gradients)))
        else:
            self._update(gradients)
        if self.own_variables:
            super().iterations.assign_add(1)

    def _add(self, gradients: list[Any]) -> None:
        """Add to the totals, and make an update of their mean if it is time."""
        pairs = [(total, g) for total, g in zip(self._totals, gradients, strict=True) if g is not None]
        for total, gradient in pairs:
            total.assign(total + gradient)

        def update() -> None:
            means = [
                None if g is None else total / self.accumulate for total, g in zip(self._totals, gradients, strict=True)
            ]
            self._update(self._clipped(means))
            for total, _ in pairs:
                total.assign(ops.zeros_like(total))

        due = ops.equal((super().iterations + 1) % self.accumulate, 0)
        inner = [v for optimizer in self.optimizers for v in optimizer.variables]
        update_if(due, update, changes=[*self.built_for, *inner, *self._totals])

    def _clipped(self, gradients: list[Any]) -> list[Any]:
        """Clip gradients over the whole batch; return what each replica adds to them."""
        if self.clip is not None:
            gradients = clip(gradients, *self.clip, self.players)
        return [None if g is None else part_of_batch_mean(g) for g in gradients]

    def _update(self, gradients: list[Any]) -> None:
        pairs = list(zip(gradients, self.built_for, strict=True))
        for i, optimizer in enumerate(self.optimizers):
            own = [(g, v) for g, v in pairs if self._group_of[id(v)] == i]
            if own:
                optimizer.apply([g for g, _ in own], [v for _, v in own])

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the optimiser."""
        groups = [keras.saving.serialize_keras_object(optimizer) for optimizer in self.optimizers]
        config = {"name": self.name, "optimizers": groups, "groups": self.groups, "players": self.players}
        return {**config, "clip": self.clip, "accumulate": self.accumulate}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> GroupedOptimizer:
        """Rebuild the optimiser."""
        groups = [keras.saving.deserialize_keras_object(one, custom_objects) for one in config["optimizers"]]
        return cls(**{**config, "optimizers": groups, "clip": config.get("clip") and tuple(config["clip"])})


class WrappedOptimizer(GroupedOptimizer):
    """Base of optimisers that add something to one other."""

    @property
    def inner_optimizer(self) -> Any:
        """The other optimiser."""
        return self.optimizers[0]

    @property
    def own_variables(self) -> list[Any]:
        """Its own variables."""
        return super(GroupedOptimizer, self).variables


def innermost(optimizer: Any, kind: type | None = None) -> Any:
    """Return the optimiser of a kind within those that wrap it; without a kind, the one that wraps no other.

    Args:
        optimizer: what a model is compiled with.
        kind: a class; None is returned where there is no such optimiser.
    """
    while not (kind is not None and isinstance(optimizer, kind)):
        if not hasattr(optimizer, "inner_optimizer"):
            return optimizer if kind is None else None
        optimizer = optimizer.inner_optimizer
    return optimizer
