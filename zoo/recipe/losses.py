"""The section `loss:`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from zoo.recipe.types import Fraction, NonNegative, PositiveNumber, Section

ClassWeights = Annotated[
    Literal["balanced"] | Annotated[list[NonNegative], Field(min_length=1)] | None,
    Field(
        description="one weight for each class; balanced gives every class of the training split the same total weight"
    ),
]
Smoothing = Annotated[
    float, Field(ge=0, lt=1, description="fraction of the target that is spread over all classes (Szegedy et al. 2016)")
]
Temperature = Annotated[PositiveNumber, Field(description="divisor of the similarities")]
Background = Annotated[bool, Field(description="count class 0 in the Dice coefficient")]


class CategoricalCrossentropy(Section):
    """Cross-entropy over classes, from logits."""

    name: Literal["categorical_crossentropy"]
    label_smoothing: Smoothing = 0.0
    class_weights: ClassWeights = None


class SparseCategoricalCrossentropy(Section):
    """Cross-entropy over classes, from logits and the index of the class."""

    name: Literal["sparse_categorical_crossentropy"]


class BinaryCrossentropy(Section):
    """Binary cross-entropy of each class against all others, from logits."""

    name: Literal["binary_crossentropy"]
    label_smoothing: Annotated[float, Field(ge=0, lt=1, description="how far targets are moved towards 0.5")] = 0.0
    class_weights: ClassWeights = None


class Focal(Section):
    """Focal loss (Lin et al. 2017): cross-entropy with less weight on examples that are classified well."""

    name: Literal["focal"]
    gamma: NonNegative = Field(2.0, description="how much less easy examples count; 0 is cross-entropy")
    alpha: PositiveNumber = Field(1.0, description="factor of the whole loss")
    label_smoothing: Smoothing = 0.0
    class_weights: ClassWeights = None


class MeanSquaredError(Section):
    """Mean squared error of standardised targets."""

    name: Literal["mean_squared_error"]


class MeanAbsoluteError(Section):
    """Mean absolute error of standardised targets."""

    name: Literal["mean_absolute_error"]


class Huber(Section):
    """Huber loss of standardised targets."""

    name: Literal["huber"]
    delta: PositiveNumber = 1.0


class Quantile(Section):
    """Quantile or pinball loss of standardised targets (Koenker and Bassett 1978): the output is a quantile."""

    name: Literal["quantile"]
    quantile: Annotated[float, Field(gt=0, lt=1, description="which, such as 0.9; 0.5 is the median")] = 0.5


class MaskedCrossentropy(Section):
    """Cross-entropy of tokens, mean over those that are not padding."""

    name: Literal["masked_crossentropy"]
    label_smoothing: Smoothing = 0.0


class ConnectionistTemporal(Section):
    """Connectionist temporal classification (Graves et al. 2006), for symbols whose positions are unknown."""

    name: Literal["ctc"]
    per_symbol: bool = Field(False, description="divide each example's loss by the length of its target")


class PixelCrossentropy(Section):
    """Cross-entropy over the classes of each pixel."""

    name: Literal["pixel_crossentropy"]
    label_smoothing: Smoothing = 0.0
    class_weights: ClassWeights = None


class Dice(Section):
    """1 - the soft Dice coefficient (Milletari et al. 2016), mean over the classes."""

    name: Literal["dice"]
    background: Background = True


class CrossentropyDice(Section):
    """Cross-entropy of each pixel plus the Dice loss."""

    name: Literal["crossentropy_dice"]
    dice_weight: PositiveNumber = Field(1.0, description="factor of the Dice loss")
    background: Background = True
    label_smoothing: Smoothing = 0.0
    class_weights: ClassWeights = None


class CenterNet(Section):
    """Objects as points (Zhou et al. 2019): focal loss of the centres, L1 loss of their offset and size."""

    name: Literal["center_net"]
    offset_weight: NonNegative = Field(1.0, description="factor of the offset's loss")
    size_weight: NonNegative = Field(0.1, description="factor of the size's loss")
    minimum_iou: Fraction = Field(0.7, description="IoU with the true box at the edge of a centre's Gaussian")


class Adversarial(Section):
    """The losses of a generator and of a discriminator (Goodfellow et al. 2014)."""

    name: Literal["adversarial"]
    form: Literal["non_saturating", "hinge", "least_squares", "wasserstein"] = "non_saturating"
    label_smoothing: Annotated[
        float, Field(ge=0, lt=1, description="how far the target for real images is below one (Salimans et al. 2016)")
    ] = 0.0
    gradient_penalty: NonNegative = Field(
        0.0, description="factor of the gradient penalty (Gulrajani et al. 2017, who take 10); 0 is off"
    )
    r1: NonNegative = Field(0.0, description="factor of the R1 penalty (Mescheder et al. 2018, who take 10); 0 is off")


class Denoising(Section):
    """Mean squared error of the denoiser's prediction (Ho et al. 2020)."""

    name: Literal["denoising"]
    schedule: Literal["linear", "cosine", "rectified_flow"] = Field("cosine", description="noise schedule")
    prediction: Literal["noise", "x0", "v", "velocity"] = Field(
        "v",
        description="what the denoiser predicts; rectified_flow needs velocity, the other schedules one of the others",
    )
    drop_label: Annotated[
        float, Field(ge=0, lt=1, description="rate at which classes are dropped in training (Ho & Salimans 2022)")
    ] = 0.1


class NtXent(Section):
    """Normalized temperature-scaled cross-entropy of views of the same image (Chen et al. 2020)."""

    name: Literal["nt_xent"]
    temperature: Temperature = 0.5


class SupCon(Section):
    """Supervised contrastive loss (Khosla et al. 2020): embeddings of one class against all others."""

    name: Literal["supcon"]
    temperature: Temperature = 0.1


class Contrastive(Section):
    """Contrastive loss of all pairs in the batch (Hadsell et al. 2006)."""

    name: Literal["contrastive"]
    margin: PositiveNumber = Field(
        1.0, description="distance beyond which embeddings of different classes cost nothing"
    )


class Triplet(Section):
    """Triplet loss (Schroff et al. 2015, Hermans et al. 2017) on Euclidean distances."""

    name: Literal["triplet"]
    margin: PositiveNumber = Field(0.2, description="how much further away the negative must be than the positive")
    mining: Literal["hard", "semi_hard", "all"] = Field("semi_hard", description="which triplets of the batch count")


class MaskedPixels(Section):
    """Mean squared error of the pixels of hidden patches (He et al. 2021)."""

    name: Literal["masked_pixels"]


class Dino(Section):
    """Cross-entropy between a student and a teacher that see other views of an image (Caron et al. 2021)."""

    name: Literal["dino"]
    temperature: Temperature = Field(0.1, description="what the student's logits are divided by")


Loss = Annotated[
    CategoricalCrossentropy
    | SparseCategoricalCrossentropy
    | BinaryCrossentropy
    | Focal
    | MeanSquaredError
    | MeanAbsoluteError
    | Huber
    | Quantile
    | MaskedCrossentropy
    | ConnectionistTemporal
    | PixelCrossentropy
    | Dice
    | CrossentropyDice
    | CenterNet
    | Adversarial
    | Denoising
    | NtXent
    | SupCon
    | Contrastive
    | Triplet
    | MaskedPixels
    | Dino,
    Field(discriminator="name"),
]
