"""Which part of the package may import which: one way, from data to serving."""

import ast
import configparser
import re
import runpy
import sys
from functools import cache
from pathlib import Path
from unittest.mock import patch

import pytest
import setuptools

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "zoo"

# The rooms of the house in their order: a room imports only those above it.
ORDER = (
    "errors",
    "tasks",
    "backend",
    "utils",
    "registry",
    "recipe",
    "layers",
    "models",
    "postprocessing",
    "data",
    "pretrained",
    "losses",
    "optimization",
    "training",
    "evaluation",
    "audit",
    "serving",
    "export",  # the proof runs the file
    "search",
    "commands",
    "sklearn",  # estimators
    "__init__",  # the public names
    "cli",
    "__main__",
)
# Of the rooms above it, what a room leaves alone, so that it stays light or can be used without them.
LEAVES_ALONE = {
    "utils": {"tasks"},
    "layers": {"registry", "recipe"},
    "models": {"recipe"},
    "postprocessing": {"backend", "registry", "recipe", "layers", "models"},
    "serving": {"backend", "registry", "layers", "models", "losses", "optimization", "training", "evaluation", "audit"},
    "cli": {
        "layers",
        "models",
        "data",
        "losses",
        "optimization",
        "training",
        "evaluation",
        "audit",
        "export",
        "search",
    },
}
# Packages that a room never imports, not even inside a function.
FORBIDDEN = {
    **{room: {"tensorflow", "jax", "torch"} for room in ("registry", "layers", "models", "losses", "optimization")},
    "pretrained": {"tensorflow", "jax", "torch", "pickle"},
    **{room: {"tensorflow", "jax", "torch"} for room in ("training", "commands", "search")},
    **{room: {"tensorflow", "keras", "jax", "numpy"} for room in ("errors", "tasks", "recipe", "cli")},
    "utils": {"tensorflow", "keras", "jax"},
    "postprocessing": {"tensorflow", "keras", "jax", "sklearn"},
    "evaluation": {"tensorflow", "keras", "jax"},
    "audit": {"tensorflow", "keras", "jax"},
    "serving": {"tensorflow", "keras", "jax", "sklearn"},
    "sklearn": {"tensorflow", "keras", "jax"},
}


def part_of(path):
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


@cache
def imports(path, lazy=True):
    """Return the modules that a file imports: anywhere in it but for types, or only when it is itself imported."""
    found = set()
    nodes = list(ast.parse(path.read_text(encoding="utf-8")).body)
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif not is_type_checking(node) and (lazy or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)):
            nodes += ast.iter_child_nodes(node)
    return found


def is_type_checking(node):
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


FILES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_direction(path):
    room = part_of(path)
    assert room in ORDER, f"say in ORDER where zoo/{room} stands"
    above = set(ORDER[: ORDER.index(room)]) - LEAVES_ALONE.get(room, set())
    own = {module.split(".")[1] for module in imports(path) if module.startswith("zoo.")}
    assert own - {room} <= above


def test_every_room_is_there():
    assert {part_of(path) for path in FILES} == set(ORDER)


def test_no_file_imports_in_a_circle():
    """Follow every import, those inside functions too; what is only for type checking does not count."""
    names = {module_name(path): path for path in FILES}

    def needs(path):
        wanted = imports(path)
        found = {name if name in names else name.rpartition(".")[0] for name in wanted}
        return {names[name] for name in found if name in names} - {path}

    left = {path: needs(path) for path in FILES}
    while left:
        free = {path for path, wanted in left.items() if not wanted & set(left)}
        assert free, f"a circle among {sorted(path.relative_to(ROOT).as_posix() for path in left)}"
        left = {path: wanted for path, wanted in left.items() if path not in free}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_backends(path):
    others = {module.partition(".")[0] for module in imports(path)}
    if part_of(path) == "models":
        typed = {"__future__", "collections", "dataclasses", "functools", "math", "typing"}
        assert others <= {"keras", "zoo", *typed}
    forbidden = FORBIDDEN.get(part_of(path), set())
    if path.parts[-2:] == ("evaluation", "generation.py"):  # runs a classifier of real images
        forbidden = forbidden - {"keras"}
    assert not others & forbidden


