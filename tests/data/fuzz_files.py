"""Seeded odd data: image folders, npz files, texts, archives of tokens and graphs; and what another reader sees."""

import contextlib
import io
import json
import os
import re
import zipfile
from collections import Counter
from types import SimpleNamespace

import numpy as np
from loading import CLASSES, IMAGES, NUMBERS, load
from PIL import Image

from zoo.data.sources.text import read_text
from zoo.data.tables.reading import Reading
from zoo.errors import ZooError
from zoo.serving.inputs import read_inputs

TOO_FEW = re.compile("no images|raise data|needs at least two|at least two classes")  # to hold some out


def outcome(kind, number, folder):
    """Make one case and return "accepted", "refused", or what else happened."""
    draw = np.random.default_rng(number * 10 + sorted(KINDS).index(kind))
    try:
        KINDS[kind](draw, folder)
    except ZooError as error:
        text = str(error)
        assert text and "Traceback" not in text and "object at 0x" not in text
        text.encode("utf-8")  # can be printed
        return "refused"
    except AssertionError as error:
        return f"{kind} {number}: accepted, and wrong: {error}"
    except Exception as error:
        return f"{kind} {number}: {type(error).__name__}: {error}"
    return "accepted"


def chance(draw, probability):
    return draw.random() < probability


def one(draw, options):
    return options[int(draw.integers(len(options)))]


# === Image folders ===

FORMS = {"png": "PNG", "jpg": "JPEG", "bmp": "BMP", "gif": "GIF", "webp": "WEBP", "tga": "TGA", "ppm": "PPM"}
FORMS |= {"TIF": "TIFF", "jfif": "JPEG", "": "PNG", "jp2": "JPEG2000", "dat": "PNG", "pcx": "PCX", "PNG": "PNG"}
MODES = ("L", "RGB", "RGBA", "LA", "P", "1", "CMYK", "RGB", "RGBA", "L", "I;16", "F")
SPLITS = ((), (), ("train",), ("train", "test"), ("Training", "validation", "Testing"), ("train", "val"))


def folder_of_images(draw, folder):
    expected = {}  # of each image that another reader can read: its pixels in RGB, laid on white
    refused = set()  # why the folder must not be taken
    skip = chance(draw, 0.6)
    splits = one(draw, SPLITS)
    for split in splits or ("",):
        for label in ("a", "b"):
            place = folder / "data" / split / label
            place.mkdir(parents=True)
            for i in range(6):
                add_image(draw, place, str(i), expected, simple=chance(draw, 0.6))
    place = folder / "data" / (splits[0] if splits else "") / "a"
    for _ in range(int(draw.integers(4))):
        reason = one(draw, [*ODDITIES])(draw, place, folder / "data", splits)
        refused |= {reason} if reason else set()
    whole = {path: pixels for path, pixels in expected.items() if isinstance(pixels, np.ndarray) and path.is_file()}
    damaged = {path for path in expected if path not in whole} | refused
    try:
        dataset = load(
            f"folder:{folder / 'data'}",
            IMAGES,
            channels=3,
            validation=0.3,
            test=0.3,
            on_error="skip" if skip else "stop",
        )
    except ZooError as error:
        assert "layout" in refused or (damaged and not skip) or TOO_FEW.search(str(error)), f"no reason: {error}"
        raise
    assert skip or not damaged, f"{damaged} went unnoticed"
    assert "layout" not in refused
    parts = (dataset.train, dataset.validation, dataset.test)
    assert sum(map(len, parts)) == len(whole), f"{sum(map(len, parts))} of {len(whole)} images"
    found = Counter(image.tobytes() for part in parts for image in part.take(np.arange(len(part))))
    assert found == Counter(pixels.tobytes() for pixels in whole.values()), "other pixels"
    if damaged - {"layout"}:
        assert any("left out by data.on_error" in note for note in dataset.notes)


