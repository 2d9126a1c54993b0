"""Which weights are decayed, over the whole registry."""

import keras
import pytest

from zoo import registry
from zoo.layers.decay import is_decayed

# What may be decayed, by the layer's class and the weight's name: kernels, and tables of embeddings and codes.
DECAYED = {
    *((f"{layer}", "kernel") for layer in ("Conv1D", "Conv2D", "Conv2DTranspose", "Dense", "DepthwiseConv2D")),
    *((f"{layer}", "kernel") for layer in ("SpectralConv2D", "SpectralDense")),
    *((f"{cell}Cell", name) for cell in ("GRU", "LSTM", "SimpleRNN") for name in ("kernel", "recurrent_kernel")),
    *(("GraphAttention", name) for name in ("source", "target")),  # a kernel of each head
    *((layer, "embeddings") for layer in ("Embedding", "LabelEmbedding", "TiedEmbedding")),
    ("VectorQuantizer", "codebook"),
}


@pytest.mark.parametrize("name", ["gru", "masked_autoencoder", "vit_tiny", "gpt", "gat", "dit_tiny", "vq_vae", "cnn"])
def test_what_is_decayed(name):
    check(name)


@pytest.mark.slow
def test_what_is_decayed_in_every_builder():
    for name in registry.list_models():
        check(name)
        keras.backend.clear_session()


def check(name):
    found = {True: set(), False: set()}
    for layer in registry.build(name)._flatten_layers():
        for variable in layer._trainable_variables:
            found[is_decayed(variable)].add((type(layer).__name__, variable.name))
    assert found[True] and found[True] <= DECAYED, found[True] - DECAYED
    assert not found[False] & DECAYED


def test_norms_over_several_axes_and_attention_biases_are_left_out():
    norm = keras.layers.LayerNormalization(axis=[1, 2])
    norm.build((None, 3, 4))
    attention = keras.layers.MultiHeadAttention(2, 3)
    attention.build((None, 5, 6), (None, 5, 6))
    assert [is_decayed(v) for v in norm.trainable_variables] == [False, False]
    kinds = {(v.name, is_decayed(v)) for v in attention.trainable_variables}
    assert kinds == {("kernel", True), ("bias", False)}
