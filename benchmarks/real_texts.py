"""Sets of texts from packages for `benchmarks/real.py`, and what TF-IDF with a linear model makes of them.

mkdir packages && cd packages && apt-get download fortunes fortunes-min wordnet-base
pip download --no-deps --dest packages Django gender-guesser
pip download --no-deps --no-binary :all: --dest packages vaderSentiment==3.3.2
.real/peers/bin/python benchmarks/real_texts.py packages .real/sets [NAME …]
"""

from __future__ import annotations

import gettext
import io
import random
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
from real_peers import CHOSEN_BY, REPORTED, timed, write_facts

Rows = list[tuple[str, str]]  # text and target

SEED = 0
TEST, VALIDATION = 0.2, 0.1  # of the rows
CHOSE = ("movie_snippets", "first_names", "languages")
NUMBERS = ("tweets",)
STRENGTHS = {"accuracy": (0.1, 1, 10, 100), "r2": (0.1, 0.3, 1, 3, 10, 30)}  # C, and the penalty of ridge regression


def movie_snippets(packages: Path) -> Rows:
    """Sentences of movie reviews, positive or negative by the mean of twenty ratings."""
    return _signs(packages, "movieReviewSnippets")


def amazon_snippets(packages: Path) -> Rows:
    """Sentences of product reviews, likewise."""
    return _signs(packages, "amazonReviewSnippets")


def amazon_snippets_few(packages: Path) -> Rows:
    """A few of them."""
    return _frequent(amazon_snippets(packages), classes=2, each=250)


def tweets(packages: Path) -> Rows:
    """Tweets, and the mean of twenty ratings from -4 to 4: a regression."""
    return [(text, value) for value, text in _ratings(packages, "tweets")]


def first_names(packages: Path) -> Rows:
    """First names of many countries, of women or men."""
    with zipfile.ZipFile(next(packages.glob("gender_guesser*.whl"))) as wheel:
        lines = wheel.read("gender_guesser/data/nam_dict.txt").decode("utf-8", "ignore").splitlines()
    found = {line[3:29].strip().replace("+", "-"): line[0] for line in lines if re.match(r"[FM]  \w", line)}
    return _frequent(list(found.items()), classes=2, each=6000)


def wordnet_nouns(packages: Path) -> Rows:
    """Definitions of nouns, and the kind of thing that each is (WordNet's lexicographer files)."""
    data = _debian_file(packages, "wordnet-base", "usr/share/wordnet/data.noun")
    found = {}
    for line in data.splitlines():
        if not line.startswith(" "):
            gloss = line.partition("| ")[2].partition('; "')[0].strip()
            found[gloss] = f"kind {line.split()[1]}"
    return _frequent(list(found.items()), classes=25, each=800)


def fortunes(packages: Path) -> Rows:
    """Fortune cookies, and the file that each is in."""
    found = {}
    for package in ("fortunes", "fortunes-min"):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["dpkg", "-x", str(next(packages.glob(f"{package}_*.deb"))), folder], check=True)
            for path in sorted(Path(folder, "usr/share/games/fortunes").iterdir()):
                if path.suffix or path.is_symlink():
                    continue
                for text in path.read_text("utf-8", "replace").split("\n%\n"):
                    text = " ".join(text.replace("%", "").split())
                    if text:
                        found[text] = path.name
    return _frequent(list(found.items()), classes=15, each=400)


def languages(packages: Path) -> Rows:
    """Messages of Django in its translations, and the language of each."""
    found: dict[str, set[str]] = {}
    with zipfile.ZipFile(next(packages.glob("[dD]jango-*.whl"))) as wheel:
        for name in sorted(wheel.namelist()):
            parts = re.search(r"/locale/(\w+)/LC_MESSAGES/django\.mo$", name)
            if parts:
                catalog = gettext.GNUTranslations(io.BytesIO(wheel.read(name)))._catalog  # type: ignore[attr-defined]
                for key, text in catalog.items():
                    source = key[0] if isinstance(key, tuple) else key
                    if source and text != source and len(text) > 3:
                        found.setdefault(" ".join(text.split()), set()).add(parts[1])
    alone = [(text, next(iter(names))) for text, names in found.items() if len(names) == 1]
    return _frequent(alone, classes=30, each=150)


SETS: dict[str, Callable[[Path], Rows]] = {
    function.__name__: function
    for function in (
        *(movie_snippets, first_names, wordnet_nouns, amazon_snippets),
        *(amazon_snippets_few, tweets, fortunes, languages),
    )
}


