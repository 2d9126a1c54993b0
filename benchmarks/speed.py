"""Training throughput: `zoo train` beside bare `model.fit` and beside hand-written PyTorch, for each family's network.

python benchmarks/speed.py [--families mlp cnn …] [--rounds 5]

Every candidate is a process of its own that holds the same network, starting from the same weights, and trains an epoch
when it is its turn: batch for batch the same size, optimiser (Adam) and precision (float32). Each round gives every
candidate one epoch, validation on a few hundred examples included; printed are medians over the rounds, after an epoch
of warm-up. That the networks are the same is checked first: five steps on the same batches, without dropout, have to
have the same losses in Keras and PyTorch.

zoo             `zoo train`: data pipeline, callbacks, log, checkpoints
zoo, any order  the same, where threads may add up in any order: what two runs that agree to the last bit cost
zoo, Keras's kernels  the same, with the norms, activations and Adam that Keras makes of elementwise operations
zoo on JAX      `zoo train` with KERAS_BACKEND=jax
model.fit       Keras's own loop on TensorFlow, NumPy arrays, default settings
torch loader    PyTorch with a DataLoader over single examples, the loss read in every step
torch best      PyTorch with all examples as tensors in memory, a fused optimiser, and the fastest of: as it is,
                channels last, compiled, both

The MLP is the textbook's network on Fashion-MNIST (recipe mlp/fashion_mnist_reference), where TFDS has it prepared; the
test accuracy after five epochs is printed too. The others learn from seeded random numbers. Needs torch and jax.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from results import SPEED, speed
from torch_build import require_cpu_torch

from zoo.utils.files import read_json, write_json

EPOCHS = 5  # after which the test accuracy is taken
BATCHES_COMPARED, TOLERANCE = 5, 1e-3
CANDIDATES = ("zoo", "zoo, any order", "zoo, Keras's kernels", "zoo on JAX", "model.fit", "torch loader", "torch best")


@dataclass(frozen=True)
class Case:
    """A reference network and what it learns.

    Attributes:
        recipe: the recipe, as YAML.
        steps: training steps of an epoch, for examples that are made up.
        shape: of an example.
        tokens: number of token ids, where the example is tokens.
    """

    recipe: str
    steps: int = 0
    shape: tuple[int, ...] = ()
    tokens: int = 0


_PIXELS = "task: image_classification\npreprocess: [{rescale: {scale: 1/255}}, {standardize: {}}]"
_STEPS = "task: sequence_classification"
_CLASSES = "loss: {name: categorical_crossentropy}\n"
_COMMON = "data: {source: 'builtin:digits'}\noptimizer: {name: adam, learning_rate: 1e-3}\n"  # the source is replaced
CASES = {
    "mlp": Case("extends: mlp/fashion_mnist_reference\ndata: {validation: 0.01}", 800, (28, 28, 1)),
    "cnn": Case(f"{_PIXELS}\n{_CLASSES}model: {{name: resnet20}}", 30, (32, 32, 3)),
    "rnn": Case(f"{_STEPS}\n{_CLASSES}model: {{name: gru, units: 128, layers: 2}}", 30, (100, 16)),
    "lstm": Case(f"{_STEPS}\n{_CLASSES}model: {{name: lstm, units: 128, layers: 2}}", 30, (100, 16)),
    "transformer": Case(
        f"{_STEPS}\n{_CLASSES}model: {{name: transformer, width: 128, depth: 4, heads: 4}}", 10, (128,), 8000
    ),
    "autoencoder": Case(
        "extends: _base/reconstruction\nmodel: {name: conv_autoencoder, widths: [16, 32], code: 32}", 60, (28, 28, 1)
    ),
    "diffusion": Case(
        "extends: _base/image_generation\nloss: {name: denoising, schedule: cosine, prediction: v}\n"
        "evaluation: {features: cnn/digits}\nsampling: {steps: 25}\n"
        "model: {name: ddpm, widths: [16, 32, 64], depth: 1, attention: [3], heads: 4, groups: 8, dropout: 0.0}",
        12,
        (28, 28, 1),
    ),
}


# === What all candidates of a case share ===


def dataset_of(case: Case, recipe: Any) -> Any:
    """Return the data set: Fashion-MNIST for the MLP, else seeded random examples."""
    from zoo.data.dataset import Dataset, Signature, whole
    from zoo.data.inputs import ArrayInputs
    from zoo.data.sources.load import load_dataset
    from zoo.errors import ZooError
    from zoo.tasks import TASKS

    if recipe.data.source.startswith("tfds:"):
        try:
            return load_dataset(recipe.data, TASKS[recipe.task], recipe.preprocess)
        except ZooError as problem:
            print(f"made-up images instead: {problem}", file=sys.stderr)
    generator, labels = np.random.default_rng(0), tuple("0123456789")
    size, held = case.steps * recipe.training.batch_size, 256
    x: Any
    if case.tokens:
        x = generator.integers(1, case.tokens, (size + held, *case.shape), dtype=np.int32)
    elif len(case.shape) == 3:
        x = generator.integers(0, 256, (size + held, *case.shape), dtype=np.uint8)
    else:
        x = generator.random((size + held, *case.shape), dtype=np.float32)
    y = generator.integers(0, 10, len(x)).astype(np.int32)
    kind: Any = "tokens" if case.tokens else "image" if len(case.shape) == 3 else "array"
    signature = Signature(kind, "y", case.shape, labels=labels, tokens=case.tokens)
    train, validation = whole(ArrayInputs(x[:size]), y[:size]), whole(ArrayInputs(x[size:]), y[size:])
    return Dataset(
        name="made up", signature=signature, train=train, validation=validation, test=validation, fingerprint=""
    )


def problem_of(family: str, folder: Path, overrides: tuple[str, ...] = ()) -> Any:
    """Set a case's training up."""
    from zoo.recipe import load_recipe
    from zoo.training.problem import set_up

    case = CASES[family]
    path = folder / "recipe.yaml"
    if not path.is_file():
        common = "" if family == "mlp" else f"{_COMMON}training: {{batch_size: 64, epochs: 1, select: last}}\n"
        path.write_text(f"{common}{case.recipe}\n")
    recipe = load_recipe(str(path), overrides).recipe
    return set_up(recipe, dataset_of(case, recipe))


