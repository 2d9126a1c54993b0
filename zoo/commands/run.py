"""`zoo.Run`: a trained run in Python, with its metrics, report, model, predictions and ONNX file."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.errors import ZooError
from zoo.evaluation.report.summary import run_html
from zoo.recipe.task import task_of
from zoo.training.run import Run as RunFolder
from zoo.training.run_files import read_run_file

if TYPE_CHECKING:
    import pandas as pd
    from keras import Model
    from matplotlib.figure import Figure

    from zoo.data.memory.given import MemoryData
    from zoo.serving.exported_model import ExportedModel
    from zoo.serving.prediction import Prediction

_FRAME_HEIGHT = 800  # pixels of the report in a notebook


@dataclass(frozen=True)
class Report:
    """The report of a run. A notebook shows the page, and `os.fspath` gives its file.

    Attributes:
        path: `report.html`.
        facts: what `report.json` holds.
    """

    path: Path
    facts: dict[str, Any]

    def __fspath__(self) -> str:
        return str(self.path)

    def __str__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        return f"Report({str(self.path)!r})"

    def _repr_html_(self) -> str:
        """Return the page in a frame, so that its style stays its own."""
        page = self.path.read_text(encoding="utf-8")
        style = f"width: 100%; height: {_FRAME_HEIGHT}px; border: 0"
        return f'<iframe srcdoc="{escape(page)}" style="{style}" sandbox="allow-scripts"></iframe>'


@dataclass(frozen=True)
class Run(RunFolder):
    """A trained run. It is a path where a path is wanted: `os.fspath(run)`, `Path(run)`, `run / "report.html"`.

    Attributes:
        folder: the run folder.
        memory: the data that `zoo.train` was given in Python, which the folder does not keep; else None.
    """

    memory: MemoryData | None = field(default=None, repr=False, compare=False)

    @property
    def metrics(self) -> dict[str, Any]:
        """The metrics of each split, such as `metrics["test"]["accuracy"]`, and those of the `baseline`, or None.

        The baseline's have its `name`, `validation` and `test`.
        """
        facts = self.report.facts
        found = facts.get("baseline")
        baseline = None if found is None else {k: found[k] for k in ("name", "validation", "test") if k in found}
        return {**facts["metrics"], "baseline": baseline}

    @property
    def report(self) -> Report:
        """The report: its page and what it holds.

        Raises:
            ZooError: the run has no report yet, or it is damaged.
        """
        if not (self.folder / "report.json").is_file():
            raise ZooError(
                f"{self.folder} has no report.json: the run is not finished; resume it with "
                f"zoo.train(None, resume={str(self.folder)!r})"
            )
        return Report(self.folder / "report.html", read_run_file(self.folder / "report.json"))

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the metrics of the test split beside the baseline's, and the verdict."""
        if not (self.folder / "report.json").is_file():
            return f"<p>{escape(repr(self))}, not finished</p>"
        return run_html(self.report.facts, self.folder)

    @cached_property
    def model(self) -> Model:
        """The trained Keras model, not compiled, from raw input to probabilities, values, or what its task has.

        It takes uint8 images; float32 arrays; int32 token ids; a dict of `nodes` and `edges`; of a table a dict of
        `column_0`, `column_1`, …, each `(rows, 1)`, in the order of the columns.

        Raises:
            ZooError: the run is not trained, or the file is damaged.
        """
        from zoo.backend.startup import start_keras

        start_keras()
        from zoo.training.registered import register_classes
        from zoo.training.saved_model import load_model

        register_classes()
        return load_model(self)

    @property
    def history(self) -> pd.DataFrame:
        """The metrics of each epoch, a row an epoch: what `metrics.csv` holds."""
        import pandas as pd

        from zoo.training.stages import read_history

        return pd.DataFrame(read_history(self.folder / "metrics.csv"))

    @cached_property
    def exported(self) -> ExportedModel:
        """The exported ONNX file, opened in onnxruntime.

        Raises:
            ZooError: the run is not exported, or the file is damaged.
        """
        from zoo.serving.exported_model import ExportedModel

        file = self.folder / "export" / "model.onnx"
        if not file.is_file():
            raise ZooError(f"{file} is not there, and predictions are made with it, as in service; run.export() first")
        return ExportedModel(file)

    def predict(self, data: Any) -> Prediction:
        """Predict with the exported file, so that the answers are those that are served.

        Args:
            data: raw examples, or one: a data frame or dict of columns, arrays, images, texts, a data set of another
                library; of a series a frame that ends where the forecast begins. `zoo.predict` takes files, too.

        Returns:
            `labels` and `probabilities`, `values`, `forecasts`, `texts`, or what the task has.

        Raises:
            ZooError: the run is not exported, or the examples do not fit.
        """
        from zoo.commands.raw_examples import raw_examples

        return self.exported.predict(raw_examples(self.exported, data, []))

    def plot(self) -> Figure:
        """Draw loss and main metric over the epochs, for training and validation."""
        from zoo.evaluation.report.history_figure import history_figure

        monitor = task_of(self.recipe().recipe).monitor
        return history_figure(self.history.to_dict("records"), list(dict.fromkeys(["loss", monitor])))

    def export(self) -> dict[str, Any]:
        """Export the run to ONNX, proved on the whole test split; see `zoo.export`.

        Returns:
            The certificate, and `path`, the file.
        """
        from zoo.commands.export import export

        self.__dict__.pop("exported", None)
        return export(self)
