"""Training of two players in one `fit`: a generator and a discriminator.

The generator runs once a step. The discriminator scores its images twice: once with the images held fixed, for its own
loss, and once with its weights held fixed, for the generator's; so the sum of both losses gives each player exactly its
own gradients, and no training loop is needed.

Losses: non-saturating (Goodfellow et al., 2014, arXiv:1406.2661), least squares (Mao et al., 2016, arXiv:1611.04076),
hinge (Lim and Ye, 2017, arXiv:1705.02894), Wasserstein (Arjovsky et al., 2017, arXiv:1701.07875) with the gradient
penalty of Gulrajani et al., 2017, arXiv:1704.00028; R1: Mescheder et al., 2018, arXiv:1801.04406.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from zoo.backend.gradients import input_gradient
from zoo.backend.replicas import own_rows, part_of_batch_mean
from zoo.models.gan import DISCRIMINATOR, GENERATOR
from zoo.optimization.averaged import averaged_step
from zoo.training.penalty import Penalty, plus_penalty

Scores = dict[str, Any]
FIGURES = ("generator_loss", "discriminator_loss", "d_real", "d_fake")  # what is logged of the two players


@keras.saving.register_keras_serializable("zoo")
class Adversarial(keras.Model):
    """What is trained of a GAN: from real images (and classes) to the scores that both losses take.

    Args:
        network: a builder's model, with the layers `generator` and `discriminator`.
        form: see `player_losses`.
        label_smoothing: see `player_losses`.
        gradient_penalty: factor of the penalty of Gulrajani et al.
        r1: factor of the penalty of Mescheder et al.
        seed: seed of the noise, whose state is among `variables`.
    """

    penalty: Penalty | None = None  # on the kernels of both players

    def __init__(
        self,
        network: keras.Model,
        *,
        form: str = "non_saturating",
        label_smoothing: float = 0.0,
        gradient_penalty: float = 0.0,
        r1: float = 0.0,
        seed: int | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**{"dtype": keras.config.floatx(), **options})  # the players alone may be of less precision
        self.network, self.form, self.label_smoothing = network, form, label_smoothing
        self.gradient_penalty, self.r1, self.seed = gradient_penalty, r1, seed
        self.generator, self.discriminator = (network.get_layer(n) for n in (GENERATOR, DISCRIMINATOR))
        self.latent = self.generator.inputs[0].shape[-1]
        self.noise = keras.random.SeedGenerator(seed)
        self.figures = {name: keras.metrics.Mean(name) for name in FIGURES}

    @property
    def players(self) -> tuple[list[Any], list[Any]]:
        """The weights of each player, which has a loss of its own."""
        return self.generator.trainable_variables, self.discriminator.trainable_variables

    def build(self, input_shape: Any) -> None:
        """Make nothing: the players are built."""

    def train_step(self, *given: Any) -> Any:
        """Train on a batch, and move the average."""
        return averaged_step(self, super().train_step(*given))

    def call(self, inputs: Any, training: bool = False) -> Scores:
        """Map images in [-1, 1], `(batch, height, width, channels)`, or `[images, classes]`, to scores `(batch, 1)`.

        Returns:
            `real`; `fake`, with the images held fixed; `fake_for_generator`, with the discriminator held fixed; and
            the `penalty` of the gradient, a number.
        """
        real, *label = inputs if isinstance(inputs, list | tuple) else [inputs]
        noise = own_rows(lambda n: keras.random.normal((n, self.latent), seed=self.noise), ops.shape(real)[0])
        fake = self.generator([noise, *label] if label else noise, training=training)
        fixed = ops.stop_gradient(fake)
        scores = {
            "real": self._score(real, label, training),
            "fake": self._score(fixed, label, training),
            "fake_for_generator": self._score_with_fixed_weights(fake, label, training),
        }
        penalized = training and (self.gradient_penalty or self.r1)
        scores["penalty"] = self._penalty(real, fixed, label) if penalized else ops.zeros(())
        return scores

    def _score(self, image: Any, label: list[Any], training: bool) -> Any:
        return ops.cast(self.discriminator([image, *label] if label else image, training=training), self.compute_dtype)

    def _score_with_fixed_weights(self, image: Any, label: list[Any], training: bool) -> Any:
        fixed = [ops.stop_gradient(v.value) for v in self.discriminator.trainable_variables]
        others = [v.value for v in self.discriminator.non_trainable_variables]
        inputs = [image, *label] if label else image
        score = self.discriminator.stateless_call(fixed, others, inputs, training=training)[0]
        return ops.cast(score, self.compute_dtype)

    def _penalty(self, real: Any, fake: Any, label: list[Any]) -> Any:
        """Return R1, half the squared norm of the gradient at real images, or how far it is from one in between."""
        if self.r1:
            gradient = input_gradient(lambda x: self._score(x, label, False), real)
            return 0.5 * self.r1 * ops.mean(ops.sum(ops.square(gradient), axis=(1, 2, 3)))
        part = own_rows(lambda n: keras.random.uniform((n, 1, 1, 1), seed=self.noise), ops.shape(real)[0])
        gradient = input_gradient(lambda x: self._score(x, label, False), part * real + (1 - part) * fake)
        norm = ops.sqrt(ops.sum(ops.square(gradient), axis=(1, 2, 3)) + 1e-12)
        return self.gradient_penalty * ops.mean(ops.square(norm - 1))

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """Return the sum of both players' losses, in training with the penalty."""
        discriminator, generator = player_losses(
            self.form, y_pred["real"], y_pred["fake"], y_pred["fake_for_generator"], self.label_smoothing
        )
        discriminator = discriminator + y_pred["penalty"]
        self.figures["generator_loss"].update_state(generator)
        self.figures["discriminator_loss"].update_state(discriminator)
        self.figures["d_real"].update_state(y_pred["real"])
        self.figures["d_fake"].update_state(y_pred["fake"])
        return plus_penalty(part_of_batch_mean(discriminator + generator), self, training)

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the model."""
        settings = {n: getattr(self, n) for n in ("form", "label_smoothing", "gradient_penalty", "r1", "seed")}
        return {"name": self.name, "network": keras.saving.serialize_keras_object(self.network), **settings}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Adversarial:
        """Rebuild the model."""
        network = keras.saving.deserialize_keras_object(config["network"], custom_objects=custom_objects)
        return cls(**{**config, "network": network})


def player_losses(form: str, real: Any, fake: Any, fake_for_generator: Any, smoothing: float = 0.0) -> tuple[Any, Any]:
    """Return the losses of discriminator and generator.

    Args:
        form: "non_saturating", "least_squares", "hinge" or "wasserstein".
        real: scores of real images, `(batch, 1)`.
        fake: scores of generated images.
        fake_for_generator: the same, as the generator's loss takes them.
        smoothing: how far the discriminator's target for real images is below one (Salimans et al., 2016,
            arXiv:1606.03498); for "non_saturating" and "least_squares".
    """
    if form == "non_saturating":
        target = 1.0 - smoothing
        on_real = ops.mean(ops.softplus(real) - target * real)
        return on_real + ops.mean(ops.softplus(fake)), ops.mean(ops.softplus(-fake_for_generator))
    if form == "least_squares":
        discriminator = ops.mean(ops.square(real - (1.0 - smoothing))) + ops.mean(ops.square(fake))
        return 0.5 * discriminator, 0.5 * ops.mean(ops.square(fake_for_generator - 1.0))
    if form == "hinge":
        return ops.mean(ops.relu(1.0 - real)) + ops.mean(ops.relu(1.0 + fake)), -ops.mean(fake_for_generator)
    return ops.mean(fake) - ops.mean(real), -ops.mean(fake_for_generator)