def prepare(family: str, folder: Path) -> None:
    """Write what PyTorch needs, and check that its network is the zoo's."""
    import keras

    problem = problem_of(family, folder)
    layers = problem.views.network.layers
    weights = {layer.name: layer.get_weights() for layer in layers}
    network = problem.views.network
    splits = {name: getattr(problem.dataset, name) for name in ("train", "validation", "test")}
    arrays = {f"x_{n}": split.take(np.arange(len(split))) for n, split in splits.items()}
    arrays |= {f"y_{n}": split.targets for n, split in splits.items()}
    np.savez(folder / "data.npz", scale=problem.preprocessor.scale, offset=problem.preprocessor.offset, **arrays)
    flat = {f"{name}/{i}": w for name, values in weights.items() for i, w in enumerate(values)}
    np.savez(folder / "weights.npz", **flat)
    facts = {
        "parameters": network.count_params(),
        "batch_size": problem.recipe.training.batch_size,
        "data": problem.dataset.name,
        "examples": len(problem.train),
    }
    write_json(folder / "case.json", facts | {"difference": agreement(family, folder)})
    keras.backend.clear_session()


def agreement(family: str, folder: Path) -> float:
    """Return the largest relative difference between the losses of Keras and PyTorch over the first steps."""
    import keras
    import torch

    overrides = ("model.dropout=0.0",) if family == "mlp" else ()
    problem = problem_of(family, folder, overrides)
    network = problem.views.network
    torch_network, loss = torch_case(family, folder)
    torch_network.train()
    if family == "mlp":
        torch_network.dropout = 0.0
    with np.load(folder / "weights.npz") as kept:
        for layer in network.layers:
            layer.set_weights([kept[f"{layer.name}/{i}"] for i in range(len(layer.weights))])
    data = TorchData(family, folder)
    # plain descent: Adam makes large differences of small gradients' rounding
    step = torch.optim.SGD([p for p in torch_network.parameters() if p.requires_grad], lr=0.1)
    kind = "mse" if family in ("autoencoder", "diffusion") else keras.losses.CategoricalCrossentropy(from_logits=True)
    network.compile(keras.optimizers.SGD(0.1), kind, jit_compile=False)
    generator = torch.Generator().manual_seed(0)
    difference = 0.0
    for i in range(BATCHES_COMPARED):
        x, y = data.batch(torch.arange(i * data.size, (i + 1) * data.size))
        given: tuple[Any, ...] = (x, y) if family != "diffusion" else noisy(x, generator)
        step.zero_grad()
        value = loss(torch_network, *given)
        value.backward()
        step.step()
        if family == "diffusion":
            image, time_, target = given
            one = network.train_on_batch([_last(image), time_.numpy()], _last(target))
        elif family == "autoencoder":
            one = network.train_on_batch(_last(x), _last(x))
        else:
            labels = np.eye(10, dtype=np.float32)[y.numpy()]
            one = network.train_on_batch(_last(x) if x.ndim == 4 else x.numpy(), labels)
        one = float(one[0] if isinstance(one, list) else one)
        difference = max(difference, abs(one - value.item()) / abs(value.item()))
        network.reset_metrics()
    return difference


