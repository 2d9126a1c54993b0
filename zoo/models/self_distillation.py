"""Networks that learn representations from what a moving average of themselves says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from zoo.layers.head import FEATURES
from zoo.layers.self_distillation import Prototypes, SelfDistillation
from zoo.layers.types import Count, Counts, ProperFraction, WholeNumber
from zoo.layers.unit_length import UnitLength
from zoo.models.representation import encoder_for
from zoo.registry import register


@register(
    tasks=("representation_learning",), input_shape=(32, 32, 3), family="representation", paper="arXiv:2104.14294"
)
def dino(
    *,
    input_shape: Sequence[int],
    encoder: str = "resnet20",
    encoder_config: dict[str, Any] | None = None,
    projection: Counts = (512, 512, 128),
    prototypes: Count = 1024,
    crops: WholeNumber = 2,
    momentum: ProperFraction = 0.99,
    center_momentum: ProperFraction = 0.9,
    teacher_temperature: ProperFraction = 0.04,
) -> keras.Model:
    """DINO: a student predicts what its teacher, the moving average of its weights, says of another view.

    It takes two augmented views of each image and the loss `dino`; the local crops of the paper are cut out of the
    views, and resized to their size, so that any encoder takes them. What is evaluated and saved is the teacher's
    encoder. The teacher's momentum and temperature are constant.

    Args:
        input_shape: `(height, width, channels)`.
        encoder: name of a builder for image classification.
        encoder_config: settings of that builder.
        projection: units of the projection head's layers, with GELU between them; it is not part of the features.
        prototypes: length of the output, whose softmax student and teacher compare.
        crops: local crops of each view, of 0.05 to 0.4 of its area, which the student alone sees.
        momentum: of the teacher's weights: after each step they keep so much of themselves.
        center_momentum: of the mean of the teacher's outputs, which is subtracted from them.
        teacher_temperature: what the teacher's outputs are divided by; below the loss's, which is the student's.

    Returns:
        A model from `(batch, height, width, channels)` to `(batch, 1 + crops + 1, prototypes)`: the student's logits of
        the image and of its crops, and the teacher's probabilities.

    Raises:
        ValueError: there is no such builder for images, or a setting is out of range.
        ZooError: the encoder cannot be built with its settings.
    """

    def network(name: str) -> keras.Model:
        inputs = keras.Input(tuple(input_shape))
        x = encoder_for(input_shape, encoder, encoder_config)(inputs)
        x = keras.layers.Identity(name=FEATURES)(x)
        for i, units in enumerate(projection, start=1):
            if i > 1:
                x = keras.layers.Activation("gelu", name=f"projection{i - 1}_gelu")(x)
            x = keras.layers.Dense(units, name=f"projection{i}_dense")(x)
        return keras.Model(inputs, Prototypes(prototypes, name="prototypes")(UnitLength(name="unit")(x)), name=name)

    inputs = keras.Input(tuple(input_shape))
    distilled = SelfDistillation(
        network("student"),
        network("teacher"),
        crops=crops,
        momentum=momentum,
        center_momentum=center_momentum,
        temperature=teacher_temperature,
        name="self_distillation",
    )
    return keras.Model(inputs, distilled(inputs), name="dino")
