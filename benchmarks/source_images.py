"""Tiny images, clips, masks and boxes, written in the forms of sources."""

from __future__ import annotations

import json
import wave
from pathlib import Path
from typing import Any

import numpy as np
from source_files import ROWS, Written, random_numbers, save_image, write_table

SIDE = 16  # of images, in pixels
RATE = 8_000  # of clips, in samples a second


def _pictures() -> tuple[np.ndarray, np.ndarray]:
    """Return images, dark ones and bright ones, and whether each is bright."""
    bright = np.arange(ROWS) % 2
    noise = random_numbers().integers(0, 100, (ROWS, SIDE, SIDE, 3))
    return (noise + 120 * bright[:, None, None, None]).astype(np.uint8), bright


def write_images(task: str, source: str, folder: Path) -> Written:
    """Write dark and bright images with a class, a number, labels or a text each."""
    images, bright = _pictures()
    labels = np.array(["cat", "dog"])[bright]
    levels = (images.mean(axis=(1, 2, 3)) / 255).round(4)
    columns: dict[str, Any] = {"label": labels.tolist()}
    if task == "image_regression":
        columns = {"level": levels.tolist()}
    elif task == "image_multi_label_classification":
        columns = {"dark": (1 - bright).tolist(), "bright": bright.tolist()}
    elif task == "transcription":
        columns = {"text": [("ab", "ba")[i] for i in bright]}
    abnormal = {"abnormal": ["dog"]} if task == "anomaly_detection" else {}
    (*_, values) = columns.values()
    if source == "memory":
        given = (list(images), values)
        return Written(given=given, data=abnormal, shown=f"(images, {next(iter(columns))}s)")
    if source == "npz":
        np.savez(folder / "mine.npz", x_train=images, y_train=np.array(values))
        return Written(source="npz:mine.npz", data=abnormal)
    if source == "mvtec":
        for i, image in enumerate(images):
            part = "train/good" if i < ROWS // 2 else "test/good" if i % 2 else "test/crack"
            save_image(255 - image if part == "test/crack" else image, folder / "bottles" / part / f"{i}.png")
        return Written(source="mvtec:bottles")
    if source == "folder":
        for i, image in enumerate(images):
            save_image(image, folder / "photos" / labels[i] / f"{i}.png")
        return Written(source="folder:photos", data=abnormal)
    for i, image in enumerate(images):
        save_image(image, folder / "photos" / f"{i}.png")
    files = [f"photos/{i}.png" for i in range(ROWS)]
    target = [*columns] if len(columns) > 1 else next(iter(columns))
    named = write_table(folder, source, {"file": files, **columns})
    return Written(source=named, data={"image": "file", "target": target, **abnormal})


