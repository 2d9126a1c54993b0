"""Models as functions of their next steps, compared with the same models on whole sequences."""

import keras
import numpy as np
import pytest

import zoo
from zoo.errors import ZooError
from zoo.layers.attention import Attention
from zoo.layers.steps import split_steps

VOCABULARY = 20
SMALL = {"width": 16, "depth": 2, "heads": 4}
MODELS = {
    "learned": ("gpt", SMALL),
    "sinusoidal": ("gpt", {**SMALL, "positions": "sinusoidal", "norm_position": "post"}),
    "rotary": ("gpt", {**SMALL, "positions": "rotary", "norm": "rms", "feed_forward": "swiglu", "kv_heads": 2}),
    "llama": (
        "gpt",
        {
            **{**SMALL, "positions": "rotary", "norm": "rms", "feed_forward": "swiglu", "kv_heads": 2, "bias": False},
            **{"head_size": 6, "hidden": 20, "rotary_base": 300.0, "epsilon": 1e-3},
        },
    ),
    "gpt2": ("gpt", {**SMALL, "feed_forward": "gelu_tanh", "tie_embeddings": True, "epsilon": 1e-5}),
    "qwen2": ("gpt", {**SMALL, "feed_forward": "geglu", "bias": False, "qkv_bias": True}),
    "tied": ("gpt", {**SMALL, "tie_embeddings": True, "dropout": 0.1, "stochastic_depth": 0.1, "kv_heads": 1}),
    "lstm": ("lstm", {"units": 8, "layers": 2, "dropout": 0.1}),
    "gru": ("gru", {"units": 8}),
    "rnn": ("rnn", {"units": 8}),
    "tcn": ("tcn", {"width": 8, "depth": 2, "dropout": 0.1}),
    "seq2seq_transformer": ("seq2seq_transformer", {**SMALL, "positions": "rotary"}),
    "t5": ("t5", {**SMALL, "head_size": 3, "hidden": 20, "buckets": 6, "longest": 7}),
    **{score: ("seq2seq_lstm", {"units": 8, "attention": score}) for score in ("dot", "general", "additive")},
    "two layers": ("seq2seq_lstm", {"units": 8, "layers": 2, "dropout": 0.1, "bidirectional": False}),
}
USUAL = ("llama", "gru", "tcn", "t5", "general")


def has_source(name):
    """Return whether a builder takes a source and a target."""
    return name.startswith("seq2seq") or name == "t5"


def built(name, **settings):
    """Return a model with random weights, biases too."""
    extra = {} if has_source(name) else {"every_step": True}
    model = zoo.build(name, input_shape=(None,), outputs=VOCABULARY, vocabulary=VOCABULARY, **extra, **settings)
    rng = np.random.default_rng(0)
    model.set_weights([w + 0.1 * rng.normal(size=w.shape).astype(np.float32) for w in model.get_weights()])
    return model


def read_in_parts(steps, tokens, source, parts, capacity):
    """Return the logits of all tokens, read a few at a time with a cache of NaN behind what was read."""
    encoded = iter(keras.tree.flatten(steps.encoder.predict_on_batch(source)) if steps.encoder else [])
    cache = []
    for entry in steps.entries:
        shape = (len(tokens), *(capacity if n is None else n for n in entry.shape))
        cache.append(next(encoded) if entry.encoded else np.full(shape, 0 if entry.axis is None else 7.0, entry.dtype))
    read, logits = 0, []
    for count in parts:
        length = [np.full(len(tokens), read, np.int32)] if steps.has_length else []
        found, *new = steps.step.predict_on_batch([tokens[:, read : read + count], *length, *cache])
        new = iter(new)
        for i, entry in enumerate(steps.entries):
            if not entry.constant and entry.axis is None:
                cache[i] = next(new)
            elif not entry.constant:
                cache[i][(*[slice(None)] * entry.axis, slice(read, read + count))] = next(new)
        read += count
        logits.append(found)
    return np.concatenate(logits, axis=1)


@pytest.mark.parametrize(
    "which", [name if name in USUAL else pytest.param(name, marks=pytest.mark.ci) for name in MODELS]
)
def test_steps_give_the_logits_of_the_whole_pass(which):
    name, settings = MODELS[which]
    model, rng = built(name, **settings), np.random.default_rng(1)
    tokens = rng.integers(4, VOCABULARY, (3, 12)).astype(np.int32)
    source = rng.integers(4, VOCABULARY, (3, 6)).astype(np.int32)
    source[1, 4:] = 0
    whole = model.predict_on_batch([source, tokens] if has_source(name) else tokens)
    found = read_in_parts(split_steps(model), tokens, source, parts=(5, 1, 2, 1, 3), capacity=16)
    np.testing.assert_allclose(found, whole, atol=1e-5)


def test_layers_that_see_later_steps_are_refused_by_name():
    with pytest.raises(ZooError, match=r"layer 'layer1_reverse' \(ReversedSteps\) mixes steps"):
        split_steps(built("rnn", units=4, bidirectional=True))
    tokens = keras.Input((None,), dtype="int32")
    x = keras.layers.Embedding(VOCABULARY, 8)(tokens)
    for layer, said in (
        (Attention(2, name="all"), "layer 'all' attends to later steps"),
        (keras.layers.Conv1D(8, 3, padding="same", name="around"), "layer 'around' convolves over later steps"),
    ):
        with pytest.raises(ZooError, match=said):
            split_steps(keras.Model(tokens, layer(x)))


@pytest.mark.parametrize("kv_heads", [1, 2])
@pytest.mark.parametrize("causal", [True, False])
def test_grouped_queries_equal_attention_with_repeated_heads(kv_heads, causal):
    x = np.random.default_rng(0).normal(size=(2, 5, 16)).astype(np.float32)
    grouped, full = Attention(4, kv_heads=kv_heads, causal=causal), Attention(4, causal=causal)
    for layer in (grouped, full):
        layer.build(x.shape)
    rng = np.random.default_rng(1)
    grouped.set_weights([rng.normal(size=w.shape) for w in grouped.get_weights()])

    def repeated(weight):
        parts = weight.reshape(*weight.shape[:-1], 2, kv_heads, 4)  # keys and values, heads, features of a head
        return np.repeat(parts, 4 // kv_heads, axis=-2).reshape(*weight.shape[:-1], 32)

    query, query_bias, both, both_bias, *out = grouped.get_weights()
    full.set_weights([query, query_bias, repeated(both), repeated(both_bias), *out])
    np.testing.assert_allclose(grouped(x), full(x), rtol=1e-5, atol=1e-5)


def test_kv_heads_make_the_model_smaller_and_must_divide_the_heads():
    sizes = [built("gpt", **SMALL, kv_heads=n).count_params() for n in (1, 2, 4)]
    assert sizes[1] - sizes[0] == 2 * (16 + 1) * 2 * 4 and sizes[2] == built("gpt", **SMALL).count_params()
    with pytest.raises((ValueError, ZooError), match="heads must be a multiple of kv_heads"):
        built("gpt", **SMALL, kv_heads=3)
