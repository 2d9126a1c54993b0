"""Several optimisers in one: each variable goes to the optimiser of its group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras


@keras.saving.register_keras_serializable("zoo")
class GroupedOptimizer(keras.optimizers.Optimizer):
    """Apply to each variable the optimiser of its group.

    Args:
        optimizers: one for each group.
        groups: number of the group of each variable, in the order of the variables that the optimiser is built for.
    """

    built_for: list[Any]

    def __init__(self, optimizers: Sequence[Any], groups: Sequence[int], **options: Any) -> None:
        options.pop("learning_rate", None)
        super().__init__(learning_rate=0.0, **options)
        self.optimizers = list(optimizers)
        self.groups = list(groups)

    def build(self, variables: Sequence[Any]) -> None:
        """Build each group's optimiser for its variables."""
        if self.built:
            return
        super().build(variables)
        self.__dict__["built_for"] = list(variables)  # past Keras, which would add them to its own variables
        self._group_of = {id(v): group for v, group in zip(variables, self.groups, strict=True)}
        for i, optimizer in enumerate(self.optimizers):
            optimizer.build([v for v in variables if self._group_of[id(v)] == i])

    @property
    def variables(self) -> list[Any]:
        """Its own variables, then those of all groups."""
        return [*super().variables, *(v for optimizer in self.optimizers for v in optimizer.variables)]

    @property
    def learning_rate(self) -> Any:
        """The learning rate of the last group."""
        return self.optimizers[-1].learning_rate

    def apply(self, grads: Sequence[Any], trainable_variables: Sequence[Any] | None = None) -> None:
        """Let each group's optimiser apply the gradients of its variables, all that it was built for if not given."""
        if trainable_variables is None:
            trainable_variables = self.built_for
        self.build(trainable_variables)
        pairs = list(zip(grads, trainable_variables, strict=True))
        for i, optimizer in enumerate(self.optimizers):
            own = [(g, v) for g, v in pairs if self._group_of[id(v)] == i]
            if own:
                optimizer.apply([g for g, _ in own], [v for _, v in own])
        self.iterations.assign_add(1)

    def finalize_variable_values(self, var_list: Sequence[Any]) -> None:
        """Put moving averages in the place of the variables, in the groups that keep them."""
        for i, optimizer in enumerate(self.optimizers):
            optimizer.finalize_variable_values([v for v in var_list if self._group_of[id(v)] == i])

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the optimiser."""
        groups = [keras.saving.serialize_keras_object(optimizer) for optimizer in self.optimizers]
        return {"name": self.name, "optimizers": groups, "groups": self.groups}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> GroupedOptimizer:
        """Rebuild the optimiser."""
        groups = [keras.saving.deserialize_keras_object(one, custom_objects) for one in config["optimizers"]]
        return cls(groups, config["groups"], name=config["name"])
