"""The steps of `preprocess:`, and what they have in common with those of `augment:`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from zoo.recipe.types import NonNegative, Number, Positive, PositiveNumber, Section

MIN_BYTES_IDS = 260  # the bytes and four special ids


class Resize(Section):
    """Resize images with antialiasing."""

    height: Positive
    width: Positive
    interpolation: Literal["bilinear", "bicubic"] = Field(
        "bilinear", description="bicubic is Pillow's, sharper, which many published weights were trained with"
    )
    mode: Literal["stretch", "crop", "pad"] = Field(
        "stretch",
        description="images of another shape: stretch them; crop what sticks out at two sides; or pad two sides, so "
        "that all of the image is seen (letterbox)",
    )
    fill: Annotated[int, Field(ge=0, le=255)] = Field(
        0, description="pad: the value of the padding, black where left out"
    )


class CenterCrop(Section):
    """Cut the middle out of images."""

    height: Positive
    width: Positive


class Pretrained(Section):
    """Prepare inputs as the weights in `model.pretrained` expect: it stands for the steps that do so."""

    size: Positive | None = Field(
        None, description="height and width of images, at which the rest is scaled; the weights' own where left out"
    )


class Tokenize(Section):
    """Turn text into token ids. The vocabulary is fitted on the training split and is part of the exported file."""

    level: Literal["character", "word", "whitespace", "subword"] = Field(
        "word",
        description="what a token is: one character; a word or punctuation mark; what whitespace separates; or a piece "
        "of a word (needs the extra text)",
    )
    kind: Literal["bpe", "wordpiece"] | None = Field(
        None,
        description="of subwords: byte pair encoding of bytes (the default) or WordPiece; fitted on the training split",
    )
    file: str | None = Field(
        None, description="of subwords: a tokenizer.json of the package tokenizers, which is taken as it is"
    )
    marks: bool = Field(
        False,
        description="of file: put the marks of its template, such as [CLS] and [SEP], around each text; they count in "
        "length",
    )
    lowercase: bool = False
    vocabulary: Annotated[int, Field(ge=8)] | None = Field(
        None,
        description="largest number of ids, the rarest tokens left out; all tokens of the training split by default, "
        "and 8000 of subwords",
    )
    length: Positive | None = Field(None, description="largest number of tokens of a text; longer texts are cut")

    @model_validator(mode="after")
    def _fits_the_level(self) -> Tokenize:
        given = [name for name in ("kind", "file") if getattr(self, name) is not None]
        if given and self.level != "subword":
            raise ValueError(f"{given[0]} is of level: subword, and the level is {self.level}")
        if self.marks and self.file is None:
            raise ValueError("marks are those of a tokenizer.json, and no file is named; leave them out")
        if self.file is None:
            if self.level == "subword" and self.kind != "wordpiece" and (self.vocabulary or 8000) < MIN_BYTES_IDS:
                raise ValueError(
                    f"vocabulary must be at least {MIN_BYTES_IDS} for byte pair encoding, whose first pieces are the "
                    f"256 bytes, received {self.vocabulary}"
                )
            return self
        others = {"kind": self.kind is not None, "lowercase": self.lowercase, "vocabulary": self.vocabulary is not None}
        idle = [name for name, is_given in others.items() if is_given]
        if idle:
            raise ValueError(f"{idle[0]} has no effect beside file, whose tokenizer is taken as it is; leave it out")
        return self


class Encode(Section):
    """Turn the columns of a table into one vector.

    Missing numbers are filled, moments become parts of dates; few categories are one-hot (unseen ones all 0), many are
    embedded.
    """

    missing: Literal["median", "mean", "refuse"] = Field("median", description="what replaces a missing number")
    dates: Literal["parts", "days"] = Field(
        "parts",
        description="moments become days, year, and month, day, weekday, day of the year and hour as sine and cosine, "
        "as far as they differ; or days since 1970 alone",
    )
    embed_above: Positive | None = Field(
        50, description="columns of more categories are embedded, all others one-hot; all are one-hot if null"
    )
    rare_below: Positive = Field(
        5,
        description="categories of such columns that fewer training rows have count as one with unseen categories; 1: "
        "none",
    )
    texts: Tokenize = Field(
        Tokenize(level="word", lowercase=True, vocabulary=10_000, length=128),
        description="how the columns of data.texts are cut into tokens",
    )
    text_width: Positive = Field(32, description="numbers of the embedding of a token of such a text")


class StandardizeWindow(Section):
    """Subtract the mean of each window and divide by its standard deviation; undo both in the forecast.

    Reversible instance normalization (Kim et al. 2022), without its learned scale.
    """


class LogMel(Section):
    """Turn audio into the logarithm of its energy in mel bands of short windows (Hann, the mel scale of HTK)."""

    bands: Positive = 64
    window: PositiveNumber = Field(0.025, description="seconds of a window")
    hop: PositiveNumber = Field(0.01, description="seconds from the begin of a window to that of the next")
    low: NonNegative = Field(20.0, description="lowest frequency in hertz")
    high: PositiveNumber | None = Field(
        None, description="highest frequency in hertz; half the sample rate where left out"
    )


class Rescale(Section):
    """Multiply by `scale`, then add `offset`."""

    scale: Number = Field(description="a number, or a fraction such as 1/255")
    offset: Number = 0.0


class Standardize(Section):
    """Subtract the mean and divide by the standard deviation of each channel (images) or column (all other inputs)."""

    mean: list[Number] | None = Field(None, description="given values; fitted on the training split where left out")
    std: list[PositiveNumber] | None = Field(
        None, description="given values; fitted on the training split where left out"
    )


class OneOf(Section):
    """A step of a list: a mapping with exactly one key."""

    @model_validator(mode="after")
    def _exactly_one(self) -> OneOf:
        names = list(type(self).model_fields)
        given = [name for name in names if getattr(self, name) is not None]
        if len(given) == 1:
            return self
        if not given and len(self.model_fields_set) == 1:
            name = next(iter(self.model_fields_set))
            raise ValueError(f"the step has no settings: write {{{name}: {{}}}} to take the defaults")
        raise ValueError(f"a step has exactly one key ({', '.join(names)}), received {' and '.join(given) or 'none'}")

    @property
    def kind(self) -> str:
        """The step's name."""
        return next(name for name in type(self).model_fields if getattr(self, name) is not None)

    @property
    def settings(self) -> Any:
        """The step's settings."""
        return getattr(self, self.kind)


class PreprocessStep(OneOf):
    """One step of preprocessing. It is part of the saved and of the exported model."""

    pretrained: Pretrained | None = None
    resize: Resize | None = None
    center_crop: CenterCrop | None = None
    encode: Encode | None = None
    tokenize: Tokenize | None = None
    log_mel: LogMel | None = None
    rescale: Rescale | None = None
    standardize: Standardize | None = None
    standardize_window: StandardizeWindow | None = None


# These fix the shape. Augmentation comes after them and before the other steps.
SHAPE_STEPS = ("resize", "center_crop", "encode", "tokenize", "log_mel")
