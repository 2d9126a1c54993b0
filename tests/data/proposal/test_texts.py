"""What `zoo init` proposes for texts: words where they are seen again, characters where they are not."""

import numpy as np
import pandas as pd
import pytest

from zoo.commands.init import init
from zoo.data.proposal.texts import unseen_words
from zoo.data.sources.load import load_dataset
from zoo.recipe import load_recipe
from zoo.tasks import TASKS

RANDOM = np.random.default_rng(0)
WORDS = ["good", "bad", "food", "room", "service", "cold", "warm", "very", "not", "the"]
REVIEWS = [" ".join(RANDOM.choice(WORDS, 3 + i % 10)) for i in range(300)]
NAMES = ["".join(RANDOM.choice(list("abcdefgh"), 6)) + "ao"[i % 2] for i in range(300)]


def proposed(tmp_path, monkeypatch, columns):
    monkeypatch.chdir(tmp_path)
    pd.DataFrame(columns).to_csv("t.csv", index=False)
    made = init("t.csv", "y")
    return made, load_recipe("t.yaml").recipe


@pytest.mark.parametrize(
    ("texts", "level", "length", "longest"), [(REVIEWS, "word", 12, 2), (NAMES, "character", 8, 5)]
)
def test_level_and_length(tmp_path, monkeypatch, texts, level, length, longest):
    made, recipe = proposed(tmp_path, monkeypatch, {"said": texts, "y": ["a", "b"] * 150})
    tokenize = recipe.preprocess[0].tokenize
    assert made["task"] == "sequence_classification" and recipe.data.text == "said"
    assert (tokenize.level, tokenize.length, tokenize.lowercase) == (level, length, True)
    assert recipe.model.name == "fasttext" and recipe.model.config["longest"] == longest
    assert "0% of the texts have more than" in " ".join(made["reasons"])
    dataset = load_dataset(recipe.data, TASKS[recipe.task], recipe.preprocess)
    assert dataset.signature.tokenizer.level == level


def test_more_classes_have_wider_embeddings(tmp_path, monkeypatch):
    widths = []
    for classes in (2, 5, 30):
        y = [f"c{i % classes}" for i in range(300)]
        _, recipe = proposed(tmp_path, monkeypatch, {"said": REVIEWS, "y": y})
        widths.append(recipe.model.config["width"])
        (tmp_path / "t.yaml").unlink()
    assert widths == [16, 32, 64]


def test_few_texts_have_more_epochs(tmp_path, monkeypatch):
    _, few = proposed(tmp_path, monkeypatch, {"said": REVIEWS, "y": ["a", "b"] * 150})
    (tmp_path / "t.yaml").unlink()
    _, many = proposed(
        tmp_path, monkeypatch, {"said": [f"{text} {i}" for i, text in enumerate(REVIEWS * 20)], "y": ["a", "b"] * 3000}
    )
    assert few.training.epochs > many.training.epochs == 20


def test_names_beside_numbers_are_left_out(tmp_path, monkeypatch):
    made, _ = proposed(tmp_path, monkeypatch, {"name": NAMES, "x": RANDOM.normal(size=300), "y": ["a", "b"] * 150})
    assert made["task"] == "tabular_classification"


def test_unseen_words():
    texts = [["a", "b"], *[["a"]] * 9, ["c", "c"], *[["a", "b"]] * 9]
    assert unseen_words(texts) == 2 / 4  # of a, b, c, c
    assert unseen_words([]) == 0
