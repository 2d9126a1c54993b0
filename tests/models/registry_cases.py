"""Every builder with every option of its settings, in every form of input that it takes; and one training step of each.

Run as a program, it does the step on the backend that `KERAS_BACKEND` names, for the cases in a folder, and prints the
losses: so two backends can be compared on the same weights and examples.
"""

from __future__ import annotations

import json
import re
import sys
import typing
from dataclasses import dataclass, field
from pathlib import Path

import keras
import numpy as np
from keras import ops
from pydantic import TypeAdapter
from registry_settings import ANOTHER, LOSSES, SMALL

from zoo import registry
from zoo.losses import build_loss
from zoo.recipe.losses import Loss
from zoo.tasks import TASKS

BATCH, OUTPUTS, VOCABULARY, LENGTH = 4, 7, 11, 9
RANDOM = (
    "dropout",
    "ngram_dropout",
    "block_dropout",
    "stage_dropout",
    "stochastic_depth",
    "level",
)  # these draw numbers in training
TOKENS_ALONE = ("fasttext",)  # no numbers in their place
ALWAYS_RANDOM = (
    "vae",
    "dcgan",
    "conditional_gan",
    "ddpm",
    "conditional_ddpm",
    "dit_tiny",
    "masked_autoencoder",
    "dino",
)


@dataclass(frozen=True)
class Case:
    """One builder in one form with one set of settings.

    Attributes:
        name: the builder.
        form: what goes in: "image", "vector", "steps", "tokens", "pair", "graph".
        task: the task that fixes target and loss.
        settings: the builder's own.
    """

    name: str
    form: str
    task: str
    settings: dict = field(default_factory=dict, hash=False)

    @property
    def id(self) -> str:
        """Name of the case, which can name a file."""
        options = ",".join(f"{k}={v}" for k, v in self.settings.items() if SMALL.get(self.name, {}).get(k) != v)
        return re.sub(r"[^\w=,.-]+", "_", "-".join(filter(None, (self.name, self.form, self.task, options))))

    @property
    def random(self) -> bool:
        """Whether a training step draws random numbers."""
        given = {**registry.defaults(self.name), **self.settings}
        return self.name in ALWAYS_RANDOM or any(given.get(key) for key in RANDOM)


def cases(options: bool = True) -> list[Case]:
    """Return each builder in each form that it takes and, in its first form, with each other option of each setting."""
    found = []
    for name in registry.list_models():
        small = quiet(name)
        forms = list(forms_of(name))
        found += [Case(name, form, task, small) for form, task in forms]
        if options:
            found += [
                Case(name, form, task, {**small, **other})
                for form, task in forms[:1] + [f for f in forms[1:] if f[0] == "tokens"][:1]
                for other in others(name)
            ]
    return found


def quiet(name: str) -> dict:
    """Return the small settings of a builder, without anything random."""
    settings = {key: 0.0 for key in RANDOM if registry.defaults(name).get(key)}
    return {**settings, **SMALL.get(name, {})}


def forms_of(name: str) -> typing.Iterator[tuple[str, str]]:
    """Yield the forms of input that a builder takes, each with the first task for it."""
    tasks = registry.entry(name).tasks
    takes_tokens = "vocabulary" in typing.get_type_hints(registry.builder(name))
    seen = set()
    for task in tasks:
        kind = TASKS[task]
        if kind.kind == "sequences":
            forms = ["pair"]
        elif kind.inputs[0] in ("image", "audio"):  # a spectrogram is an image of one channel
            forms = ["image"]
        elif kind.kind == "tokens":
            forms = ["tokens"]
        elif task.startswith("tabular"):
            forms = ["vector"]
        elif kind.inputs == ("graph",):
            forms = ["graph"]
        else:
            forms = ["tokens"] if takes_tokens and "text" in kind.inputs else []
            forms += [] if name in TOKENS_ALONE else ["steps"]
        for form in forms:
            if (form, kind.kind) not in seen and not (task == "forecasting" and name == "mlp"):
                seen.add((form, kind.kind))
                yield form, task