def add_image(draw, place, name, expected, *, simple):
    suffix = "png" if simple else one(draw, [*FORMS])
    mode = "RGB" if simple else one(draw, MODES)
    path = place / (f"{name}.{suffix}" if suffix else name)
    size = (int(draw.integers(3, 9)), int(draw.integers(3, 9)))
    pixels = draw.integers(0, 256, (*size, 4), dtype=np.uint8)
    image = Image.fromarray(pixels, "RGBA")
    if mode in ("I;16", "F"):
        image = Image.fromarray(pixels[..., 0].astype(np.uint16 if mode == "I;16" else np.float32))
    elif mode != "RGBA":
        image = image.convert(mode)
    try:
        image.save(path, FORMS[suffix])
    except (OSError, KeyError, ValueError):  # a format that does not hold the mode
        Image.fromarray(pixels[..., :3]).save(path, FORMS[suffix])
    expected[path] = other_reader(path)


def other_reader(path):
    """Return the pixels in RGB by Pillow and a formula; None for more than 8 bits."""
    with Image.open(path) as image:
        if image.mode in ("I;16", "I;16B", "I", "F"):
            return None
        if image.mode not in ("RGBA", "LA", "PA") and "transparency" not in image.info:
            return np.asarray(image.convert("RGB"))
        white = Image.new("RGBA", image.size, "white")
        white.alpha_composite(image.convert("RGBA"))
        return np.asarray(white.convert("RGB"))


def add_junk(draw, place, root, splits):
    name = one(
        draw, ("notes.txt", ".hidden.png", "Thumbs.db", "x.heic", "._1.png", "__MACOSX/1.png", "old.png~", "x.dng")
    )
    (place / name).parent.mkdir(exist_ok=True)
    (place / name).write_bytes(draw.bytes(int(draw.integers(200))))


def add_damaged(draw, place, root, splits):
    content = one(
        draw, (b"", b"<html>", b"%!PS-Adobe-3.0 EPSF-3.0\n", draw.bytes(300), b"\x89PNG\r\n\x1a\n" + bytes(40))
    )
    (place / f"damaged.{one(draw, ('png', 'jpg', 'tif', 'webp'))}").write_bytes(content)
    return "damaged"


def add_cut(draw, place, root, splits):
    content = io.BytesIO()
    Image.fromarray(draw.integers(0, 256, (30, 30, 3), dtype=np.uint8)).save(content, "PNG")
    (place / "cut.png").write_bytes(content.getvalue()[: int(draw.integers(10, 1000))])
    return "cut"


def add_link(draw, place, root, splits):
    (place / f"link{draw.integers(1000)}.png").symlink_to(one(draw, ("moved.png", "../gone/0.png")))
    return "link"


def add_pipe(draw, place, root, splits):
    if not (place / "pipe.png").exists():
        os.mkfifo(place / "pipe.png")
    return "pipe"


def add_circle(draw, place, root, splits):
    if not (place / "circle").is_symlink():
        (place / "circle").symlink_to(place)
    return "circle"


def add_empty_class(draw, place, root, splits):
    (place.parent / "empty").mkdir(exist_ok=True)
    return "layout"


def add_name_in_latin_1(draw, place, root, splits):
    (place.parent / os.fsdecode(b"caf\xe9")).mkdir(exist_ok=True)
    return "layout"


def add_class_beside_splits(draw, place, root, splits):
    if not splits:
        return None
    (root / "c").mkdir(exist_ok=True)
    (root / "c" / "0.png").write_bytes(b"")
    return "layout"


def add_split_in_class(draw, place, root, splits):
    (place / "test").mkdir(exist_ok=True)
    (place / "test" / "x.png").write_bytes(b"")
    return "layout"


ODDITIES = (*[add_junk] * 6, add_damaged, add_cut, add_link, add_pipe, add_circle, add_empty_class)
ODDITIES += (add_name_in_latin_1, add_class_beside_splits, add_split_in_class)


