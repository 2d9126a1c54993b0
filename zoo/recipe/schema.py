"""The recipe schema. Strict: an unknown key or a wrong type is an error, and nothing is converted silently."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    model_validator,
)

Positive = Annotated[int, Field(ge=1)]
Fraction = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Source = Annotated[str, StringConstraints(pattern=r"^(tfds|builtin|folder|csv|parquet|npz):.+")]


class Section(BaseModel):
    """A part of a recipe."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


# --- data ---------------------------------------------------------------------------------------------------------


def _whole(value: Any) -> Any:
    """Refuse `true` and `1.0`, which are equal to 1 and so pass for the literal."""
    if isinstance(value, bool | float):
        raise ValueError(f"expected 1 or 3, received {str(value).lower()}")
    return value


class Splits(Section):
    """Names of the source's own splits (tfds) or subfolders (folder)."""

    train: str = "train"
    validation: str | None = Field(None, description="the source's own validation split; cut from train where left out")
    test: str | None = Field("test", description="the source's own test split; cut from train where it does not exist")


class Data(Section):
    """Where the examples come from and how they are split."""

    source: Source = Field(description="tfds:NAME, builtin:NAME, folder:PATH, csv:PATH, parquet:PATH or npz:PATH")
    target: str | None = Field(None, description="the column to predict (tables), or the feature (tfds, npz)")
    ignore: list[str] = Field([], description="columns of a table that are not inputs")
    categorical: list[str] = Field([], description="columns of a table to read as categories, whatever they look like")
    channels: Annotated[Literal[1, 3] | None, BeforeValidator(_whole)] = Field(
        None, description="read images as grey (1) or colour (3)"
    )
    splits: Splits = Splits()
    validation: Fraction = Field(0.1, description="share of the training examples that is held out for choosing")
    test: Fraction = Field(0.2, description="share held out for the end, where the source has no test split")
    split_seed: int = Field(0, ge=0, description="seed of the splits; apart from training.seed, so that runs compare")
    memory: Literal["auto", "resident", "streamed"] = Field(
        "auto", description="hold the examples in memory, or read them as they are needed; auto decides by size"
    )


# --- preprocess ---------------------------------------------------------------------------------------------------


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


class Rescale(Section):
    """Multiply by `scale`, then add `offset`."""

    scale: Number
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
    rescale: Rescale | None = None
    standardize: Standardize | None = None


SHAPE_STEPS = ("resize", "center_crop", "encode")  # these fix the shape; augmentation comes between them and the rest


# --- augment ------------------------------------------------------------------------------------------------------

Fill = Literal["nearest", "reflect", "constant"]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


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


class RandomZoom(Section):
    """Zoom in or out by up to this share, the same in both directions."""

    factor: Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]
    fill: Fill = "constant"


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


class AugmentStep(OneOf):
    """One augmentation: applied in training only, to the image in its own value range."""

    random_flip: RandomFlip | None = None
    random_translation: RandomTranslation | None = None
    random_rotation: RandomRotation | None = None
    random_zoom: RandomZoom | None = None
    random_brightness: RandomBrightness | None = None
    random_contrast: RandomContrast | None = None
    random_erasing: RandomErasing | None = None
    gaussian_noise: GaussianNoise | None = None


# --- model, loss, optimizer ---------------------------------------------------------------------------------------


class Model(BaseModel):
    """The builder and its own settings, which its signature checks."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)
    name: str = Field(description="a registered builder: see `zoo list`")

    @property
    def config(self) -> dict[str, Any]:
        """The builder's own settings."""
        return dict(self.model_extra or {})


class CategoricalCrossentropy(Section):
    """Cross-entropy over classes, from logits."""

    name: Literal["categorical_crossentropy"]
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0


class MeanSquaredError(Section):
    """Mean squared error, on targets in units of their standard deviation."""

    name: Literal["mean_squared_error"]


class MeanAbsoluteError(Section):
    """Mean absolute error, on targets in units of their standard deviation."""

    name: Literal["mean_absolute_error"]


class Huber(Section):
    """Huber loss, on targets in units of their standard deviation."""

    name: Literal["huber"]
    delta: Rate = 1.0


Loss = Annotated[CategoricalCrossentropy | MeanSquaredError | MeanAbsoluteError | Huber, Field(discriminator="name")]


class Cosine(Section):
    """Cosine annealing (Loshchilov & Hutter 2017) from `peak` to `final` over the whole run."""

    schedule: Literal["cosine"]
    peak: Rate
    final: NonNegative = 0.0


