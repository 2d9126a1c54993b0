"""The recipe schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from zoo.recipe.graph_tables import GraphTables
from zoo.recipe.losses import Loss
from zoo.recipe.optimizers import Optimizer
from zoo.recipe.schedules import Duration
from zoo.recipe.search import Search
from zoo.recipe.steps import AugmentStep, PreprocessStep
from zoo.recipe.types import Fraction, NonNegative, Positive, PositiveNumber, Section
from zoo.tasks import FILE_SOURCES, SOURCES, TASKS, WRITTEN_SOURCES

if TYPE_CHECKING:
    TaskName = str
else:
    TaskName = Literal[tuple(TASKS)]

*_FIRST_FORMS, _LAST_FORM = (f"{source}:{'PATH' if source in FILE_SOURCES else 'NAME'}" for source in WRITTEN_SOURCES)
SOURCE_FORMS = f"{', '.join(_FIRST_FORMS)} or {_LAST_FORM}"
Source = Annotated[str, StringConstraints(pattern=rf"^({'|'.join(SOURCES)}):.+"), Field(description=SOURCE_FORMS)]


def _whole(value: Any) -> Any:
    """Refuse `true` and `1.0`, which equal 1 and would be accepted for it."""
    if isinstance(value, bool | float):
        raise ValueError(f"expected 1 or 3, received {str(value).lower()}")
    return value


class Splits(Section):
    """Names of the source's own splits (tfds) or subfolders (folder)."""

    train: str = "train"
    validation: str | None = Field(
        None,
        description="the source's own validation split; where left out, a folder of its usual name, or cut from train",
    )
    test: str | None = Field("test", description="the source's own test split; cut from train where it does not exist")


class Fold(Section):
    """One fold of a cross-validation."""

    number: Positive = Field(description="which, from 1")
    of: Annotated[int, Field(ge=2, le=100)] = Field(description="how many there are")


class Window(Section):
    """The window of a forecast, or of a search for anomalies, in steps of the series."""

    history: Positive = Field(description="steps that are the input")
    horizon: Positive | None = Field(None, description="forecasting: steps that are predicted")
    season: Positive = Field(1, description="steps after which the series repeats; 1 for none")

    @property
    def ahead(self) -> int:
        """Steps that are predicted; 0 for none."""
        return self.horizon or 0