def others(name: str) -> typing.Iterator[dict]:
    """Yield each other option of each setting of a builder, one at a time."""
    hints, defaults = typing.get_type_hints(registry.builder(name)), registry.defaults(name)
    for key, default in defaults.items():
        options = (True, False) if hints[key] is bool else typing.get_args(hints[key])
        if hints[key] is bool or typing.get_origin(hints[key]) is typing.Literal:
            yield from ({key: option} for option in options if option != default)
        elif ANOTHER.get(key) is not None:
            yield {key: ANOTHER[key]}


def build(case: Case) -> keras.Model:
    """Build the case's model, with every axis open that can be."""
    task = TASKS[case.task]
    shapes = {"image": (32, 32, 3), "vector": (8,), "steps": (12, 2), "graph": (None, 5)}
    keras.utils.set_random_seed(0)
    return registry.build(
        case.name,
        input_shape=shapes.get(case.form, (None,)),
        outputs=OUTPUTS if registry.entry(case.name).outputs else None,
        vocabulary=VOCABULARY if case.form in ("tokens", "pair") else None,
        every_step=task.kind == "tokens",
        **case.settings,
    )


def example(case: Case) -> tuple[list[np.ndarray], np.ndarray]:
    """Return a small batch: inputs and target. Half of the images are real ones; sequences of tokens are padded."""
    rng = np.random.default_rng(0)
    kind = TASKS[case.task].kind
    lengths = np.array([LENGTH, 4, 1, 0])
    shown = np.arange(LENGTH) < lengths[:, None]
    if case.form == "image":
        from sklearn.datasets import load_digits

        digits = np.kron(load_digits().images[:2], np.ones((4, 4)))[..., None] / 16 - 0.5
        x = [np.concatenate([np.repeat(digits, 3, -1), rng.normal(size=(2, 32, 32, 3))]).astype("float32")]
    elif case.form == "graph":
        x = graph_inputs(rng, lengths, case.settings.get("edges", "list"))
    elif case.form in ("tokens", "pair"):
        x = [(rng.integers(1, VOCABULARY, (BATCH, LENGTH)) * shown).astype("int32")]
    else:
        shape = (12, 2) if case.form == "steps" else (8,)
        x = [rng.normal(size=(BATCH, *shape)).astype("float32")]
    if case.form == "pair":
        x.append(np.concatenate([np.full((BATCH, 1), 2), rng.integers(3, OUTPUTS, (BATCH, 5))], 1).astype("int32"))
    if TASKS[case.task].reconstructs:
        x = [np.clip(x[0] + 0.5, 0, 1)]
    if kind == "generation":
        return generator_inputs(case, x[0]), np.clip(x[0] * 2, -1, 1)
    return x, target(kind, rng, shown, x)


def graph_inputs(rng: np.random.Generator, counts: np.ndarray, form: str) -> list[np.ndarray]:
    """Return graphs of so many nodes, padded, down to one that is empty: features, and edges as a list or a matrix."""
    nodes = rng.normal(size=(len(counts), LENGTH, 5)).astype("float32")
    nodes[np.arange(LENGTH) >= counts[:, None]] = np.nan
    edges = rng.integers(0, LENGTH, (len(counts), 20, 2)).astype("int32")
    edges[(edges >= counts[:, None, None]).any(axis=-1)] = -1
    if form == "list":
        return [nodes, edges]
    matrix = np.zeros((len(counts), LENGTH, LENGTH), "float32")
    for graph, listed in enumerate(edges):
        matrix[graph, listed[:, 1], listed[:, 0]] = 1  # that of the padding falls on a padded node
    return [nodes, matrix]


def generator_inputs(case: Case, images: np.ndarray) -> list[np.ndarray]:
    """Return what a GAN or a denoiser takes: noise, or noisy images and times; and classes."""
    rng = np.random.default_rng(1)
    latent = SMALL[case.name].get("latent")
    noise = rng.normal(size=(BATCH, latent or 1)).astype("float32")
    x = [noise] if latent else [images, np.linspace(0, 1, BATCH, dtype="float32")]
    return [*x, np.arange(BATCH, dtype="int32")] if takes_classes(case) else x