def write_clips(task: str, source: str, folder: Path) -> Written:
    """Write clips of a low or a high tone."""
    high = np.arange(ROWS) % 2
    times = np.arange(RATE // 4) / RATE
    clips = np.sin(2 * np.pi * (400 + 800 * high[:, None]) * times) * 0.5
    clips = (clips + random_numbers().normal(0, 0.02, clips.shape)).clip(-1, 1).astype(np.float32)
    labels = np.array(["low", "high"])[high]
    if source == "memory":
        return Written(given=(clips, labels.tolist()), data={"sample_rate": RATE}, shown="(clips, words)")
    if source == "npz":
        np.savez(folder / "mine.npz", x_train=clips, y_train=labels)
        return Written(source="npz:mine.npz", data={"sample_rate": RATE})
    files = [f"words/{label}/{i}.wav" for i, label in enumerate(labels)]
    for file, clip in zip(files, clips, strict=True):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        with wave.open(str(folder / file), "wb") as out:
            out.setparams((1, 2, RATE, 0, "NONE", ""))
            out.writeframes((clip * 32767).astype("<i2").tobytes())
    if source == "folder":
        return Written(source="folder:words")
    named = write_table(folder, source, {"file": files, "word": labels.tolist()})
    return Written(source=named, data={"audio": "file", "target": "word"})


def _scenes() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return images with a bright square each, its edges (left, top, right, bottom) in pixels, and its class."""
    random = random_numbers()
    images = random.integers(0, 60, (ROWS, 32, 32, 3)).astype(np.uint8)
    kinds = np.arange(ROWS) % 2
    boxes = np.zeros((ROWS, 4), int)
    for i, kind in enumerate(kinds):
        size = 8 if kind else 14
        left, top = random.integers(0, 32 - size, 2)
        boxes[i] = left, top, left + size, top + size
        images[i, top : top + size, left : left + size] = 220
    return images, boxes, kinds


def write_masks(task: str, source: str, folder: Path) -> Written:
    """Write images with a mask of their square."""
    images, _, _ = _scenes()
    masks = (images[..., 0] > 100).astype(np.uint8)
    data = {"classes": ["ground", "square"]}
    if source == "memory":
        return Written(given=(list(images), list(masks)), data=data, shown="(images, masks)")
    for i, (image, mask) in enumerate(zip(images, masks, strict=True)):
        save_image(image, folder / "leaves/images" / f"{i:02}.png")
        save_image(mask, folder / "leaves/masks" / f"{i:02}.png")
    return Written(source="masks:leaves", data=data)


def write_boxes(task: str, source: str, folder: Path) -> Written:
    """Write images with the box of their square."""
    images, boxes, kinds = _scenes()
    names = ["large", "small"]
    if source == "memory":
        given = [{"boxes": [box.tolist()], "labels": [names[k]]} for box, k in zip(boxes, kinds, strict=True)]
        return Written(given=(list(images), given), shown="(images, boxes)")
    place = folder / "cars"
    pictures = place / ("JPEGImages" if source == "voc" else "images")
    for i, image in enumerate(images):
        save_image(image, pictures / f"{i:02}.png")
    _ANNOTATIONS[source](place, boxes, kinds, names)
    return Written(source=f"{source}:cars")


def _coco(place: Path, boxes: np.ndarray, kinds: np.ndarray, names: list[str]) -> None:
    images = [{"id": i, "file_name": f"{i:02}.png", "width": 32, "height": 32} for i in range(ROWS)]
    found = []
    for i, (left, top, right, bottom) in enumerate(boxes.tolist()):
        box = [left, top, right - left, bottom - top]
        found.append({"id": i, "image_id": i, "category_id": int(kinds[i]), "bbox": box, "area": box[2] * box[3]})
    kept = [{**each, "iscrowd": 0} for each in found]
    categories = [{"id": i, "name": name} for i, name in enumerate(names)]
    document = {"images": images, "annotations": kept, "categories": categories}
    (place / "annotations.json").write_text(json.dumps(document))


def _yolo(place: Path, boxes: np.ndarray, kinds: np.ndarray, names: list[str]) -> None:
    (place / "labels").mkdir()
    for i, (left, top, right, bottom) in enumerate(boxes / 32):
        line = f"{kinds[i]} {(left + right) / 2} {(top + bottom) / 2} {right - left} {bottom - top}\n"
        (place / "labels" / f"{i:02}.txt").write_text(line)
    (place / "classes.txt").write_text("\n".join(names) + "\n")


def _voc(place: Path, boxes: np.ndarray, kinds: np.ndarray, names: list[str]) -> None:
    (place / "Annotations").mkdir()
    (place / "ImageSets/Main").mkdir(parents=True)
    for i, (left, top, right, bottom) in enumerate(boxes.tolist()):
        edges = {"xmin": left + 1, "ymin": top + 1, "xmax": right, "ymax": bottom}
        box = "".join(f"<{name}>{value}</{name}>" for name, value in edges.items())
        size = "<size><width>32</width><height>32</height><depth>3</depth></size>"
        thing = f"<object><name>{names[kinds[i]]}</name><difficult>0</difficult><bndbox>{box}</bndbox></object>"
        text = f"<annotation><filename>{i:02}.png</filename>{size}{thing}</annotation>"
        (place / "Annotations" / f"{i:02}.xml").write_text(text)
    (place / "ImageSets/Main/train.txt").write_text("".join(f"{i:02}\n" for i in range(ROWS)))


_ANNOTATIONS = {"coco": _coco, "yolo": _yolo, "voc": _voc}
