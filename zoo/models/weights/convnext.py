"""Weights of ConvNeXt."""

from __future__ import annotations

from zoo.models.weights.naming import Naming, of_timm

BUILDERS = ("convnext_tiny", "convnext_small", "convnext_v2_tiny")

NAMINGS = (
    Naming(
        origin="timm",
        has="stages.0.blocks.0.conv_dw.weight",
        first="stem_conv",
        layers={
            r"stem_conv": "stem.0",
            r"stem_norm": "stem.1",
            r"stage(\d+)_norm": "stages.{0:-1}.downsample.0",
            r"stage(\d+)_conv": "stages.{0:-1}.downsample.1",
            r"stage(\d+)_block(\d+)_depthwise_conv": "stages.{0:-1}.blocks.{1:-1}.conv_dw",
            r"stage(\d+)_block(\d+)_norm": "stages.{0:-1}.blocks.{1:-1}.norm",
            r"stage(\d+)_block(\d+)_widen": "stages.{0:-1}.blocks.{1:-1}.mlp.fc1",
            r"stage(\d+)_block(\d+)_response_norm": "stages.{0:-1}.blocks.{1:-1}.mlp.grn",
            r"stage(\d+)_block(\d+)_narrow": "stages.{0:-1}.blocks.{1:-1}.mlp.fc2",
            r"stage(\d+)_block(\d+)_scale": "stages.{0:-1}.blocks.{1:-1}.gamma",
            r"last_norm": "head.norm",
            r"logits": "head.fc",
        },
    ),
    Naming(
        origin="torchvision",
        has="features.1.0.layer_scale",
        first="stem_conv",
        layers={
            r"stem_conv": "features.0.0",
            r"stem_norm": "features.0.1",
            r"stage(\d+)_norm": "features.{0:*2-2}.0",
            r"stage(\d+)_conv": "features.{0:*2-2}.1",
            r"stage(\d+)_block(\d+)_depthwise_conv": "features.{0:*2-1}.{1:-1}.block.0",
            r"stage(\d+)_block(\d+)_norm": "features.{0:*2-1}.{1:-1}.block.2",
            r"stage(\d+)_block(\d+)_widen": "features.{0:*2-1}.{1:-1}.block.3",
            r"stage(\d+)_block(\d+)_narrow": "features.{0:*2-1}.{1:-1}.block.5",
            r"stage(\d+)_block(\d+)_scale": "features.{0:*2-1}.{1:-1}.layer_scale",
            r"last_norm": "classifier.0",
            r"logits": "classifier.2",
        },
    ),
)

PUBLISHED = {
    "convnext_tiny": (of_timm("convnext_tiny.fb_in1k", licence="Apache-2.0", megabytes=114.4, crop=0.875),),
    "convnext_small": (of_timm("convnext_small.fb_in1k", licence="Apache-2.0", megabytes=200.9, crop=0.875),),
    "convnext_v2_tiny": (
        of_timm("convnextv2_tiny.fcmae_ft_in1k", licence="CC-BY-NC-4.0", megabytes=114.5, crop=0.875),
    ),
}
