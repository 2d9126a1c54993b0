"""Training of networks that hold several members."""

from __future__ import annotations

import keras

from zoo.layers.members import TrainsMembers
from zoo.training.penalty import Penalized


@keras.saving.register_keras_serializable("zoo")
class TrainedMembers(TrainsMembers, Penalized):
    """A penalized model whose network holds several members."""