class WarmupCosine(Section):
    """Linear warmup to `peak`, then cosine annealing to `final`."""

    schedule: Literal["warmup_cosine"]
    peak: Rate
    warmup_epochs: Rate
    final: NonNegative = 0.0


class Step(Section):
    """Start at `initial`; multiply by `factor` at each of the named epochs."""

    schedule: Literal["step"]
    initial: Rate
    factor: Rate = 0.1
    epochs: list[Positive] = Field(min_length=1)


class Exponential(Section):
    """Start at `initial`; multiply by `factor` each epoch, smoothly."""

    schedule: Literal["exponential"]
    initial: Rate
    factor: Rate


def _rate_or_schedule(value: Any) -> str:
    if isinstance(value, dict):
        name = value.get("schedule")
        return name if isinstance(name, str) and name != "number" else ""
    return getattr(value, "schedule", "number")


Schedule = Cosine | WarmupCosine | Step | Exponential
LearningRate = Annotated[
    Annotated[Rate, Tag("number")]
    | Annotated[Cosine, Tag("cosine")]
    | Annotated[WarmupCosine, Tag("warmup_cosine")]
    | Annotated[Step, Tag("step")]
    | Annotated[Exponential, Tag("exponential")],
    Discriminator(_rate_or_schedule),
]


class OptimizerSettings(Section):
    """What every optimiser takes. Weight decay leaves out biases and the parameters of norms."""

    learning_rate: LearningRate
    weight_decay: NonNegative = 0.0
    clip_value: Rate | None = None
    clip_norm: Rate | None = None
    clip_global_norm: Rate | None = None


class Sgd(OptimizerSettings):
    """Stochastic gradient descent."""

    name: Literal["sgd"]
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.0
    nesterov: bool = False


class Moments(OptimizerSettings):
    """What Adam and AdamW share."""

    beta_1: Annotated[float, Field(ge=0, lt=1)] = 0.9
    beta_2: Annotated[float, Field(ge=0, lt=1)] = 0.999
    epsilon: Rate = 1e-7


class Adam(Moments):
    """Adam (Kingma & Ba 2015)."""

    name: Literal["adam"]


class Adamw(Moments):
    """AdamW: Adam with decoupled weight decay (Loshchilov & Hutter 2019)."""

    name: Literal["adamw"]
    weight_decay: NonNegative = 0.01


class Rmsprop(OptimizerSettings):
    """RMSprop (Hinton 2012)."""

    name: Literal["rmsprop"]
    rho: Annotated[float, Field(ge=0, lt=1)] = 0.9
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.0
    epsilon: Rate = 1e-7


Optimizer = Annotated[Sgd | Adam | Adamw | Rmsprop, Field(discriminator="name")]


# --- the rest -----------------------------------------------------------------------------------------------------


class EarlyStopping(Section):
    """Stop when the validation loss has not improved for `patience` epochs."""

    patience: Positive
    min_delta: NonNegative = 0.0


class Regularization(Section):
    """What keeps the model from memorising, beside dropout (model), weight decay (optimizer) and augmentation."""

    mixup: NonNegative = Field(0.0, description="alpha of the Beta distribution (Zhang et al. 2018); 0 is off")
    early_stopping: EarlyStopping | None = None


class Training(Section):
    """How long, in what batches, from which seed."""

    batch_size: Positive = 64
    epochs: Positive
    seed: int = Field(0, ge=0)
    precision: Literal["float32"] = "float32"
    select: Literal["best", "last"] = Field(
        "best", description="keep the epoch that is best on validation by the task's primary metric, or the last"
    )
    steps_per_execution: Positive | Literal["auto"] = Field("auto", description="training steps in one call")


class Evaluation(Section):
    """What the model is held against."""

    baseline: str | None = Field(None, description="a scikit-learn baseline trained on the same split")


class Export(Section):
    """The ONNX file."""

    opset: Annotated[int, Field(ge=13, le=18)] = 18
    tolerance: Rate = Field(1e-4, description="largest allowed difference from the Keras evaluation pipeline")


class Recipe(Section):
    """A recipe: everything that `zoo train` needs to know."""

    description: str = ""
    task: Literal["image_classification", "tabular_classification", "tabular_regression"]
    data: Data
    preprocess: list[PreprocessStep] = []
    augment: list[AugmentStep] = []
    model: Model
    loss: Loss
    optimizer: Optimizer
    regularization: Regularization = Regularization()
    training: Training
    evaluation: Evaluation = Evaluation()
    export: Export = Export()
