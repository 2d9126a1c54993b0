"""Which part of the package may import which: one way, from data to serving."""

import ast
import configparser
import re
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "zoo"

# What each part may import, beside itself: plain helpers, then the stages in their order.
HELPERS = {"errors", "files", "cache", "quiet", "tasks", "decoding", "detections", "similarity", "grids", "textplot"}
RECIPE = {"recipe", "registry", "profile"}
ALLOWED = {
    "errors": set(),
    "decoding": {"errors"},
    "detections": {"errors"},
    "similarity": set(),
    "grids": {"files"},
    "textplot": set(),
    "diffusion": {"errors", "layers"},
    "generated": HELPERS | RECIPE | {"layers", "data", "training", "evaluation"},
    "reported": HELPERS | RECIPE | {"decoding", "evaluation", "profile"},
    "represented": HELPERS | RECIPE | {"generated", "training", "evaluation", "export"},
    "weights": {"errors", "quiet"},
    "files": {"errors"},
    "cache": {"errors"},
    "quiet": set(),
    "replicas": set(),
    "processes": {"errors"},
    "tasks": set(),
    "profile": {"errors"},
    "registry": {"errors", "quiet", "profile"},
    "recipe": {"errors", "tasks", "registry"},
    "lanes": {"quiet", "recipe", "layers", "unrolled"},
    "unrolled": set(),
    "layers": {"errors"},
    "models": {"errors", "layers", "registry"},
    "losses": {"errors", "layers", "recipe", "replicas"},
    "optimization": {"errors", "layers", "recipe"},
    "data": HELPERS | {"recipe", "layers"},  # the layers that preprocessing puts into a model
    "training": HELPERS | RECIPE | {"replicas", "layers", "models", "diffusion", "losses", "optimization", "data"},
    "evaluation": HELPERS | RECIPE | {"layers", "data", "training"},
    "search": HELPERS | RECIPE | {"data", "training", "evaluation"},
    "serving": HELPERS | {"data"},  # a deployed file needs no Keras: nothing that trains
    "export": HELPERS
    | RECIPE
    | {"diffusion", "layers", "data", "training", "evaluation", "serving"},  # the proof runs the file
    "workflow": HELPERS
    | RECIPE
    | {"lanes", "processes", "generated", "reported", "represented"}
    | {"data", "training", "evaluation", "search", "export", "serving"},
    "trials": HELPERS | RECIPE | {"lanes", "data", "training", "search", "export", "serving"},
    "tuning": HELPERS | RECIPE | {"search", "trials"},
    "rates": HELPERS | RECIPE | {"lanes", "data", "optimization", "training", "evaluation"},
    "cli": HELPERS | RECIPE | {"lanes", "processes", "workflow", "rates", "tuning", "serving"},
    "__main__": {"cli"},
    "__init__": {"errors", "layers", "recipe", "registry", "serving", "workflow"},  # the public names
}
# Packages that a part never imports, not even inside a function.
FORBIDDEN = {
    **{part: {"tensorflow", "jax", "torch"} for part in ("registry", "layers", "models", "losses", "optimization")},
    **{
        part: {"tensorflow", "keras", "jax", "numpy"}
        for part in ("errors", "files", "cache", "tasks", "recipe", "cli", "textplot")
    },
    "evaluation": {"tensorflow", "keras", "jax"},
    "serving": {"tensorflow", "keras", "jax", "sklearn"},
}


def part_of(path):
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


@cache
def imports(path, lazy=True):
    """Return the modules that a file imports: anywhere in it, or only when it is itself imported."""
    found = set()
    nodes = list(ast.parse(path.read_text(encoding="utf-8")).body)
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif lazy or not (isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or is_type_checking(node)):
            nodes += ast.iter_child_nodes(node)
    return found


def is_type_checking(node):
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


FILES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_direction(path):
    part = part_of(path)
    assert part in ALLOWED, f"say in ALLOWED what zoo/{part} may import"
    own = {module.split(".")[1] for module in imports(path) if module.startswith("zoo.")}
    assert own - {part} <= ALLOWED[part]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_backends(path):
    others = {module.partition(".")[0] for module in imports(path)}
    if part_of(path) == "models":
        typed = {"__future__", "collections", "dataclasses", "functools", "math", "typing"}
        assert others <= {"keras", "zoo", *typed}
    assert not others & FORBIDDEN.get(part_of(path), set())


def test_the_table_has_no_circle():
    done, left = set(), dict(ALLOWED)
    while left:
        ready = {part for part, needs in left.items() if (needs & set(ALLOWED)) <= done}
        assert ready, f"a circle among {sorted(left)}"
        done |= ready
        left = {part: needs for part, needs in left.items() if part not in ready}


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
            "zoo.files",
            "zoo.workflow",
            "zoo.tuning",
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


def test_every_package_is_shipped(setup):
    folders = {path.parent for path in FILES}
    on_disk = {".".join(folder.relative_to(ROOT).parts) for folder in folders}
    assert all((folder / "__init__.py").is_file() for folder in folders)
    assert set(lines(setup["options"]["packages"])) == on_disk | {"zoo.recipes"}
    assert lines(setup["options"]["package_dir"]) == ["zoo.recipes = recipes"]


def test_every_data_file_is_shipped(setup):
    given = dict(
        line.split(" = ") for line in lines("\n".join(f"{k} = {v}" for k, v in setup["options.package_data"].items()))
    )
    roots = {package: PACKAGE / package.partition(".")[2] for package in given} | {"zoo.recipes": ROOT / "recipes"}
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


IMPORT_NAMES = {"grpcio": "grpc", "pyyaml": "yaml", "pillow": "PIL", "scikit-learn": "sklearn"}
BROUGHT_ALONG = {  # what installing a requirement brings along
    "markupsafe": "jinja2",
    "threadpoolctl": "scikit-learn",
}


def test_every_import_is_required(setup):
    required = {re.split(r"[\[>=;]", line)[0].lower() for line in requirements(setup)}
    known = {IMPORT_NAMES.get(name, name.replace("-", "_")) for name in required}
    used = {module.partition(".")[0] for path in FILES for module in imports(path)}
    missing = used - known - set(sys.stdlib_module_names) - {"zoo"}
    assert {name for name in missing if BROUGHT_ALONG.get(name) not in required} == set()
