"""The steps of `preprocess:` and `augment:`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from zoo.recipe.types import Fraction, Number, Positive, Rate, Section, Share


class Resize(Section):
    """Resize images by bilinear interpolation with antialiasing."""

    height: Positive
    width: Positive


class CenterCrop(Section):
    """Cut the middle out of images."""

    height: Positive
    width: Positive


class Encode(Section):
    """Turn table columns into one vector: numbers with gaps filled, categories one-hot (unseen ones are all zero)."""

    missing: Literal["median", "mean", "refuse"] = Field("median", description="what fills a missing number")


class Tokenize(Section):
    """Turn text into token ids; the vocabulary is fitted on the training split and travels in the exported file."""

    level: Literal["character", "word"] = "word"
    lowercase: bool = False
    vocabulary: Annotated[int, Field(ge=8)] | None = Field(
        None, description="most ids, the rarer tokens being unknown; all that occur in training where left out"
    )
    length: Positive | None = Field(None, description="most tokens of a text; what is longer is cut")


class StandardizeWindow(Section):
    """Subtract each window's own mean and divide by its own deviation, and put both back into the forecast.

    Reversible instance normalization (Kim et al. 2022), without its learnt scale.
    """


class Rescale(Section):
    """Multiply by `scale`, then add `offset`."""

    scale: Number = Field(description="a number, or a fraction such as 1/255")
    offset: Number = 0.0


class Standardize(Section):
    """Subtract the mean and divide by the standard deviation: of each channel of images, of each column otherwise."""

    mean: list[Number] | None = Field(None, description="given values; fitted on the training split where left out")
    std: list[Rate] | None = Field(None, description="given values; fitted on the training split where left out")


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
    """One step of preprocessing: part of the saved and of the exported model."""

    resize: Resize | None = None
    center_crop: CenterCrop | None = None
    encode: Encode | None = None
    tokenize: Tokenize | None = None
    rescale: Rescale | None = None
    standardize: Standardize | None = None
    standardize_window: StandardizeWindow | None = None


SHAPE_STEPS = (
    "resize",
    "center_crop",
    "encode",
    "tokenize",
)  # these fix the shape; augmentation comes between them and the rest


Fill = Literal["nearest", "reflect", "constant"]


class RandomFlip(Section):
    """Mirror each image with probability one half."""

    mode: Literal["horizontal", "vertical", "horizontal_and_vertical"] = "horizontal"


class RandomTranslation(Section):
    """Shift by up to these shares of height and width."""

    height: Share
    width: Share
    fill: Fill = "constant"


class RandomRotation(Section):
    """Rotate by up to this share of a full turn, either way."""

    factor: Share
    fill: Fill = "constant"


class RandomShear(Section):
    """Slant by up to this share, either way: rows move sideways by it times their distance from the middle."""

    factor: Share
    fill: Fill = "constant"


class RandomZoom(Section):
    """Zoom in or out by up to this share, the same in both directions."""

    factor: Fraction
    fill: Fill = "constant"


class RandomResizedCrop(Section):
    """Cut out a part and stretch it to the whole (Szegedy et al. 2015): its share of the area, and its shape."""

    area: list[Share] = Field([0.2, 1.0], min_length=2, max_length=2, description="smallest and largest share")
    ratio: Annotated[float, Field(ge=1.0)] = Field(4 / 3, description="width over height at most, and at least 1/ratio")


class RandomBrightness(Section):
    """Add up to this share of the value range, either way."""

    factor: Share


class RandomContrast(Section):
    """Stretch each image about its mean by up to this share, either way."""

    factor: Share


class RandomErasing(Section):
    """Overwrite a rectangle with noise (Zhong et al. 2020)."""

    probability: Share = 0.5
    area: list[Share] = Field([0.02, 0.33], min_length=2, max_length=2, description="smallest and largest share")


class GaussianNoise(Section):
    """Add normal noise, its standard deviation as a share of the value range."""

    std: Share


class RandAugment(Section):
    """Give each image operations of a list of 14, drawn anew for each, all of one magnitude (Cubuk et al. 2019).

    Identity, autocontrast, equalize, rotate, solarize, color (images of three channels), posterize, contrast,
    brightness, sharpness, shear and translate along x and y.
    """

    operations: Positive = Field(2, description="operations for each image, one after the other")
    magnitude: Annotated[float, Field(ge=0, le=10)] = Field(
        9.0, description="0 to 10, where 10 is a rotation by 30 degrees, a shear by 0.3, a shift by 0.45 of the side"
    )
    fill: Fill = "constant"


PHOTOMETRIC = ("random_brightness", "random_contrast", "gaussian_noise")  # these leave every pixel in its place


class AugmentStep(OneOf):
    """One augmentation: applied in training only, to the image in its own value range."""

    random_flip: RandomFlip | None = None
    random_translation: RandomTranslation | None = None
    random_rotation: RandomRotation | None = None
    random_shear: RandomShear | None = None
    random_zoom: RandomZoom | None = None
    random_resized_crop: RandomResizedCrop | None = None
    random_brightness: RandomBrightness | None = None
    random_contrast: RandomContrast | None = None
    random_erasing: RandomErasing | None = None
    gaussian_noise: GaussianNoise | None = None
    rand_augment: RandAugment | None = None
