"""Weights of MobileNetV3."""

from __future__ import annotations

from zoo.models.weights.efficientnet import COUNTER, TIMM_BLOCKS, TIMM_OWN, torchvision_block
from zoo.models.weights.naming import Naming, of_timm

BUILDERS = ("mobilenet_v3_large", "mobilenet_v3_small")


def _timm(stages: int) -> Naming:
    """Return timm's names for a network of that many stages before the last convolution."""
    return Naming(
        origin="timm",
        has=f"blocks.{stages}.0.conv.weight",
        first="stem_conv",
        layers={
            r"stem_conv": "conv_stem",
            r"stem_norm": "bn1",
            **TIMM_BLOCKS,
            r"top_conv": f"blocks.{stages}.0.conv",
            r"top_norm": f"blocks.{stages}.0.bn1",
            r"top_dense": "conv_head",
            r"logits": "classifier",
        },
        left_out=COUNTER,
    )


def _torchvision(blocks: dict[str, str], top: int) -> Naming:
    """Return torchvision's names, with those of the blocks and the number of the last convolution."""
    numbered = {
        name: module.replace("features.{0}.{1:-1}", "features.{n:+1}") for name, module in blocks.items()
    }  # the blocks of all stages are counted together
    return Naming(
        origin="torchvision",
        has=f"features.{top}.0.weight",
        first="stem_conv",
        layers={
            r"stem_conv": "features.0.0",
            r"stem_norm": "features.0.1",
            **numbered,
            r"top_conv": f"features.{top}.0",
            r"top_norm": f"features.{top}.1",
            r"top_dense": "classifier.0",
            r"logits": "classifier.3",
        },
        left_out=COUNTER,
        settings={"padding": "symmetric", "epsilon": 1e-3},
    )


_LARGE = {
    **torchvision_block("1", expands=False, squeezes=False),
    **torchvision_block("[24]", expands=True, squeezes=False),
    **torchvision_block("[356]", expands=True),
}
_SMALL = {
    **torchvision_block("1", expands=False),
    **torchvision_block("2", expands=True, squeezes=False),
    **torchvision_block("[345]", expands=True),
}

NAMINGS = (_timm(6), _timm(5), _torchvision(_LARGE, 16), _torchvision(_SMALL, 12))

PUBLISHED = {
    "mobilenet_v3_large": (
        of_timm("mobilenetv3_large_100.ra_in1k", licence="Apache-2.0", megabytes=21.9, crop=0.875, settings=TIMM_OWN),
    ),
    "mobilenet_v3_small": (
        of_timm("mobilenetv3_small_100.lamb_in1k", licence="Apache-2.0", megabytes=10.2, crop=0.875, settings=TIMM_OWN),
    ),
}
