"""Attribution: the worst mistakes with what spoke for the answer, and the importance of parts of the input."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from zoo.evaluation.metrics.common import separator
from zoo.evaluation.report.pictures import picture, spectrogram_picture
from zoo.evaluation.report.plots import FIRST, INK, QUIET, SECOND, new_figure, title_of, to_svg

if TYPE_CHECKING:
    from zoo.evaluation.report.predictions import Predictions

PICTURE_SIZE = 112  # CSS pixels of the longer side
MAX_PIXELS = 128  # of the longer side: a page with eight mistakes stays below a megabyte
CLIP_PERCENTILE = 99.5  # of the sizes of an attribution, from which the colours are the darkest
HOT = np.array([228.0, 26.0, 28.0])  # the colour of Grad-CAM, red
MAX_OPACITY = 0.75  # of it
MAX_IMPORTANT = 20  # parts in the plot and the table


def part(report: Mapping[str, Any], predictions: Predictions | None) -> dict[str, Any]:
    """Return `mistakes` (entries with `panels`, `svg` or shaded `tokens`), `importance` (SVG) and the `rows` of it."""
    found = report["attribution"]
    pictures = predictions.pictures.get("attribution", []) if predictions is not None else []
    rows = found["importance"][:MAX_IMPORTANT]
    return {
        "mistakes": [
            _mistake(entry, pictures[i] if i < len(pictures) else {}) for i, entry in enumerate(found["mistakes"])
        ],
        "importance": Markup(_bars(rows, found["metric"])) if rows else None,
        "rows": rows,
        "more": len(found["importance"]) - len(rows),
        "of": found,
    }


def _mistake(entry: Mapping[str, Any], pictures: Mapping[str, np.ndarray]) -> dict[str, Any]:
    row: dict[str, Any] = {**entry, "panels": [], "svg": None, "shaded": [], "separator": ""}
    if "image" in pictures:
        row["panels"] = _panels(pictures)
    if "by_step" in pictures:
        row["svg"] = Markup(_steps(pictures["values"], pictures["by_step"], entry["index"]))
    if "tokens" in entry:
        largest = max((abs(token["attribution"]) for token in entry["tokens"]), default=0.0) or 1.0
        row["shaded"] = [{**token, "fraction": token["attribution"] / largest} for token in entry["tokens"]]
        row["separator"] = separator([token["text"] for token in entry["tokens"]])
    return row


def _panels(pictures: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
    """Return an image, its attribution (red speaks for the answer, blue against it) and its Grad-CAM."""
    image, attribution = pictures["image"], pictures["attribution"]
    is_spectrogram = image.dtype != np.uint8
    if is_spectrogram:
        image, attribution = spectrogram_picture(image[..., 0]), np.flipud(attribution.T)
    image, attribution = shrunk(image), shrunk(attribution)
    panels = [("example", image), ("integrated gradients", signed_colors(attribution))]
    if "grad_cam" in pictures:
        cam = np.flipud(pictures["grad_cam"].T) if is_spectrogram else pictures["grad_cam"]
        panels.append(("Grad-CAM", overlaid(image, cam)))
    return [{"what": what, **picture(pixels, PICTURE_SIZE)} for what, pixels in panels]


def shrunk(pixels: np.ndarray) -> np.ndarray:
    """Return an image or a map with the means of blocks of pixels, so that no side is longer than 128."""
    by = -(-max(pixels.shape[:2]) // MAX_PIXELS)
    if by < 2:
        return pixels
    height, width = (max(1, size // by) for size in pixels.shape[:2])
    whole = pixels[: height * by, : width * by].astype(np.float64)
    blocks = whole.reshape(height, -1, width, whole.shape[1] // width, *pixels.shape[2:])
    return blocks.mean(axis=(1, 3)).astype(pixels.dtype)


def signed_colors(values: np.ndarray) -> np.ndarray:
    """Return values `(height, width)` as a uint8 RGB image: red above 0, blue below, white at 0."""
    from matplotlib import colormaps

    largest = float(np.percentile(np.abs(values), CLIP_PERCENTILE)) or float(np.abs(values).max()) or 1.0
    shades = colormaps["RdBu_r"](np.clip(values / largest, -1, 1) / 2 + 0.5)
    return np.round(255 * shades[..., :3]).astype(np.uint8)


def overlaid(image: np.ndarray, cam: np.ndarray) -> np.ndarray:
    """Return an image, uint8, in grey, with a map `(height, width)` of another size over it: the more, the redder."""
    from PIL import Image

    grey = image.reshape(*image.shape[:2], -1).mean(axis=-1)
    small = Image.fromarray((cam / (cam.max() or 1.0)).astype(np.float32))
    opacity = MAX_OPACITY * np.asarray(small.resize(grey.shape[::-1], Image.Resampling.BILINEAR))[..., None]
    return np.round((1 - opacity) * grey[..., None] + opacity * HOT).astype(np.uint8)


def _steps(values: np.ndarray, by_step: np.ndarray, index: int) -> str:
    """Draw a sequence, and below it what each step adds to the answer."""
    figure, (axes, below) = new_figure(rows=2, height=3.0)
    x = np.arange(1, len(values) + 1)
    axes.plot(x, values, color=INK, linewidth=1.2)
    below.bar(x, by_step, width=0.9, color=[FIRST if value < 0 else SECOND for value in by_step])
    below.axhline(0, color=QUIET, linewidth=0.8)
    below.set_xlabel("step")
    below.set_ylabel("adds")
    return to_svg(figure, f"attribution-{index}", f"test example {index}, and what each step adds to the answer")


def _bars(rows: list[dict[str, Any]], metric: str) -> str:
    """Draw the importance of parts with the standard deviation over the shuffles, the largest on top."""
    figure, axes = new_figure(height=0.9 + 0.24 * len(rows), width=4.6)
    y = np.arange(len(rows))[::-1]
    axes.barh(y, [row["mean"] for row in rows], xerr=[row["std"] for row in rows], color=FIRST, ecolor=QUIET)
    axes.set_yticks(y, [row["name"] for row in rows])
    axes.axvline(0, color=QUIET, linewidth=0.8)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel(f"change of {title_of(metric)} for the worse")
    return to_svg(figure, "importance", f"change of {title_of(metric)} when a part of the input is shuffled")
