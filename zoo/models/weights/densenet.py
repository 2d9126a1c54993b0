"""Weights of DenseNet with bottlenecks and compression."""

from __future__ import annotations

from zoo.models.weights.naming import Naming, Published

BUILDERS = ("densenet_bc",)

NAMINGS = (
    Naming(
        origin="torchvision",
        has="features.denseblock1.denselayer1.norm1.weight",
        first="stem_conv",
        layers={
            r"stem_conv": "features.conv0",
            r"stem_norm": "features.norm0",
            r"block(\d+)_(\d+)_in_norm": "features.denseblock{0}.denselayer{1}.norm1",
            r"block(\d+)_(\d+)_narrow_conv": "features.denseblock{0}.denselayer{1}.conv1",
            r"block(\d+)_(\d+)_middle_norm": "features.denseblock{0}.denselayer{1}.norm2",
            r"block(\d+)_(\d+)_grow_conv": "features.denseblock{0}.denselayer{1}.conv2",
            r"transition(\d+)_norm": "features.transition{0:-1}.norm",
            r"transition(\d+)_conv": "features.transition{0:-1}.conv",
            r"last_norm": "features.norm5",
            r"logits": "classifier",
        },
        left_out={r".*num_batches_tracked": "a counter of training"},
    ),
)

PUBLISHED: dict[str, tuple[Published, ...]] = {}
