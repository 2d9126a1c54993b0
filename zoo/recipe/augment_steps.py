"""The steps of `augment:`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from zoo.recipe.steps import OneOf
from zoo.recipe.types import Fraction, Positive, Section, UnitInterval

Fill = Literal["nearest", "reflect", "constant"]


class RandomFlip(Section):
    """Mirror each image with probability 0.5."""

    mode: Literal["horizontal", "vertical", "horizontal_and_vertical"] = "horizontal"


class RandomTranslation(Section):
    """Shift by up to these fractions of height and width."""

    height: UnitInterval
    width: UnitInterval
    fill: Fill = "constant"


class RandomRotation(Section):
    """Rotate by up to this fraction of a full turn, either way."""

    factor: UnitInterval
    fill: Fill = "constant"


class RandomShear(Section):
    """Shear by up to this factor, either way: rows move by it times their distance from the middle."""

    factor: UnitInterval
    fill: Fill = "constant"


class RandomZoom(Section):
    """Zoom in or out by up to this fraction, the same for height and width."""

    factor: Fraction
    fill: Fill = "constant"


class RandomResizedCrop(Section):
    """Crop a part of random area and shape, and resize it to the whole (Szegedy et al. 2015)."""

    area: list[UnitInterval] = Field(
        [0.2, 1.0], min_length=2, max_length=2, description="smallest and largest fraction of the area"
    )
    ratio: Annotated[float, Field(ge=1.0)] = Field(
        4 / 3, description="largest width over height; the smallest is 1/ratio"
    )


class RandomBrightness(Section):
    """Add up to this fraction of the value range, either way."""

    factor: UnitInterval


class RandomContrast(Section):
    """Scale each image about its mean by up to this fraction, either way."""

    factor: UnitInterval


class RandomErasing(Section):
    """Replace a rectangle by noise (Zhong et al. 2020)."""

    probability: UnitInterval = 0.5
    area: list[UnitInterval] = Field(
        [0.02, 0.33], min_length=2, max_length=2, description="smallest and largest fraction of the area"
    )


class GaussianNoise(Section):
    """Add normal noise, whose standard deviation is a fraction of the value range."""

    std: UnitInterval


class RandAugment(Section):
    """Apply random operations of a list of 14 to each image, all of one magnitude (Cubuk et al. 2019).

    Identity, autocontrast, equalize, rotate, solarize, color (images of three channels), posterize, contrast,
    brightness, sharpness, shear and translate along x and y.
    """

    operations: Positive = Field(2, description="number of operations for each image")
    magnitude: Annotated[float, Field(ge=0, le=10)] = Field(
        9.0, description="0 to 10; 10 is a rotation by 30 degrees, a shear by 0.3, a translation by 0.45 of the side"
    )
    fill: Fill = "constant"


class TimeShift(Section):
    """Shift a spectrogram in time by up to this fraction of it, either way; its smallest value fills the gap."""

    factor: Fraction = 0.1


class SpecAugment(Section):
    """Replace bands and stretches of time of a spectrogram by its mean (Park et al. 2019, without time warping)."""

    band_masks: Annotated[int, Field(ge=0)] = Field(2, description="number of masks over bands")
    bands: Fraction = Field(0.25, description="largest fraction of the bands that one of them hides")
    time_masks: Annotated[int, Field(ge=0)] = Field(2, description="number of masks over time")
    time: Fraction = Field(0.2, description="largest fraction of the time that one of them hides")


SPECTRAL = ("time_shift", "spec_augment")  # steps for spectrograms; all others are for images
PHOTOMETRIC = ("random_brightness", "random_contrast", "gaussian_noise")  # these move no pixel


class AugmentStep(OneOf):
    """One augmentation. It is applied in training only, to pixels before `rescale` and `standardize`."""

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
    time_shift: TimeShift | None = None
    spec_augment: SpecAugment | None = None
