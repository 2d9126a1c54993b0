"""Weights of MobileNetV2."""

from __future__ import annotations

from zoo.models.weights.efficientnet import COUNTER, TIMM, TIMM_OWN
from zoo.models.weights.naming import Naming, of_timm

BUILDERS = ("mobilenet_v2",)

_BLOCK = "features.{n:+1}.conv."

NAMINGS = (
    TIMM,
    Naming(
        origin="torchvision",
        has="features.1.conv.0.0.weight",
        first="stem_conv",
        layers={
            r"stem_conv": "features.0.0",
            r"stem_norm": "features.0.1",
            r"stage1_block\d+_depthwise_conv": f"{_BLOCK}0.0",
            r"stage1_block\d+_depthwise_norm": f"{_BLOCK}0.1",
            r"stage1_block\d+_project_conv": f"{_BLOCK}1",
            r"stage1_block\d+_project_norm": f"{_BLOCK}2",
            r"stage\d+_block\d+_expand_conv": f"{_BLOCK}0.0",
            r"stage\d+_block\d+_expand_norm": f"{_BLOCK}0.1",
            r"stage\d+_block\d+_depthwise_conv": f"{_BLOCK}1.0",
            r"stage\d+_block\d+_depthwise_norm": f"{_BLOCK}1.1",
            r"stage\d+_block\d+_project_conv": f"{_BLOCK}2",
            r"stage\d+_block\d+_project_norm": f"{_BLOCK}3",
            r"top_conv": "features.{n:+2}.0",
            r"top_norm": "features.{n:+2}.1",
            r"logits": "classifier.1",
        },
        left_out=COUNTER,
        settings={"padding": "symmetric", "epsilon": 1e-5},
    ),
)

PUBLISHED = {
    "mobilenet_v2": (
        of_timm("mobilenetv2_100.ra_in1k", licence="Apache-2.0", megabytes=14.0, crop=0.875, settings=TIMM_OWN),
    ),
}
