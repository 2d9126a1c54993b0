"""Weights of `gpt`: GPT-2, Llama, Mistral and Qwen2, as Hugging Face names them."""

from __future__ import annotations

from zoo.models.weights.naming import Naming, Published

BUILDERS = ("gpt",)

_MASK = "which earlier steps are seen, computed here"
_TIED = "the embedding of the tokens again"


def _gpt2(prefix: str) -> Naming:
    block = f"{prefix}h.{{0:-1}}."
    return Naming(
        origin="Hugging Face (GPT-2)",
        has=f"{prefix}wpe.weight",
        layers={
            r"embedding": f"{prefix}wte",
            r"positions": f"{prefix}wpe.weight",
            r"block(\d+)_attention_norm": f"{block}ln_1",
            r"block(\d+)_attention/query": f"{block}attn.c_attn#0/3",
            r"block(\d+)_attention/key_value": (f"{block}attn.c_attn#1/3", f"{block}attn.c_attn#2/3"),
            r"block(\d+)_attention/projection": f"{block}attn.c_proj",
            r"block(\d+)_mlp_norm": f"{block}ln_2",
            r"block(\d+)_mlp_dense1": f"{block}mlp.c_fc",
            r"block(\d+)_mlp_dense2": f"{block}mlp.c_proj",
            r"blocks_norm": f"{prefix}ln_f",
        },
        left_out={rf"{prefix}h\.\d+\.attn\.(masked_)?bias": _MASK, r"lm_head\.weight": _TIED},
        copies={"lm_head.weight": f"{prefix}wte.weight"},
        dense="in_out",
        token_logits=True,
    )


def _llama() -> Naming:
    block = "model.layers.{0:-1}."
    return Naming(
        origin="Hugging Face (Llama)",
        has="model.embed_tokens.weight",
        layers={
            r"embedding": "model.embed_tokens",
            r"block(\d+)_attention_norm": f"{block}input_layernorm",
            r"block(\d+)_attention/query": f"{block}self_attn.q_proj",
            r"block(\d+)_attention/key_value": (f"{block}self_attn.k_proj", f"{block}self_attn.v_proj"),
            r"block(\d+)_attention/projection": f"{block}self_attn.o_proj",
            r"block(\d+)_mlp_norm": f"{block}post_attention_layernorm",
            r"block(\d+)_mlp_dense1": (f"{block}mlp.up_proj", f"{block}mlp.gate_proj"),
            r"block(\d+)_mlp_dense2": f"{block}mlp.down_proj",
            r"blocks_norm": "model.norm",
            r"logits": "lm_head",
        },
        left_out={
            r"model\.(layers\.\d+\.self_attn\.)?rotary_emb\.inv_freq": "the waves of rotary positions, computed here",
            r"lm_head\.weight": _TIED,
        },
        copies={"lm_head.weight": "model.embed_tokens.weight"},
        token_logits=True,
    )


NAMINGS = (_gpt2("transformer."), _gpt2(""), _llama())

PUBLISHED: dict[str, tuple[Published, ...]] = {}
