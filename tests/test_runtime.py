"""The runtime: its packages and requirements are enough to serve, and what they leave out is said."""

import configparser
import json
import re
import runpy
import subprocess
import sys
from importlib.metadata import distribution, packages_distributions
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
import setuptools
from packaging.requirements import Requirement
from PIL import Image

import zoo as whole
from zoo import _IN_RUNTIME
from zoo.utils.image_grid import write_grid

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = Path(__file__).with_name("runtime_program.py")
FILES = ROOT / "exported"
HEAVY = {"tensorflow", "keras", "pandas", "pyarrow", "scipy", "sklearn", "matplotlib", "onnx", "h5py", "yaml"}


@pytest.fixture(scope="module")
def declared():
    """Return what the runtime's `setup.py` gives to setuptools."""
    given = {}
    with patch.object(setuptools, "setup", given.update):
        runpy.run_path(str(ROOT / "runtime" / "setup.py"))
    return given


def installed_modules(requirements):
    """Return the modules that requirements bring, with what they require themselves."""
    todo, seen = [Requirement(line) for line in requirements], set()
    while todo:
        requirement = todo.pop()
        if requirement.name in seen or (requirement.marker and not requirement.marker.evaluate({"extra": ""})):
            continue
        seen.add(requirement.name)
        todo += map(Requirement, distribution(requirement.name).requires or [])
    names = {re.sub(r"[-_.]+", "-", name).lower() for name in seen}
    return [
        module
        for module, owners in packages_distributions().items()
        if names & {re.sub(r"[-_.]+", "-", owner).lower() for owner in owners}
    ]


def link_packages(folder, packages, data):
    """Make a folder of sources with the files of some packages and no others."""
    for package in packages:
        here, inside = ROOT.joinpath(*package.split(".")), folder.joinpath(*package.split("."))
        for path in (path for pattern in ("*.py", *data.get(package, ())) for path in here.glob(pattern)):
            (inside / path.relative_to(here)).parent.mkdir(parents=True, exist_ok=True)
            (inside / path.relative_to(here)).symlink_to(path)
    return folder


def inputs(folder):
    """Write an input of each kind of file; return their paths."""
    generator = np.random.default_rng(0)
    wine = whole.ExportedModel(FILES / "mlp/wine/model.onnx")
    rows = [",".join(column.name for column in wine.columns)]
    rows += [",".join("" if i == j else f"{i + j / 7:.3f}" for j in range(len(wine.columns))) for i in range(4)]
    (folder / "wine.csv").write_text("\n".join(rows))
    days = np.arange(np.datetime64("2024-01-01"), np.datetime64("2024-02-12"))
    last = len(days) - 7  # the horizon: the known covariates go on, the target does not
    shop = ["shop,region,day,sold,promotion,holiday"]
    shop += [f"a,north,{day},{20 + i % 7 if i < last else ''},{i % 2},0" for i, day in enumerate(days)]
    (folder / "shop.csv").write_text("\n".join(shop))
    Image.fromarray(generator.integers(0, 256, (8, 8), np.uint8)).save(folder / "digit.png")
    np.savez(folder / "tokens.npz", x=generator.integers(1, 9, (2, 70)))
    (folder / "dates.txt").write_text("2 March 2019\nTuesday, 5 May 1998\n")
    return folder


ANSWERED = (
    ("mlp/wine", "wine.csv"),
    ("mlp/shop_sales", "shop.csv"),
    ("cnn/digits", "digit.png"),
    ("lstm/copy_memory", "tokens.npz"),
    ("lstm/dates", "dates.txt"),
)


def file_of(recipe):
    return str(FILES / recipe / "model.onnx")


@pytest.fixture(scope="module")
def found(declared, tmp_path_factory, trained):
    """Return what commands do where the runtime alone is installed."""
    folder = inputs(tmp_path_factory.mktemp("runtime"))
    sources = link_packages(folder / "sources", declared["packages"], declared["package_data"])
    carrying = str(trained("table").run / "export" / "model.onnx")
    commands = {
        **{recipe: ["predict", file_of(recipe), str(folder / name), "--json"] for recipe, name in ANSWERED},
        "sample": ["sample", file_of("gan/digits"), "--count", "3", "--output", str(folder / "made.png")],
        "verify": ["verify", carrying, "--json"],
        "drift": ["drift", carrying, str(trained("table").data), "--json"],
        "layout": ["export", file_of("mlp/wine"), "--layout", "docker", "--output", str(folder / "image")],
        "export": ["export", str(trained("table").run)],
        "train": ["train", "cnn/digits"],
        "parquet": ["predict", file_of("mlp/wine"), str(folder / "wine.csv"), "--output", str(folder / "x.parquet")],
        "version": ["--version"],
    }
    given = {
        "installed": [*installed_modules(declared["install_requires"]), "zoo"],
        "sources": str(sources),
        "commands": list(commands.values()),
        "served": [file_of("mlp/wine"), (folder / "wine.csv").read_text(), "text/csv"],
    }
    assert not set(given["installed"]) & HEAVY
    run = subprocess.run(
        [sys.executable, "-P", str(PROGRAM), json.dumps(given)], capture_output=True, text=True, cwd=folder
    )
    assert run.returncode == 0, run.stderr
    result = json.loads(run.stdout)
    assert result["zoo"] == str(sources / "zoo" / "__init__.py")
    return {**result, **dict(zip(commands, result["commands"], strict=True)), "folder": folder}