def _last(x: Any) -> np.ndarray:
    """Put the channels last."""
    return np.ascontiguousarray(x.permute(0, 2, 3, 1).numpy())


# === Turns ===


def ready() -> None:
    """Say that a turn has ended, and wait for the next."""
    print("ready", flush=True)
    if not sys.stdin.readline():
        raise SystemExit


def take_turns(epoch: Callable[[], float], accuracy: Callable[[], float | None]) -> None:
    """Train an epoch at each turn, the first as a warm-up, and say how long it took and how large its loss was."""
    done = 0
    while True:
        started = time.perf_counter()
        loss = epoch()
        seconds = time.perf_counter() - started
        done += 1
        found = accuracy() if done == EPOCHS else None
        print(f"took {seconds} {loss} {found if found is not None else ''}", flush=True)
        ready()


# === The zoo and Keras ===


def zoo(family: str, folder: Path, *overrides: str) -> None:
    """Train as `zoo train` does, an epoch at each turn."""
    import keras
    from rich.console import Console

    from zoo.backend.startup import start_keras
    from zoo.training.fit import fit

    start_keras()
    problem = problem_of(family, folder, ("training.epochs=1000", *overrides))

    class Turns(keras.callbacks.Callback):
        started, loss = 0.0, 0.0

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            if epoch:
                seconds, found = time.perf_counter() - self.started, test_accuracy(problem) if epoch == EPOCHS else None
                print(f"took {seconds} {self.loss} {found if found is not None else ''}", flush=True)
                ready()
            self.started = time.perf_counter()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.loss = float((logs or {})["loss"])

    devices = replace(problem.devices, callbacks=(*problem.devices.callbacks, Turns()))
    with open(os.devnull, "w") as nowhere, tempfile.TemporaryDirectory() as run:
        fit(replace(problem, devices=devices), Path(run), Console(file=nowhere))


def zoo_in_any_order(family: str, folder: Path) -> None:
    """Train as `zoo train` does, but for the order of sums."""
    from zoo.backend import determinism
    from zoo.training import fit

    determinism._make_operations_deterministic = lambda: None  # type: ignore[assignment]
    fit.ordered_gradient_sums = nullcontext  # type: ignore[assignment]
    zoo(family, folder)


def zoo_with_keras_kernels(family: str, folder: Path) -> None:
    """Train as `zoo train` does, but for the fused kernels."""
    zoo(family, folder, "training.cpu_kernels=off")


def test_accuracy(problem: Any) -> float | None:
    """Return the test accuracy of a classifier of the data that can be learnt."""
    if problem.dataset.name == "made up":
        return None
    outputs = problem.outputs(problem.prepare(problem.dataset.test))
    return float((outputs.argmax(-1) == problem.dataset.test.targets).mean())