# === npz files ===

ODD_VALUES = (-1, 256, 300, 2**31, 2**32, 2**40 + 5, np.nan, np.inf, 1e39, 1.5)


def odd_array(draw, shape, dtypes, probability=0.4):
    """Return numbers of a type, some of which may be odd for their use."""
    x = draw.integers(0, 200, shape).astype(one(draw, dtypes))
    if chance(draw, probability) and x.size:
        with np.errstate(all="ignore"):
            held = [v for v in ODD_VALUES if np.array(v).astype(x.dtype) == v or (v != v and x.dtype.kind == "f")]
            x.flat[int(draw.integers(x.size))] = one(draw, held or [0])
    return x


def arrays_to_train_on(draw, folder):
    task = one(draw, (IMAGES, CLASSES, NUMBERS))
    count = int(draw.integers(0, 3)) if chance(draw, 0.1) else 40
    shape = (count, 5, 4) if task == IMAGES else (count, 3)
    types = (np.uint8, np.int16, np.int64, np.uint16) if task == IMAGES else (np.int64, np.float32, np.float64)
    x = odd_array(draw, shape, (*types, np.float32), 0.5)
    if chance(draw, 0.2) and x.dtype.itemsize == 8 and task != IMAGES:
        x = x + (one(draw, (2**20, 2**33, 2**40)) if x.dtype.kind == "i" else 1.7e9)
    y = np.arange(count) % 2
    if task == NUMBERS:
        y = odd_array(draw, (count,), (np.int64, np.float64), 0.3)
    arrays = {"x_train": x, "y_train": y}
    if chance(draw, 0.3):
        size = int(draw.integers(0, 9))
        arrays |= {"x_test": x[:size], "y_test": y[: size + chance(draw, 0.1)]}
    path = folder / "x.npz"
    one(draw, (np.savez, np.savez_compressed))(path, **arrays)
    mutated = chance(draw, 0.15)
    if mutated:
        mutate(draw, path)
    skip = chance(draw, 0.3)
    try:
        dataset = load(f"npz:{path}", task, on_error="skip" if skip else "stop")
    except ZooError as error:
        is_fine = not mutated and all(map(len, arrays.values())) and fits_a_model(x, task) and fits_a_model(y, "target")
        is_fine &= len({len(arrays[n]) for n in arrays if n.endswith("test")}) < 2
        assert not is_fine or TOO_FEW.search(str(error)), f"no reason: {error}"
        raise
    with np.load(path) as file:  # the other reader; a changed byte may have renamed an array
        names = ["x_train", *(["x_test"] if {"x_test", "y_test"} <= set(file.files) else [])]
        wanted = np.concatenate([file[name] for name in names])
    total = len(wanted)
    wanted = wanted.astype(np.longdouble).reshape(len(wanted), -1)
    wanted = wanted[np.isfinite(wanted).all(axis=1)]
    parts = (dataset.train, dataset.validation, dataset.test)
    found = np.concatenate([part.take(np.arange(len(part))).reshape(len(part), -1) for part in parts]).astype(
        np.longdouble
    )
    assert skip or len(found) == total, "examples are missing"
    if task == NUMBERS and skip:
        return  # targets decide, too, which are left out
    assert len(found) == len(wanted)
    limit = 1e-4 * wanted.std(axis=0) if task != IMAGES else 0
    assert (np.abs(np.sort(found, axis=0) - np.sort(wanted, axis=0)) <= limit).all(), "other values"


def fits_a_model(x, task):
    """Return whether numbers are what a model of the task takes, in numbers of any size."""
    values = x.astype(np.longdouble)
    if task == IMAGES:
        return x.dtype.kind in "iu" and bool(((values >= 0) & (values <= 255)).all())
    if not (np.abs(values) < 3e38).all():  # NaN neither
        return False
    narrow = values.astype(np.float32).astype(np.longdouble)
    return bool((np.abs(narrow - values).max(axis=0) <= 1e-4 * values.std(axis=0) * 0.99).all())