class Data(Section):
    """Where the examples come from and how they are split."""

    source: Source
    input: str | None = Field(None, description="the input feature (tfds), where the source names none")
    text: str | None = Field(None, description="texts from a table: the column that holds them")
    image: str | None = Field(
        None,
        description="images from a table: the column that holds their paths, relative to the table, or a pattern with "
        "one column, such as train/{id}.jpg",
    )
    audio: str | None = Field(
        None,
        description="audio from a table: the column that holds the paths of the clips, relative to the table, or a "
        "pattern with one column, such as clips/{id}.wav",
    )
    target: str | Annotated[list[str], Field(min_length=1)] | None = Field(
        None,
        description="what to predict: a column (tables) or a feature (tfds, npz); several columns where each example "
        "has several labels or numbers",
    )
    label_separator: Annotated[str, StringConstraints(min_length=1, max_length=1)] | None = Field(
        None,
        description="multi-label: what stands between the labels of one cell; found out where left out",
    )
    abnormal: Annotated[list[str], Field(min_length=1)] | None = Field(
        None, description="anomaly detection: the classes that training must not see"
    )
    window: Window | None = Field(None, description="forecasting: input and prediction")
    context: Positive = Field(128, description="language modeling: characters of one example")
    classes: Annotated[list[str], Field(min_length=1)] | None = Field(
        None,
        description="masks, yolo, voc: names of the classes, in the order of their ids from 0; the source's own "
        "where left out",
    )
    ignore_index: Annotated[int, Field(ge=0, le=65_535)] | None = Field(
        None, description="segmentation: the value of mask pixels that take no part in loss, metrics and baselines"
    )
    per_class: Positive | None = Field(
        None,
        description="classification: number of training examples of each class, drawn with split_seed; all if null",
    )
    ignore: list[str] = Field([], description="columns of a table that are not inputs")
    categorical: list[str] = Field(
        [], description="columns of a table to read as categories, even if they hold numbers"
    )
    texts: list[str] = Field(
        [], description="columns of a table to read as free text, beside its numbers and categories"
    )
    separator: Annotated[str, StringConstraints(min_length=1, max_length=1)] | None = Field(
        None, description="csv: what stands between the fields; found out where left out"
    )
    encoding: str | None = Field(
        None,
        description="csv, jsonl, folders of texts: the files' encoding, such as latin-1; UTF-8 where left out",
    )
    decimal: Literal[".", ","] | None = Field(
        None, description="tables: the decimal mark of numbers; found out where left out"
    )
    thousands: Annotated[str, StringConstraints(min_length=1, max_length=1)] | None = Field(
        None, description="tables: what stands between the thousands of numbers; found out where left out"
    )
    missing: list[str] = Field(
        [],
        description="tables: texts that count as missing in every column; the empty field does, and NA and the like do "
        "in columns of numbers",
    )
    split_column: str | None = Field(
        None, description="tables: the column that says which split a row is in: train, validation or test"
    )
    graph: GraphTables | None = Field(
        None, description="graphs from tables: their files and columns, where these have other names than usual"
    )
    group: str | None = Field(
        None, description="tables: rows that share a value of this column, such as a customer, stay in one split"
    )
    time: str | None = Field(
        None,
        description="forecasting: the column of time, found out where left out; other tables: the latest rows by this "
        "column are the test, those before them validation",
    )
    series: str | Annotated[list[str], Field(min_length=1)] | None = Field(
        None, description="forecasting: the column, or columns, that tell several series in one table apart"
    )
    past_covariates: list[str] | None = Field(
        None,
        description="forecasting: columns of numbers that are known up to the forecast; all without another use where "
        "left out",
    )
    known_covariates: list[str] = Field(
        [],
        description="forecasting: columns of numbers that are known in advance, such as promotion: their values for "
        "the steps to forecast are an input",
    )
    static_covariates: list[str] = Field(
        [],
        description="forecasting: columns with one value in each series, such as region; what tells series apart may "
        "be one of them",
    )
    sort: bool = Field(False, description="forecasting: sort the rows of the file by time")
    fill: Literal["previous", "linear"] | None = Field(
        None,
        description="forecasting: fill steps and values that are missing by the last value, or on a line to the next",
    )
    sample_rate: Annotated[int, Field(ge=1_000, le=192_000)] | None = Field(
        None,
        description="audio: samples a second that the model takes; files with another rate are resampled. The most "
        "frequent of the training files where left out; of arrays and TFDS it is the rate of the data",
    )
    seconds: Annotated[float, Field(gt=0, le=600, allow_inf_nan=False)] | None = Field(
        None,
        description="audio: length of a clip; longer ones are cut at their end, shorter ones padded with zeros. That "
        "of the longest training clip where left out, at most 10",
    )
    channels: Annotated[Literal[1, 3] | None, BeforeValidator(_whole)] = Field(
        None, description="read images as grey (1) or colour (3)"
    )
    splits: Splits = Splits()
    validation: Fraction = Field(0.1, description="fraction of the training examples that is held out for validation")
    test: Fraction = Field(
        0.2, description="fraction that is held out for the test, where the source has no test split"
    )
    split_seed: int = Field(
        0,
        ge=0,
        description="seed of the splits; separate from training.seed, so that runs with different seeds share splits",
    )
    fold: Fold | None = Field(
        None,
        description="what stands in for the test: one fold of the other examples; `evaluation.folds` trains one by one",
    )
    on_error: Literal["stop", "skip"] = Field(
        "stop",
        description="an example that cannot be read, such as a damaged image: stop, or skip: leave it out and count it",
    )
    memory: Literal["auto", "resident", "streamed"] = Field(
        "auto",
        description="hold the examples in memory (resident), or read them when needed (streamed); auto decides by size",
    )

    @property
    def targets(self) -> list[str]:
        """All columns or features that are predicted."""
        return [self.target] if isinstance(self.target, str) else list(self.target or ())

    @property
    def one_target(self) -> str | None:
        """The column or feature that is predicted, for sources and tasks that have one."""
        return self.targets[0] if len(self.targets) == 1 else None

    @property
    def series_columns(self) -> tuple[str, ...]:
        """The columns that tell series apart."""
        return () if self.series is None else (self.series,) if isinstance(self.series, str) else tuple(self.series)


class Model(BaseModel):
    """The builder, and its settings, which are checked against its signature."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)
    name: str = Field(description="a registered builder: see `zoo list`")
    pretrained: str | None = Field(
        None,
        description="folder of a run whose weights this network starts from; all layers but the head must be the same",
    )
    freeze: bool = Field(False, description="keep the pretrained weights fixed and train only the head")

    @property
    def config(self) -> dict[str, Any]:
        """The builder's own settings."""
        return dict(self.model_extra or {})


class EarlyStopping(Section):
    """Stop when the validation loss has not improved for `patience` epochs."""

    patience: Positive
    min_delta: NonNegative = 0.0


