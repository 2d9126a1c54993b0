"""The recipe schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from zoo.recipe.augment_steps import AugmentStep
from zoo.recipe.data_section import Data
from zoo.recipe.evaluation_section import Evaluation
from zoo.recipe.losses import Loss
from zoo.recipe.optimizers import Optimizer
from zoo.recipe.schedules import Duration
from zoo.recipe.search import Search
from zoo.recipe.steps import PreprocessStep
from zoo.recipe.types import NonNegative, Positive, PositiveNumber, Section
from zoo.tasks import TASKS

if TYPE_CHECKING:
    TaskName = str
else:
    TaskName = Literal[tuple(TASKS)]

Quantization = Literal["int8", "int4", "float16", "smallest"]  # the last: the smallest of the others


class Lora(Section):
    """Low-rank adapters (Hu et al. 2021): kernels stay as they are, and small factors beside them are trained."""

    rank: Positive = Field(8, description="of the product that is added to a kernel")
    alpha: PositiveNumber | None = Field(
        None, description="the product is multiplied by alpha / rank; the rank where left out"
    )
    targets: Annotated[list[Literal["attention", "dense", "convolution", "embedding"]], Field(min_length=1)] = Field(
        ["attention", "dense", "convolution", "embedding"], description="kinds of layers that get adapters"
    )


def _as_teacher(value: Any) -> Any:
    return {"source": value} if isinstance(value, str) else value


class Model(BaseModel):
    """The builder, and its settings, which are checked against its signature."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)
    name: str = Field(description="a registered builder: see `zoo list`")
    pretrained: str | None = Field(
        None,
        description="what the network starts from: published weights (file:PATH, package:NAME, "
        "hf:ORG/NAME[@REVISION], keras:NAME), or the folder of a run; all layers but the head must be the same",
    )
    freeze: bool = Field(False, description="keep the pretrained weights fixed and train only the head")
    head: Literal["probed", "new"] = Field(
        "probed",
        description="a new head on pretrained weights of a network for classes, labels or values: fitted to the "
        "features of the training examples before training, or drawn at random",
    )
    lora: Lora | None = Field(
        None,
        description="train low-rank adapters and the head alone, and keep the other pretrained weights; the saved "
        "model has the adapters merged, and `adapters.npz` holds them alone",
    )
    ensemble: Annotated[int, Field(ge=2, le=32)] | None = Field(
        None,
        description="train this many networks, which begin with other weights, at once; the saved model's answer is "
        "the mean of their logits or values",
    )

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


class Teacher(Section):
    """Knowledge distillation (Hinton et al. 2015): the model also learns what a trained one answers."""

    source: str = Field(description="folder of a run, or an exported file, that knows the same classes")
    temperature: PositiveNumber = Field(4.0, description="both models' logits are divided by it")
    weight: Annotated[float, Field(gt=0, le=1)] = Field(
        0.9, description="of the distance from the teacher's probabilities; the rest is that of `loss`"
    )
    features: NonNegative = Field(
        0.0,
        description="weight of the cosine distance between the features before both heads, which a linear map of the "
        "student's is to reach; a run alone has them",
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
    teacher: Annotated[Teacher | None, BeforeValidator(_as_teacher, json_schema_input_type=Teacher | str | None)] = (
        Field(None, description="a trained model to learn from, a run or an exported file, alone or with settings")
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
    license: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.+-]*$")] | None = Field(
        None, description="license of the model as hubs name it, such as `apache-2.0`, which the card states"
    )
    numeric_columns: Literal["separate", "one_tensor"] = Field(
        "separate", description="each numeric column of a table is an input, or all are one tensor `(batch, columns)`"
    )
    numeric_only: bool = Field(
        False,
        description="no texts go in or out: categories are ids that the metadata list, labels places in their list",
    )
    quantize: Quantization | None = Field(
        None, description="write a smaller file beside `model.onnx` too; `zoo export RUN --quantize` does so once"
    )
    budget: dict[str, NonNegative] | None = Field(
        None,
        description="the task's metric, and how much worse it may be in the smaller file, which else is not kept",
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
