"""Self-distillation without labels (DINO; Caron et al., 2021, arXiv:2104.14294): teacher, centre, local crops."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.layers.encoder import ENCODER

EVALUATION_SEED = 0
EVALUATION_CROPS = 64  # the examples of a batch use them in turn
MAX_RATIO = 4 / 3  # width over height of a crop


@keras.saving.register_keras_serializable("zoo")
class Prototypes(keras.layers.Layer):
    """Cosine similarities to learned vectors: a dense layer without bias, the columns of whose kernel have length one.

    `(batch, length)`, vectors of length one, to `(batch, units)` float32.

    Args:
        units: number of prototypes.
    """

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**{"dtype": "float32", **kwargs})
        self.units = units

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Make the vectors."""
        self.kernel = self.add_weight(shape=(shape[-1], self.units), initializer="glorot_uniform", name="kernel")

    def call(self, x: Any) -> Any:
        """Return the similarities."""
        return ops.matmul(ops.cast(x, "float32"), ops.normalize(self.kernel, axis=0))

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return `(batch, units)`."""
        return (*shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "units": self.units}


@keras.saving.register_keras_serializable("zoo")
class LocalCrops(keras.layers.Layer):
    """Cut small random parts out of images, and resize each to the size of the image (bilinear).

    Training draws them for each batch. Otherwise they come from a table with a constant seed, by the example's index
    in its batch.

    `(batch, height, width, channels)` to `(batch, count, height, width, channels)`.

    Args:
        count: crops of each image.
        area: smallest and largest fraction of the image's area.
        seed: seed of the layer's own random numbers.
    """

    def __init__(
        self, count: int, area: tuple[float, float] = (0.05, 0.4), seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.count, self.area, self.seed = count, (float(area[0]), float(area[1])), seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        drawn = np.random.default_rng(EVALUATION_SEED).random((EVALUATION_CROPS, count, 4))
        self.drawn = drawn.astype("float32")

    def call(self, images: Any, training: bool = False) -> Any:
        """Return the crops."""
        batch = ops.shape(images)[0]
        if training:
            draws = keras.random.uniform((batch, self.count, 4), dtype="float32", seed=self.seed_generator)
        else:
            draws = ops.take(ops.convert_to_tensor(self.drawn), ops.arange(batch) % EVALUATION_CROPS, axis=0)
        x = ops.cast(images, "float32")
        low, high = self.area
        area = low + (high - low) * draws[..., 0]
        ratio = ops.exp((2.0 * draws[..., 1] - 1.0) * float(np.log(MAX_RATIO)))
        rows = _sampling(ops.minimum(ops.sqrt(area / ratio), 1.0), draws[..., 2], x.shape[1])
        columns = _sampling(ops.minimum(ops.sqrt(area * ratio), 1.0), draws[..., 3], x.shape[2])
        x = ops.einsum("bnyh,bhwc->bnywc", rows, x)
        return ops.cast(ops.einsum("bnxw,bnywc->bnyxc", columns, x), self.compute_dtype)

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return `(batch, count, height, width, channels)`."""
        return (shape[0], self.count, *shape[1:])

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "count": self.count, "area": list(self.area), "seed": self.seed}


def _sampling(fraction: Any, place: Any, size: int) -> Any:
    """Return the weights of the pixels `(batch, count, size, size)` for a part of an axis.

    Args:
        fraction: of the axis that the part covers, `(batch, count)`.
        place: where it begins, from 0, at the first pixel, to 1, where its end is the last.
        size: pixels of the axis.
    """
    begin = (place * (1.0 - fraction) * size)[..., None]
    centers = begin + (ops.arange(size, dtype="float32") + 0.5) * fraction[..., None]
    pixels = ops.arange(size, dtype="float32") + 0.5
    weights = ops.maximum(1.0 - ops.abs(pixels - centers[..., None]), 0.0)
    return weights / ops.sum(weights, axis=-1, keepdims=True)


