"""How well the particles were found and followed, and their velocities against the noise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from scipy.spatial import cKDTree

from pipeline.report import style
from pipeline.report.figure import Figure
from pipeline.report.results import Absent, Results, singular
from pipeline.trajectory import Trajectory, deviations

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
    if results.settings.link.drift != "none":
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


INK = style.COLOURS["experiment"]
FILL = "#9db7cc"


def _bars(axes: Axes, edges: np.ndarray, count: np.ndarray) -> None:
    axes.stairs(count, edges, fill=True, color=FILL, edgecolor=INK, linewidth=0.8)


def _histogram(part: Any, what: str) -> tuple[np.ndarray, np.ndarray]:
    if not isinstance(part, dict) or not len(part.get("count", [])):
        raise Absent(f"The linking stored no {what}.")
    return np.asarray(part["edges"], float), np.asarray(part["count"], float)


def _found(results: Results, *columns: str) -> pd.DataFrame:
    """Columns of all detections; of tracks that came as a table, what was seen of them."""
    if (results.folder / "features.parquet").is_file():
        return results.columns("features.parquet", *columns)
    tracks = results.columns("tracks.parquet", *columns, "filled")
    return tracks.loc[~tracks["filled"].astype(bool), list(columns)]


def features(results: Results) -> Figure:
    """Histograms of mass and size of all detected features."""
    table = _found(results, "mass", "size")
    if not table.to_numpy().any():
        raise Absent("No particle was detected, so there are no masses and sizes to show.")
    drawing, axes = style.panels(2, height=3.0)
    rows = []
    for axis, column, words in zip(
        axes,
        ("mass", "size"),
        ("Mass (summed brightness)", "Size (radius of gyration, px)"),
        strict=True,
    ):
        values = table[column].to_numpy(float)
        values = values[np.isfinite(values)]
        count, edges = np.histogram(values, 80, range=(0, np.quantile(values, 0.999) * 1.05))
        _bars(axis, edges, count)
        axis.set(xlabel=words, ylabel="Features")
        rows.append(
            pd.DataFrame({"quantity": column, "low": edges[:-1], "high": edges[1:], "count": count})
        )
    return Figure(
        "features",
        drawing,
        pd.concat(rows),
        "One hump for each kind of particle and a clear foot towards zero mean a sound threshold; "
        "a hump cut off at its left edge means particles were thrown away.",
        f"Histograms of mass and size of {len(table)} detected features.",
        wide=True,
    )


def subpixel(results: Results) -> Figure:
    """Histogram of the fractional part of x and y, flat where centres are unbiased."""
    table = _found(results, "x", "y")
    if table.empty:
        raise Absent("No particle was detected, so there is no subpixel bias to show.")
    drawing, (axes,) = style.panels(height=2.8)
    edges = np.linspace(0, 1, 21)
    rows = {"low": edges[:-1], "high": edges[1:]}
    for column, dash in (("x", "-"), ("y", (0, (4, 2)))):
        count, _ = np.histogram(table[column].to_numpy(float) % 1, edges)
        rows[column] = count / count.mean()
        axes.stairs(
            rows[column],
            edges,
            baseline=None,
            color=INK,
            linestyle=dash,
            linewidth=1.6,
            label=column,
        )
    axes.axhline(1, color="#999999", linewidth=0.8)
    axes.set(xlabel="Position within the pixel (px)", ylabel="Features, relative to mean")
    axes.set_ylim(0, max(1.5, 1.1 * max(rows["x"].max(), rows["y"].max())))
    axes.legend(ncols=2)
    return Figure(
        "subpixel",
        drawing,
        pd.DataFrame(rows),
        "Flat lines mean that centres do not stick to the middle or the edge of pixels.",
        "Histogram of the fractional part of the x and y positions.",
    )


def counts(results: Results) -> Figure:
    """Number of particles found in each frame."""
    linking = results.json("linking.json")
    count = np.asarray(linking.get("per_frame", []), float)
    if not count.size:
        raise Absent("The linking stored no count per frame.")
    drawing, (axes,) = style.panels(height=2.6)
    axes.plot(count, color=INK, linewidth=1.2, marker="o" if len(count) < 30 else "")
    axes.set(xlabel="Frame", ylabel="Particles", ylim=(0, 1.15 * count.max()))
    return Figure(
        "counts",
        drawing,
        pd.DataFrame({"frame": np.arange(len(count)), "count": count}),
        "A level line: jumps would mean flicker, drift of focus or a threshold too near the "
        "particles.",
        f"Particles found per frame, between {count.min():.0f} and {count.max():.0f}.",
    )


def displacement(results: Results) -> Figure:
    """Displacements between frames against the search range."""
    linking = results.json("linking.json")
    edges, count = _histogram(linking.get("displacement"), "displacements")
    drawing, (axes,) = style.panels(height=2.8)
    _bars(axes, edges, count)
    axes.set(xlabel="Displacement between frames (px)", ylabel="Links (log scale)", yscale="log")
    axes.set(xlim=(0, edges[-1]), ylim=(0.6, 12 * max(count.max(), 1)))
    search = linking["search_range"]
    if search is not None:
        _mark_range(axes, float(search), edges[-1])
    told = "" if search is None else f", with the search range of {search:.3g} px"
    return Figure(
        "displacement",
        drawing,
        pd.DataFrame({"low": edges[:-1], "high": edges[1:], "count": count}),
        "The histogram should have died out well before the search range; a wall there means "
        "particles were lost or exchanged.",
        f"Histogram of displacements between frames{told}.",
    )


def _mark_range(axes: Axes, search: float, last: float) -> None:
    axes.axvline(search, color="#D55E00", linewidth=1.6)
    axes.annotate(
        f"search range {search:.3g} px",
        (search, 0.96),
        (-5, 0),
        ha="right",
        va="top",
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        color="#A84A00",
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1},
    )
    axes.set_xlim(0, max(search * 1.04, last))


def lengths(results: Results) -> Figure:
    """Lengths of the tracks."""
    linking = results.json("linking.json")
    edges, count = _histogram(linking.get("length"), "track lengths")
    drawing, (axes,) = style.panels(height=2.8)
    _bars(axes, edges, count)
    axes.set(xlabel="Track length (frames)", ylabel="Tracks")
    return Figure(
        "lengths",
        drawing,
        pd.DataFrame({"low": edges[:-1], "high": edges[1:], "count": count}),
        "Most tracks should last the whole video; many short ones mean particles are lost and "
        "found again under a new name.",
        f"Histogram of the lengths of {count.sum():.0f} tracks.",
    )


class Noise(NamedTuple):
    """rms velocity per component, its noise floor and the share of the variance that is noise."""

    measured: float
    floor: float
    share: float
    unit: str


def measure(results: Results) -> Noise:
    """Variance of the velocity fluctuation against its floor 2 sigma^2 / dt^2 per component.

    Raises Absent where no particle has a velocity.
    """
    trajectory = results.trajectory()
    if not trajectory.free.any():
        raise Absent("No free particle has a velocity, so it cannot be compared with its noise.")
    measured = _rms(trajectory)
    sigma = float(trajectory.attributes["localisation_error"])
    backward = trajectory.attributes["velocity"] == "backward difference"
    floor = np.sqrt(2) * sigma / trajectory.dt if backward else 0.0
    share = (floor / measured) ** 2 if measured > 0 else float("inf")
    return Noise(measured, float(floor), share, _unit(results))


def _deviations(trajectory: Trajectory) -> Iterator[np.ndarray]:
    """Velocities (n, D) less the mean of their snapshot, of some free particles after others."""
    for _, part in trajectory.blocks():
        yield deviations(part.velocity, part.free)[part.free]


def _rms(trajectory: Trajectory) -> float:
    """Root of the mean of `pipeline.trajectory.variance` over components."""
    count = trajectory.free.sum(axis=1)
    square = sum(float((values**2).sum()) for values in _deviations(trajectory))
    return float(np.sqrt(square / max(count[count > 1].sum(), 1) / trajectory.dimension))


def _unit(results: Results) -> str:
    """ "µm/s", "px/frame", or "" in reduced units."""
    length, time = results.unit("length"), results.unit("time")
    return f"{length}/{singular(time)}" if length and time else ""


def meaning(results: Results) -> str:
    """What the noise does to the learned force and friction, and what was done about it."""
    noise = measure(results)
    if noise.share < 0.02:
        return "The error of the positions is too small to bias what the model learns."
    text = (
        "The velocity is an input of the model as well as what it predicts, so that error in it "
        "biases friction upwards, and then the force, however much data there is. "
    )
    remedy = results.yaml(f"{results.first.folder}/model.yaml")["training"].get("localisation")
    if remedy == "corrected":
        text += "Training takes this bias off, by means of a second, simulated draw of the error. "
    elif remedy == "covariance":
        text += "Training accounts for it in what is predicted, not in the inputs. "
    if noise.share < 0.1:
        return f"{text}Here it is small."
    if remedy == "corrected":
        return f"{text}It is large here: friction rests on how well the error is known."
    return f"{text}It is large here: read force and friction as shapes only."


def noise(results: Results) -> Figure:
    """Distribution of the velocity components with that of pure localisation error."""
    trajectory = results.trajectory()
    noise = measure(results)
    drawing, (axes,) = style.panels(height=3.0)
    square = sum((values**2).sum(axis=0) for values in _deviations(trajectory))
    spread = np.sqrt(np.max(square) / trajectory.free.sum())
    reach = 4 * max(float(spread), noise.floor)
    edges = np.linspace(-reach, reach, 121)
    number = np.zeros((trajectory.dimension, len(edges) - 1))
    for values in _deviations(trajectory):
        number += [np.histogram(column, edges)[0] for column in values.T]
    density = number / np.diff(edges) / number.sum(axis=1, keepdims=True)
    rows = {"low": edges[:-1], "high": edges[1:]}
    dashes = ("-", (0, (4, 2)), (0, (1, 1)))
    for letter, found, dash in zip("xyz", density, dashes, strict=False):
        rows[letter] = found
        axes.stairs(
            rows[letter],
            edges,
            color=style.COLOURS["experiment"],
            linestyle=dash,
            linewidth=1.6,
            label=f"measured, {letter}",
        )
    if noise.floor > 0:
        v = (edges[:-1] + edges[1:]) / 2
        rows["noise"] = np.exp(-0.5 * (v / noise.floor) ** 2) / noise.floor / np.sqrt(2 * np.pi)
        axes.fill_between(
            v,
            rows["noise"],
            color="#E69F00",
            alpha=0.35,
            linewidth=0,
            label="localisation error alone",
        )
        axes.set_ylim(0, 1.25 * max(rows["x"].max(), rows["y"].max()))
    axes.set(
        xlabel=style.quantity("Velocity minus its mean", noise.unit), ylabel="Probability density"
    )
    axes.legend(frameon=True, framealpha=0.85, edgecolor="none")
    return Figure(
        "velocity_noise",
        drawing,
        pd.DataFrame(rows),
        "The measured velocities should spread wider than the shaded distribution, which is all "
        "that the error of the positions would give to particles at rest.",
        f"Histogram of velocities, rms {noise.measured:.3g}, with the distribution of the noise, "
        f"rms {noise.floor:.3g}.",
    )
