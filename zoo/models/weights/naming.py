"""What a file of published weights calls the tensors of an architecture, and what is known about such files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

# Our layer (a pattern, of which each group is a whole number) to their module. In their name `{0}` is the first of the
# numbers, `{0:-1}` one less, `{0:*2-1}` one less than twice it, and `{n}` the number of the block, counted from 0 over
# all stages. Several modules stand side by side in one of our layers; `name#1/3` is the second third of a module.
Rows = Mapping[str, str | tuple[str, ...]]


@dataclass(frozen=True, kw_only=True)
class Naming:
    """The names that one library gives the tensors of an architecture.

    Attributes:
        origin: the library.
        has: tensors that only files with these names have.
        rows: number of rows of the first of them, where others give it another.
        layers: see `Rows`; the first pattern that fits a layer counts.
        left_out: pattern of their tensors that our model has no place for, and why.
        first: our layer that takes the channels of the image.
        dense: "out_in", as PyTorch's linear layers, or "in_out", as Keras's, for the matrices of dense layers.
        prefix: steps before the patches that have learned positions: the class token.
        first_segment: their embeddings of segments, of which the first is added to the positions.
        skipped_positions: number of their first positions that no token has.
        new_positions: number of our first positions that their network has none of; they are zero.
        copies: tensors that are left out where they hold the numbers of another, as tied ones do; by its name.
        token_logits: the head has an output for each id of a token.
        flattened: our dense layer that takes flattened maps; in theirs the channels come first.
        folded: our batch normalization (a pattern, as in `layers`) to the module before it, whose bias ours lacks; it
            is subtracted from the mean.
        settings: of the builder, that all networks of the library have. A network with another `padding` or `epsilon`
            is refused.
    """

    origin: str
    has: str | tuple[str, ...]
    rows: int | None = None
    layers: Rows
    left_out: Mapping[str, str] = field(default_factory=dict)
    first: str = ""
    dense: Literal["out_in", "in_out"] = "out_in"
    prefix: int = 0
    first_segment: str = ""
    skipped_positions: int = 0
    new_positions: int = 0
    copies: Mapping[str, str] = field(default_factory=dict)
    token_logits: bool = False
    flattened: str = ""
    folded: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, float | int | str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ImagePreprocessing:
    """What published weights expect of a photo: RGB of 0 to 255, resized, cropped about the middle, standardised.

    Attributes:
        size: height and width of the crop.
        resize: length of the shorter side before it.
        mean: of each channel.
        std: of each channel.
        interpolation: the one that the authors use, of `zoo.layers.preprocessing.INTERPOLATIONS` in files that this
            package writes, and bilinear where it is another.
    """

    size: int
    resize: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: str = "bilinear"


@dataclass(frozen=True, kw_only=True)
class TextPreprocessing:
    """What published weights expect of a text: the tokenizer is the file `tokenizer.json` beside them.

    Attributes:
        length: number of tokens at which a text is cut, with the marks of its begin and end.
        unit: an embedding has length 1.
    """

    length: int
    unit: bool = False


@dataclass(frozen=True, kw_only=True)
class Published:
    """Weights that others trained.

    Attributes:
        source: as `model.pretrained` takes it.
        licence: of the weights.
        megabytes: of the file.
        figure: what its authors measured; empty where their configuration has none.
        task: of a file that `zoo export NAME --weights SOURCE` writes.
        preprocessing: what they expect.
        settings: of the builder.
        labels: name of the list of classes.
    """

    source: str
    licence: str
    megabytes: float
    figure: str
    task: str
    preprocessing: ImagePreprocessing | TextPreprocessing
    settings: Mapping[str, float | int | str | tuple[int, ...]] = field(default_factory=dict)
    labels: str = ""


_PIXEL = 255.0
_HALF = (0.5, 0.5, 0.5)
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
INCEPTION = (_HALF, _HALF)


def of_timm(
    name: str,
    *,
    licence: str,
    megabytes: float,
    size: int = 224,
    crop: float = 0.9,
    normalization: tuple[tuple[float, float, float], tuple[float, float, float]] = IMAGENET,
    settings: Mapping[str, float | int | str] | None = None,
    labels: str = "imagenet",
) -> Published:
    """Return what timm's `pretrained_cfg` says of weights on the hub.

    Args:
        name: of the repository under `timm/`.
        licence: of the weights.
        megabytes: of the parameters in float32.
        size: height and width of the crop.
        crop: its fraction of the shorter side.
        normalization: mean and standard deviation, of pixels from 0 to 1.
        settings: of the builder.
        labels: name of the list of classes; empty for weights without a head.
    """
    mean, std = ((_PIXEL * r, _PIXEL * g, _PIXEL * b) for r, g, b in normalization)
    return Published(
        source=f"hf:timm/{name}",
        licence=licence,
        megabytes=megabytes,
        figure="",  # timm's configurations have none
        task="image_classification" if labels else "representation_learning",
        preprocessing=ImagePreprocessing(
            size=size, resize=int(size / crop), mean=mean, std=std, interpolation="bicubic"
        ),
        settings=settings or {},
        labels=labels,
    )
