"""Layers that take their weights from the training examples, before training begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zoo.layers.adapted import adapted_layers, adapting

if TYPE_CHECKING:
    from zoo.data.dataset import Split
    from zoo.data.preprocessor import Preprocessor
    from zoo.training.views import Views

MAX_EXAMPLES = 2048  # that layers are adapted to


def adapt(views: Views, train: Split, preprocessor: Preprocessor, *, seed: int) -> None:
    """Adapt the network's layers that ask for it to examples of the training split.

    Args:
        views: of the network, whose weights are those that are trained, or are copied to the one that is.
        train: the training split; of a large one, `MAX_EXAMPLES` are drawn.
        preprocessor: of the examples.
        seed: of the draw.
    """
    layers = adapted_layers(views.network)
    if not layers:
        return
    chosen = np.arange(len(train))
    if len(train) > MAX_EXAMPLES:
        chosen = np.sort(np.random.default_rng(seed).choice(len(train), MAX_EXAMPLES, replace=False))
    with adapting(views.network):
        views.evaluated(preprocessor.prepare(train.take(chosen)), training=False)
    if views.learner is not views.network:
        for layer, trained in zip(layers, adapted_layers(views.learner), strict=True):
            trained.set_weights(layer.get_weights())