def _ratings(packages: Path, name: str) -> Iterator[tuple[str, str]]:
    """Yield the mean rating and the text of each row of the data of VADER's paper (Hutto and Gilbert, 2014)."""
    with tarfile.open(next(packages.glob("vaderSentiment-3.3.2.tar.gz"))) as outer:
        inner = next(member for member in outer if member.name.endswith("hutto_ICWSM_2014.tar.gz"))
        with tarfile.open(fileobj=outer.extractfile(inner)) as archive:
            member = next(member for member in archive if member.name.endswith(f"/{name}_GroundTruth.txt"))
            for line in archive.extractfile(member).read().decode("utf-8", "replace").splitlines():  # type: ignore[union-attr]
                parts = line.split("\t")
                if len(parts) == 3:
                    yield parts[1], parts[2]


def _signs(packages: Path, name: str) -> Rows:
    rated = [(text, float(value)) for value, text in _ratings(packages, name)]
    return [(text, "positive" if value > 0 else "negative") for text, value in rated if abs(value) > 0.3]


def _debian_file(packages: Path, package: str, name: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["dpkg", "-x", str(next(packages.glob(f"{package}_*.deb"))), folder], check=True)
        return Path(folder, name).read_text("utf-8", "replace")


def _frequent(rows: Rows, *, classes: int, each: int) -> Rows:
    """Return at most so many rows, drawn at random, of each of the most frequent classes."""
    kept = [name for name, _ in Counter(target for _, target in rows).most_common(classes)]
    rows = sorted(row for row in rows if row[1] in kept)
    random.Random(SEED).shuffle(rows)
    counts: Counter[str] = Counter()
    found = []
    for text, target in rows:
        counts[target] += 1
        if counts[target] <= each:
            found.append((text, target))
    return found


def write(name: str, packages: Path, folder: Path) -> dict[str, Any]:
    """Write one set, whose splits have the proportions of the classes, and fit its peers."""
    rows = SETS[name](packages)
    random.Random(SEED).shuffle(rows)
    target, metric = ("rating", "r2") if name in NUMBERS else ("label", "accuracy")
    seen: Counter[str] = Counter()
    table = []
    for text, value in rows:
        kind = "" if name in NUMBERS else value
        place = seen[kind] % 10 / 10
        seen[kind] += 1
        table.append((text, value, "test" if place < TEST else "validation" if place < TEST + VALIDATION else "train"))
    pd.DataFrame(table, columns=["text", target, "split"]).to_csv(folder / "data.csv", index=False)
    frame = pd.read_csv(folder / "data.csv", keep_default_na=False)
    return {
        "kind": "texts",
        "half": CHOSEN_BY if name in CHOSE else REPORTED,
        "data": "data.csv",
        "target": target,
        "metric": metric,
        "examples": frame["split"].value_counts().to_dict(),
        "peers": {
            "tf-idf of words": timed(lambda: tfidf(frame, target, metric, "word", 2)),
            "tf-idf of characters": timed(lambda: tfidf(frame, target, metric, "char_wb", 5)),
        },
    }


def tfidf(frame: pd.DataFrame, target: str, metric: str, analyzer: str, longest: int) -> float:
    """Fit a linear model to weighted counts of n-grams; validation chooses its strength."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression, Ridge

    parts = {name: frame[frame["split"] == name] for name in ("train", "validation", "test")}
    words = TfidfVectorizer(analyzer=analyzer, ngram_range=(1, longest), sublinear_tf=True)
    x = {"train": words.fit_transform(parts["train"]["text"])}
    x |= {name: words.transform(parts[name]["text"]) for name in ("validation", "test")}
    y = {name: part[target].to_numpy() for name, part in parts.items()}
    found = []
    for strength in STRENGTHS[metric]:
        model = Ridge(alpha=strength) if metric == "r2" else LogisticRegression(C=strength, max_iter=300)
        model.fit(x["train"], y["train"])  # whose score is the metric
        found.append((model.score(x["validation"], y["validation"]), model.score(x["test"], y["test"])))
    return max(found)[1]


if __name__ == "__main__":
    for each in sys.argv[3:] or SETS:
        place = Path(sys.argv[2]) / each
        place.mkdir(parents=True, exist_ok=True)
        facts = {"name": each.replace("_", " "), **write(each, Path(sys.argv[1]), place)}
        write_facts(place, facts)
        print(f"{each}: {facts['peers']}", flush=True)
