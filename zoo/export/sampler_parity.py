"""How far an exported diffusion sampler is from the same sampler in float64."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zoo.layers.diffusion_sampler import Sampler, SamplerName, sample_numpy
from zoo.layers.time_embedding import class_count
from zoo.utils.onnx_session import open_session

if TYPE_CHECKING:
    import keras
    import onnx

    from zoo.layers.diffusion import Process


@dataclass(frozen=True)
class SamplerParity:
    """How far two samplers in float32 are from the same sampler in float64, on the same noise.

    Attributes:
        exported: root mean square of the exported graph's differences from the reference.
        keras: that of the Keras sampler's differences from the reference.
        max_abs_difference: largest difference of the exported graph from the reference.
        samples: number of images compared.
        mean_abs_difference: mean difference of the exported graph from the reference.
    """

    exported: float
    keras: float
    max_abs_difference: float
    samples: int
    mean_abs_difference: float = 0.0


def measure_sampler(
    proto: onnx.ModelProto,
    denoiser: keras.Model,
    process: Process,
    steps: int,
    sampler: SamplerName,
    *,
    clip: bool = True,
    samples: int = 16,
    guidance: float = 2.0,
    seed: int = 0,
) -> SamplerParity:
    """Compare an exported sampler, and the Keras sampler, with a reference in float64.

    Rounding grows with the steps, in whatever float32 runtime: so the distance of the one is the measure for the other.

    Args:
        proto: what `sampler_proto` returned for the other arguments.
        denoiser: the denoiser.
        process: how images turn into noise.
        steps: number of steps.
        sampler: name of the sampler.
        clip: whether the image that each step aims at is kept within -1 and 1.
        samples: number of images to make, of all classes in turn.
        guidance: weight of the class, where there are classes.
        seed: seed of the noise.
    """
    import tensorflow as tf

    generator, classes = np.random.default_rng(seed), class_count(denoiser)
    shape = (samples, *denoiser.inputs[0].shape[1:])
    given: dict[str, NDArray[Any]] = {"noise": generator.standard_normal(shape, np.float32)}
    if classes is not None:
        given["label"] = np.arange(samples, dtype=np.int32) % classes
        given["guidance"] = np.array([guidance], np.float32)
    if sampler == "ddpm":
        given["step_noise"] = generator.standard_normal((steps, *shape), np.float32)
    session = open_session(proto.SerializeToString())
    (exported,) = session.run(["sample"], given)
    run = tf.function(Sampler(denoiser, process, steps, sampler, clip=clip), autograph=False)
    ours = run(**{name: tf.constant(value) for name, value in given.items()}).numpy()
    exact = in_float64(denoiser)
    reference = sample_numpy(
        lambda *inputs: exact.predict_on_batch(list(inputs)),
        given["noise"],
        process,
        steps,
        sampler,
        labels=given.get("label"),
        guidance=None if classes is None else guidance,
        classes=classes,
        step_noise=given.get("step_noise"),
        clip=clip,
    )
    difference = exported - reference
    largest, mean = float(np.abs(difference).max()), float(np.abs(difference).mean())
    return SamplerParity(_rms(difference), _rms(ours - reference), largest, samples, mean)


def _rms(values: NDArray[Any]) -> float:
    return float(np.sqrt(np.mean(values**2)))


def in_float64(model: keras.Model) -> keras.Model:
    """Return a copy of a functional float32 model with the same weights that computes in float64."""
    copy = type(model).from_config(_float64(model.get_config()))
    copy.set_weights(model.get_weights())
    return copy


def _float64(config: Any) -> Any:
    """Replace the type in a configuration, at any depth."""
    if isinstance(config, dict):
        return {key: _float64(value) for key, value in config.items()}
    if isinstance(config, list | tuple):
        return type(config)(_float64(value) for value in config)
    return "float64" if isinstance(config, str) and config == "float32" else config
