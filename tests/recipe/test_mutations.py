"""Whatever a recipe file holds, loading it gives a recipe, or an error that names the file, the line and the key."""

import copy
import re
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zoo import cli
from zoo.errors import ZooError
from zoo.recipe import LoadedRecipe, list_recipes, load_recipe
from zoo.recipe.find import recipes_folder
from zoo.recipe.source import dump, parse

SETTINGS = settings(derandomize=True, deadline=None, suppress_health_check=list(HealthCheck), database=None)
TREES = [parse(load_recipe(name).to_yaml(), name)[0] for name in list_recipes()]
TEXTS = [dump(tree) for tree in TREES]
TEXTS += [(recipes_folder() / f"{name}.yaml").read_text(encoding="utf-8") for name in list_recipes()]

PLACE = re.compile(r"(?:mutated|recipes/\S+)(?:\.yaml|\.yml):[1-9]\d*: ")
KEY = re.compile(r".+?: ")
KEYLESS = (  # what is wrong with the file rather than with one of its keys
    "not valid YAML: ",
    "anchors and aliases ",
    "the tag ",
    "expected sections, ",
    "nested too deeply",
    "a key must be a word",
    "not text in UTF-8 ",
)

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([0, -1, 2**31, 2**63 - 1, 2**63, 10**30, 10**400, -(10**30)]),
    st.floats(),
    st.sampled_from([float("nan"), float("inf"), 1e308, 5e-324, -0.0]),
    st.text(),
    st.sampled_from(
        ["", " ", "1e-3", "yes", "null", "a.b", "a\nb", "\0", "é×漢", "\u2028", "\x1b[31m", "x" * 999, "~/a"]
    ),
    st.sampled_from(
        ["number", "adam", "cosine", "mlp", "resnet18", "tfds:", "csv:a", "npz:~nobody/x", "folder:\0", "auto"]
    ),
)
KEYS = st.sampled_from(
    ["name", "schedule", "peak", "epochs", "adam", "cosine", "rescale", "extends", "source", "model_config", "self", ""]
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(), inner, max_size=3)
)
SNIPPETS = [
    "\n---\n",
    "!!python/object/apply:os.system [ls]",
    "&a ",
    "*a",
    "<<: ",
    "\n\n\n",
    "? ",
    "'\n",
    '"\\ud800"',
    "%YAML 9\n",
]


def places(value, path=()):
    """Yield the path of everything in a tree."""
    yield path
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(inner, (*path, key))


@st.composite
def mutated_trees(draw):
    """Draw a shipped recipe's resolved tree with one to three changes anywhere in it."""
    tree = copy.deepcopy(draw(st.sampled_from(TREES)))
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(list(places(tree))[1:] or [()]))
        if not path:
            break
        holder = tree
        for part in path[:-1]:
            holder = holder[part]
        key = path[-1]
        change = draw(st.sampled_from(["replace", "replace", "wrap", "delete", "rename", "duplicate", "add"]))
        if change == "replace":
            holder[key] = draw(VALUES)
        elif change == "wrap":
            holder[key] = draw(st.sampled_from([[holder[key]], {"name": holder[key]}, str(holder[key])]))
        elif change == "delete":
            del holder[key]
        elif isinstance(holder, list):
            holder.insert(key, draw(VALUES) if change == "add" else copy.deepcopy(holder[key]))
        else:
            new = draw(KEYS | st.text() | st.sampled_from([f"{key}s", str(key)[1:], str(key).upper()]))
            holder[new] = draw(VALUES) if change == "add" else copy.deepcopy(holder[key])
            if change == "rename" and new != key:
                del holder[key]
    return tree


@st.composite
def mutated_texts(draw):
    """Draw a recipe's text with one to four spans of it cut, repeated or overwritten."""
    text = draw(st.sampled_from(TEXTS))
    characters = st.sampled_from(list("{}[]:,-#&*!|>'\"%@`\t\n \r\0.~?=<é\u2028\ufeff0e+")) | st.characters()
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        stop = min(len(text), start + draw(st.integers(0, 12)))
        new = draw(st.text(characters, max_size=3) | st.just(text[start:stop] * 2) | st.sampled_from(SNIPPETS))
        text = text[:start] + new + text[stop:]
    return text


def hold_to_the_promise(content: bytes, folder: Path) -> None:
    path = folder / "mutated.yaml"
    path.write_bytes(content)
    try:
        loaded = load_recipe(path)
    except ZooError as error:
        lines = str(error).split("\n")
        for line in lines:
            line = line.removeprefix(f"{folder}/")
            place = PLACE.match(line)
            assert place, line
            assert line.isprintable(), line
            problem = line[place.end() :]
            assert problem.startswith(KEYLESS) or KEY.match(problem), line
    else:
        assert isinstance(loaded, LoadedRecipe)
        again = folder / "again.yaml"
        again.write_text(loaded.to_yaml(), encoding="utf-8")
        assert load_recipe(again).recipe == loaded.recipe
        assert len(loaded.annotated()) > 10


@pytest.fixture(scope="module")
def folder():
    """Return a folder for one module's files."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@settings(SETTINGS, max_examples=250)
@given(mutated_trees())
@pytest.mark.ci
def test_changed_values(folder, tree):
    hold_to_the_promise(dump(tree).encode("utf-8", "surrogatepass"), folder)


@settings(SETTINGS, max_examples=200)
@given(mutated_texts())
def test_changed_text(folder, text):
    hold_to_the_promise(text.encode("utf-8", "surrogatepass"), folder)


@settings(SETTINGS, max_examples=60)
@given(st.binary(max_size=60))
def test_any_bytes(folder, content):
    hold_to_the_promise(content, folder)


@settings(SETTINGS, max_examples=60)
@given(st.sampled_from(TREES), st.data())
def test_changed_by_override(folder, tree, data):
    path = folder / "mutated.yaml"
    path.write_text(dump(tree), encoding="utf-8")
    key = ".".join(map(str, data.draw(st.sampled_from(list(places(tree))[1:]))))
    override = f"{key}={data.draw(st.text() | VALUES.map(lambda value: dump(value).strip()))}"
    try:
        load_recipe(path, [override])
    except ZooError as error:
        for line in str(error).split("\n"):
            assert line.startswith("override '") or PLACE.match(line.removeprefix(f"{folder}/")), line
            assert line.isprintable(), line


@settings(SETTINGS, max_examples=20)
@given(mutated_trees().map(dump) | mutated_texts(), st.sampled_from(["show", "check", "show --json", "check --json"]))
def test_on_the_command_line(folder, text, command):
    path = folder / "mutated.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    name, *flags = command.split()
    code, out, err = run(name, str(path), *flags)
    assert code in (0, 2)
    assert "Traceback" not in out + err
    assert (code == 2) == ("mutated.yaml" in err)


def run(*arguments):
    """Run the command line in this process; return exit code, standard output and standard error."""
    capture = pytest.MonkeyPatch()
    with tempfile.TemporaryFile("w+", encoding="utf-8") as out, tempfile.TemporaryFile("w+", encoding="utf-8") as err:
        capture.setattr(sys, "argv", ["zoo", *arguments])
        capture.setattr(sys, "stdout", out)
        capture.setattr(sys, "stderr", err)
        try:
            cli.main()
        except SystemExit as stop:
            code = stop.code
        finally:
            capture.undo()
        out.seek(0)
        err.seek(0)
        return code, out.read(), err.read()
