"""Diffusion processes and their samplers: from images to noise by a formula, and back by a denoiser, step by step.

At time t an image is `alpha(t) * image + sigma(t) * noise`, from nothing but image at 0 to (next to) nothing but noise
at 1. A denoiser is trained to undo it; a sampler takes steps from 1 to 0, each an affine function of the image so far,
the denoiser's answer and, for "ddpm", fresh noise. Its coefficients are computed once, in float64, by `coefficients`:
NumPy, Keras and the exported graph all take them from there.

Schedules: linear from Ho, Jain and Abbeel, 2020, arXiv:2006.11239, in the continuous form of Song et al., 2020,
arXiv:2011.13456, equation 33; cosine from Nichol and Dhariwal, 2021, arXiv:2102.09672, section 3.2; rectified flow from
Liu, Gong and Liu, 2022, arXiv:2209.03003. Prediction of v: Salimans and Ho, 2022, arXiv:2202.00512. Samplers: "ddpm"
from Ho et al., between any two times as in Kingma et al., 2021, arXiv:2107.00630, appendix A; "ddim" from Song, Meng
and Ermon, 2020, arXiv:2010.02502, with eta = 0; "euler" from Liu et al. Guidance: Ho and Salimans, 2022,
arXiv:2207.12598.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args

import keras
import numpy as np
from keras import ops
from numpy.typing import DTypeLike, NDArray

from zoo.errors import ZooError, listing
from zoo.layers.time_embedding import class_count

Schedule = Literal["linear", "cosine", "rectified_flow"]
Prediction = Literal["noise", "x0", "v", "velocity"]
SamplerName = Literal["ddim", "ddpm", "euler"]
Denoise = Callable[..., NDArray[Any]]

BETAS = (0.1, 20.0)  # 1000 times the first and the last noise variance of Ho et al.
OFFSET = 0.008  # of the cosine schedule
LEAST_ALPHA = 1e-3  # the cosine schedule's share of image at time 1, which would be zero
COLUMNS = ("time", "x0_from_x", "x0_from_prediction", "keep", "add", "stir")


@dataclass(frozen=True)
class Process:
    """How images turn into noise, and what the denoiser is to predict.

    Attributes:
        schedule: "linear" or "cosine", which preserve the variance (`alpha ** 2 + sigma ** 2 == 1`), or
            "rectified_flow", the straight line from image to noise (`alpha + sigma == 1`).
        prediction: the "noise"; the image, "x0"; or "v", which is `alpha * noise - sigma * x0`. With "rectified_flow"
            the "velocity", `noise - x0`.

    Raises:
        ZooError: a name is unknown, or schedule and prediction do not fit.
    """

    schedule: Schedule = "cosine"
    prediction: Prediction = "noise"

    def __post_init__(self) -> None:
        for key, value, known in (
            ("schedule", self.schedule, get_args(Schedule)),
            ("prediction", self.prediction, get_args(Prediction)),
        ):
            if value not in known:
                raise ZooError(f"diffusion: unknown {key} {value!r} (known: {listing(known)})")
        if (self.schedule == "rectified_flow") != (self.prediction == "velocity"):
            raise ZooError(
                f"diffusion: the schedule '{self.schedule}' does not go with the prediction '{self.prediction}': "
                "'rectified_flow' goes with 'velocity', the others with 'noise', 'x0' or 'v'"
            )

    def alpha(self, time: Any) -> Any:
        """Return the share of the image at each time from 0 to 1; NumPy for NumPy and numbers, else a tensor."""
        return self._alpha_sigma(time)[0]

    def sigma(self, time: Any) -> Any:
        """Return the share of the noise at each time from 0 to 1; NumPy for NumPy and numbers, else a tensor."""
        return self._alpha_sigma(time)[1]

    def diffuse(self, x0: Any, noise: Any, time: Any) -> Any:
        """Return the noisy images at each image's time.

        Args:
            x0: images, `(batch, height, width, channels)`.
            noise: of the same shape, standard normal.
            time: `(batch,)` from 0 to 1.

        Returns:
            A tensor of the shape of the images.
        """
        return self._mixed(self._alpha_sigma(time), x0, noise)

    def target(self, x0: Any, noise: Any, time: Any) -> Any:
        """Return what the denoiser is to predict; the arguments are those of `diffuse`."""
        alpha, sigma = self._alpha_sigma(time)
        if self.prediction == "noise":
            return noise
        if self.prediction == "x0":
            return x0
        if self.prediction == "v":
            return self._mixed((-sigma, alpha), x0, noise)
        return noise - x0

    def recover(self, x: Any, prediction: Any, time: Any) -> tuple[Any, Any]:
        """Return the images and the noise that the denoiser's answer stands for.

        Args:
            x: noisy images, `(batch, height, width, channels)`.
            prediction: the denoiser's answer, of the same shape.
            time: `(batch,)`, above 0 where the images are predicted.

        Returns:
            Two tensors of the shape of the images.
        """
        x0, noise = self._weights(time)
        return self._mixed(x0, x, prediction), self._mixed(noise, x, prediction)

    def _alpha_sigma(self, time: Any) -> tuple[Any, Any]:
        library = np if isinstance(time, int | float | np.ndarray | np.generic) else ops
        if self.schedule == "rectified_flow":
            return 1.0 - time, time
        if self.schedule == "linear":
            exponent = time * (BETAS[0] + time * ((BETAS[1] - BETAS[0]) / 2))  # integral of the variances
            return library.exp(exponent * -0.5), library.sqrt(-library.expm1(-exponent))
        # cos(b) ** 2 - cos(a) ** 2 as a product, which does not lose its digits where a is near b
        b = OFFSET / (1 + OFFSET) * (math.pi / 2)
        a = (time + OFFSET) * (math.pi / 2 / (1 + OFFSET))
        variance = library.sin(a - b) * library.sin(a + b) / math.cos(b) ** 2
        return (
            library.maximum(library.cos(a) / math.cos(b), LEAST_ALPHA),
            library.sqrt(library.clip(variance, 0.0, 1 - LEAST_ALPHA**2)),
        )

    def _weights(self, time: Any) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
        """Return the weights of noisy image and prediction in the image, and those in the noise."""
        alpha, sigma = self._alpha_sigma(time)
        zero, one = 0 * sigma, 0 * sigma + 1
        if self.prediction == "noise":
            return (1 / alpha, -sigma / alpha), (zero, one)
        if self.prediction == "x0":
            return (zero, one), (1 / sigma, -alpha / sigma)
        if self.prediction == "v":
            return (alpha, -sigma), (sigma, alpha)
        return (one, -sigma), (one, alpha)

    @staticmethod
    def _mixed(weights: tuple[Any, Any], first: Any, second: Any) -> Any:
        library = np if isinstance(weights[0], np.ndarray | np.generic | float) else ops
        shape = (-1,) + (1,) * (len(first.shape) - 1)
        a, b = (library.reshape(weight, shape) for weight in weights)
        return a * first + b * second


def coefficients(process: Process, steps: int, sampler: SamplerName) -> NDArray[np.float64]:
    """Return what each step of a sampler does, `(steps, 6)`, the columns named in `COLUMNS`.

    The times go evenly from 1 to 0, as float32 can hold them. One step is

        x0 = x0_from_x * x + x0_from_prediction * denoiser(x, time)
        x = keep * x + add * x0 + stir * noise

    where x0 may be clipped to the range of the images in between. "ddim" keeps the direction of the noise; so does
    "euler", whose step along the line from x to x0 is the same formula; "ddpm" draws from the distribution of the less
    noisy image given x and x0 (Ho et al., equation 7). The last step of each ends at x0.

    Args:
        process: how images turn into noise.
        steps: number of steps, at least 1.
        sampler: "ddim" or "ddpm", or "euler" for rectified flow.

    Raises:
        ZooError: the sampler is unknown or does not fit the process, or there is no step.
    """
    if sampler not in get_args(SamplerName):
        raise ZooError(f"diffusion: unknown sampler {sampler!r} (known: {listing(get_args(SamplerName))})")
    if (sampler == "euler") != (process.schedule == "rectified_flow"):
        raise ZooError(
            f"diffusion: the sampler '{sampler}' does not go with the schedule '{process.schedule}': 'euler' goes with "
            "'rectified_flow', 'ddim' and 'ddpm' with the others"
        )
    if steps < 1:
        raise ZooError(f"diffusion: a sampler takes at least one step, received steps={steps}")
    times = np.linspace(1, 0, steps + 1).astype(np.float32).astype(np.float64)
    time, to = times[:-1], times[1:]
    alpha, sigma = process.alpha(time), process.sigma(time)
    next_alpha, next_sigma = process.alpha(to), process.sigma(to)
    stir = np.zeros(steps)
    if sampler == "ddpm":
        kept = alpha / next_alpha  # what a step of the process from `to` to `time` leaves of the image
        added = 1 - (kept * next_sigma / sigma) ** 2  # the share of the variance at `time` that it brings
        keep, add, stir = kept * (next_sigma / sigma) ** 2, next_alpha * added, next_sigma * np.sqrt(added)
    else:
        keep = next_sigma / sigma
        add = next_alpha - alpha * keep
    (from_x, from_prediction), _ = process._weights(time)
    return np.stack([time, from_x, from_prediction, keep, add, stir], axis=1)


def sample_numpy(
    denoise: Denoise,
    noise: NDArray[Any],
    process: Process,
    steps: int,
    sampler: SamplerName,
    *,
    labels: NDArray[Any] | None = None,
    guidance: float | None = None,
    classes: int | None = None,
    step_noise: NDArray[Any] | None = None,
    clip: bool = True,
    dtype: DTypeLike = np.float64,
) -> NDArray[Any]:
    """Make images from noise in NumPy, at any precision.

    Args:
        denoise: the denoiser, from noisy images `(rows, height, width, channels)`, times `(rows,)` and, where there
            are labels, labels `(rows,)` to predictions of the shape of the images.
        noise: what to begin with, `(batch, height, width, channels)`, standard normal.
        process: how images turn into noise.
        steps: number of steps.
        sampler: name of the sampler.
        labels: class of each image, `(batch,)`, for a denoiser that takes it.
        guidance: weight of the class: 0 ignores it, 1 takes the denoiser's answer as it is, more exaggerates (1 + w in
            the paper). None is 1, at half the cost.
        classes: number of classes, which is the label for none; needed for guidance.
        step_noise: fresh noise for each step, `(steps, batch, height, width, channels)`, for "ddpm".
        clip: keep the image that each step aims at within -1 and 1, the range of the training images.
        dtype: type of the arithmetic.

    Returns:
        Images, `(batch, height, width, channels)`.

    Raises:
        ZooError: sampler and process do not fit, or an argument is missing, superfluous or of the wrong shape.
    """
    table = coefficients(process, steps, sampler).astype(dtype)
    x = np.asarray(noise, dtype)
    _check(sampler, labels is not None, labels, guidance, step_noise)
    if guidance is not None and classes is None:
        raise ZooError("diffusion: guidance needs `classes`, the label that stands for no class")
    if step_noise is not None and np.shape(step_noise) != (steps, *x.shape):
        raise ZooError(
            f"diffusion: step_noise must have the shape {(steps, *x.shape)}, received {np.shape(step_noise)}"
        )
    given = [] if labels is None else [np.asarray(labels)]
    if guidance is not None:
        given = [np.concatenate([given[0], np.full_like(given[0], classes)])]
    for i, row in enumerate(table):
        asked = x if guidance is None else np.concatenate([x, x])
        prediction = np.asarray(denoise(asked, np.full(len(asked), row[0], dtype), *given), dtype)
        if guidance is not None:
            with_class, without = np.split(prediction, 2)
            prediction = _guided(with_class, without, np.asarray(guidance, dtype))
        fresh = None if step_noise is None else np.asarray(step_noise[i], dtype)
        x = _advance(x, prediction, row, fresh, np.clip if clip else None)
    return x


@keras.saving.register_keras_serializable("zoo")
class Sampler(keras.layers.Layer):
    """Make images from noise with a Keras denoiser, in one loop on any backend.

    Args:
        denoiser: a model of the inputs `image`, `time` and, where it is conditional, `label` (`zoo.models.diffusion`).
        process: how images turn into noise, as the denoiser was trained for.
        steps: number of steps.
        sampler: "ddim" or "ddpm", or "euler" for rectified flow.
        clip: keep the image that each step aims at within -1 and 1, the range of the training images.

    Raises:
        ZooError: sampler and process do not fit, or there is no step.
    """

    def __init__(
        self,
        denoiser: keras.Model,
        process: Process,
        steps: int,
        sampler: SamplerName,
        *,
        clip: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**{"dtype": keras.config.floatx(), **kwargs})  # the denoiser alone may be of less precision
        self.denoiser, self.process, self.steps, self.sampler, self.clip = denoiser, process, steps, sampler, clip
        self.classes = class_count(denoiser)
        self.table = coefficients(process, steps, sampler)

    def call(self, noise: Any, label: Any = None, guidance: Any = None, step_noise: Any = None) -> Any:
        """Make the images.

        Args:
            noise: what to begin with, `(batch, height, width, channels)`, standard normal.
            label: class of each image, `(batch,)`, for a conditional denoiser.
            guidance: weight of the class, one number: see `sample_numpy`.
            step_noise: fresh noise for each step, `(steps, batch, height, width, channels)`, for "ddpm".

        Returns:
            Images, `(batch, height, width, channels)`.

        Raises:
            ZooError: an argument is missing or superfluous.
        """
        _check(self.sampler, self.classes is not None, label, guidance, step_noise)
        table = ops.convert_to_tensor(self.table, self.compute_dtype)
        copies = 1 if guidance is None else 2
        given = [] if label is None else [ops.cast(label, "int32")]
        if guidance is not None:
            given = [ops.concatenate([given[0], ops.full_like(given[0], self.classes)])]

        def step(i: Any, x: Any) -> Any:
            row = ops.take(table, i, axis=0)
            time = ops.broadcast_to(row[:1], (copies * ops.shape(x)[0],))
            asked = x if guidance is None else ops.concatenate([x, x])
            prediction = ops.cast(self.denoiser([asked, time, *given], training=False), x.dtype)
            if guidance is not None:
                with_class, without = ops.split(prediction, 2)
                prediction = _guided(with_class, without, guidance)
            fresh = None if step_noise is None else ops.take(step_noise, i, axis=0)
            return _advance(x, prediction, row, fresh, ops.clip if self.clip else None)

        return ops.fori_loop(0, self.steps, step, noise)

    def compute_output_shape(self, noise_shape: tuple[int | None, ...], **_: Any) -> tuple[int | None, ...]:
        """Return the shape of the noise."""
        return noise_shape

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the layer."""
        return {
            **super().get_config(),
            "denoiser": keras.saving.serialize_keras_object(self.denoiser),
            "process": dataclasses.asdict(self.process),
            "steps": self.steps,
            "sampler": self.sampler,
            "clip": self.clip,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Sampler:
        """Rebuild the layer."""
        denoiser = keras.saving.deserialize_keras_object(config["denoiser"])
        return cls(**{**config, "denoiser": denoiser, "process": Process(**config["process"])})


def _guided(with_class: Any, without: Any, guidance: Any) -> Any:
    return without + guidance * (with_class - without)


def _advance(x: Any, prediction: Any, row: Any, step_noise: Any, clip: Callable[..., Any] | None) -> Any:
    """Take one step: `row` is one of those that `coefficients` returns."""
    x0 = row[1] * x + row[2] * prediction
    if clip is not None:
        x0 = clip(x0, -1.0, 1.0)
    x = row[3] * x + row[4] * x0
    return x if step_noise is None else x + row[5] * step_noise


def _check(sampler: str, conditional: bool, labels: Any, guidance: Any, step_noise: Any) -> None:
    if conditional != (labels is not None):
        raise ZooError(f"diffusion: the denoiser {'needs labels' if conditional else 'takes no labels'}")
    if guidance is not None and not conditional:
        raise ZooError("diffusion: guidance needs labels, and a denoiser that takes them")
    if (step_noise is None) == (sampler == "ddpm"):
        wanted = "needs step_noise" if sampler == "ddpm" else "draws no noise, and step_noise was given"
        raise ZooError(f"diffusion: the sampler '{sampler}' {wanted}")
