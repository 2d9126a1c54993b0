"""Codes of autoencoders, and functions that split an autoencoder into encoder and decoder."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from zoo.errors import ZooError
from zoo.layers.head import FEATURES, features

CODE = "code"


def encoder(model: keras.Model) -> keras.Model:
    """Return the half from the input to the features, `(batch, channels)`; the weights are shared."""
    return features(model)


def decoder(model: keras.Model) -> keras.Model:
    """Return the half from the code to the output; the weights are shared.

    Raises:
        ZooError: the model has no layer `code`.
    """
    if all(layer.name != CODE for layer in model.layers):
        raise ZooError(f"model '{model.name}' has no layer '{CODE}', so it has no decoder")
    code = model.get_layer(CODE).output
    inputs = keras.Input(code.shape[1:], name=CODE)
    return keras.Model(inputs, keras.Model(code, model.output)(inputs), name=f"{model.name}_decoder")


def with_embedding(model: keras.Model) -> keras.Model:
    """Return the model that gives features and output; the weights are shared."""
    return keras.Model(model.input, [features(model).output, model.output], name=model.name)


@keras.saving.register_keras_serializable("zoo")
class SquaredError(keras.layers.Layer):
    """Mean squared difference of each image or vector from another, or of the last steps of sequences.

    Args:
        last_step: compare sequences `(batch, steps, channels)` by their last step.
    """

    def __init__(self, last_step: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.last_step = last_step

    def call(self, image: Any, other: Any) -> Any:
        """Map `(batch, height, width, channels)` or `(batch, features)` twice to `(batch,)`."""
        if self.last_step:
            image, other = image[:, -1], other[:, -1]
        return ops.mean(ops.square(image - other), axis=tuple(range(1, len(image.shape))))

    def compute_output_shape(self, image_shape: Any, other_shape: Any) -> Any:
        """Return `(batch,)`."""
        return image_shape[:1]

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "last_step": self.last_step}


def plain_code(x: keras.KerasTensor) -> keras.KerasTensor:
    """Mark `(batch, channels)` as both the features and the code."""
    return keras.layers.Identity(name=CODE)(keras.layers.Identity(name=FEATURES)(x))


@keras.saving.register_keras_serializable("zoo")
class GaussianCode(keras.layers.Layer):
    """Reparameterized sample of N(mean, exp(log variance)) while training, the mean otherwise.

    Kingma and Welling, 2013, arXiv:1312.6114; β: Higgins et al., 2017.

    Adds `weight` times the Kullback-Leibler divergence from the standard normal, in nats, to the loss, in training and
    in validation.

    Args:
        weight: weight of the divergence. With a reconstruction loss that is a mean over D values, β / D gives the
            bound of β-VAE divided by D.
    """

    def __init__(self, weight: float = 1.0, **options: Any) -> None:
        super().__init__(**options)
        self.weight = weight
        self.seed = keras.random.SeedGenerator()

    def call(self, mean: Any, log_variance: Any, training: bool = False) -> Any:
        """Map `(batch, channels)` twice to `(batch, channels)`."""
        mu, log = ops.cast(mean, "float32"), ops.cast(log_variance, "float32")  # under mixed precision too
        divergence = 0.5 * ops.sum(ops.exp(log) + ops.square(mu) - 1.0 - log, axis=-1)
        self.add_loss(self.weight * ops.mean(divergence))
        if not training:
            return mean
        noise = keras.random.normal(ops.shape(mean), dtype=mean.dtype, seed=self.seed)
        return mean + ops.exp(0.5 * log_variance) * noise

    def compute_output_shape(self, mean_shape: Any, log_variance_shape: Any) -> Any:
        """Return the shape of the mean."""
        return mean_shape

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "weight": self.weight}


@keras.saving.register_keras_serializable("zoo")
class VectorQuantizer(keras.layers.Layer):
    """Replace each vector by the nearest of a learned codebook; the gradient is passed straight through.

    Van den Oord, Vinyals and Kavukcuoglu, 2017, arXiv:1711.00937.

    Adds the codebook loss and the commitment loss, both means over all values of the code, to the loss.

    Args:
        size: vectors in the codebook.
        commitment: weight of the commitment loss.
        weight: weight of both losses.
    """

    def __init__(self, size: int, commitment: float = 0.25, weight: float = 1.0, **options: Any) -> None:
        super().__init__(**options)
        self.size, self.commitment, self.weight = size, commitment, weight

    def build(self, shape: Any) -> None:
        """Make the codebook `(size, channels)`."""
        self.codebook = self.add_weight(
            (self.size, shape[-1]), keras.initializers.RandomUniform(-1 / self.size, 1 / self.size), name="codebook"
        )

    def indices(self, x: Any) -> Any:
        """Return the index of the nearest codebook vector for each vector `(..., channels)`: int32 `(...)`."""
        nearness = 2.0 * ops.matmul(x, ops.transpose(self.codebook)) - ops.sum(ops.square(self.codebook), axis=1)
        return ops.top_k(nearness, 1)[1][..., 0]  # argmax and argmin of floats have no ONNX form

    def call(self, x: Any) -> Any:
        """Map `(batch, ..., channels)` to vectors of the codebook, of the same shape."""
        nearest = ops.take(self.codebook, self.indices(x), axis=0)
        codebook = _squared(ops.stop_gradient(x) - nearest)
        commitment = _squared(x - ops.stop_gradient(nearest))
        self.add_loss(self.weight * (codebook + self.commitment * commitment))
        return x + ops.stop_gradient(nearest - x)

    def compute_output_shape(self, shape: Any) -> Any:
        """Return the input's shape."""
        return shape

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        settings = {"size": self.size, "commitment": self.commitment, "weight": self.weight}
        return {**super().get_config(), **settings}


def _squared(difference: Any) -> Any:
    """Return the mean square, also under mixed precision in float32."""
    return ops.mean(ops.square(ops.cast(difference, "float32")))


@keras.saving.register_keras_serializable("zoo")
class Masking(keras.layers.Layer):
    """Set each value to zero with probability `rate` while training, without scaling the others.

    Masking noise of Vincent et al., 2008, doi:10.1145/1390156.1390294.
    """

    def __init__(self, rate: float, **options: Any) -> None:
        super().__init__(**options)
        self.rate = rate
        self.seed = keras.random.SeedGenerator()

    def call(self, x: Any, training: bool = False) -> Any:
        """Map `(batch, ...)` to the same shape."""
        if not training or not self.rate:
            return x
        kept = keras.random.uniform(ops.shape(x), seed=self.seed) >= self.rate
        return x * ops.cast(kept, x.dtype)

    def compute_output_shape(self, shape: Any) -> Any:
        """Return the input's shape."""
        return shape

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "rate": self.rate}
