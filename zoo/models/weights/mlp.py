"""Weights of the MLP-Mixer."""

from __future__ import annotations

from zoo.models.weights.naming import INCEPTION, Naming, of_timm

BUILDERS = ("mlp_mixer",)

NAMINGS = (
    Naming(
        origin="timm",
        has="blocks.0.mlp_tokens.fc1.weight",
        first="patches_embedding",
        layers={
            r"patches_embedding": "stem.proj",
            r"block(\d+)_tokens_norm": "blocks.{0:-1}.norm1",
            r"block(\d+)_tokens_dense(\d)": "blocks.{0:-1}.mlp_tokens.fc{1}",
            r"block(\d+)_channels_norm": "blocks.{0:-1}.norm2",
            r"block(\d+)_channels_dense(\d)": "blocks.{0:-1}.mlp_channels.fc{1}",
            r"blocks_norm": "norm",
            r"logits": "head",
        },
    ),
)

PUBLISHED = {
    "mlp_mixer": (
        of_timm(
            "mixer_b16_224.goog_in21k_ft_in1k",
            licence="Apache-2.0",
            megabytes=239.5,
            crop=0.875,
            normalization=INCEPTION,
            settings={"width": 768, "depth": 12, "token_width": 384, "channel_width": 3072},
        ),
    ),
}