def test_parts_without_keras_need_none_to_be_imported():
    """Follow the imports at module level from the parts that must start fast."""
    files = {module_name(path): path for path in FILES}
    seen, todo = (
        set(),
        [
            "zoo",
            "zoo.cli",
            "zoo.registry",
            "zoo.recipe",
            "zoo.serving.predict",
            "zoo.commands.verify",
            "zoo.utils.files",
            "zoo.commands.train",
            "zoo.commands.evaluate",
            "zoo.commands.export",
            "zoo.commands.tune",
        ],
    )
    while todo:
        module = todo.pop()
        if module in seen or module not in files:
            continue
        seen.add(module)
        wanted = imports(files[module], lazy=False)
        assert not {name.partition(".")[0] for name in wanted} & {
            "keras",
            "tensorflow",
            "jax",
            "sklearn",
            "matplotlib",
        }, module
        todo += [name for name in wanted if name.startswith("zoo")]
        todo += [name.rpartition(".")[0] for name in wanted if name.startswith("zoo.")]


def module_name(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


# --- packaging ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def setup():
    """Return the package's setup.cfg."""
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


def lines(text):
    return [line.strip() for line in text.splitlines() if line.strip()]


def test_every_package_is_shipped():
    folders = {path.parent for path in FILES}
    on_disk = {".".join(folder.relative_to(ROOT).parts) for folder in folders}
    assert all((folder / "__init__.py").is_file() for folder in folders)
    given = {}
    with patch.object(setuptools, "setup", given.update):
        runpy.run_path(str(ROOT / "setup.py"))
    assert set(given["packages"]) == on_disk | {"zoo.recipes"}


def test_every_data_file_is_shipped(setup):
    given = dict(
        line.split(" = ") for line in lines("\n".join(f"{k} = {v}" for k, v in setup["options.package_data"].items()))
    )
    roots = {package: PACKAGE.joinpath(*package.split(".")[1:]) for package in given} | {
        "zoo.recipes": ROOT / "recipes"
    }
    shipped = {
        path for name, globs in given.items() for glob in globs.split(",") for path in roots[name].glob(glob.strip())
    }
    wanted = {
        p for p in [*PACKAGE.rglob("*"), *(ROOT / "recipes").rglob("*")] if p.is_file() and "__pycache__" not in p.parts
    }
    assert {p for p in wanted if p.suffix != ".py"} <= shipped


def requirements(setup):
    texts = [setup["options"]["install_requires"], *setup["options.extras_require"].values()]
    return [line for text in texts for line in lines(text)]


def test_every_requirement_has_both_bounds(setup):
    assert len(requirements(setup)) > 20
    for line in requirements(setup):
        assert re.fullmatch(r"[\w.-]+(\[[\w-]+\])?>=[\d.]+,<[\d.]+(\s*;.*)?", line), line


IMPORT_NAMES = {
    **{"grpcio": "grpc", "protobuf": "google", "pyyaml": "yaml", "pillow": "PIL", "scikit-learn": "sklearn"},
    "markdown-it-py": "markdown_it",
}
BROUGHT_ALONG = {  # what installing a requirement brings along
    "pydantic_core": "pydantic",
    "markupsafe": "jinja2",
    "starlette": "fastapi",
    "threadpoolctl": "scikit-learn",
}


def test_every_import_is_required(setup):
    required = {re.split(r"[\[>=;]", line)[0].lower() for line in requirements(setup)}
    known = {IMPORT_NAMES.get(name, name.replace("-", "_")) for name in required}
    used = {module.partition(".")[0] for path in FILES for module in imports(path)}
    missing = used - known - set(sys.stdlib_module_names) - {"zoo"}
    assert {name for name in missing if BROUGHT_ALONG.get(name) not in required} == set()
