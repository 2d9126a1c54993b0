"""Training a denoiser: `model.fit` on images gives it noisy ones and compares its answers with what it should predict.

The loss is that of Ho, Jain and Abbeel, 2020, arXiv:2006.11239, equation 14, and of Liu, Gong and Liu, 2022,
arXiv:2209.03003, equation 1. Leaving out classes at random: Ho and Salimans, 2022, arXiv:2207.12598, algorithm 1.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import keras
from keras import ops

from zoo.backend.replicas import own_rows
from zoo.errors import ZooError
from zoo.layers.diffusion import Process
from zoo.layers.time_embedding import class_count
from zoo.optimization.averaged import averaged_step
from zoo.training.penalty import Penalty, plus_penalty


@keras.saving.register_keras_serializable("zoo")
class DiffusionTraining(keras.Model):
    """A denoiser within what it is trained by.

    Input: images `(batch, height, width, channels)` from -1 to 1 or, for a conditional denoiser, the list of images and
    labels `(batch,)`. There is no target. The loss given to `compile`, the mean squared error where there is none,
    compares the denoiser's answers with `Process.target`, every time weighted alike.

    Times and noise are drawn in evaluation too, where they make the loss of a batch a sample; classes are left out in
    training only. The times of a batch are evenly spread and begin at random (Kingma et al., 2021, arXiv:2107.00630,
    appendix I.1): each is uniform from 0 to 1, and their loss varies less than that of independent ones.

    Args:
        denoiser: a model of the inputs `image`, `time` and, where it is conditional, `label` (`zoo.models.diffusion`).
        process: how images turn into noise, and what is predicted.
        drop_label: fraction of the labels that training replaces by "no class", so that the denoiser also learns to do
            without.
        seed: seed of the draws. Their state is among `variables`.

    Raises:
        ZooError: `drop_label` is not from 0 to 1.
    """

    penalty: Penalty | None = None

    def __init__(
        self,
        denoiser: keras.Model,
        process: Process,
        *,
        drop_label: float = 0.1,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        if not 0 <= drop_label <= 1:
            raise ZooError(f"diffusion: drop_label must be from 0 to 1, received {drop_label}")
        super().__init__(**{"dtype": keras.config.floatx(), **kwargs})  # the denoiser alone may be of less precision
        self.denoiser, self.process, self.drop_label, self.seed = denoiser, process, drop_label, seed
        self.classes = class_count(denoiser)
        self.generator = keras.random.SeedGenerator(seed)

    def compile(self, optimizer: Any = "rmsprop", loss: Any = None, **kwargs: Any) -> None:
        """Configure training; without a loss it is the mean squared error."""
        super().compile(optimizer, loss or keras.losses.MeanSquaredError(), **kwargs)

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Configure training as a saved model was."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    def build(self, input_shape: Any) -> None:
        """Make nothing: the denoiser is built."""

    def train_step(self, *given: Any) -> Any:
        """Train on a batch, and move the average."""
        return averaged_step(self, super().train_step(*given))

    def call(self, inputs: Any, training: bool = False) -> dict[str, Any]:
        """Make the images noisy and ask the denoiser.

        Args:
            inputs: images, or images and labels.
            training: whether labels are left out, and the denoiser's dropout works.

        Returns:
            `prediction` and `target`, both of the shape of the images.

        Raises:
            ZooError: there are labels and the denoiser takes none, or the other way round.
        """
        images, *labels = inputs if isinstance(inputs, list | tuple) else [inputs]
        if len(labels) != (self.classes is not None):
            wanted = "images" if self.classes is None else "images and labels"
            raise ZooError(f"model '{self.denoiser.name}' is trained on {wanted}, received {1 + len(labels)} inputs")
        time, noise = self.draw(images)
        if labels and training:
            labels = [self._drop(labels[0])]
        noisy = self.process.diffuse(images, noise, time)
        prediction = self.denoiser([noisy, time, *labels], training=training)
        return {"prediction": prediction, "target": self.process.target(images, noise, time)}

    def draw(self, images: Any) -> tuple[Any, Any]:
        """Return a time for each image, `(batch,)`, and noise of the shape of the images."""
        (batch, *shape), dtype = ops.shape(images), self.compute_dtype
        begin = keras.random.uniform((), dtype=dtype, seed=self.generator)
        steps = own_rows(lambda n: ops.cast(ops.arange(n), dtype) / ops.cast(n, dtype), batch)
        noise = own_rows(lambda n: keras.random.normal((n, *shape), dtype=dtype, seed=self.generator), batch)
        return ops.mod(begin + steps, 1.0), noise

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """Return the loss between what `call` returned as prediction and as target, in training with the penalty."""
        loss = super().compute_loss(x, y_pred["target"], y_pred["prediction"], sample_weight, training)
        return plus_penalty(loss, self, training)

    def _drop(self, label: Any) -> Any:
        draws = own_rows(lambda n: keras.random.uniform((n,), seed=self.generator), ops.shape(label)[0])
        dropped = draws < self.drop_label
        return ops.where(dropped, ops.cast(self.classes, label.dtype), label)

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the model."""
        return {
            "name": self.name,
            "denoiser": keras.saving.serialize_keras_object(self.denoiser),
            "process": dataclasses.asdict(self.process),
            "drop_label": self.drop_label,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> DiffusionTraining:
        """Rebuild the model."""
        denoiser = keras.saving.deserialize_keras_object(config["denoiser"], custom_objects=custom_objects)
        return cls(**{**config, "denoiser": denoiser, "process": Process(**config["process"])})