def mutate(draw, path):
    """Change, cut or repeat bytes of a file."""
    content = bytearray(path.read_bytes())
    for _ in range(int(draw.integers(1, 20))):
        content[int(draw.integers(len(content)))] = int(draw.integers(256))
    if chance(draw, 0.3):
        content = content[: int(draw.integers(len(content)))]
    path.write_bytes(content)


# === Texts ===

PIECES = ("ab", "é", "e\u0301", "\n", "\r\n", "\r", "\u2028", "\x0c", "\x85", "🐎", "\t", " ", "\0", "\ufeff")


def text_to_read(draw, folder):
    text = "".join(one(draw, PIECES) for _ in range(int(draw.integers(0, 60))))
    content = text.encode(one(draw, ("utf-8", "utf-8", "utf-8-sig", "utf-16", "latin-1")), "replace")
    path = folder / "t.txt"
    path.write_bytes(content)
    found = read_text(path)
    with open(path, encoding="utf-8-sig", newline=None) as file:  # Python's own universal line ends
        assert found == file.read()
    signature = SimpleNamespace(reading=Reading())
    model = SimpleNamespace(
        kind="text", task="sequence_to_sequence", tokenizer=None, shape=(), path="m", signature=signature
    )
    ((names, texts),) = read_inputs(model, [path], [])
    with open(path, encoding="utf-8-sig") as file:
        lines = file.readlines()
    wanted = {f"{path}:{i}": line.removesuffix("\n") for i, line in enumerate(lines, start=1) if line.strip()}
    assert dict(zip(names, texts, strict=True)) == wanted


# === Texts of tables and sentences ===

VALUES = (
    '"a b"',
    '"é"',
    '""',
    "null",
    "3",
    "1e400",
    "true",
    "[]",
    '["x", "y"]',
    '{"a": 1}',
    "NaN",
    '"\\ud83d"',
    '"\\u0000"',
)


