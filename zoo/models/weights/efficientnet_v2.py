"""Weights of EfficientNetV2."""

from __future__ import annotations

from zoo.models.weights.efficientnet import COUNTER, TIMM_BLOCKS, torchvision_block
from zoo.models.weights.naming import INCEPTION, Naming, of_timm

BUILDERS = ("efficientnet_v2_s",)

NAMINGS = (
    Naming(
        origin="timm",
        has="blocks.0.0.conv.weight",
        first="stem_conv",
        layers={
            r"stem_conv": "conv_stem",
            r"stem_norm": "bn1",
            r"stage1_block(\d+)_fused_conv": "blocks.0.{0:-1}.conv",
            r"stage1_block(\d+)_fused_norm": "blocks.0.{0:-1}.bn1",
            r"stage([23])_block(\d+)_fused_conv": "blocks.{0:-1}.{1:-1}.conv_exp",
            r"stage([23])_block(\d+)_fused_norm": "blocks.{0:-1}.{1:-1}.bn1",
            r"stage([23])_block(\d+)_project_norm": "blocks.{0:-1}.{1:-1}.bn2",
            **TIMM_BLOCKS,
            r"top_conv": "conv_head",
            r"top_norm": "bn2",
            r"logits": "classifier",
        },
        left_out=COUNTER,
    ),
    Naming(
        origin="torchvision",
        has="features.1.0.block.0.0.weight",
        first="stem_conv",
        layers={
            r"stem_conv": "features.0.0",
            r"stem_norm": "features.0.1",
            r"stage([123])_block(\d+)_fused_conv": "features.{0}.{1:-1}.block.0.0",
            r"stage([123])_block(\d+)_fused_norm": "features.{0}.{1:-1}.block.0.1",
            r"stage([23])_block(\d+)_project_conv": "features.{0}.{1:-1}.block.1.0",
            r"stage([23])_block(\d+)_project_norm": "features.{0}.{1:-1}.block.1.1",
            **torchvision_block("[456]", expands=True),
            r"top_conv": "features.7.0",
            r"top_norm": "features.7.1",
            r"logits": "classifier.1",
        },
        left_out=COUNTER,
        settings={"padding": "symmetric", "epsilon": 1e-3},
    ),
)

PUBLISHED = {
    "efficientnet_v2_s": (
        of_timm(
            "tf_efficientnetv2_s.in1k",
            licence="Apache-2.0",
            megabytes=85.8,
            size=300,
            crop=1.0,
            normalization=INCEPTION,
        ),
    ),
}
