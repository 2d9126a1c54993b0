"""The classes that this package registers with Keras, so that a saved model that holds them can be loaded."""

from __future__ import annotations

import importlib

# Modules with registered classes, by room.
MODULES = (
    "layers.adaptive_pool",
    "layers.attention",
    "layers.attention_recurrent",
    "layers.code",
    "layers.covariates",
    "layers.detection",
    "layers.diffusion_sampler",
    "layers.encoder",
    "layers.graph",
    "layers.layer_scale",
    "layers.letterbox",
    "layers.masking",
    "layers.members",
    "layers.minirocket",
    "layers.neural_tangent",
    "layers.ngrams",
    "layers.numeric_embedding",
    "layers.padding",
    "layers.patches",
    "layers.positions",
    "layers.preprocessing",
    "layers.recurrent",
    "layers.relative_positions",
    "layers.response_norm",
    "layers.robust_scale",
    "layers.self_distillation",
    "layers.series",
    "layers.spectral",
    "layers.spectrogram",
    "layers.stochastic_depth",
    "layers.table",
    "layers.temperature",
    "layers.tied_embedding",
    "layers.time_embedding",
    "layers.transformer",
    "layers.unit_length",
    "layers.unlikely_tokens",
    "layers.windows",
    "losses.classes",
    "losses.contrastive",
    "losses.detection",
    "losses.numbers",
    "losses.pixels",
    "losses.segmentation",
    "losses.self_distillation",
    "losses.sequences",
    "optimization.averaged",
    "optimization.grouped",
    "optimization.schedules",
    "optimization.watched",
    "training.generative.diffusion",
    "training.generative.gan",
    "training.members",
    "training.penalty",
    "training.teacher",
)


def register_classes() -> None:
    """Import the modules, each of which registers its classes."""
    for module in MODULES:
        importlib.import_module(f"zoo.{module}")
