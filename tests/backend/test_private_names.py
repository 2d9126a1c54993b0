"""Private names of Keras, TensorFlow and tf2onnx: where the code may use them, and that they are still there."""

import ast
import importlib
import re
from functools import cache
from pathlib import Path

import keras
import pytest
import tensorflow as tf

ROOT = Path(__file__).resolve().parents[2]
SEARCH = "zoo/search/keras_tuner_internals.py"  # its attributes are tested in tests/search/test_private_names.py
ROOMS = ("zoo/backend/", "zoo/export/convert.py", SEARCH)
PRIVATE_MODULE = re.compile(r"(keras|keras_tuner|tf2onnx)\.src(\.|$)|tensorflow\.python(\.|$)|jax\._src(\.|$)")
PUBLIC = {"_replace", "_asdict", "_fields", "_exit"}  # of every named tuple; os._exit


@cache
def adam():
    """Return an Adam that was built for one variable, and the variable."""
    variable, optimizer = keras.Variable([0.0]), keras.optimizers.Adam()
    optimizer.build([variable])
    return optimizer, variable


def imported(name):
    return importlib.import_module(name)


def transpose_optimizer():
    return imported("tf2onnx.optimizer.transpose_optimizer").TransposeOptimizer


# By name: what has the attribute. Names of private modules' functions are rows, too.
ATTRIBUTES = {
    "_get_variable_index": lambda: adam()[0],
    "_momentums": lambda: adam()[0],
    "_velocities": lambda: adam()[0],
    "_keras_logits": lambda: keras.ops.softmax(tf.ones((2, 3))),
    "_flatten_layers": lambda: keras.Model,
    "_aggregate_grads": lambda: imported("tensorflow.python.eager.backprop"),
    "_default_vspace": lambda: imported("tensorflow.python.eager.backprop"),
    "TFE_Py_RegisterVSpace": lambda: imported("tensorflow.python.pywrap_tfe"),
    "aggregate_fn": lambda: imported("tensorflow.python.eager.backprop")._default_vspace,
    "gelu": lambda: imported("keras.src.backend.tensorflow.nn"),
    "silu": lambda: imported("keras.src.backend.tensorflow.nn"),
    "softmax": lambda: imported("keras.src.backend.tensorflow.nn"),
    "_convert_common": lambda: imported("tf2onnx.convert"),
    "_mul_handler": transpose_optimizer,
    "_g": lambda: transpose_optimizer()(),
}


def uses(path):
    """Yield name and line of each private module and each private attribute that a file uses."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names if PRIVATE_MODULE.match(alias.name))
        elif isinstance(node, ast.ImportFrom) and PRIVATE_MODULE.match(node.module or ""):
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)
        elif isinstance(node, ast.Attribute) and re.match(r"_[^_]", node.attr):
            yield node.attr, node.lineno


@cache
def own_names():
    """Return the private names that the package itself defines."""
    found = set()
    for path in (ROOT / "zoo").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                found.add(node.name)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                found.add(node.id)
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                owner = node.value
                found |= {node.attr} if isinstance(owner, ast.Name) and owner.id in ("self", "cls") else set()
    return found - set(ATTRIBUTES)


@cache
def foreign():
    """Return the uses of other packages' private names: file, name, line."""
    found = []
    for path in sorted((ROOT / "zoo").rglob("*.py")):
        place = path.relative_to(ROOT).as_posix()
        found += [(place, name, line) for name, line in uses(path) if name not in own_names() | PUBLIC]
    return found


MODULES = sorted({name for _, name, _ in foreign() if "." in name})


def test_they_stay_in_their_rooms():
    assert [f"{place}:{line}: {name}" for place, name, line in foreign() if not place.startswith(ROOMS)] == []


def test_every_one_is_tested():
    attributes = {name for place, name, _ in foreign() if "." not in name and not place.startswith(SEARCH)}
    assert attributes <= set(ATTRIBUTES), "add to ATTRIBUTES how to reach the name"


@pytest.mark.parametrize("name", MODULES)
def test_module_is_there(name):
    module, _, last = name.rpartition(".")
    try:
        importlib.import_module(name)
    except ImportError:
        assert hasattr(importlib.import_module(module), last), f"{name} is gone"


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_attribute_is_there(name):
    assert hasattr(ATTRIBUTES[name](), name), f"{name} is gone"
