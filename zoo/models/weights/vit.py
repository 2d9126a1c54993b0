"""Weights of the vision transformers: ViT, DeiT and DINOv2."""

from __future__ import annotations

from zoo.models.weights.naming import INCEPTION, Naming, Rows, of_timm

BUILDERS = ("vit_tiny", "vit_small", "vit_base", "dinov2_small")

_TORCHVISION = "encoder.layers.encoder_layer_{0:-1}."
_TIMM: Rows = {
    r"patches_embedding": "patch_embed.proj",
    r"class_token": "cls_token",
    r"registers": "reg_token",
    r"positions": "pos_embed",
    r"block(\d+)_attention/query": "blocks.{0:-1}.attn.qkv#0/3",
    r"block(\d+)_attention/key_value": ("blocks.{0:-1}.attn.qkv#1/3", "blocks.{0:-1}.attn.qkv#2/3"),
    r"block(\d+)_attention/projection": "blocks.{0:-1}.attn.proj",
    r"block(\d+)_attention_norm": "blocks.{0:-1}.norm1",
    r"block(\d+)_attention_scale": "blocks.{0:-1}.ls1.gamma",
    r"block(\d+)_mlp_norm": "blocks.{0:-1}.norm2",
    r"block(\d+)_mlp_scale": "blocks.{0:-1}.ls2.gamma",
    r"block(\d+)_mlp_dense(\d)": "blocks.{0:-1}.mlp.fc{1}",
    r"blocks_norm": "norm",
    r"logits": "head",
}
_MASK_TOKEN = "the vector of hidden patches, which only pretraining uses"


def _hugging_face(model: str, *, norms: tuple[str, str], mlp: tuple[str, str]) -> Naming:
    """Return the names of a class of Hugging Face.

    Args:
        model: what stands before the names of the encoder: nothing, or its name and a dot in a network with a head.
        norms: of attention and of the feed-forward branch.
        mlp: both layers of that branch.
    """
    block = model + "encoder.layer.{0:-1}."
    attention = f"{block}attention.attention."
    return Naming(
        origin="Hugging Face",
        has=f"{model}encoder.layer.0.{norms[0]}.weight",
        first="patches_embedding",
        prefix=1,
        layers={
            r"patches_embedding": f"{model}embeddings.patch_embeddings.projection",
            r"class_token": f"{model}embeddings.cls_token",
            r"registers": f"{model}embeddings.register_tokens",
            r"positions": f"{model}embeddings.position_embeddings",
            r"block(\d+)_attention/query": f"{attention}query",
            r"block(\d+)_attention/key_value": (f"{attention}key", f"{attention}value"),
            r"block(\d+)_attention/projection": f"{block}attention.output.dense",
            r"block(\d+)_attention_norm": f"{block}{norms[0]}",
            r"block(\d+)_attention_scale": f"{block}layer_scale1.lambda1",
            r"block(\d+)_mlp_norm": f"{block}{norms[1]}",
            r"block(\d+)_mlp_scale": f"{block}layer_scale2.lambda1",
            r"block(\d+)_mlp_dense1": f"{block}{mlp[0]}",
            r"block(\d+)_mlp_dense2": f"{block}{mlp[1]}",
            r"blocks_norm": f"{model}layernorm",
            r"logits": "classifier",
        },
        left_out={
            r"pooler\.dense\..*": "the pooler, behind the features",
            r".*embeddings\.mask_token": _MASK_TOKEN,
        },
    )


_VIT = {
    "norms": ("layernorm_before", "layernorm_after"),
    "mlp": ("intermediate.dense", "output.dense"),
}
_DINOV2 = {"norms": ("norm1", "norm2"), "mlp": ("mlp.fc1", "mlp.fc2")}

NAMINGS = (
    Naming(  # these add positions to the patches alone
        origin="timm",
        has="reg_token",
        first="patches_embedding",
        new_positions=1,
        layers=_TIMM,
    ),
    Naming(origin="timm", has="blocks.0.attn.qkv.weight", first="patches_embedding", prefix=1, layers=_TIMM),
    _hugging_face("vit.", **_VIT),
    _hugging_face("", **_VIT),
    _hugging_face("dinov2.", **_DINOV2),
    _hugging_face("dinov2_with_registers.", **_DINOV2),
    _hugging_face("", **_DINOV2),
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

_APACHE = "Apache-2.0"
PUBLISHED = {
    "vit_tiny": (
        of_timm("vit_tiny_patch16_224.augreg_in21k_ft_in1k", licence=_APACHE, megabytes=22.9, normalization=INCEPTION),
        of_timm("deit_tiny_patch16_224.fb_in1k", licence=_APACHE, megabytes=22.9),
    ),
    "vit_small": (
        of_timm("vit_small_patch16_224.augreg_in21k_ft_in1k", licence=_APACHE, megabytes=88.2, normalization=INCEPTION),
        of_timm("deit_small_patch16_224.fb_in1k", licence=_APACHE, megabytes=88.2),
    ),
    "vit_base": (
        of_timm("vit_base_patch16_224.augreg_in21k_ft_in1k", licence=_APACHE, megabytes=346.3, normalization=INCEPTION),
        of_timm("deit_base_patch16_224.fb_in1k", licence=_APACHE, megabytes=346.3),
    ),
    "dinov2_small": tuple(
        of_timm(
            f"{name}.lvd142m",
            licence=_APACHE,
            megabytes=88.2,
            size=518,
            crop=1.0,
            settings={"registers": registers},
            labels="",
        )
        for name, registers in (("vit_small_patch14_dinov2", 0), ("vit_small_patch14_reg4_dinov2", 4))
    ),
}
