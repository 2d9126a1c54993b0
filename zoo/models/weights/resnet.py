"""Weights of the residual networks."""

from __future__ import annotations

from zoo.models.weights.naming import Naming, of_timm

BUILDERS = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "resnext50")

NAMINGS = (
    Naming(
        origin="torchvision, timm",
        has="layer1.0.conv1.weight",
        first="stem_conv",
        layers={
            r"stem_conv": "conv1",
            r"stem_norm": "bn1",
            r"stage(\d+)_block(\d+)_shortcut_conv": "layer{0}.{1:-1}.downsample.0",
            r"stage(\d+)_block(\d+)_shortcut_norm": "layer{0}.{1:-1}.downsample.1",
            r"stage(\d+)_block(\d+)_(\d+)_conv": "layer{0}.{1:-1}.conv{2}",
            r"stage(\d+)_block(\d+)_(\d+)_norm": "layer{0}.{1:-1}.bn{2}",
            r"logits": "fc",
        },
        left_out={r".*num_batches_tracked": "a counter of training"},
    ),
)

PUBLISHED = {
    "resnet18": (of_timm("resnet18.a1_in1k", licence="Apache-2.0", megabytes=46.8, crop=0.95),),
    "resnet50": (of_timm("resnet50.a1_in1k", licence="Apache-2.0", megabytes=102.2, crop=0.95),),
    "resnext50": (of_timm("resnext50_32x4d.a1_in1k", licence="Apache-2.0", megabytes=100.1, crop=0.95),),
}
