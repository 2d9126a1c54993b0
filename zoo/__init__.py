"""A Keras model zoo: builders, recipes that train them, and checked ONNX files.

Importing this package loads neither Keras nor a backend; a function loads what it needs when it is first called.
Once Keras is imported too, it knows the classes that saved models hold.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from zoo.backend.keras_import import after_keras_import
from zoo.errors import is_runtime, not_in_runtime

if TYPE_CHECKING:
    from zoo.commands.ablate import ablate
    from zoo.commands.check import check
    from zoo.commands.compare import compare
    from zoo.commands.curve import curve
    from zoo.commands.describe import describe
    from zoo.commands.drift import drift
    from zoo.commands.embed import embed
    from zoo.commands.evaluate import evaluate
    from zoo.commands.export import export
    from zoo.commands.improve import improve
    from zoo.commands.init import init
    from zoo.commands.load import load
    from zoo.commands.predict import predict
    from zoo.commands.publish import publish
    from zoo.commands.run import Run
    from zoo.commands.snapshot import snapshot
    from zoo.commands.soup import soup
    from zoo.commands.train import train
    from zoo.commands.tune import tune
    from zoo.commands.verify import verify
    from zoo.errors import ZooError
    from zoo.layers.head import features, with_head
    from zoo.pretrained.applications import load_applications_weights
    from zoo.pretrained.build import build
    from zoo.recipe import list_recipes, load_recipe
    from zoo.registry import list_models, register
    from zoo.serving.exported_model import ExportedModel
    from zoo.training.lora import add_lora, load_adapters, save_adapters
    from zoo.utils.version import __version__

_HOME = {
    "__version__": "zoo.utils.version",
    "ZooError": "zoo.errors",
    "features": "zoo.layers.head",
    "with_head": "zoo.layers.head",
    "add_lora": "zoo.training.lora",
    "load_adapters": "zoo.training.lora",
    "save_adapters": "zoo.training.lora",
    "load_applications_weights": "zoo.pretrained.applications",
    "list_recipes": "zoo.recipe",
    "load_recipe": "zoo.recipe",
    "build": "zoo.pretrained.build",
    "ablate": "zoo.commands.ablate",
    "check": "zoo.commands.check",
    "curve": "zoo.commands.curve",
    "compare": "zoo.commands.compare",
    "describe": "zoo.commands.describe",
    "drift": "zoo.commands.drift",
    "embed": "zoo.commands.embed",
    "list_models": "zoo.registry",
    "register": "zoo.registry",
    "ExportedModel": "zoo.serving.exported_model",
    "evaluate": "zoo.commands.evaluate",
    "export": "zoo.commands.export",
    "improve": "zoo.commands.improve",
    "init": "zoo.commands.init",
    "load": "zoo.commands.load",
    "Run": "zoo.commands.run",
    "predict": "zoo.commands.predict",
    "publish": "zoo.commands.publish",
    "snapshot": "zoo.commands.snapshot",
    "soup": "zoo.commands.soup",
    "train": "zoo.commands.train",
    "tune": "zoo.commands.tune",
    "verify": "zoo.commands.verify",
}

_IN_RUNTIME = ("ExportedModel", "ZooError", "__version__", "drift", "embed", "predict", "verify")

__all__ = [
    "ExportedModel",
    "Run",
    "ZooError",
    "__version__",
    "ablate",
    "add_lora",
    "build",
    "check",
    "compare",
    "curve",
    "describe",
    "drift",
    "embed",
    "evaluate",
    "export",
    "features",
    "improve",
    "init",
    "list_models",
    "list_recipes",
    "load",
    "load_adapters",
    "load_applications_weights",
    "load_recipe",
    "predict",
    "publish",
    "register",
    "save_adapters",
    "sklearn",
    "snapshot",
    "soup",
    "train",
    "tune",
    "verify",
    "with_head",
]


def __getattr__(name: str) -> Any:
    if name in __all__ and name not in _IN_RUNTIME and is_runtime():
        raise not_in_runtime(f"zoo.{name}")
    if name == "sklearn":
        return importlib.import_module("zoo.sklearn")
    if name not in _HOME:
        raise AttributeError(f"module 'zoo' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return __all__


def _register_classes() -> None:
    importlib.import_module("zoo.training.registered").register_classes()


if not is_runtime():
    after_keras_import(_register_classes)