@keras.saving.register_keras_serializable("zoo")
class SelfDistillation(keras.layers.Layer):
    """A student, and a teacher that is the moving average of its weights (algorithm 1 of the paper).

    A training step first moves the teacher towards the student, in the first step all the way, so that after every
    step both begin the next one as in the paper. The teacher's outputs are centred by a moving average of their mean
    over the batch, and sharpened by a low temperature; no gradient goes through them. The teacher's norms take the
    statistics of the batch, as the student's do.

    `(batch, height, width, channels)` to float32 `(batch, 1 + crops + 1, prototypes)`: the student's logits of the
    image and of its local crops, and the teacher's probabilities of the image, for the loss
    `zoo.losses.self_distillation.Dino`.

    Args:
        student: a model from images to logits, with a submodel "encoder".
        teacher: another of the same architecture.
        crops: local crops of each image, which the student alone sees.
        momentum: of the teacher's weights.
        center_momentum: of the centre.
        temperature: what the teacher's centred logits are divided by.
    """

    def __init__(
        self,
        student: keras.Model,
        teacher: keras.Model,
        *,
        crops: int,
        momentum: float,
        center_momentum: float,
        temperature: float,
        **kwargs: Any,
    ) -> None:
        super().__init__(**{"dtype": "float32", **kwargs})
        self.student, self.teacher, self.crops = student, teacher, crops
        self.momentum, self.center_momentum, self.temperature = momentum, center_momentum, temperature
        self.local_crops = LocalCrops(crops, name="local_crops") if crops else None
        for variable in teacher.trainable_variables:
            variable.trainable = False  # not of the layers, whose norms would then keep their statistics

    @property
    def encoder(self) -> keras.Model:
        """The teacher's encoder, which is better than the student's (section 5.2)."""
        return self.teacher.get_layer(ENCODER)

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Make centre and counter."""
        units = self.teacher.output_shape[-1]
        self.center = self.add_weight(shape=(units,), initializer="zeros", trainable=False, name="center")
        self.steps = self.add_weight(shape=(), initializer="zeros", trainable=False, name="steps")

    def call(self, images: Any, training: bool = False) -> Any:
        """Return the student's logits and the teacher's probabilities."""
        if training:
            self._follow()
        logits = ops.stop_gradient(ops.cast(self.teacher(images, training=training), "float32"))
        center = ops.convert_to_tensor(self.center)
        probabilities = ops.softmax((logits - center) / self.temperature)
        if training:
            mean = ops.mean(logits, axis=0)
            self.center.assign(self.center_momentum * center + (1.0 - self.center_momentum) * mean)
        given = ops.cast(images, "float32")[:, None]
        if self.local_crops is not None:
            given = ops.concatenate([given, self.local_crops(images, training=training)], axis=1)
        size = ops.shape(given)
        seen = self.student(ops.reshape(given, (-1, *given.shape[2:])), training=training)
        seen = ops.reshape(ops.cast(seen, "float32"), (size[0], 1 + self.crops, seen.shape[-1]))
        return ops.concatenate([seen, probabilities[:, None]], axis=1)

    def _follow(self) -> None:
        """Move the teacher's weights towards the student's."""
        momentum = ops.where(ops.equal(self.steps, 0.0), 0.0, self.momentum)
        for theirs, own in self._pairs():
            theirs.assign(ops.cast(momentum, theirs.dtype) * theirs + ops.cast(1.0 - momentum, own.dtype) * own)
        self.steps.assign(self.steps + 1.0)

    def _pairs(self) -> list[tuple[Any, Any]]:
        """Return the variables of the teacher that follow, each with the student's."""
        every = zip(self.teacher.variables, self.student.variables, strict=True)
        return [(theirs, own) for theirs, own in every if own.trainable]

    def compute_output_spec(self, images: Any, training: bool = False) -> keras.KerasTensor:
        """Return shape and type."""
        return keras.KerasTensor((images.shape[0], self.crops + 2, self.teacher.output_shape[-1]), "float32")

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        models = {name: keras.saving.serialize_keras_object(getattr(self, name)) for name in ("student", "teacher")}
        momenta = {"momentum": self.momentum, "center_momentum": self.center_momentum}
        return {**super().get_config(), **models, **momenta, "crops": self.crops, "temperature": self.temperature}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> SelfDistillation:
        """Rebuild the layer."""
        models = {name: keras.saving.deserialize_keras_object(config[name]) for name in ("student", "teacher")}
        return cls(**{**config, **models})