@pytest.mark.parametrize(("recipe", "name"), ANSWERED)
def test_its_answers_are_those_of_the_whole_package(found, recipe, name):
    code, out, err = found[recipe]
    assert code == 0, err
    assert json.loads(out) == whole.predict(file_of(recipe), found["folder"] / name)


def test_it_makes_the_same_images(found, tmp_path):
    assert found["sample"][0] == 0, found["sample"]
    write_grid(tmp_path / "made.png", whole.ExportedModel(file_of("gan/digits")).sample(3))
    assert (found["folder"] / "made.png").read_bytes() == (tmp_path / "made.png").read_bytes()


def test_it_verifies_and_finds_drift_as_the_whole_package(found, trained):
    file = trained("table").run / "export" / "model.onnx"
    assert json.loads(found["verify"][1]) == whole.verify(file)
    assert json.loads(found["drift"][1]) == whole.drift(file, trained("table").data)


def test_it_serves(found):
    ready, answer = found["served"]
    expected = whole.predict(file_of("mlp/wine"), found["folder"] / "wine.csv")
    assert ready == 200
    assert [row["probabilities"] for row in answer["predictions"]] == [row["probabilities"] for row in expected]


def test_what_it_leaves_out_is_said(found):
    for command in ("train", "export"):
        code, _, err = found[command]
        assert code == 2
        assert "needs all of keras-model-zoo" in err
        assert "pip install ." in err
    code, _, err = found["parquet"]
    assert code == 2
    assert 'pip install "./runtime[tables]"' in err
    assert {name for name, said in found["names"].items() if not said} == set(_IN_RUNTIME)
    assert all("needs all of keras-model-zoo" in found["names"][name] for name in set(whole.__all__) - {*_IN_RUNTIME})


def test_it_reaches_for_nothing_else(found):
    """Optional modules of the packages that it requires are asked for by those packages."""
    assert not set(found["refused"]) & HEAVY - {"pandas"}  # which writing Parquet has just asked for


def test_its_ranges_are_those_of_the_whole_package(declared):
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    texts = [parser["options"]["install_requires"], *parser["options.extras_require"].values()]
    whole_lines = {line.strip() for text in texts for line in text.splitlines()}
    given = [*declared["install_requires"], *(line for extra in declared["extras_require"].values() for line in extra)]
    assert set(given) <= whole_lines
    assert set(parser["options.extras_require"]["serve"].strip().splitlines()) <= set(given)
    assert declared["version"] == parser["metadata"]["version"]
    assert declared["python_requires"] == parser["options"]["python_requires"]


def test_its_data_files_are_shipped(declared):
    folders = {package: ROOT.joinpath(*package.split(".")) for package in declared["packages"]}
    wanted = {
        path
        for folder in folders.values()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc") and _package_of(path) in folders.values()
    }
    data = declared["package_data"]
    shipped = {path for package, patterns in data.items() for part in patterns for path in folders[package].glob(part)}
    assert wanted <= shipped


def _package_of(path):
    return next(parent for parent in path.parents if (parent / "__init__.py").exists())


def test_it_lays_files_out(found):
    code, out, err = found["layout"]
    assert code == 0, err
    assert str(found["folder"] / "image" / "Dockerfile") in out.splitlines()


@pytest.mark.slow
def test_an_empty_environment_serves(tmp_path):
    """Build it with pip, and predict where TensorFlow cannot be imported."""
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    python = environment / "bin" / "python"
    pip = [python, "-m", "pip", "install", "-q", "-c", ROOT / "requirements.txt", ROOT / "runtime"]
    subprocess.run(pip, check=True)
    for absent in HEAVY:
        assert subprocess.run([python, "-c", f"import {absent}"], capture_output=True).returncode == 1, absent
    for file in sorted(FILES.rglob("model.onnx")):
        verified = subprocess.run([environment / "bin" / "zoo", "verify", file], capture_output=True, text=True)
        assert verified.returncode == 0, verified.stdout + verified.stderr
    folder = inputs(tmp_path)
    for recipe, name in ANSWERED:
        command = [environment / "bin" / "zoo", "predict", file_of(recipe), folder / name, "--json"]
        answered = subprocess.run(command, capture_output=True, text=True, check=True)
        assert json.loads(answered.stdout) == whole.predict(file_of(recipe), folder / name)
