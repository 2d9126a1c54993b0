"""Settings of a builder from the `config.json` that Hugging Face puts beside weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo.errors import ZooError, listing

_WIDTHS = {"width": ("hidden_size", "dim"), "heads": ("num_attention_heads", "n_heads")}
_BERT = {
    **_WIDTHS,
    "depth": ("num_hidden_layers", "n_layers"),
    "epsilon": ("layer_norm_eps",),
    "maximum_length": ("max_position_embeddings",),
}
_SKIPPING = ("roberta", "xlm-roberta", "camembert")  # their first positions are those of padding
_SKIPPED_POSITIONS = 2
_GPT2 = {
    "width": ("n_embd",),
    "depth": ("n_layer",),
    "heads": ("n_head",),
    "hidden": ("n_inner",),
    "maximum_length": ("n_positions",),
    "epsilon": ("layer_norm_epsilon",),
    "tie_embeddings": ("tie_word_embeddings",),
}
_LLAMA = {
    **_WIDTHS,
    "depth": ("num_hidden_layers",),
    "kv_heads": ("num_key_value_heads",),
    "head_size": ("head_dim",),
    "hidden": ("intermediate_size",),
    "epsilon": ("rms_norm_eps",),
    "tie_embeddings": ("tie_word_embeddings",),
}
_T5 = {
    "width": ("d_model",),
    "depth": ("num_layers",),
    "heads": ("num_heads",),
    "head_size": ("d_kv",),
    "hidden": ("d_ff",),
    "buckets": ("relative_attention_num_buckets",),
    "longest": ("relative_attention_max_distance",),
    "epsilon": ("layer_norm_epsilon",),
    "dropout": ("dropout_rate",),
}
_T5_FEED_FORWARD = {"relu": "relu", "gated-gelu": "geglu"}
# Their names of activations, and ours.
_ACTIVATIONS = {"gelu_new": "gelu_tanh", "gelu_pytorch_tanh": "gelu_tanh", "gelu": "gelu", "relu": "relu"}
_LLAMA_LIKE = ("llama", "mistral", "qwen2")
# What a network does otherwise than the builder if its config.json has another value than one of these.
_GPT2_FIXED = {"scale_attn_weights": (True,), "scale_attn_by_inverse_layer_idx": (False,)}
_LLAMA_FIXED = {
    **{"hidden_act": ("silu",), "attention_bias": (False,), "mlp_bias": (False,)},
    **{"rope_scaling": (None,), "use_sliding_window": (False,)},
}


def settings_of_config(builder: str, facts: Mapping[str, Any], source: str) -> dict[str, Any]:
    """Return the settings that `config.json` says; none where it is empty, or nothing is known of the builder.

    Args:
        builder: its name.
        facts: what the file holds.
        source: of the weights, for messages.

    Raises:
        ZooError: the network computes something that the builder does not.
    """
    read = _READERS.get(builder)
    return {} if read is None or not facts else read(facts, source)


def _bert(facts: Mapping[str, Any], source: str) -> dict[str, Any]:
    found = _renamed(facts, _BERT)
    hidden = facts.get("intermediate_size", facts.get("hidden_dim"))
    if "width" in found and hidden is not None:
        found["mlp_ratio"] = hidden / found["width"]
    if facts.get("model_type") in _SKIPPING and "maximum_length" in found:
        found["maximum_length"] -= _SKIPPED_POSITIONS
    return found


def _gpt(facts: Mapping[str, Any], source: str) -> dict[str, Any]:
    kind = facts.get("model_type")
    if kind == "gpt2":
        _check(facts, _GPT2_FIXED, source)
        activation = _activation(facts.get("activation_function", "gelu_new"), source)
        return {"feed_forward": activation, "epsilon": 1e-5, "tie_embeddings": True, **_renamed(facts, _GPT2)}
    if kind in _LLAMA_LIKE:
        _check(facts, _LLAMA_FIXED, source)
        return _llama(facts, str(kind), source)
    raise ZooError(
        f"{source}: config.json beside it says model_type: {kind!r}; gpt is built for {listing(('gpt2', *_LLAMA_LIKE))}"
    )


def _llama(facts: Mapping[str, Any], kind: str, source: str) -> dict[str, Any]:
    rotary = facts.get("rope_parameters") or {}
    if rotary.get("rope_type", "default") != "default":
        raise ZooError(f"{source}: rotary positions of the type {rotary['rope_type']!r} are not built here")
    if kind == "mistral" and facts.get("sliding_window") is not None:
        raise ZooError(
            f"{source}: attention to a window of {facts['sliding_window']} steps is not built here; for texts that are "
            "shorter, set sliding_window: null in its config.json"
        )
    base = rotary.get("rope_theta", facts.get("rope_theta"))
    return {
        "positions": "rotary",
        "norm": "rms",
        "feed_forward": "swiglu",
        "bias": False,
        **({"qkv_bias": True} if kind == "qwen2" else {}),
        "epsilon": 1e-6,
        **({} if base is None else {"rotary_base": base}),
        **({"tie_embeddings": False} if kind != "qwen2" else {}),
        **_renamed(facts, _LLAMA),
    }


def _activation(name: Any, source: str) -> str:
    if name not in _ACTIVATIONS:
        raise ZooError(f"{source}: the activation {name!r} is not built here; known are {listing(_ACTIVATIONS)}")
    return _ACTIVATIONS[name]


def _renamed(facts: Mapping[str, Any], keys: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    found = {setting: next((facts[key] for key in given if key in facts), None) for setting, given in keys.items()}
    return {setting: value for setting, value in found.items() if value is not None}


def _check(facts: Mapping[str, Any], fixed: Mapping[str, tuple[Any, ...]], source: str) -> None:
    for key, values in fixed.items():
        if key in facts and facts[key] not in values:
            raise ZooError(f"{source}: config.json beside it says {key}: {facts[key]}, which is not built here")


def _t5(facts: Mapping[str, Any], source: str) -> dict[str, Any]:
    if facts.get("model_type") != "t5":
        raise ZooError(f"{source}: config.json beside it says model_type: {facts.get('model_type')!r}, expected 't5'")
    if facts.get("num_decoder_layers") not in (None, facts.get("num_layers")):
        raise ZooError(f"{source}: a decoder of another depth than the encoder is not built here")
    kind = facts.get("feed_forward_proj", "relu")
    if kind not in _T5_FEED_FORWARD:
        raise ZooError(f"{source}: the activation {kind!r} is not built here; known are {listing(_T5_FEED_FORWARD)}")
    is_tied = facts.get("scale_decoder_outputs", facts.get("tie_word_embeddings", True))
    return {"feed_forward": _T5_FEED_FORWARD[kind], "tie_embeddings": is_tied, **_renamed(facts, _T5)}


_READERS = {"bert": _bert, "gpt": _gpt, "t5": _t5}