class Regularization(Section):
    """Regularization beside dropout (`model`), weight decay (`optimizer`) and augmentation (`augment`)."""

    mixup: NonNegative = Field(0.0, description="alpha of the Beta distribution (Zhang et al. 2018); 0 is off")
    cutmix: NonNegative = Field(
        0.0, description="the same for CutMix (Yun et al. 2019); where both are on, each batch uses one of the two"
    )
    l1: NonNegative = Field(
        0.0, description="factor of the sum of |w| over all kernels, which is added to the training loss only"
    )
    l2: NonNegative = Field(
        0.0, description="factor of the sum of w² over all kernels, which is added to the training loss only"
    )
    early_stopping: EarlyStopping | None = None


class Checkpoints(Section):
    """Checkpoints within an epoch, from which an interrupted run resumes. One is also written after each epoch."""

    every_steps: Positive | None = Field(None, description="training steps between two checkpoints")
    every_minutes: PositiveNumber | None = Field(10.0, description="minutes between two checkpoints")
    keep: Positive = Field(2, description="number of checkpoints to keep; each also holds the best weights so far")


class Distribution(Section):
    """Data parallelism: each device computes its part of every batch."""

    devices: Positive | Literal["all"] = Field(
        "all", description="number of accelerators; of CPU devices where there are no accelerators"
    )


class Training(Section):
    """How long, in what batches, from which seed."""

    batch_size: Positive = 64
    epochs: Positive
    stop_after: Positive | None = Field(
        None, description="epoch after which training ends early; schedules still span `epochs`"
    )
    seed: int = Field(0, ge=0)
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = Field(
        "float32", description="of the arithmetic in training; weights, saved models and exported files stay float32"
    )
    select: Literal["best", "last"] = Field(
        "best", description="keep the weights of the epoch that is best on validation, or of the last"
    )
    steps_per_execution: Positive | Literal["auto"] = Field(
        "auto", description="training steps in one call of the compiled function"
    )
    augment_until: Duration | None = Field(
        None,
        description="when augmentation ends: a number of epochs, or text: 500 steps, 2 epochs, 90%; it lasts for the "
        "whole run where left out",
    )
    checkpoints: Checkpoints = Checkpoints()
    distribution: Distribution | None = Field(None, description="one device where left out")
    cpu_kernels: Literal["auto", "off"] = Field(
        "auto",
        description="fused kernels for norms, activations and Adam: on TensorFlow, on one CPU device; off: Keras's own",
    )
    monitor: bool = Field(
        False,
        description="log the gradients' norm, the size of the updates, and the fraction of dead units after each epoch",
    )

    @property
    def processors(self) -> int:
        """Number of logical CPU devices to create when there is no accelerator."""
        wanted = self.distribution.devices if self.distribution is not None else 1
        return 1 if wanted == "all" else wanted


class Evaluation(Section):
    """What the model is compared with."""

    baseline: str | None = Field(None, description="a simple method that is fitted on the same training split")
    baselines: list[str] | None = Field(
        None,
        description="methods that are tried beside `baseline`: the report compares with the best of them on "
        "validation; [] for none, left out for those of the task that take seconds",
    )
    folds: Annotated[int, Field(ge=2, le=100)] | None = Field(
        None,
        description="cross-validation: beside the run's own model, train this many, each evaluated on the part of the "
        "training and validation examples that it has not seen; `zoo tune` does so for the best alone",
    )
    features: str | None = Field(
        None,
        description="generation: the recipe of a classifier, whose features of real and generated images are compared; "
        "those of random convolutions, which need no labels, where left out",
    )
    samples: Annotated[int, Field(ge=100)] | None = Field(
        None, description="generation: number of images to generate for the evaluation; 2,000 where left out"
    )


class Sampling(Section):
    """How a diffusion model generates images."""

    sampler: Literal["ddim", "ddpm", "euler"] = Field(
        "ddim", description="rectified_flow needs euler; the other noise schedules take ddim or ddpm"
    )
    steps: Positive = Field(50, description="number of denoising steps")
    guidance: NonNegative | None = Field(
        None, description="classifier-free guidance, for conditional models: 1 is none, more strengthens the class"
    )


class Export(Section):
    """The ONNX file."""

    opset: Annotated[int, Field(ge=13, le=18)] = 18
    tolerance: PositiveNumber = Field(
        1e-4, description="largest difference from the Keras model's outputs that is allowed"
    )


class Recipe(Section):
    """A recipe: all that `zoo train` needs."""

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
    search: Search | None = Field(None, description="what `zoo tune` tries; `zoo train` ignores it")
    export: Export = Export()
