"""Diffusion processes: from images to noise by a formula. `zoo.layers.diffusion_sampler` goes the way back.

At time t an image is `alpha(t) * image + sigma(t) * noise`: only image at time 0, (almost) only noise at time 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from keras import ops

from zoo.errors import ZooError, listing

Schedule = Literal["linear", "cosine", "rectified_flow"]
Prediction = Literal["noise", "x0", "v", "velocity"]

BETA_FIRST, BETA_LAST = 0.1, 20.0  # 1000 times the first and the last noise variance of Ho et al.
COSINE_OFFSET = 0.008  # s of Nichol and Dhariwal
MIN_COSINE_ALPHA = 1e-3  # weight of the image at time 1, which would be zero: predictions are divided by it


@dataclass(frozen=True)
class Process:
    """How images turn into noise, and what the denoiser predicts.

    Schedules: linear from Ho, Jain and Abbeel, 2020, arXiv:2006.11239, in the continuous form of Song et al., 2020,
    arXiv:2011.13456, equation 33; cosine from Nichol and Dhariwal, 2021, arXiv:2102.09672, section 3.2; rectified flow
    from Liu, Gong and Liu, 2022, arXiv:2209.03003. Prediction of v: Salimans and Ho, 2022, arXiv:2202.00512.

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
        """Return the weight of the image at each time from 0 to 1; NumPy for NumPy and numbers, else a tensor."""
        return self._alpha_sigma(time)[0]

    def sigma(self, time: Any) -> Any:
        """Return the weight of the noise at each time from 0 to 1; NumPy for NumPy and numbers, else a tensor."""
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
        """Return the denoiser's target; the arguments are those of `diffuse`."""
        alpha, sigma = self._alpha_sigma(time)
        if self.prediction == "noise":
            return noise
        if self.prediction == "x0":
            return x0
        if self.prediction == "v":
            return self._mixed((-sigma, alpha), x0, noise)
        return noise - x0

    def recover(self, x: Any, prediction: Any, time: Any) -> tuple[Any, Any]:
        """Return the images and the noise that follow from a prediction.

        Args:
            x: noisy images, `(batch, height, width, channels)`.
            prediction: output of the denoiser, of the same shape.
            time: `(batch,)`, above 0 where the images are predicted.

        Returns:
            Two tensors of the shape of the images.
        """
        x0, noise = self.weights(time)
        return self._mixed(x0, x, prediction), self._mixed(noise, x, prediction)

    def _alpha_sigma(self, time: Any) -> tuple[Any, Any]:
        library = np if isinstance(time, int | float | np.ndarray | np.generic) else ops
        if self.schedule == "rectified_flow":
            return 1.0 - time, time
        if self.schedule == "linear":
            exponent = time * (BETA_FIRST + time * ((BETA_LAST - BETA_FIRST) / 2))  # integral of the variances
            return library.exp(exponent * -0.5), library.sqrt(-library.expm1(-exponent))
        # cos(b) ** 2 - cos(a) ** 2 as a product, which keeps its digits where a is near b
        b = COSINE_OFFSET / (1 + COSINE_OFFSET) * (math.pi / 2)
        a = (time + COSINE_OFFSET) * (math.pi / 2 / (1 + COSINE_OFFSET))
        variance = library.sin(a - b) * library.sin(a + b) / math.cos(b) ** 2
        return (
            library.maximum(library.cos(a) / math.cos(b), MIN_COSINE_ALPHA),
            library.sqrt(library.clip(variance, 0.0, 1 - MIN_COSINE_ALPHA**2)),
        )

    def weights(self, time: Any) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
        """Return the weights of (noisy image, prediction) in the image, and in the noise, at each time."""
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
