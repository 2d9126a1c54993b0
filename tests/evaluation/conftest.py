"""Made-up targets and outputs of each kind of task that has a section of its own, and a check of written pages."""

import json
import math
import re
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pytest

from zoo.evaluation.metrics.generation import image_rows
from zoo.evaluation.report.build import build_report, write_report
from zoo.evaluation.report.predictions import Predictions
from zoo.postprocessing.image_similarity import errors

SPLITS = ("train", "validation", "test")
TASK_OF = {
    "forecasting": "forecasting",
    "tokens": "language_modeling",
    "sequences": "sequence_to_sequence",
    "transcription": "transcription",
    "segmentation": "semantic_segmentation",
    "detection": "object_detection",
    "reconstruction": "reconstruction",
    "anomaly": "anomaly_detection",
    "multi_label": "tabular_multi_label_classification",
    "generation": "image_generation",
}
LETTERS = ("<padding>", "<unknown>", "<start>", "<end>", *"abcdefghijklmnopqrstuvwxyz ")
DIGITS = ("<blank>", *"0123456789")
SHAPES = ("background", "disc", "square", "cross")


def forecasting(seed=0, n=40, horizon=6, noise=1.0):
    """Return targets and forecasts of windows one step apart, and the series before each window."""
    generator = np.random.default_rng(seed)
    time = np.arange(60 + n + horizon)
    series = (20 + 5 * np.sin(2 * np.pi * time / 12) + generator.normal(0, 0.5, len(time))).astype(np.float32)
    origins = 60 + np.arange(n)
    true = series[origins[:, None] + np.arange(horizon)]
    y = np.concatenate([true, np.full((n, 1), 0.8, np.float32)], axis=1)
    steps = np.sqrt(1 + np.arange(horizon))
    output = (true + noise * 0.4 * steps * generator.normal(size=true.shape)).astype(np.float32)
    return y, output, lambda i: series[: origins[i]]


