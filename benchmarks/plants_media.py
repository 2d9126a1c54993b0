"""Faults in images, texts, sounds and series, for `benchmarks/planted_data.py`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from planted_sets import Case, clips, digit_arrays, images, series, texts
from plants_tables import amount, some_rows
from scipy import ndimage


def _image_folder(folder: Path, rng: np.random.Generator) -> list[Path]:
    from PIL import Image

    x, y = digit_arrays()
    paths = []
    for at in rng.choice(len(x), 200, replace=False):
        path = folder / y[at] / f"{at}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(x[at, ..., 0]).save(path)
        paths.append(path)
    return paths


def _few(paths: list[Path], rng: np.random.Generator, count: int) -> list[Path]:
    return [paths[i] for i in rng.choice(len(paths), count, replace=False)]


def damaged_files(rng: np.random.Generator, folder: Path) -> Case:
    """Cut image files short."""
    for path in _few(_image_folder(folder, rng), rng, 5):
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * rng.uniform(0.1, 0.7))])
    return Case(None, folder, overrides={"data.on_error": "skip"})


def unused_files(rng: np.random.Generator, folder: Path) -> Case:
    """Put documents among the images."""
    for path in _few(_image_folder(folder, rng), rng, 5):
        path.with_suffix(str(rng.choice([".txt", ".xml", ".pdf"]))).write_text("notes")
    return Case(None, folder)


def odd_sizes(rng: np.random.Generator, folder: Path) -> Case:
    """Stretch images."""
    from PIL import Image

    for path in _few(_image_folder(folder, rng), rng, 4):
        size = [(32, 128), (160, 40), (160, 160)][rng.integers(3)]
        Image.open(path).resize(size).save(path)
    return Case(None, folder)


def blank_images(rng: np.random.Generator, folder: Path) -> Case:
    """Make images of one colour."""
    case = images()
    x, _ = case.data
    some = rng.choice(len(x), amount(rng, len(x), 0.005, 0.02), replace=False)
    x[some] = rng.integers(0, 256)
    return case


def blurred_images(rng: np.random.Generator, folder: Path) -> Case:
    """Blur images."""
    case = images()
    x, _ = case.data
    some = rng.choice(len(x), amount(rng, len(x), 0.005, 0.02), replace=False)
    x[some] = ndimage.gaussian_filter(x[some], (0, *[rng.uniform(4, 8)] * 2, 0))
    return case


def _edit_texts(rng: np.random.Generator, edit: Callable[[str], str]) -> Case:
    case = texts()
    some = some_rows(case, rng, 0.01, 0.05)
    case.data.loc[some, "text"] = [edit(text) for text in case.data.loc[some, "text"]]
    return case


def empty_texts(rng: np.random.Generator, folder: Path) -> Case:
    """Leave texts without a word."""
    return _edit_texts(rng, lambda text: str(rng.choice(["...", "-", "?!", "--"])))


def text_encoding(rng: np.random.Generator, folder: Path) -> Case:
    """Read UTF-8 as Latin-1."""
    return _edit_texts(rng, lambda text: (text + " — naïve façade “é”").encode().decode("cp1252", "replace"))


def language_mix(rng: np.random.Generator, folder: Path) -> Case:
    """Put texts of other languages in their place."""
    others = (
        "Der Hund läuft durch den Wald und die Katze sitzt auf dem Dach, aber das ist nicht neu",
        "Le chat est sur la table et il ne veut pas descendre car les chiens sont dans la rue",
        "Собака бежит через лес, а кошка сидит на крыше и смотрит на птиц",
        "El perro corre por el bosque y los gatos no quieren bajar de la mesa que es muy alta",
        "犬は森を走り、猫は屋根の上に座って鳥を見ている。とても静かな朝だった",
    )
    return _edit_texts(rng, lambda text: str(rng.choice(others)) + f" {rng.integers(1000)}")


def odd_lengths(rng: np.random.Generator, folder: Path) -> Case:
    """Repeat the words of a few texts many times."""
    case = texts()
    some = rng.choice(len(case.data), 4, replace=False)
    case.data.loc[some, "text"] = [" ".join([text] * 100) for text in case.data.loc[some, "text"]]
    return case


def clipped_audio(rng: np.random.Generator, folder: Path) -> Case:
    """Turn clips up until they are cut off."""
    case = clips()
    x, _ = case.data
    some = rng.choice(len(x), amount(rng, len(x), 0.01, 0.05), replace=False)
    peak = np.abs(x[some]).max(axis=1, keepdims=True)
    x[some] = np.clip(x[some] / peak * rng.uniform(2, 6), -1, 1)
    return case


def silent_audio(rng: np.random.Generator, folder: Path) -> Case:
    """Silence clips."""
    case = clips()
    x, _ = case.data
    some = rng.choice(len(x), amount(rng, len(x), 0.01, 0.05), replace=False)
    x[some] *= rng.choice([0, 1e-4])
    return case


def series_gaps(rng: np.random.Generator, folder: Path) -> Case:
    """Let a series stand still for a while."""
    case = series(str(rng.choice(["sunspots", "elnino", "co2"])))
    length = int(rng.integers(10, 25))
    at = int(rng.integers(10, len(case.data) - length - 10))
    case.data.iloc[at : at + length, 0] = case.data.iloc[at, 0]
    return case


def level_change(rng: np.random.Generator, folder: Path) -> Case:
    """Move a series to another level for good."""
    case = series(str(rng.choice(["sunspots", "elnino", "nile"])))
    at = int(rng.integers(len(case.data) // 4, len(case.data) * 3 // 4))
    case.data.iloc[at:, 0] += rng.choice([-1, 1]) * rng.uniform(5, 10) * case.data.iloc[:, 0].std()
    return case
