"""Layers that take their weights from the training examples, before training begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zoo.data.preprocessor import chunks
from zoo.layers.adapted import adapted_layers, adapting

if TYPE_CHECKING:
    from zoo.data.dataset import Split
    from zoo.data.preprocessor import Preprocessor
    from zoo.training.views import Views


def adapt(views: Views, train: Split, preprocessor: Preprocessor, *, seed: int) -> None:
    """Adapt the network's layers that ask for it to examples of the training split.

    Args:
        views: of the network, whose weights are those that are trained, or are copied to the one that is.
        train: the training split; of a large one, as many are drawn as the layers take.
        preprocessor: of the examples.
        seed: of the draw.
    """
    layers = adapted_layers(views.network)
    if not layers:
        return
    limits = {layer.max_examples for layer in layers}
    assert len(limits) == 1, "a network adapts its layers to the same examples"
    (limit,) = limits
    if limit is None:
        parts = chunks(train, preprocessor)
    else:
        chosen = np.arange(len(train))
        if len(train) > limit:
            chosen = np.sort(np.random.default_rng(seed).choice(len(train), limit, replace=False))
        parts = iter([preprocessor.prepare(train.take(chosen))])
    with adapting(views.network):
        for part in parts:
            views.evaluated(part, training=False)
    if views.learner is not views.network:
        for layer, trained in zip(layers, adapted_layers(views.learner), strict=True):
            trained.set_weights(layer.get_weights())