def model_fit(family: str, folder: Path) -> None:
    """Train with Keras's own `fit` on arrays, an epoch at each turn."""
    import keras

    from zoo import registry
    from zoo.layers.diffusion import Process
    from zoo.recipe import load_recipe
    from zoo.training.generative.diffusion import DiffusionTraining

    case, recipe = CASES[family], load_recipe(str(folder / "recipe.yaml")).recipe
    head: dict[str, Any] = {} if family in ("autoencoder", "diffusion") else {"outputs": 10}
    model = registry.build(
        recipe.model.name, input_shape=case.shape, vocabulary=case.tokens or None, **head, **recipe.model.config
    )
    with np.load(folder / "weights.npz") as kept:
        for layer in model.layers:
            layer.set_weights([kept[f"{layer.name}/{i}"] for i in range(len(layer.weights))])
    with np.load(folder / "data.npz") as data:
        x = {name: data[f"x_{name}"] for name in ("train", "validation", "test")}
        y = {name: np.eye(10, dtype=np.float32)[data[f"y_{name}"]] for name in ("train", "validation")}
        test = data["y_test"]
        if x["train"].dtype == np.uint8:
            x = {n: (v.astype(np.float32) * data["scale"] + data["offset"]).astype(np.float32) for n, v in x.items()}
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    if family == "autoencoder":
        loss, y = keras.losses.MeanSquaredError(), x
    if family == "diffusion":
        model, loss, y = DiffusionTraining(model, Process("cosine", "v")), keras.losses.MeanSquaredError(), {}
    model.compile(
        keras.optimizers.Adam(1e-3), loss, metrics=[] if family in ("autoencoder", "diffusion") else ["accuracy"]
    )
    facts = read_json(folder / "case.json")

    def epoch() -> float:
        held = (x["validation"], y["validation"]) if y else (x["validation"],)
        history = model.fit(x["train"], y.get("train"), batch_size=facts["batch_size"], validation_data=held, verbose=0)
        return float(history.history["loss"][-1])

    def accuracy() -> float | None:
        if facts["data"] == "made up":
            return None
        return float((model.predict(x["test"], batch_size=512, verbose=0).argmax(-1) == test).mean())

    take_turns(epoch, accuracy)


# === PyTorch ===


class TorchData:
    """The examples of a case as tensors, normalised, channels first."""

    def __init__(self, family: str, folder: Path) -> None:
        import torch

        facts = read_json(folder / "case.json") if (folder / "case.json").is_file() else {"batch_size": 64}
        self.size, self.family = facts["batch_size"], family
        with np.load(folder / "data.npz") as data:
            self.raw = {name: data[name] for name in data.files}
        self.tensors = {
            name: torch.from_numpy(self.example(v)) for name, v in self.raw.items() if name[:2] in ("x_", "y_")
        }

    def example(self, x: np.ndarray) -> np.ndarray:
        """Normalise images, one or several, and put their channels first."""
        if x.dtype == np.uint8:
            x = (x * np.float32(self.raw["scale"]) + np.float32(self.raw["offset"])).astype(np.float32)
            return np.ascontiguousarray(np.moveaxis(x, -1, -3))
        return x.astype(np.int64) if x.dtype == np.int32 else x

    def batch(self, places: Any, split: str = "train") -> tuple[Any, Any]:
        """Return inputs and targets."""
        return self.tensors[f"x_{split}"][places], self.tensors[f"y_{split}"][places]


def torch_case(family: str, folder: Path) -> tuple[Any, Callable[..., Any]]:
    """Return the network with the zoo's weights, and the loss of a batch."""
    import torch.nn.functional as F
    import torch_networks as networks
    from torch import nn

    build = {
        "mlp": lambda: networks.MLP(784, [256, 128], 10, 0.2),
        "cnn": lambda: networks.ResNet20(3, 10),
        "rnn": lambda: networks.Recurrent(nn.GRU, 16, 128, 2, 10),
        "lstm": lambda: networks.Recurrent(nn.LSTM, 16, 128, 2, 10),
        "transformer": lambda: networks.Transformer(8000, 128, 128, 4, 4, 10),
        "autoencoder": lambda: networks.ConvAutoencoder(28, 1, [16, 32], 32),
        "diffusion": lambda: networks.UNet(28, 1, [16, 32, 64], 1, [3], 4, 8),
    }
    network = build[family]()
    weights: dict[str, list[np.ndarray]] = {}
    with np.load(folder / "weights.npz") as kept:
        for key in kept.files:
            weights.setdefault(key.rpartition("/")[0], []).append(kept[key])
    networks.load(network, weights)
    if family == "autoencoder":
        return network, lambda net, x, y: F.mse_loss(net(x), x)
    if family == "diffusion":
        return network, lambda net, image, time_, target: F.mse_loss(net(image, time_), target)
    return network, lambda net, x, y: F.cross_entropy(net(x), y)


def noisy(x: Any, generator: Any = None) -> tuple[Any, Any, Any]:
    """Return noisy images, their times, and v, which is to be predicted (Salimans and Ho, 2022)."""
    import torch
    from torch_networks import cosine_process

    time_ = (torch.rand((), generator=generator) + torch.arange(len(x)) / len(x)) % 1.0
    noise = torch.randn(x.shape, generator=generator)
    alpha, sigma = cosine_process(time_)
    return alpha * x + sigma * noise, time_, alpha * noise - sigma * x


