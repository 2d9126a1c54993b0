"""Weights of the vision transformers."""

from __future__ import annotations

from zoo.models.weights.naming import Naming, Published

BUILDERS = ("vit_tiny", "vit_small", "vit_base")

_TORCHVISION = "encoder.layers.encoder_layer_{0:-1}."

NAMINGS = (
    Naming(
        origin="timm",
        has="blocks.0.attn.qkv.weight",
        first="patches_embedding",
        prefix=1,
        layers={
            r"patches_embedding": "patch_embed.proj",
            r"class_token": "cls_token",
            r"positions": "pos_embed",
            r"block(\d+)_attention/query": "blocks.{0:-1}.attn.qkv#0/3",
            r"block(\d+)_attention/key_value": ("blocks.{0:-1}.attn.qkv#1/3", "blocks.{0:-1}.attn.qkv#2/3"),
            r"block(\d+)_attention/projection": "blocks.{0:-1}.attn.proj",
            r"block(\d+)_attention_norm": "blocks.{0:-1}.norm1",
            r"block(\d+)_mlp_norm": "blocks.{0:-1}.norm2",
            r"block(\d+)_mlp_dense(\d)": "blocks.{0:-1}.mlp.fc{1}",
            r"blocks_norm": "norm",
            r"logits": "head",
        },
    ),
    Naming(
        origin="torchvision",
        has="encoder.layers.encoder_layer_0.ln_1.weight",
        first="patches_embedding",
        prefix=1,
        layers={
            r"patches_embedding": "conv_proj",
            r"class_token": "class_token",
            r"positions": "encoder.pos_embedding",
            r"block(\d+)_attention/query": f"{_TORCHVISION}self_attention.in_proj_#0/3",
            r"block(\d+)_attention/key_value": (
                f"{_TORCHVISION}self_attention.in_proj_#1/3",
                f"{_TORCHVISION}self_attention.in_proj_#2/3",
            ),
            r"block(\d+)_attention/projection": f"{_TORCHVISION}self_attention.out_proj",
            r"block(\d+)_attention_norm": f"{_TORCHVISION}ln_1",
            r"block(\d+)_mlp_norm": f"{_TORCHVISION}ln_2",
            r"block(\d+)_mlp_dense1": f"{_TORCHVISION}mlp.0",
            r"block(\d+)_mlp_dense2": f"{_TORCHVISION}mlp.3",
            r"blocks_norm": "encoder.ln",
            r"logits": "heads.head",
        },
    ),
)

PUBLISHED: dict[str, tuple[Published, ...]] = {}
