"""The video as the tracking saw it: real frames with the detected particles drawn over them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from scipy.spatial import cKDTree

from pipeline.report import style
from pipeline.report.figure import Figure
from pipeline.report.records import Absent
from pipeline.report.results import Results

WIDTH = 300.0  # of a panel [points]
RING = "#00C2FF"  # read on dark and on bright ground alike


def frames(results: Results) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Stored images (K, H, W) uint8, their frame numbers (K,) and runs (K,)."""
    stored = results.group("tracking.h5")
    images = stored.get("images")

    def numbers(name: str) -> np.ndarray:
        values = stored.data.get(name, stored.attrs.get(name, np.zeros(len(images), int)))
        return np.atleast_1d(np.asarray(values, dtype=int))

    return images, numbers("frame"), numbers("run")


def detections(results: Results, frame: int, run: int) -> pd.DataFrame:
    """Rows of tracks.parquet (or features.parquet) of one frame, gap-filled ones left out.

    Tracks from which drift was taken no longer lie where the camera saw them.
    """
    if (results.settings.get("link") or {}).get("drift", "none") != "none":
        return results.frame("features.parquet", frame, run)
    try:
        chosen = results.frame("tracks.parquet", frame, run)
    except Absent:
        return results.frame("features.parquet", frame, run)
    return chosen[~chosen["filled"].astype(bool)]


def _diameter(results: Results, default: float) -> float:
    """Diameter of the particles [px] as the detection took it."""
    try:
        return float(results.json("tuning.json")["parameters"]["diameter"]["value"])
    except (Absent, KeyError, TypeError):
        return default


def _show(axes: Axes, image: np.ndarray, found: pd.DataFrame, ring: float) -> None:
    """The image with a ring of this diameter [points], or a dot, on each found particle."""
    height, width = image.shape[:2]
    extent = (-0.5, width - 0.5, height - 0.5, -0.5)
    axes.imshow(image, cmap="gray", vmin=0, vmax=255, extent=extent, interpolation="nearest")
    if ring < 5:  # rings this small would hide the spots
        look: dict[str, Any] = {"s": 0.7, "color": RING, "linewidths": 0}
    else:
        width = max(0.35, 0.06 * ring)
        look = {"s": ring**2, "facecolors": "none", "edgecolors": RING, "linewidths": width}
    axes.scatter(found["x"], found["y"], rasterized=len(found) > 1500, **look)
    axes.set(xlabel="x (px)", xlim=extent[:2], ylim=extent[2:])
    axes.spines[["top", "right"]].set_visible(True)


def crowded(found: pd.DataFrame, side: float, size: tuple[int, int]) -> tuple[float, float]:
    """Upper left corner (x, y) of the square that holds most particles; the middle if equal."""
    centre = np.array(size) / 2
    places = found[["x", "y"]].to_numpy()
    tree = cKDTree(places)
    corners = np.clip(places - side / 2, 0, np.maximum(np.array(size) - side, 0))
    count = tree.query_ball_point(corners + side / 2, side / 2, p=np.inf, return_length=True)
    far = np.linalg.norm(places - centre, axis=1) / np.linalg.norm(centre)
    # A count is uncertain by its root: only clearly more crowded places beat the middle.
    best = np.argmax(count - np.sqrt(count.max()) * far)
    return float(corners[best, 0]), float(corners[best, 1])


def overlay(results: Results) -> Figure:
    """The middle stored frame whole, and a crop of it large enough to see single particles."""
    images, numbers, runs = frames(results)
    k = len(images) // 2
    found = detections(results, int(numbers[k]), int(runs[k]))
    if found.empty:
        raise Absent(f"No particle was found in frame {numbers[k]}.")
    image = images[k]
    height, width = image.shape[:2]
    ratio = height / width
    drawing, (whole, crop) = style.panels(2, height=max(2.6, min(5.6, 4.6 * ratio + 0.8)))
    spacing = float(np.sqrt(height * width / len(found)))
    ring = WIDTH * _diameter(results, 0.8 * spacing)
    _show(whole, image, found, ring / max(height, width))
    whole.set_ylabel("y (px)")
    whole.set_title(f"Frame {numbers[k]}: {len(found)} particles followed")
    near, _ = cKDTree(found[["x", "y"]]).query(found[["x", "y"]], min(2, len(found)))
    side = float(min(height, width, max(40.0, 11 * np.median(np.atleast_2d(near)[..., -1]))))
    x0, y0 = crowded(found, side, (width, height))
    inside = found[
        found["x"].between(x0, x0 + side, "neither") & found["y"].between(y0, y0 + side, "neither")
    ]
    _show(crop, image, inside, ring / side)
    crop.set(xlim=(x0, x0 + side), ylim=(y0 + side, y0), title="A crowded part, enlarged")
    whole.add_patch(Rectangle((x0, y0), side, side, fill=False, edgecolor="white", linewidth=1.4))
    return Figure(
        "overlay",
        drawing,
        found[[c for c in ("run", "frame", "particle", "x", "y", "mass") if c in found]],
        "Every spot should wear one ring, and no ring should lie on empty ground.",
        f"Frame {numbers[k]} of the video with a ring around each of {len(found)} detected "
        "particles, and a crowded part of it enlarged.",
        wide=True,
    )