def torch_loader(family: str, folder: Path) -> None:
    """Train with a DataLoader, an epoch at each turn."""
    import torch
    from torch.utils.data import DataLoader, Dataset

    data = TorchData(family, folder)
    network, loss = torch_case(family, folder)

    class Examples(Dataset):
        def __len__(self) -> int:
            return len(data.raw["x_train"])

        def __getitem__(self, i: int) -> tuple[Any, int]:
            return torch.from_numpy(data.example(data.raw["x_train"][i])), int(data.raw["y_train"][i])

    loader = DataLoader(Examples(), batch_size=data.size, shuffle=True)
    step = torch.optim.Adam([p for p in network.parameters() if p.requires_grad], lr=1e-3)

    def epoch() -> float:
        network.train()
        total = 0.0
        for x, y in loader:
            step.zero_grad()
            value = loss(network, *(noisy(x) if family == "diffusion" else (x, y)))
            value.backward()
            step.step()
            total += value.item()
        validate(network, loss, data, family)
        return total / len(loader)

    take_turns(epoch, lambda: torch_accuracy(network, data))


def torch_best(family: str, folder: Path) -> None:
    """Train with all in memory in the fastest of the forms, an epoch at each turn."""
    import torch

    data = TorchData(family, folder)
    images = data.tensors["x_train"].ndim == 4
    forms = [
        (last, compiled)
        for last in ((False, True) if images and family != "mlp" else (False,))
        for compiled in (False, True)
    ]
    steps = len(data.tensors["x_train"]) // data.size

    def trainer(last: bool, compiled: bool) -> tuple[Any, Any]:
        layout = torch.channels_last if last else torch.contiguous_format
        network, loss = torch_case(family, folder)
        network = network.to(memory_format=layout)
        call = torch.compile(network) if compiled else network
        optimizer = torch.optim.Adam([p for p in network.parameters() if p.requires_grad], lr=1e-3, fused=True)
        x, y = data.batch(slice(None))
        if last:
            x = x.contiguous(memory_format=torch.channels_last)

        def run(most: int) -> float:
            network.train()
            order, total = torch.randperm(len(x)), torch.zeros(())
            for i in range(most):
                places = order[i * data.size : (i + 1) * data.size]
                optimizer.zero_grad(set_to_none=True)
                value = loss(call, *(noisy(x[places]) if family == "diffusion" else (x[places], y[places])))
                value.backward()
                optimizer.step()
                total += value.detach()
            return float(total) / most

        def epoch() -> float:
            value = run(steps)
            validate(network, loss, data, family)
            return value

        epoch.run = run  # type: ignore[attr-defined]
        return network, epoch

    found: dict[tuple[bool, bool], float] = {}
    some = min(steps, 100 if family == "mlp" else 6)
    for form in forms:
        _, candidate = trainer(*form)
        candidate.run(2)
        times = []
        for _ in range(3):
            started = time.perf_counter()
            candidate.run(some)
            times.append(time.perf_counter() - started)
        found[form] = min(times) / some
    last, compiled = form = min(found, key=lambda one: found[one])
    print(f"form {'channels last' if last else ''} {'compiled' if compiled else ''}".strip(), flush=True)
    network, epoch = trainer(*form)
    take_turns(epoch, lambda: torch_accuracy(network, data))


def validate(network: Any, loss: Any, data: TorchData, family: str) -> float:
    """Return the loss on validation, once an epoch like the others."""
    import torch

    network.eval()
    with torch.inference_mode():
        x, y = data.batch(slice(None), "validation")
        return float(loss(network, *(noisy(x) if family == "diffusion" else (x, y))))


def torch_accuracy(network: Any, data: TorchData) -> float | None:
    """Return the test accuracy, for the data that can be learnt."""
    import torch

    if data.family != "mlp" or data.size == len(data.tensors["x_test"]):
        return None
    network.eval()
    with torch.inference_mode():
        x, y = data.batch(slice(None), "test")
        return float((network(x).argmax(1) == y).float().mean())


# === The parent ===

CALLS = {
    "prepare": prepare,
    "zoo": zoo,
    "zoo, any order": zoo_in_any_order,
    "zoo, Keras's kernels": zoo_with_keras_kernels,
    "zoo on JAX": zoo,
    "model.fit": model_fit,
    "torch loader": torch_loader,
    "torch best": torch_best,
}


