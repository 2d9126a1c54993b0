"""Networks that learn representations: contrastive, of pairs and triplets, and by predicting masked parts.

Each network for images has a submodel "encoder" with the layer names of its builder, so that weights can be copied.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from zoo import registry
from zoo.errors import ZooError
from zoo.layers.encoder import ENCODER, PatchEncoder
from zoo.layers.head import FEATURES
from zoo.layers.masking import MaskedTarget, RandomMasking, Unmask
from zoo.layers.patches import Patches
from zoo.layers.positions import add_positions
from zoo.layers.transformer import BlockOptions, transformer_blocks
from zoo.layers.types import Count, Counts, Factor, ProperFraction
from zoo.layers.unit_length import UnitLength
from zoo.models.transformer import transformer_encoder
from zoo.models.vit import vit_tiny
from zoo.registry import register
from zoo.utils.settings import settings_of


def _contrastive(
    name: str,
    *,
    input_shape: Sequence[int],
    encoder: str = "resnet20",
    encoder_config: dict[str, Any] | None = None,
    projection: Counts = (128, 64),
) -> keras.Model:
    """An image encoder and a projection head.

    Args:
        name: name of the model.
        input_shape: `(height, width, channels)`.
        encoder: name of a builder for image classification.
        encoder_config: settings of that builder.
        projection: units of the projection head's layers, with ReLU between them; it is not part of the features.

    Returns:
        A model from `(batch, height, width, channels)` to `(batch, projection[-1])`, vectors of length one.

    Raises:
        ValueError: there is no such builder for images.
        ZooError: the encoder cannot be built with its settings.
    """
    # === Layers ===
    inputs = keras.Input(tuple(input_shape))
    x = encoder_for(input_shape, encoder, encoder_config)(inputs)
    x = keras.layers.Identity(name=FEATURES)(x)
    for i, units in enumerate(projection, start=1):
        if i > 1:
            x = keras.layers.ReLU(name=f"projection{i - 1}_relu")(x)
        x = keras.layers.Dense(units, name=f"projection{i}_dense")(x)

    # === Functional model ===
    return keras.Model(inputs, UnitLength(name="embedding")(x), name=name)


@register(tasks=("representation_learning",), input_shape=(32, 32, 3), paper="arXiv:2002.05709")
@settings_of(_contrastive)
def simclr(**settings: Any) -> keras.Model:
    """SimCLR: an encoder and a projection head, for two augmented views of each image and the loss `nt_xent`."""
    return _contrastive("simclr", **settings)


@register(tasks=("representation_learning",), input_shape=(32, 32, 3), paper="arXiv:2004.11362")
@settings_of(_contrastive)
def supcon(**settings: Any) -> keras.Model:
    """Supervised contrast: an encoder and a projection head, for images with classes and the loss `supcon`."""
    return _contrastive("supcon", **settings)


def _embedding(
    name: str,
    *,
    input_shape: Sequence[int],
    encoder: str = "resnet20",
    encoder_config: dict[str, Any] | None = None,
    embedding: Count = 64,
) -> keras.Model:
    """An image encoder and a dense layer to the embedding.

    Args:
        name: name of the model.
        input_shape: `(height, width, channels)`.
        encoder: name of a builder for image classification.
        encoder_config: settings of that builder.
        embedding: length of the embedding, which is both the output and the features.

    Returns:
        A model from `(batch, height, width, channels)` to `(batch, embedding)`, vectors of length one.

    Raises:
        ValueError: there is no such builder for images.
        ZooError: the encoder cannot be built with its settings.
    """
    # === Layers ===
    inputs = keras.Input(tuple(input_shape))
    x = encoder_for(input_shape, encoder, encoder_config)(inputs)
    x = keras.layers.Dense(embedding, name="embedding")(x)

    # === Functional model ===
    return keras.Model(inputs, UnitLength(name=FEATURES)(x), name=name)


@register(
    tasks=("representation_learning",),
    input_shape=(32, 32, 3),
    paper="Hadsell, Chopra and LeCun (2006), doi:10.1109/CVPR.2006.100",
)
@settings_of(_embedding)
def siamese(**settings: Any) -> keras.Model:
    """Siamese network: one encoder for both images of a pair, for images with classes and the loss `contrastive`."""
    return _embedding("siamese", **settings)


@register(tasks=("representation_learning",), input_shape=(32, 32, 3), paper="arXiv:1503.03832; arXiv:1703.07737")
@settings_of(_embedding)
def triplet(**settings: Any) -> keras.Model:
    """Triplet network: one encoder for anchor, positive and negative, for images with classes and loss `triplet`."""
    return _embedding("triplet", **settings)


@register(tasks=("representation_learning",), input_shape=(32, 32, 3), paper="arXiv:2111.06377")
def masked_autoencoder(
    *,
    input_shape: Sequence[int],
    patch: Count = 4,
    width: Count = 192,
    depth: Count = 12,
    heads: Count = 3,
    mlp_ratio: Factor = 4.0,
    mask: ProperFraction = 0.75,
    decoder_width: Count = 96,
    decoder_depth: Count = 2,
    normalize_targets: bool = True,
) -> keras.Model:
    """Masked autoencoder: a vision transformer encodes some patches of an image, a small decoder predicts the others.

    The loss is `masked_pixels`. The encoder is `vit_tiny` with pool "mean" and learned positions. Inside this network
    its blocks run over the visible patches only; called alone, it encodes all patches and returns their mean.

    Args:
        input_shape: `(height, width, channels)`, multiples of `patch`.
        patch: height and width of a patch.
        width: features of each patch in the encoder, a multiple of `heads`.
        depth: blocks of the encoder.
        heads: attention heads, of encoder and decoder.
        mlp_ratio: hidden width of the feed-forward branch, in widths, in encoder and decoder.
        mask: fraction of the patches that are masked.
        decoder_width: features of each patch in the decoder, a multiple of `heads` and of 4.
        decoder_depth: blocks of the decoder.
        normalize_targets: scale the pixels of each target patch to mean 0 and variance 1.

    Returns:
        A model from `(batch, height, width, channels)` to prediction, target and mask (1: masked) of each patch,
        concatenated: `(batch, patches, 2 * patch * patch * channels + 1)`.

    Raises:
        ValueError: the patches do not tile the image or are fewer than two, or the heads do not divide the widths.
    """
    # === Encoder ===
    shape = tuple(input_shape)
    sizes: dict[str, Any] = {"patch": patch, "width": width, "depth": depth, "heads": heads, "mlp_ratio": mlp_ratio}
    vit = vit_tiny(input_shape=shape, outputs=1, pool="mean", **sizes)
    encoder = PatchEncoder(vit.input, vit.get_layer(FEATURES).output, name=ENCODER)
    inputs = keras.Input(shape)
    tokens = encoder(inputs, part="tokens")
    visible, restore, hidden = RandomMasking(mask, name="masking")(tokens)
    x = encoder(visible, part="blocks")

    # === Decoder ===
    x = Unmask(name="unmask")(keras.layers.Dense(decoder_width, name="decoder_embedding")(x), restore)
    grid = (shape[0] // patch, shape[1] // patch)
    x, _ = add_positions(x, "sinusoidal", heads=heads, longest=x.shape[1], grid=grid, name="decoder_positions")
    x = transformer_blocks(x, BlockOptions(), depth=decoder_depth, heads=heads, mlp_ratio=mlp_ratio, name="decoder")
    x = keras.layers.Dense(patch * patch * shape[-1], dtype="float32", name="pixels")(x)

    # === Functional model ===
    target = Patches(patch, dtype="float32", name="target")(inputs)
    outputs = MaskedTarget(normalize_targets, name="masked_pixels")(x, target, hidden)
    return keras.Model(inputs, outputs, name="masked_autoencoder")


@register(
    tasks=("masked_language_modeling", "sequence_labeling"),
    input_shape=(None,),
    outputs=260,
    vocabulary=260,
    paper="arXiv:1810.04805",
)
@settings_of(transformer_encoder)
def masked_language_model(
    *,
    input_shape: Sequence[int | None],
    vocabulary: int | None = None,
    every_step: bool = True,
    **settings: Any,
) -> keras.Model:
    """Masked language model in the form of BERT: every step attends to all others, and masked tokens are predicted.

    This is the model `transformer`, with the same layer names and sizes, so that its weights can be copied there. The
    data replaces masked tokens by id 1, the unknown token, and has target 0 where no token is masked.

    Args:
        input_shape: `(steps,)` of tokens, which may be None.
        vocabulary: number of token ids; id 0 is padding, on the right.
        every_step: has no effect: every step always has its output.
        **settings: the arguments of `transformer_encoder`.

    Returns:
        A model from `(batch, steps)` to `(batch, steps, outputs)`.

    Raises:
        ValueError: the input is not tokens.
    """
    if vocabulary is None:
        raise ValueError(f"needs tokens with a vocabulary. Received: input_shape={tuple(input_shape)}, vocabulary=None")
    return transformer_encoder(
        "masked_language_model", input_shape=input_shape, vocabulary=vocabulary, every_step=True, **settings
    )


def encoder_for(input_shape: Sequence[int], name: str, config: dict[str, Any] | None) -> keras.Model:
    """Return the model of a builder up to its features, `(batch, channels)`.

    Raises:
        ValueError: there is no such builder for images.
        ZooError: it cannot be built with its settings, or its features are not one vector for each image.
    """
    model = registry.build_encoder(name, input_shape, config)
    features = model.get_layer(FEATURES).output
    if len(features.shape) != 2:
        raise ZooError(f"encoder: the features of model '{name}' are not one vector for each image: {features.shape}")
    return keras.Model(model.input, features, name=ENCODER)
