"""Weights of `t5`: T5 and T5 1.1, as Hugging Face names them."""

from __future__ import annotations

from zoo.models.weights.naming import Naming, Published

BUILDERS = ("t5",)


def _attention(ours: str, theirs: str, name: str) -> dict[str, str | tuple[str, ...]]:
    return {
        rf"{ours}_norm": f"{theirs}.layer_norm",
        rf"{ours}/query": f"{theirs}.{name}.q",
        rf"{ours}/key_value": (f"{theirs}.{name}.k", f"{theirs}.{name}.v"),
        rf"{ours}/projection": f"{theirs}.{name}.o",
    }


def _stack(name: str, mlp: str, *, is_gated: bool) -> dict[str, str | tuple[str, ...]]:
    """Return the names of encoder or decoder, whose feed-forward branch is the layer `mlp` of a block."""
    ours, block = rf"{name}(\d+)", f"{name}.block.{{0:-1}}.layer"
    dense = f"{block}.{mlp}.DenseReluDense"
    return {
        **_attention(rf"{ours}_attention", f"{block}.0", "SelfAttention"),
        **(_attention(rf"{ours}_memory", f"{block}.1", "EncDecAttention") if name == "decoder" else {}),
        rf"{ours}_mlp_norm": f"{block}.{mlp}.layer_norm",
        rf"{ours}_mlp_dense1": (f"{dense}.wi_1", f"{dense}.wi_0") if is_gated else f"{dense}.wi",
        rf"{ours}_mlp_dense2": f"{dense}.wo",
        rf"{name}s_norm": f"{name}.final_layer_norm",
    }


def _t5(*, is_gated: bool) -> Naming:
    bias = "block.0.layer.0.SelfAttention.relative_attention_bias"
    return Naming(
        origin="Hugging Face (T5 1.1)" if is_gated else "Hugging Face (T5)",
        has="encoder.block.0.layer.1.DenseReluDense." + ("wi_0.weight" if is_gated else "wi.weight"),
        layers={
            r"embedding": "shared",
            r"source_positions": f"encoder.{bias}",
            r"target_positions": f"decoder.{bias}",
            **_stack("encoder", "1", is_gated=is_gated),
            **_stack("decoder", "2", is_gated=is_gated),
            r"logits": "lm_head",
        },
        left_out={
            r"(encoder|decoder)\.embed_tokens\.weight|lm_head\.weight": "the embedding of the tokens again",
            r"decoder\.block\.0\.layer\.1\.EncDecAttention\.relative_attention_bias\.weight": "not used by the authors",
        },
        copies={
            f"{name}.weight": "shared.weight" for name in ("encoder.embed_tokens", "decoder.embed_tokens", "lm_head")
        },
        token_logits=True,
    )


NAMINGS = (_t5(is_gated=False), _t5(is_gated=True))

PUBLISHED: dict[str, tuple[Published, ...]] = {}
