"""The recipe schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from zoo.recipe.losses import Loss
from zoo.recipe.optimizers import Optimizer
from zoo.recipe.schedules import Duration
from zoo.recipe.search import Search
from zoo.recipe.steps import AugmentStep, PreprocessStep
from zoo.recipe.types import Fraction, NonNegative, Positive, Rate, Section
from zoo.tasks import FILE_SOURCES, SOURCES, TASKS

if TYPE_CHECKING:
    TaskName = str
else:
    TaskName = Literal[tuple(TASKS)]

*_FIRST_FORMS, _LAST_FORM = (f"{source}:{'PATH' if source in FILE_SOURCES else 'NAME'}" for source in SOURCES)
SOURCE_FORMS = f"{', '.join(_FIRST_FORMS)} or {_LAST_FORM}"
Source = Annotated[str, StringConstraints(pattern=rf"^({'|'.join(SOURCES)}):.+"), Field(description=SOURCE_FORMS)]


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


class Window(Section):
    """What a forecast looks at and how far it reaches, in steps of the series."""

    history: Positive = Field(description="steps that the model sees")
    horizon: Positive = Field(description="steps that it predicts")
    season: Positive = Field(1, description="steps after which the series repeats; 1 where it does not")


class Data(Section):
    """Where the examples come from and how they are split."""

    source: Source
    input: str | None = Field(None, description="the feature that is the input (tfds), where the source names none")
    target: str | None = Field(None, description="the column to predict (tables), or the feature (tfds, npz)")
    abnormal: Annotated[list[str], Field(min_length=1)] | None = Field(
        None, description="anomaly detection: the classes that training must not see"
    )
    window: Window | None = Field(None, description="forecasting: what is seen and what is predicted")
    context: Positive = Field(128, description="language modeling: characters that the model sees at a time")
    per_class: Positive | None = Field(
        None, description="classification: training examples of each class to use, drawn with split_seed; all if null"
    )
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


class Model(BaseModel):
    """The builder and its own settings, which its signature checks."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)
    name: str = Field(description="a registered builder: see `zoo list`")
    pretrained: str | None = Field(
        None, description="folder of a run whose encoder this network begins with; all but the head must be the same"
    )
    freeze: bool = Field(False, description="keep the pretrained weights as they are and train the head alone")

    @property
    def config(self) -> dict[str, Any]:
        """The builder's own settings."""
        return dict(self.model_extra or {})


class EarlyStopping(Section):
    """Stop when the validation loss has not improved for `patience` epochs."""

    patience: Positive
    min_delta: NonNegative = 0.0


class Regularization(Section):
    """What keeps the model from memorising, beside dropout (model), weight decay (optimizer) and augmentation."""

    mixup: NonNegative = Field(0.0, description="alpha of the Beta distribution (Zhang et al. 2018); 0 is off")
    cutmix: NonNegative = Field(
        0.0, description="the same for pasted rectangles (Yun et al. 2019); with mixup, each batch takes one of the two"
    )
    l1: NonNegative = Field(0.0, description="times the sum of |w| over all kernels, added to the training loss alone")
    l2: NonNegative = Field(0.0, description="times the sum of w² over all kernels, added to the training loss alone")
    early_stopping: EarlyStopping | None = None


class Checkpoints(Section):
    """The states that an interrupted run goes on from, beside those at the ends of epochs."""

    every_steps: Positive | None = Field(None, description="steps after which one is written, within epochs too")
    every_minutes: Rate | None = Field(10.0, description="minutes after which one is written within an epoch")
    keep: Positive = Field(2, description="how many stay; each holds the best weights so far, too")


class Distribution(Section):
    """Several devices, each of which works on its part of every batch."""

    devices: Positive | Literal["all"] = Field("all", description="accelerators; where there are none, processors")


class Training(Section):
    """How long, in what batches, from which seed."""

    batch_size: Positive = 64
    epochs: Positive
    stop_after: Positive | None = Field(
        None, description="epochs after which training ends, while schedules reach over `epochs` as before"
    )
    seed: int = Field(0, ge=0)
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = Field(
        "float32", description="of the arithmetic in training; weights, and what is saved and exported, stay float32"
    )
    select: Literal["best", "last"] = Field(
        "best", description="keep the epoch that is best on validation by the task's primary metric, or the last"
    )
    steps_per_execution: Positive | Literal["auto"] = Field("auto", description="training steps in one call")
    augment_until: Duration | None = Field(
        None,
        description="when augmentation ends, so that the rest of the run sees the examples as they are: a number of "
        "epochs, or text: 500 steps, 2 epochs, 90%; at the end of the run where left out",
    )
    checkpoints: Checkpoints = Checkpoints()
    distribution: Distribution | None = Field(None, description="one device where left out")
    cpu_kernels: Literal["auto", "off"] = Field(
        "auto",
        description="fused kernels for norms, activations and Adam: on TensorFlow, on one CPU device; off: Keras's own",
    )
    monitor: bool = Field(
        False, description="log the gradients' norm, the size of the updates, and the share of dead units by epoch"
    )

    @property
    def processors(self) -> int:
        """How many devices the processor has to be seen as, should there be no others."""
        wanted = self.distribution.devices if self.distribution is not None else 1
        return 1 if wanted == "all" else wanted


class Evaluation(Section):
    """What the model is held against."""

    baseline: str | None = Field(None, description="a simple method, fitted on the same split")
    features: str | None = Field(
        None, description="generation: the recipe of the classifier whose features real and made images are compared by"
    )
    samples: Annotated[int, Field(ge=100)] | None = Field(
        None, description="generation: images that are made to be judged; 2,000 where left out"
    )


class Sampling(Section):
    """How a diffusion model makes images."""

    sampler: Literal["ddim", "ddpm", "euler"] = Field("ddim", description="euler is for rectified_flow, and only it")
    steps: Positive = Field(50, description="times that the denoiser is asked")
    guidance: NonNegative | None = Field(
        None, description="weight of the class, for conditional models: 1 takes the denoiser's answer, more exaggerates"
    )


class Export(Section):
    """The ONNX file."""

    opset: Annotated[int, Field(ge=13, le=18)] = 18
    tolerance: Rate = Field(1e-4, description="largest allowed difference from the Keras evaluation pipeline")


class Recipe(Section):
    """A recipe: everything that `zoo train` needs to know."""

    description: str = ""
    task: TaskName
    data: Data
    preprocess: list[PreprocessStep] = []
    augment: list[AugmentStep] = []
    model: Model
    loss: Loss
    optimizer: Optimizer
    regularization: Regularization = Regularization()
    training: Training
    evaluation: Evaluation = Evaluation()
    sampling: Sampling | None = Field(None, description="diffusion models")
    search: Search | None = Field(None, description="what `zoo tune` tries; training does not look at it")
    export: Export = Export()