def lines_of_objects(draw, folder):
    path, count = folder / "t.jsonl", int(draw.integers(20, 40))
    rows = [f'{{"text": "word {i % 5}", "kind": "{"ab"[i % 2]}"}}' for i in range(count)]
    for i in range(int(draw.integers(0, 4))):
        rows[i * 3] = one(
            draw, ("", "[]", '{"text": "a"', f'{{"text": {one(draw, VALUES)}, "kind": {one(draw, VALUES)}}}')
        )
    path.write_text(
        one(draw, ("\n", "\r\n")).join(rows), encoding=one(draw, ("utf-8", "utf-8-sig", "utf-16", "latin-1"))
    )
    if chance(draw, 0.3):
        mutate(draw, path)
    skip = {"on_error": "skip"} if chance(draw, 0.6) else {}
    dataset = load(f"jsonl:{path}", "sequence_classification", text="text", target="kind", **skip)
    with open(path, "rb") as file:
        content = file.read()
    text = content.decode("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    wanted = Counter()
    for line in text.split("\n"):
        with contextlib.suppress(ValueError):
            row = json.loads(line)
            texts = (
                isinstance(row, dict) and isinstance(row.get("text"), str) and "NaN" not in line and "ud83d" not in line
            )
            if texts and row.get("kind") not in (None, "") and len(re.findall('"(?:text|kind)":', line)) == 2:
                wanted[row["text"]] += 1
    assert Counter(every_text(dataset)) == wanted


def every_text(dataset):
    parts = (dataset.train, dataset.validation, dataset.test)
    return [text for split in parts for text in split.take(np.arange(len(split)))]


FIELDS = ("Ann", "é", "#", "-DOCSTART-", "", "a b", "\u00a0", "1-2", "O")


def sentences_of_lines(draw, folder):
    path, blank, written = folder / "t.conll", one(draw, ("\t", " ")), []
    for i in range(int(draw.integers(12, 25))):
        written += [f"w{(i + j) % 7}{blank}{'XY'[j % 2]}" for j in range(int(draw.integers(1, 5)))] + [""]
    for _ in range(int(draw.integers(0, 3))):
        odd = blank.join(one(draw, FIELDS) for _ in range(int(draw.integers(1, 4))))
        written.insert(int(draw.integers(len(written))), odd)
    path.write_text(one(draw, ("\n", "\r\n")).join(written), encoding=one(draw, ("utf-8", "utf-8-sig", "utf-16")))
    if chance(draw, 0.2):
        mutate(draw, path)
    dataset = load(f"conll:{path}", "sequence_labeling", **({"on_error": "skip"} if chance(draw, 0.5) else {}))
    for split in (dataset.train, dataset.validation, dataset.test):
        texts = [text.split(" ") for text in split.take(np.arange(len(split)))]
        assert all(word.split() == [word] for words in texts for word in words)
        assert [len(words) for words in texts] == (split.targets > 0).sum(axis=1).tolist()


# === Archives for predictions ===


def tokens_to_predict(draw, folder):
    x = odd_array(draw, (3, 6), (np.int32, np.int64, np.uint64, np.float64, np.uint16))
    np.savez(folder / "x.npz", x=x)
    if chance(draw, 0.2):
        mutate(draw, folder / "x.npz")
    model = SimpleNamespace(
        kind="tokens", task="sequence_labeling", shape=(None,), path="m", signature=SimpleNamespace(vocabulary=200)
    )
    ((_, found),) = read_inputs(model, [folder / "x.npz"], [])
    with np.load(folder / "x.npz") as file:
        assert found.astype(object).tolist() == file["x"].astype(object).tolist()
    assert found.min() >= 0 and found.max() < 200


def graphs_to_predict(draw, folder):
    nodes = odd_array(draw, (2, 5, 3), (np.float32, np.float64, np.int64), 0.3)
    edges = draw.integers(0, 5, (2, 7, 2)).astype(one(draw, (np.int32, np.int64, np.uint64, np.float32)))
    if chance(draw, 0.4) and edges.dtype.itemsize == 8:
        edges[1, 3, 0] = one(draw, (5, 2**32, 2**40, 2**32 + 1))
    np.savez(folder / "x.npz", nodes=nodes, edges=edges)
    if chance(draw, 0.2):
        mutate(draw, folder / "x.npz")
    model = SimpleNamespace(kind="graph", task="graph_classification", shape=(None, 3), path="m")
    ((_, found),) = read_inputs(model, [folder / "x.npz"], [])
    with np.load(folder / "x.npz") as file:
        assert found["edges"].astype(object).tolist() == file["edges"].astype(object).tolist()
        np.testing.assert_allclose(found["nodes"], file["nodes"], rtol=1e-6)


def archive_of_lies(draw, folder):
    """An array whose header may speak of more or less than there is."""
    file = io.BytesIO()
    shape = one(draw, ((4, 3), (10**9, 10**6), (4, 4), (0, 3), (1 << 62, 3)))
    descr = one(draw, ("<f8", "|O", "<f8", "|u1"))
    np.lib.format.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": shape})
    with zipfile.ZipFile(folder / "x.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", file.getvalue() + bytes(96))
    model = SimpleNamespace(kind="array", task="tabular_classification", shape=(3,), path="m")
    ((_, found),) = read_inputs(model, [folder / "x.npz"], [])
    assert found.tolist() == [[0.0] * 3] * 4 and descr == "<f8" and shape == (4, 3)


KINDS = {
    "image folder": folder_of_images,
    "arrays": arrays_to_train_on,
    "text": text_to_read,
    "json lines": lines_of_objects,
    "conll": sentences_of_lines,
    "tokens": tokens_to_predict,
    "graphs": graphs_to_predict,
    "lies": archive_of_lies,
}
