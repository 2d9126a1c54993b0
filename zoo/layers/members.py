"""Networks that hold several members: with most weights in common (TabM, arXiv:2410.24210), or none (an ensemble)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import keras
from keras import ops

from zoo.layers.types import Shape

MemberScale = Literal["ones", "signs", "normal"]


@keras.saving.register_keras_serializable("zoo")
class MemberDense(keras.layers.Layer):
    """A dense layer whose kernel the members share, each with scales and a bias of its own.

    BatchEnsemble (Wen, Tran and Ba, 2020, arXiv:2002.06715): `((x * r) @ kernel) * s + bias`.

    Input `(batch, members, features)`; output `(batch, members, units)`.

    Args:
        members: how many there are.
        units: of the output.
        scale: initial `r`: "ones", random "signs", or "normal" numbers, one for each `chunk` of features.
        chunk: features that come from one number.
    """

    def __init__(self, members: int, units: int, scale: MemberScale = "ones", chunk: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.members, self.units, self.scale, self.chunk = members, units, scale, chunk

    def build(self, shape: Shape) -> None:
        """Make the weights."""
        features = shape[-1]
        assert features is not None
        bound = features**-0.5
        uniform = keras.initializers.RandomUniform(-bound, bound)
        self.kernel = self.add_weight(name="kernel", shape=(features, self.units), initializer=uniform)
        self.r = self.add_weight(name="r", shape=(self.members, features), initializer=self._initial_scale)
        self.s = self.add_weight(name="s", shape=(self.members, self.units), initializer="ones")
        self.bias = self.add_weight(
            name="bias",
            shape=(self.members, self.units),
            initializer=lambda size, dtype=None: ops.tile(uniform((1, size[1]), dtype), (size[0], 1)),
        )

    def _initial_scale(self, shape: Shape, dtype: Any = None) -> Any:
        members, features = shape
        assert members is not None and features is not None
        if self.scale == "ones":
            return ops.ones((members, features), dtype)
        drawn = keras.random.normal((members, features // self.chunk), dtype=dtype)
        if self.scale == "signs":
            drawn = ops.where(drawn < 0, -1.0, 1.0)
        return ops.repeat(drawn, self.chunk, axis=1)

    def call(self, x: Any) -> Any:
        """Return the members' outputs."""
        return ops.matmul(x * self.r, self.kernel) * self.s + self.bias

    def compute_output_shape(self, shape: Shape) -> Shape:
        """Return `(batch, members, units)`."""
        return (shape[0], self.members, self.units)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        own = {"members": self.members, "units": self.units, "scale": self.scale, "chunk": self.chunk}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable("zoo")
class MemberHeads(keras.layers.Layer):
    """A dense layer for each member: input `(batch, members, features)`, output `(batch, members, units)`.

    Args:
        units: of the output.
    """

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units

    def build(self, shape: Shape) -> None:
        """Make the weights."""
        members, features = shape[-2], shape[-1]
        assert members is not None and features is not None
        uniform = keras.initializers.RandomUniform(-(features**-0.5), features**-0.5)
        self.kernel = self.add_weight(name="kernel", shape=(members, features, self.units), initializer=uniform)
        self.bias = self.add_weight(name="bias", shape=(members, self.units), initializer=uniform)

    def call(self, x: Any) -> Any:
        """Return the members' outputs."""
        return ops.einsum("bmf,mfu->bmu", x, self.kernel) + self.bias

    def compute_output_shape(self, shape: Shape) -> Shape:
        """Return `(batch, members, units)`."""
        return (*shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "units": self.units}


@keras.saving.register_keras_serializable("zoo")
class StackMembers(keras.layers.Layer):
    """The outputs of networks that share no weights, side by side.

    Input a list of `(batch, units)`; output `(batch, members, units)`. In training each network gets the gradient of
    its own loss, not that of the mean, so that it learns as it would by itself.
    """

    def call(self, outputs: Any, training: bool = False) -> Any:
        """Return them as one tensor."""
        x = ops.stack(outputs, axis=1)
        if not training:
            return x
        fixed = ops.stop_gradient(x)
        return fixed + (x - fixed) * len(outputs)

    def compute_output_shape(self, shapes: Any) -> Shape:
        """Return `(batch, members, units)`."""
        return (shapes[0][0], len(shapes), *shapes[0][1:])


@keras.saving.register_keras_serializable("zoo")
class MeanOfMembers(keras.layers.Layer):
    """The mean of the members' outputs; in training the outputs themselves, as each member has a loss of its own.

    Input `(batch, members, units)`; output `(batch, units)`, in training as the input.
    """

    def call(self, x: Any, training: bool = False) -> Any:
        """Return the mean."""
        return x if training else mean_of_members(x)

    def compute_output_shape(self, shape: Shape) -> Shape:
        """Return `(batch, units)`."""
        return (shape[0], shape[2])


def mean_of_members(x: Any) -> Any:
    """Return the mean of the members' outputs, `(batch, members, units)` to `(batch, units)`."""
    return ops.mean(x, axis=1)


def has_members(model: keras.Model) -> bool:
    """Return whether a network, or one inside it, gives the outputs of its members in training."""
    return any(
        has_members(layer) if isinstance(layer, keras.Model) else isinstance(layer, MeanOfMembers)
        for layer in model.layers
    )


class TrainsMembers:
    """A model whose output in training is `(batch, members, units)`: its loss is the mean of the members' losses."""

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """Return the mean of the members' losses; outside of training, the loss of their mean."""
        if len(y_pred.shape) == 3:
            members = y_pred.shape[1]
            y_pred = ops.reshape(y_pred, (-1, y_pred.shape[2]))
            y = ops.repeat(y, members, axis=0)
            sample_weight = None if sample_weight is None else ops.repeat(sample_weight, members, axis=0)
        return super().compute_loss(x, y, y_pred, sample_weight, training)  # type: ignore[misc]

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Return the metrics of the members' mean."""
        y_pred = mean_of_members(y_pred) if len(y_pred.shape) == 3 else y_pred
        return super().compute_metrics(x, y, y_pred, sample_weight)  # type: ignore[misc]


@keras.saving.register_keras_serializable("zoo")
class MembersModel(TrainsMembers, keras.Model):
    """A functional model of several members."""


def ensemble(networks: Sequence[keras.Model]) -> keras.Model:
    """Return a network whose answer is the mean of the logits or values of several, which share no weights.

    Lakshminarayanan, Pritzel and Blundell, "Simple and Scalable Predictive Uncertainty Estimation using Deep
    Ensembles", 2017: networks that begin with other weights differ enough; they may see the same batches.

    Args:
        networks: of one form, from the same inputs to `(batch, units)`. Their names become `member1`, `member2`, ….
    """
    inputs = keras.tree.map_structure(
        lambda x: keras.Input(batch_shape=x.shape, dtype=x.dtype, name=x.name), networks[0].input
    )
    name = networks[0].name
    for i, network in enumerate(networks, start=1):
        network.name = f"member{i}"
    x = StackMembers(dtype="float32", name="members")([network(inputs) for network in networks])
    return MembersModel(inputs, MeanOfMembers(dtype="float32", name="mean")(x), name=name)