def tokens(seed=0, n=20, length=48, strength=2.0):
    """Return targets, 0 at some ends of rows, and likelihoods."""
    generator = np.random.default_rng(seed)
    text = "the quick brown fox jumps over the lazy dog and runs away from all of it "
    starts = generator.integers(0, len(text), n)
    y = np.array([[LETTERS.index(text[(s + t) % len(text)]) for t in range(length)] for s in starts], dtype=np.int32)
    y[0, length // 2 :] = 0
    nll = generator.exponential(1 / strength, size=y.shape) * (1 + 2 / (1 + np.arange(length)))
    output = np.stack([nll * (y != 0), (nll < 0.6) & (y != 0)], axis=-1).astype(np.float32)
    return y, output


def sequences(seed=0, n=60, wrong=0.3, end=True, symbols=30, first=4):
    """Return targets and decoded symbols with some edits."""
    generator = np.random.default_rng(seed)
    y, output = np.zeros((n, 13), np.int32), np.zeros((n, 15), np.int32)
    for i in range(n):
        row = list(generator.integers(first, symbols, generator.integers(2, 12)))
        y[i, : len(row) + end] = row + [3] * end
        while generator.random() < wrong:
            place = int(generator.integers(0, len(row) + 1))
            change = generator.integers(0, 3)
            new = [] if change == 0 else [int(generator.integers(first, symbols))]
            row = (row[:place] + new + row[place + (change < 2) :])[:14]
        output[i, : len(row)] = row
    return y, output


def transcription(seed=0, n=60, wrong=0.3):
    return sequences(seed, n, wrong, end=False, symbols=len(DIGITS), first=1)


def segmentation(seed=0, n=12, size=24, wrong=2.0):
    """Return masks with a shape or two and masks with shifted edges."""
    generator = np.random.default_rng(seed)
    y, output = np.zeros((2, n, size, size), np.uint8)
    rows, columns = np.mgrid[:size, :size]
    for i in range(n):
        for _ in range(generator.integers(1, 4)):
            label, radius = generator.integers(1, len(SHAPES)), generator.integers(3, 6)
            centre = generator.integers(radius, size - radius, 2)
            for mask, shift in ((y, np.zeros(2)), (output, generator.normal(0, wrong, 2))):
                near = (rows - centre[0] - shift[0]) ** 2 + (columns - centre[1] - shift[1]) ** 2 < radius**2
                mask[i][near] = label
    return y, output


def detection(seed=0, n=20, classes=3, most=5, detections=12, noise=0.03):
    """Return boxes, and detections that are near some and beside others."""
    generator = np.random.default_rng(seed)
    y = np.zeros((n, most, 5))
    y[..., 4] = -1
    output = np.zeros((n, detections, 6))
    for i in range(n):
        count = generator.integers(0, most + 1)
        low = generator.random((count, 2)) * 0.65
        y[i, :count] = np.concatenate(
            [low, low + 0.1 + 0.25 * generator.random((count, 2)), generator.integers(0, classes, (count, 1))], axis=1
        )
        rows = []
        for _ in range(generator.integers(0, detections + 1)):
            if count and generator.random() < 0.7:
                box = y[i, generator.integers(0, count)].copy()
                box[:4] += generator.normal(0, noise, 4)
                box[2:4] = np.maximum(box[2:4], box[:2] + 0.01)
                box[4] = generator.integers(0, classes) if generator.random() < 0.15 else box[4]
            else:
                low = generator.random(2) * 0.65
                box = np.concatenate([low, low + 0.1 + 0.25 * generator.random(2), [generator.integers(0, classes)]])
            rows.append([*box, generator.beta(2, 2)])
        rows.sort(key=lambda row: -row[5])
        output[i, : len(rows)] = np.array(rows).reshape(-1, 6)
    return y.astype(np.float32), output.astype(np.float32)


def reconstruction(seed=0, n=40, noise=0.1):
    """Return classes, and the errors of images with noise on them."""
    generator = np.random.default_rng(seed)
    true = generator.uniform(0.2, 0.8, (n, 12, 12, 1))
    return generator.integers(0, 3, n), errors(true, true + noise * generator.normal(size=true.shape))


def anomaly(seed=0, n=60, apart=2.0):
    """Return which examples are abnormal, and scores."""
    generator = np.random.default_rng(seed)
    y = (np.arange(n) % 4 == 0).astype(np.int32)
    return y, generator.normal(apart * y).astype(np.float32)


def multi_label(seed=0, n=60, apart=2.0):
    """Return which of four labels examples have, the last of them seldom, and probabilities."""
    generator = np.random.default_rng(seed)
    y = (generator.uniform(size=(n, 4)) < (0.5, 0.3, 0.6, 0.05)).astype(np.uint8)
    y[0] = 1
    return y, (1 / (1 + np.exp(-generator.normal(apart * (y - 0.5))))).astype(np.float32)


def generation(seed=0, n=60, apart=0.0):
    """Return real and made images as rows: three classes, features around the mean of each."""
    generator = np.random.default_rng(seed)

    def seen(shift):
        label = generator.integers(0, 3, n)
        probabilities = 0.05 + 0.85 * np.eye(3)[label]
        return image_rows(probabilities, generator.normal(size=(n, 5)) + label[:, None] + shift)

    return seen(0.0), seen(apart)


def clouds(seed=0, spread=1.0, classes=3, d=6, sizes=None):
    """Return embeddings around one point a class, at a distance of 4 from each other, and the classes."""
    sizes = sizes or {"train": 300, "validation": 120, "test": 150}
    generator = np.random.default_rng(seed)
    y = {
        split: np.concatenate([np.arange(classes), generator.integers(0, classes, n - classes)])
        for split, n in sizes.items()
    }
    centers = 4 / math.sqrt(2) * np.eye(d)[:classes]
    x = {split: centers[labels] + spread * generator.normal(size=(len(labels), d)) for split, labels in y.items()}
    return x, y


def report_inputs(kind):
    """Return what `build_report` takes for the kind, and the test split's predictions."""
    make = globals()[kind]
    better, worse = {
        "forecasting": ({"noise": 1.0}, {"noise": 2.5}),
        "tokens": ({"strength": 2.0}, {"strength": 0.8}),
        "sequences": ({"wrong": 0.3}, {"wrong": 0.8}),
        "transcription": ({"wrong": 0.3}, {"wrong": 0.8}),
        "segmentation": ({"wrong": 1.0}, {"wrong": 4.0}),
        "detection": ({"noise": 0.02}, {"noise": 0.08}),
        "reconstruction": ({"noise": 0.1}, {"noise": 0.3}),
        "anomaly": ({"apart": 3.0}, {"apart": 0.5}),
        "multi_label": ({"apart": 3.0}, {"apart": 0.5}),
        "generation": ({"apart": 0.2}, {"apart": 2.0}),
    }[kind]
    outputs = {split: make(seed, **better)[:2] for seed, split in enumerate(SPLITS)}
    baseline = {"name": "the_old_way", "seconds": 1.5, "examples": 100, "converged": True}
    baseline |= {split: make(seed, **worse)[1] for seed, split in enumerate(SPLITS) if split != "train"}
    labels = {
        "forecasting": (),
        "tokens": LETTERS,
        "sequences": LETTERS,
        "transcription": DIGITS,
        "segmentation": SHAPES,
        "detection": SHAPES[1:],
        "reconstruction": SHAPES[1:],
        "anomaly": ("normal", "abnormal"),
        "multi_label": ("a", "b", "c", "d"),
        "generation": SHAPES[1:],
    }[kind]
    y, output = outputs["test"]
    extra = {}
    if kind == "forecasting":
        extra["context"] = make(2, **better)[2]
    if kind == "tokens":
        extra["samples"] = [
            {"settings": "temperature 0.8, top-p 0.95", "text": "the quick <b>dog\nruns"},
            {"settings": "greedy", "text": "the the the the the " * 12},
        ]
    images = np.random.default_rng(1).integers(0, 90, (len(y), 24, 36 if kind == "transcription" else 24, 1))
    if kind == "multi_label":
        extra["example"] = lambda i: {"p": i, "q": "<b>"}
    if kind == "sequences":
        extra["example"] = lambda i: f"source {i} & <more>"
    elif kind == "segmentation":
        images = images + 40 * y[..., None].astype(int)
    if kind == "generation":
        extra["pictures"] = {"samples": images[:20].astype(np.uint8), "nearest": [tuple(images[:2].astype(np.uint8))]}
    if kind in ("reconstruction", "anomaly"):
        extra["reconstruction"] = lambda i: images[i].astype(np.uint8) // 2
    if kind in ("transcription", "segmentation", "detection", "reconstruction", "anomaly"):
        extra["example"] = lambda i: images[i].astype(np.uint8)
    inputs = {
        "task": TASK_OF[kind],
        "recipe": f"rnn/{kind}",
        "model": "rnn",
        "outputs": outputs,
        "labels": labels,
        "history": [{"loss": 1 / e, "val_loss": 1.1 / e, "learning_rate": 0.01 / e} for e in range(1, 9)],
        "data": {"source": f"builtin:{kind}", "fingerprint": "abc", "splits": {"test": len(y)}, "findings": []},
        "seed": 0,
        "seconds": 61.5,
        "parameters": 1234,
        "versions": {"keras": "3.15"},
        "hardware": {"device": "CPU"},
        "config": "model: {name: rnn}\n",
        "baseline": baseline,
    }
    return inputs, Predictions(y, output, labels, baseline_output=baseline["test"], **extra)


class Page(HTMLParser):
    """Collects what a page loads and checks that its elements are closed."""

    VOID = {"meta", "link", "img", "br", "hr", "input"}

    def __init__(self, text):
        super().__init__()
        self.links, self.images, self.tags, self.open, self.ids, self.scripts = [], [], set(), [], [], []
        self.feed(text)
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        attributes = dict(attributes)
        self.links += [attributes[k] for k in ("href", "src", "xlink:href", "srcset") if k in attributes]
        self.ids += [attributes["id"]] if "id" in attributes else []
        if tag == "script":
            self.scripts.append(attributes.get("type"))
        if tag == "img":
            self.images.append(attributes)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"</{tag}> closes something else"


def written(folder, inputs, predictions):
    write_report(folder, build_report(**inputs), predictions)
    text = (folder / "report.html").read_text()
    page = Page(text)
    assert all(link.startswith(("#", "data:image/png;base64,")) for link in page.links)
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    assert "@import" not in text and not re.search(r"url\((?!#)", text)
    assert page.scripts.count(None) == 1 and set(page.scripts) <= {None, "application/json"}, "the page's own script"
    return json.loads((folder / "report.json").read_text()), text, page


@pytest.fixture(scope="session", name="written")
def _written():
    """Return the function that writes a report, checks its page and returns the JSON, the text and the page."""
    return written


@pytest.fixture(scope="session")
def made():
    """Return what this file makes up."""
    return SimpleNamespace(**{name: value for name, value in globals().items() if not name.startswith("_")})


@pytest.fixture(scope="session", name="clouds")
def _clouds():
    """Return the function that makes up embeddings."""
    return clouds