def takes_classes(case: Case) -> bool:
    """Return whether a model that makes images takes the class as an input."""
    return case.name in ("conditional_gan", "conditional_ddpm") or (
        case.name == "dit_tiny" and case.settings.get("conditional", True)
    )


def target(kind: str, rng: np.random.Generator, shown: np.ndarray, x: list[np.ndarray]) -> np.ndarray:
    """Return a target as the loss of the kind takes it."""
    if kind == "classification":
        return np.eye(OUTPUTS, dtype="float32")[rng.integers(0, OUTPUTS, BATCH)]
    if kind in ("reconstruction", "anomaly"):
        return x[0]
    if kind == "representation":
        return np.array([0, 1, 0, 1], "int32")
    if kind == "tokens":
        return (rng.integers(1, OUTPUTS, (BATCH, LENGTH)) * shown).astype("int32")
    if kind == "sequences":
        return rng.integers(1, OUTPUTS, x[1].shape).astype("int32")
    if kind == "transcription":
        return rng.integers(0, OUTPUTS, (BATCH, 2)).astype("int32")
    if kind == "segmentation":
        return rng.integers(0, OUTPUTS, (BATCH, 32, 32)).astype("int32")
    if kind == "detection":
        boxes = np.full((BATCH, 2, 5), -1, "float32")
        boxes[:, 0] = [0.2, 0.3, 0.6, 0.8, 1]
        boxes[0, 1] = [0.5, 0.1, 0.9, 0.4, 2]
        return boxes
    return rng.normal(size=(BATCH, OUTPUTS)).astype("float32")


def compiled(model: keras.Model, case: Case) -> keras.Model:
    """Return the model, ready for a training step with the first loss of its task that fits it."""
    task = TASKS[case.task]
    name = LOSSES.get(case.name, task.losses[0])
    loss = build_loss(TypeAdapter(Loss).validate_python({"name": name}), kind=task.kind)
    eager = keras.backend.backend() == "tensorflow"  # where compiling takes longer than the step
    model.compile(keras.optimizers.SGD(0.01), loss, run_eagerly=eager, jit_compile=not eager)
    return model


def given(arrays: list[np.ndarray]) -> list[np.ndarray] | np.ndarray:
    """Return the inputs as a model takes them."""
    return arrays if len(arrays) > 1 else arrays[0]


def predict(model: keras.Model, x: list[np.ndarray]) -> np.ndarray:
    """Return the model's output without training."""
    return ops.convert_to_numpy(model(given(x), training=False))


def losses(model: keras.Model, case: Case) -> list[float]:
    """Return the loss of a training step, and of the next."""
    x, y = example(case)
    if TASKS[case.task].kind == "generation":
        return generation_losses(model, case, y)
    model = compiled(model, case)
    return [float(model.train_on_batch(given(x), y)) for _ in range(2)]


def generation_losses(model: keras.Model, case: Case, images: np.ndarray) -> list[float]:
    """Return the loss of a training step on images in [-1, 1], and of the next."""
    from zoo.layers.diffusion import Process
    from zoo.training.generative.diffusion import DiffusionTraining
    from zoo.training.generative.gan import Adversarial

    gan = "latent" in SMALL[case.name]
    trained = Adversarial(model, seed=0) if gan else DiffusionTraining(model, Process(), seed=0)
    trained.compile(keras.optimizers.SGD(0.01), jit_compile=False)
    given = [images, np.arange(BATCH, dtype="int32")] if takes_classes(case) else images
    found = [trained.train_on_batch(given, return_dict=True) for _ in range(2)]
    return [float(logs["loss"]) for logs in found]


if __name__ == "__main__":
    by_id = {case.id: case for case in cases()}
    folder = Path(sys.argv[1])
    result = {}
    for path in sorted(folder.glob("*.keras")):
        registry.builder(by_id[path.stem].name)  # its module registers the layers of its family
        model = keras.saving.load_model(path, safe_mode=True, compile=False)
        result[path.stem] = losses(model, by_id[path.stem])
    print(json.dumps({"backend": keras.backend.backend(), "losses": result}))
