"""The `data:` section of a recipe."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from zoo.errors import did_you_mean, listing
from zoo.recipe.findings import ERRORS, FINDINGS
from zoo.recipe.graph_tables import GraphTables
from zoo.recipe.types import Fraction, Positive, Section
from zoo.tasks import FILE_SOURCES, SOURCES, WRITTEN_SOURCES

*_FIRST_FORMS, _LAST_FORM = (f"{source}:{'PATH' if source in FILE_SOURCES else 'NAME'}" for source in WRITTEN_SOURCES)
SOURCE_FORMS = f"{', '.join(_FIRST_FORMS)} or {_LAST_FORM}"
Source = Annotated[str, StringConstraints(pattern=rf"^({'|'.join(SOURCES)}):.+"), Field(description=SOURCE_FORMS)]


def _is_error(name: Any) -> Any:
    """Refuse what is no finding, or does not stop the training."""
    if not isinstance(name, str) or name in ERRORS:
        return name
    if name in FINDINGS:
        raise ValueError(
            f"{name} is at most a {FINDINGS[name].severity}, which stops no training; leave it out (errors: "
            f"{listing(ERRORS)})"
        )
    raise ValueError(f"unknown finding '{name}'{did_you_mean(name, ERRORS)} (errors: {listing(ERRORS)})")


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
    leaked_examples: Literal["keep", "drop"] = Field(
        "keep",
        description="training examples that are also in the validation or test split: drop: leave them out of training",
    )
    train_fraction: Fraction | None = Field(
        None,
        description="fraction of the training examples to train on, the classes in their proportions, groups whole, of "
        "series the last part; drawn with split_seed, so that a larger fraction holds a smaller one; all if null",
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
    split_by: Literal["order", "content"] = Field(
        "order",
        description="how examples are held out where the source has no split of its own: drawn from their order, which "
        "keeps sizes and classes; or by the content of each: added ones move no other, and equal ones stay together",
    )
    fold: Fold | None = Field(
        None,
        description="what stands in for the test: one fold of the other examples; `evaluation.folds` trains one by one",
    )
    on_error: Literal["stop", "skip"] = Field(
        "stop",
        description="an example that cannot be read, such as a damaged image: stop, or skip: leave it out and count it",
    )
    accept: list[Annotated[str, BeforeValidator(_is_error), Field(json_schema_extra={"enum": list(ERRORS)})]] = Field(
        [], description="errors of the audit that do not stop the training"
    )
    snapshot: str | None = Field(
        None, description="folder that `zoo snapshot` wrote: the training stops where the data is no longer the same"
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
