"""What several test files share: a cache of their own, small data files, and tiny runs that are trained once."""

import fcntl
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import settings

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # tests import onnxruntime by themselves
_workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTEROP_THREADS", "TF_NUM_INTRAOP_THREADS"):
    os.environ.setdefault(_name, str(max(1, (os.cpu_count() or 1) // _workers)))  # processes that do not wait for cores
settings.register_profile("tests", deadline=None, derandomize=True)
settings.load_profile("tests")

SHARED = """
optimizer: {name: adamw, learning_rate: 1e-2, weight_decay: 0.01}
training: {batch_size: 16, epochs: 2}
"""
RECIPES = {
    "image": """
extends: mlp/digits
model: {name: mlp, widths: [16], norm: batch}
optimizer: {learning_rate: {peak: 1e-2}}
training: {batch_size: 64, epochs: 2, select: best}
evaluation: {baseline: logistic_regression}
""",
    "folder": """
extends: [_base/image_classification, shared]
data: {source: "folder:data", test: 0.25, validation: 0.2}
preprocess:
  - resize: {height: 18, width: 20}
  - center_crop: {height: 16, width: 16}
  - rescale: {scale: 1/255}
  - standardize: {}
model: {name: cnn, widths: [4, 8], depth: 1, norm: none}
""",
    "table": """
extends: [_base/tabular_classification, shared]
data: {source: "csv:data.csv", target: kind, ignore: [id], categorical: [zip code]}
model: {name: mlp, widths: [8]}
""",
    "regression": """
extends: [_base/tabular_regression, shared]
data: {source: "parquet:data.parquet", target: price}
model: {name: mlp, widths: [8]}
""",
    "text": """
extends: [_base/sequence_classification, shared]
data: {source: "csv:data.csv", text: review, target: mood}
model: {name: lstm, embedding: 8, units: 8}
evaluation: {baselines: []}
""",
    "tags": """
extends: [_base/sequence_labeling, shared]
data: {source: "conll:data.conll"}
model: {name: lstm, embedding: 8, units: 8}
optimizer: {learning_rate: 5e-2}
training: {epochs: 6}
""",
    "array": """
extends: [_base/tabular_classification, shared]
data: {source: "npz:data.npz"}
model: {name: mlp, widths: [8]}
evaluation: {baseline: majority_class}
""",
}


class Trained(NamedTuple):
    """A run folder, the recipe file it came from, and the data that the recipe names."""

    run: Path
    recipe: Path
    data: Path


def shared_folder(tmp_path_factory) -> Path:
    """Return the folder that all processes of a test run share."""
    folder = tmp_path_factory.getbasetemp()
    return folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder


@contextmanager
def once(folder: Path) -> Iterator[bool]:
    """Hold a folder, and tell whether this process is the first of the test run to do so; the others wait."""
    folder.mkdir(exist_ok=True)
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield not (folder / "whole.json").exists()


@pytest.fixture(scope="session", autouse=True)
def environment(tmp_path_factory):
    """Keep prepared and decoded data apart from the user's, in one place for all processes of the test run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZOO_CACHE", str(shared_folder(tmp_path_factory) / "cache"))
        yield


@pytest.fixture
def zoo(monkeypatch, capfd, tmp_path):
    """Run `zoo …` in an empty folder of this process; return exit code, standard output and standard error."""
    from zoo import cli

    monkeypatch.delenv("ZOO_DEBUG", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["zoo", *arguments])
        capfd.readouterr()
        with pytest.raises(SystemExit) as stop:
            cli.main()
        out, err = capfd.readouterr()
        assert "Traceback" not in out + err
        return stop.value.code or 0, out, err

    return run


@pytest.fixture(scope="session")
def write_images() -> Callable[..., list[Path]]:
    """Return a function that writes images of odd sizes, grey and colour, PNG and JPEG, one subfolder a class."""
    from PIL import Image

    def write(folder: Path, classes=("cat", "dog", "emu"), count=16, sizes=((9, 31), (40, 22), (17, 17))) -> list[Path]:
        generator = np.random.default_rng(0)
        written = []
        for shade, label in enumerate(classes):
            (folder / label).mkdir(parents=True)
            for i in range(count):
                size = sizes[i % len(sizes)] + ((3,) if i % 4 else ())
                pixels = (80 * shade + generator.integers(0, 80, size)).astype(np.uint8)
                written.append(folder / label / f"{i:02}.{('png', 'jpg')[i % 2]}")
                Image.fromarray(pixels).save(written[-1])
        return written

    return write


@pytest.fixture(scope="session")
def write_recipe() -> Callable[[Path, str], Path]:
    """Return a function that writes the recipe for one kind of data to a folder."""

    def write(folder: Path, kind: str) -> Path:
        (folder / "shared.yaml").write_text(SHARED)
        (folder / f"{kind}.yaml").write_text(RECIPES[kind])
        return folder / f"{kind}.yaml"

    return write


@pytest.fixture(scope="session")
def trained(tmp_path_factory, write_images, write_recipe) -> Callable[[str], Trained]:
    """Return a function from a kind of data (see `RECIPES`) to a tiny run on it, trained once."""

    @cache
    def train(kind: str) -> Trained:
        folder = shared_folder(tmp_path_factory) / f"trained_{kind}"
        with once(folder) as first:
            if first:
                from zoo.backend.startup import start_keras

                data = _write_data(folder, kind, write_images)
                recipe = write_recipe(folder, kind)
                start_keras()
                import zoo

                run = zoo.train(recipe, runs=folder / "runs")
                (folder / "whole.json").write_text(json.dumps([str(path) for path in (run, recipe, data)]))
        return Trained(*map(Path, json.loads((folder / "whole.json").read_text())))

    return train


@pytest.fixture(scope="session")
def analysed(tmp_path_factory, trained) -> Callable[[str], tuple[Path, dict]]:
    """Return a function from a kind of data to a copy of its run, evaluated once with all analyses, and the result."""

    @cache
    def analyse(kind: str) -> tuple[Path, dict]:
        source, folder = trained(kind).run, shared_folder(tmp_path_factory) / f"analysed_{kind}"
        with once(folder) as first:
            if first:
                import zoo

                shutil.copytree(source, folder / "run")
                found = zoo.evaluate(folder / "run", robustness=True, attribution=True, representation=True)
                (folder / "whole.json").write_text(json.dumps(found))
        return folder / "run", json.loads((folder / "whole.json").read_text())

    return analyse


@pytest.fixture(scope="session")
def reopened(trained):
    """Return a function from a kind of data to its run, data set and saved model."""

    @cache
    def reopen(kind: str):
        from zoo.data.sources.load import load_dataset
        from zoo.tasks import TASKS
        from zoo.training.run import open_run
        from zoo.training.saved_model import load_model

        run = open_run(trained(kind).run)
        recipe = run.recipe().recipe
        return run, load_dataset(recipe.data, TASKS[recipe.task]), load_model(run)

    return reopen


def _write_data(folder: Path, kind: str, write_images) -> Path:
    import pandas as pd

    generator = np.random.default_rng(1)
    rows = 120
    if kind == "folder":
        write_images(folder / "data")
        return folder / "data"
    if kind == "array":
        y = generator.integers(0, 3, rows)
        x = generator.normal(size=(rows, 5)) + y[:, None]
        np.savez(folder / "data.npz", x_train=x[:80], y_train=y[:80], x_test=x[80:], y_test=y[80:])
        return folder / "data.npz"
    if kind == "text":
        moods = generator.choice(["good", "bad"], rows)
        reviews = [f"{generator.choice(['a', 'the'])} {mood} film" + "!" * (i % 3) for i, mood in enumerate(moods)]
        pd.DataFrame({"id": np.arange(rows), "review": reviews, "mood": moods}).to_csv(folder / "data.csv", index=False)
        return folder / "data.csv"
    if kind == "tags":
        names = generator.choice(["Ann", "Bo", "Cy", "Di"], rows)
        towns = generator.choice(["Rome", "Ulm", "Oslo"], rows)
        sentences = [f"{name} B-PER\nsaw O\n{town} B-LOC\n" for name, town in zip(names, towns, strict=True)]
        (folder / "data.conll").write_text("-DOCSTART- O\n\n" + "\n".join(sentences))
        return folder / "data.conll"
    if kind == "table":
        size = generator.normal(50, 20, rows)
        frame = pd.DataFrame(
            {
                "id": np.arange(rows),
                "size, in cm": np.where(generator.random(rows) < 0.2, np.nan, size),
                "größe": generator.normal(size=rows),
                "colour": generator.choice(["red", "green\nblue", "weiß", None], rows),
                "zip code": generator.choice(["01234", "1234", "9.0"], rows),
                "kind": np.where(size > 50, "big", "small"),
            }
        )
        frame.to_csv(folder / "data.csv", index=False)
        return folder / "data.csv"
    if kind == "regression":
        rooms = generator.integers(1, 8, rows)
        city = generator.choice(["Ulm", "Rom", "Bonn"], rows)
        price = 1000.0 * rooms + 500.0 * (city == "Rom") + generator.normal(0, 50, rows)
        frame = pd.DataFrame({"rooms": rooms, "city": city, "new": generator.random(rows) < 0.5, "price": price})
        frame.to_parquet(folder / "data.parquet")
        return folder / "data.parquet"
    return folder
