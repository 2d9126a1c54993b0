"""The files that names of recipes stand for."""

import pytest
from short_recipe import BASE, refusal

from zoo.recipe import find, load_recipe


def test_an_unknown_recipe_suggests_the_nearest():
    assert refusal("cnn/digit") == (
        "there is no recipe 'cnn/digit'; did you mean 'cnn/digits'? (`zoo recipes` lists them all)"
    )


@pytest.mark.parametrize(
    "name", ["", "cnn", "../recipes/cnn/digits/../nothing", "a\0b", "x" * 300, "/etc/passwd", "\udc80"]
)
def test_names_that_are_no_recipe(name):
    assert refusal(name).startswith("there is no recipe '")
    assert refusal(name).isprintable()


def test_a_shipped_name_stays_in_the_folder(write, monkeypatch, tmp_path):
    resolved = load_recipe("mlp/wine").to_yaml()
    write(resolved, "outside.yaml")
    write(resolved, "shipped/inside.yaml")
    monkeypatch.setattr(find, "recipes_folder", lambda: tmp_path / "shipped")
    assert load_recipe("inside").name == "inside"
    for name in ("../outside", "x/../../outside", str(tmp_path / "outside")):
        assert refusal(name).startswith("there is no recipe '")


def test_a_missing_file():
    assert refusal("nowhere/mine.yaml") == "there is no recipe file nowhere/mine.yaml"


def test_a_file_is_filed_under_its_stem(write):
    assert load_recipe(write(BASE, "deep/er.yaml")).name == "er"