class Candidate:
    """A process that trains when it is told to."""

    def __init__(self, name: str, family: str, folder: Path) -> None:
        self.name, self.form = name, ""
        self.log = open(folder / f"{name}.log", "w")  # noqa: SIM115
        backend = "jax" if name.endswith("JAX") else "tensorflow"
        environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
        command = [sys.executable, __file__, "--candidate", name, "--families", family, "--folder", str(folder)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True, env=environment
        )
        self.accuracy: float | None = None
        self.losses: list[float] = []

    def turn(self, first: bool = False) -> float:
        """Let it train an epoch, and return the seconds that this took."""
        assert self.process.stdin is not None and self.process.stdout is not None
        if not first:
            self.process.stdin.write("go\n")
            self.process.stdin.flush()
        seconds = 0.0
        for line in self.process.stdout:
            word, _, rest = line.strip().partition(" ")
            if word == "form":
                self.form = rest.strip()
            elif word == "took":
                parts = rest.split()
                seconds = float(parts[0])
                self.losses.append(float(parts[1]))
                self.accuracy = float(parts[2]) if len(parts) > 2 else self.accuracy
            elif word == "ready":
                return seconds
        raise SystemExit(f"{self.name} failed: see {self.log.name}")

    def end(self) -> None:
        """End it."""
        self.process.kill()
        self.process.wait()
        self.log.close()


def measure(family: str, rounds: int, names: Iterator[str] | list[str], folder: Path) -> dict[str, Any]:
    """Measure one family."""
    command = [sys.executable, __file__, "--candidate", "prepare", "--families", family, "--folder", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "KERAS_BACKEND": "tensorflow"})
    if done.returncode:
        raise SystemExit(f"{family}: {done.stderr}")
    facts = read_json(folder / "case.json")
    print(f"{family}: losses of Keras and PyTorch differ by {facts['difference']:.1e} at most", flush=True)
    if facts["difference"] > TOLERANCE:
        raise SystemExit(f"{family}: that is more than {TOLERANCE}: the networks are not the same")
    candidates = []
    seconds: dict[str, list[float]] = {}
    try:
        for name in names:
            candidates.append(Candidate(name, family, folder))
            took = candidates[-1].turn(first=True)
            print(f"  {name}: first epoch {took:.2f} s {candidates[-1].form}", flush=True)
        for _ in range(rounds):
            for candidate in candidates:
                seconds.setdefault(candidate.name, []).append(candidate.turn())
            print("  " + ", ".join(f"{name} {values[-1]:.2f} s" for name, values in seconds.items()), flush=True)
    finally:
        for candidate in candidates:
            candidate.end()
    trained = facts["examples"] // facts["batch_size"] * facts["batch_size"]
    return {
        **facts,
        "rounds": rounds,
        "examples_per_second": {name: trained / statistics.median(values) for name, values in seconds.items()},
        "seconds": seconds,
        "loss": {c.name: c.losses[-1] for c in candidates},
        "accuracy": {c.name: c.accuracy for c in candidates if c.accuracy is not None},
        "torch_best": next((c.form or "as it is" for c in candidates if c.name == "torch best"), None),
    }


def main() -> None:
    """Measure the families in turn, keep the figures, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--families", nargs="+", default=list(CASES), choices=list(CASES))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--candidates", nargs="+", default=list(CANDIDATES), choices=CANDIDATES)
    parser.add_argument("--candidate", choices=list(CALLS), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--dry", action="store_true", help="print the figures and keep nothing")
    given = parser.parse_args()
    require_cpu_torch()
    if given.candidate:
        CALLS[given.candidate](given.families[0], given.folder)
        return
    from zoo.training.run import hardware, versions

    kept = read_json(SPEED) if SPEED.is_file() else {}
    for family in given.families:
        with tempfile.TemporaryDirectory() as folder:
            result = measure(family, given.rounds, given.candidates, Path(folder))
        result |= {"versions": versions() | _others(), "hardware": hardware()}
        kept[family] = result
        if not given.dry:
            write_json(SPEED, kept)
    print(speed(kept))


def _others() -> dict[str, str]:
    from importlib.metadata import version

    return {name: version(name) for name in ("torch", "jax")}


if __name__ == "__main__":
    main()
