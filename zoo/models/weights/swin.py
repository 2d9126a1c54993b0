"""Weights of the Swin Transformer."""

from __future__ import annotations

from zoo.models.weights.naming import Naming, Rows, of_timm

BUILDERS = ("swin_tiny",)

_BLOCK = "layers.{0:-1}.blocks.{1:-1}"
_THEIRS = r"stage(\d+)_block(\d+)"
_LAYERS: Rows = {
    r"patches_embedding": "patch_embed.proj",
    r"patches_norm": "patch_embed.norm",
    rf"{_THEIRS}_attention/query": f"{_BLOCK}.attn.qkv#0/3",
    rf"{_THEIRS}_attention/key_value": (f"{_BLOCK}.attn.qkv#1/3", f"{_BLOCK}.attn.qkv#2/3"),
    rf"{_THEIRS}_attention/projection": f"{_BLOCK}.attn.proj",
    rf"{_THEIRS}_attention/bias": f"{_BLOCK}.attn.relative_position_bias_table",
    rf"{_THEIRS}_attention_norm": f"{_BLOCK}.norm1",
    rf"{_THEIRS}_mlp_norm": f"{_BLOCK}.norm2",
    rf"{_THEIRS}_mlp_dense(\d)": f"{_BLOCK}.mlp.fc{{2}}",
    r"blocks_norm": "norm",
}
_DERIVED = {r".*\.(relative_position_index|attn_mask)": "follows from the sizes"}


def _hugging_face(model: str) -> Naming:
    """Return the names of a class of Hugging Face, of which the encoder's begin with nothing or its name and a dot."""
    block = f"{model}encoder.layers.{{0:-1}}.blocks.{{1:-1}}"
    attention = f"{block}.attention.self"
    return Naming(
        origin="Hugging Face",
        has=f"{model}encoder.layers.0.blocks.0.attention.self.relative_position_bias_table",
        first="patches_embedding",
        layers={
            r"patches_embedding": f"{model}embeddings.patch_embeddings.projection",
            r"patches_norm": f"{model}embeddings.norm",
            rf"{_THEIRS}_attention/query": f"{attention}.query",
            rf"{_THEIRS}_attention/key_value": (f"{attention}.key", f"{attention}.value"),
            rf"{_THEIRS}_attention/projection": f"{block}.attention.output.dense",
            rf"{_THEIRS}_attention/bias": f"{attention}.relative_position_bias_table",
            rf"{_THEIRS}_attention_norm": f"{block}.layernorm_before",
            rf"{_THEIRS}_mlp_norm": f"{block}.layernorm_after",
            rf"{_THEIRS}_mlp_dense1": f"{block}.intermediate.dense",
            rf"{_THEIRS}_mlp_dense2": f"{block}.output.dense",
            r"stage(\d+)_merge_norm": f"{model}encoder.layers.{{0:-2}}.downsample.norm",
            r"stage(\d+)_merge_dense": f"{model}encoder.layers.{{0:-2}}.downsample.reduction",
            r"blocks_norm": f"{model}layernorm",
            r"logits": "classifier",
        },
        left_out=_DERIVED,
    )


_FEATURES = "features.{0:*2-1}.{1:-1}"

NAMINGS = (
    _hugging_face("swin."),
    _hugging_face(""),
    Naming(
        origin="the authors",
        has="layers.0.downsample.reduction.weight",
        first="patches_embedding",
        layers={
            **_LAYERS,
            r"stage(\d+)_merge_norm": "layers.{0:-2}.downsample.norm",
            r"stage(\d+)_merge_dense": "layers.{0:-2}.downsample.reduction",
            r"logits": "head",
        },
        left_out=_DERIVED,
    ),
    Naming(
        origin="timm",
        has="layers.1.downsample.reduction.weight",
        first="patches_embedding",
        layers={
            **_LAYERS,
            r"stage(\d+)_merge_norm": "layers.{0:-1}.downsample.norm",
            r"stage(\d+)_merge_dense": "layers.{0:-1}.downsample.reduction",
            r"logits": "head.fc",
        },
        left_out=_DERIVED,
    ),
    Naming(
        origin="torchvision",
        has="features.1.0.attn.relative_position_bias_table",
        first="patches_embedding",
        layers={
            r"patches_embedding": "features.0.0",
            r"patches_norm": "features.0.2",
            rf"{_THEIRS}_attention/query": f"{_FEATURES}.attn.qkv#0/3",
            rf"{_THEIRS}_attention/key_value": (f"{_FEATURES}.attn.qkv#1/3", f"{_FEATURES}.attn.qkv#2/3"),
            rf"{_THEIRS}_attention/projection": f"{_FEATURES}.attn.proj",
            rf"{_THEIRS}_attention/bias": f"{_FEATURES}.attn.relative_position_bias_table",
            rf"{_THEIRS}_attention_norm": f"{_FEATURES}.norm1",
            rf"{_THEIRS}_mlp_norm": f"{_FEATURES}.norm2",
            rf"{_THEIRS}_mlp_dense1": f"{_FEATURES}.mlp.0",
            rf"{_THEIRS}_mlp_dense2": f"{_FEATURES}.mlp.3",
            r"stage(\d+)_merge_norm": "features.{0:*2-2}.norm",
            r"stage(\d+)_merge_dense": "features.{0:*2-2}.reduction",
            r"blocks_norm": "norm",
            r"logits": "head",
        },
        left_out=_DERIVED,
    ),
)

PUBLISHED = {
    "swin_tiny": tuple(
        of_timm(f"swin_tiny_patch4_window7_224.{tag}", licence="MIT", megabytes=113.2)
        for tag in ("ms_in1k", "ms_in22k_ft_in1k")
    ),
}
