"""Samplers of diffusion models: from noise to images with a denoiser, in NumPy and in Keras.

`coefficients` computes the affine steps once, in float64, for NumPy, Keras and the exported graph.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, Literal, get_args

import keras
import numpy as np
from keras import ops
from numpy.typing import DTypeLike, NDArray

from zoo.errors import ZooError, listing
from zoo.layers.diffusion import Process
from zoo.layers.time_embedding import class_count

SamplerName = Literal["ddim", "ddpm", "euler"]
Denoise = Callable[..., NDArray[Any]]

COLUMNS = ("time", "x0_from_x", "x0_from_prediction", "keep", "add", "stir")


def coefficients(process: Process, steps: int, sampler: SamplerName) -> NDArray[np.float64]:
    """Return the coefficients of each step, `(steps, 6)`; `COLUMNS` names the columns.

    The times are evenly spaced from 1 to 0, rounded to float32. One step is

        x0 = x0_from_x * x + x0_from_prediction * denoiser(x, time)
        x = keep * x + add * x0 + stir * noise

    where x0 may first be clipped to the range of the images. "ddim" (Song, Meng and Ermon, 2020, arXiv:2010.02502, with
    eta = 0) keeps the direction of the noise. So does "euler" (Liu et al., 2022, arXiv:2209.03003), whose step along
    the line from x to x0 is the same formula. "ddpm" draws from the distribution of the less noisy image given x and x0
    (Ho et al., 2020, arXiv:2006.11239, equation 7), between any two times as in Kingma et al., 2021, arXiv:2107.00630,
    appendix A. The last step of each ends at x0.

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
        kept = alpha / next_alpha  # weight of the image after a step of the process from `to` to `time`
        added = 1 - (kept * next_sigma / sigma) ** 2  # fraction of the variance at `time` that this step adds
        keep, add, stir = kept * (next_sigma / sigma) ** 2, next_alpha * added, next_sigma * np.sqrt(added)
    else:
        keep = next_sigma / sigma
        add = next_alpha - alpha * keep
    (from_x, from_prediction), _ = process.weights(time)
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
        noise: starting point, `(batch, height, width, channels)`, standard normal.
        process: how images turn into noise.
        steps: number of steps.
        sampler: name of the sampler.
        labels: class of each image, `(batch,)`, for a denoiser that takes it.
        guidance: weight of the class: 0 ignores it, 1 takes the prediction as it is, more exaggerates it (1 + w of Ho
            and Salimans, 2022, arXiv:2207.12598). None is 1, at half the cost.
        classes: number of classes, which is the label for no class; needed for guidance.
        step_noise: fresh noise for each step, `(steps, batch, height, width, channels)`, for "ddpm".
        clip: clip the x0 of each step to [-1, 1], the range of the training images.
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
        raise ZooError("diffusion: guidance needs `classes`, the label for no class")
    if step_noise is not None and np.shape(step_noise) != (steps, *x.shape):
        raise ZooError(
            f"diffusion: step_noise must have the shape {(steps, *x.shape)}, received {np.shape(step_noise)}"
        )
    conditions = [] if labels is None else [np.asarray(labels)]
    if guidance is not None:
        conditions = [np.concatenate([conditions[0], np.full_like(conditions[0], classes)])]
    for i, row in enumerate(table):
        noisy = x if guidance is None else np.concatenate([x, x])
        prediction = np.asarray(denoise(noisy, np.full(len(noisy), row[0], dtype), *conditions), dtype)
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
        denoiser: model with the inputs `image`, `time` and, if conditional, `label` (`zoo.models.diffusion`).
        process: how images turn into noise, as in the training of the denoiser.
        steps: number of steps.
        sampler: "ddim" or "ddpm", or "euler" for rectified flow.
        clip: clip the x0 of each step to [-1, 1], the range of the training images.

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
        super().__init__(**{"dtype": keras.config.floatx(), **kwargs})  # only the denoiser may have lower precision
        self.denoiser, self.process, self.steps, self.sampler, self.clip = denoiser, process, steps, sampler, clip
        self.classes = class_count(denoiser)
        self.table = coefficients(process, steps, sampler)

    def call(self, noise: Any, label: Any = None, guidance: Any = None, step_noise: Any = None) -> Any:
        """Make the images.

        Args:
            noise: starting point, `(batch, height, width, channels)`, standard normal.
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
        conditions = [] if label is None else [ops.cast(label, "int32")]
        if guidance is not None:
            conditions = [ops.concatenate([conditions[0], ops.full_like(conditions[0], self.classes)])]

        def step(i: Any, x: Any) -> Any:
            row = ops.take(table, i, axis=0)
            time = ops.broadcast_to(row[:1], (copies * ops.shape(x)[0],))
            noisy = x if guidance is None else ops.concatenate([x, x])
            prediction = ops.cast(self.denoiser([noisy, time, *conditions], training=False), x.dtype)
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
        """Return the constructor's arguments."""
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
    """Take one step; `row` is a row of `coefficients`."""
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
        problem = "needs step_noise" if sampler == "ddpm" else "draws no noise, and step_noise was given"
        raise ZooError(f"diffusion: the sampler '{sampler}' {problem}")
