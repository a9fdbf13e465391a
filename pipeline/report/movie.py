"""The side-by-side movie: experiment and model, coloured by what changed since the first frame."""

from __future__ import annotations

import io
from typing import NamedTuple

import av
import imageio.v3 as iio
import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PathCollection
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from pipeline.analysis.microscope import blur
from pipeline.analysis.runs import Run, runs
from pipeline.report import claims, style
from pipeline.report.figure import data_uri, table_uri
from pipeline.report.figures.curves import area
from pipeline.report.results import Absent, Results
from pipeline.trajectory import Box, Trajectory, evenly

LIMIT = 3_000_000  # bytes of a film: 4 MB as text in the page
RATE = 12  # frames per second, fewer where a film would be over before it is seen
LENGTH = 4  # least duration [s], as long as there is a frame a second
BAND = 0.5  # inches at the foot, for the clock and the controls that players lay over a film
DRIVEN = (0.80, 0.82, 0.84, 1.0)


class Colour(NamedTuple):
    """What the dots are coloured by: value (K, 2, N), NaN for those left grey; axis label."""

    value: np.ndarray
    label: str


def render(
    pair: tuple[Run, ...], names: tuple[str, str], rows: np.ndarray, colour: Colour, unit: str
) -> np.ndarray:
    """Frames (K, H, W, 3) uint8 of two runs side by side, H and W even as h264 asks.

    Args:
        pair: the two runs, on one clock.
        names: their titles.
        rows: (K,) the snapshots to draw.
        colour: of every particle in these snapshots.
        unit: of time.

    Raises:
        Absent: if nothing ever changed.
    """
    known = colour.value[np.isfinite(colour.value) & (colour.value > 0)]
    if not known.size:
        raise Absent("No particle moved between the frames shared by experiment and rollout.")
    low, high = np.quantile(known, [0.1, 0.998])
    tint = ScalarMappable(LogNorm(low, max(high, 1.01 * low), clip=True), style.MAP)
    drawing, dots = _stage(pair, names, tint, colour.label)
    clock = drawing.text(0.012, 0.02, "")
    canvas = FigureCanvasAgg(drawing)
    frames = []
    for k, row in enumerate(rows):
        for side, (run, dot) in enumerate(zip(pair, dots, strict=True)):
            value = colour.value[k, side]
            seen = np.flatnonzero(run.seen[row])
            seen = seen[np.argsort(np.nan_to_num(value[seen], nan=-1.0))]  # active ones on top
            face = tint.to_rgba(np.nan_to_num(value[seen], nan=low).clip(low))
            face[~np.isfinite(value[seen])] = DRIVEN
            dot.set_offsets(run.position[row, seen, :2])
            dot.set_facecolor(face.tolist())
        clock.set_text(f"t = {pair[0].time[row] - pair[0].time[0]:.4g} {unit}")
        canvas.draw()
        drawing.set_layout_engine("none")  # laid out once: panels must not jump
        image = np.asarray(canvas.buffer_rgba())[..., :3]
        frames.append(image[: image.shape[0] // 2 * 2, : image.shape[1] // 2 * 2].copy())
    return np.array(frames)


def _stage(
    pair: tuple[Run, ...], names: tuple[str, str], tint: ScalarMappable, label: str
) -> tuple[Figure, list[PathCollection]]:
    """Two empty panels with one colour bar."""
    low, high = _view(pair)
    ratio = float(np.clip((high[1] - low[1]) / (high[0] - low[0]), 0.3, 1.4))
    height = 4.15 * ratio + 0.75 + BAND
    drawing = Figure(figsize=(9.6, height), dpi=100)
    drawing.set_layout_engine("constrained", rect=(0, BAND / height, 1, 1 - BAND / height))
    panels = list(drawing.subplots(1, 2))
    count = max(int(run.seen.sum(axis=1).max()) for run in pair)
    size = float(np.clip(0.6 * (72 * 4.1) ** 2 * min(ratio, 1) / max(count, 1), 1, 80))
    dots = []
    for axes, name in zip(panels, names, strict=True):
        dots.append(axes.scatter([], [], s=size, linewidths=0))
        axes.set(xlim=(low[0], high[0]), ylim=(high[1], low[1]), aspect="equal")
        axes.set(title=name, xticks=[], yticks=[])
        axes.spines[["top", "right"]].set_visible(True)
    bar = drawing.colorbar(tint, ax=panels, label=label, extend="both", pad=0.015, aspect=28)
    style.plain_log(bar.ax.yaxis, *tint.get_clim())
    return drawing, dots


def _view(pair: tuple[Run, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Corners of what is shown: the box, or where particles go if they leave it."""
    box: Box = pair[0].box
    place = pair[0].position[pair[0].seen][:, :2]
    margin = 0.01 * np.asarray(box.lengths)[:2]
    low = np.maximum(place.min(axis=0), box.origin[:2]) - margin
    high = np.minimum(place.max(axis=0), (box.origin + box.lengths)[:2]) + margin
    return low, high


def encode(frames: np.ndarray) -> bytes:
    """h264 in mp4, at the best of four qualities that stays under the limit."""
    rate = int(np.clip(len(frames) // LENGTH, 1, RATE))
    for quality in (22, 28, 34, 42):
        stream = io.BytesIO()
        with av.open(stream, "w", format="mp4") as file:
            video = file.add_stream("libx264", rate=rate)
            video.width, video.height = frames.shape[2], frames.shape[1]
            video.pix_fmt = "yuv420p"
            video.options = {"crf": str(quality), "preset": "medium"}
            for frame in frames:
                file.mux(video.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
            file.mux(video.encode())
        if len(stream.getvalue()) < LIMIT:
            break
    return stream.getvalue()


FRAMES = 96  # of a film without D2min, which has its own


class Movie(NamedTuple):
    """An h264 film, its poster and its numbers, each as a data URI."""

    video: str
    poster: str
    csv: str
    width: int
    height: int
    alt: str
    caption: str


def common(results: Results) -> tuple[Trajectory, Trajectory]:
    """Experiment and rollout on the frames of the first run that both have.

    Raises Absent where they share too little.
    """
    model = results.trajectory(f"{results.first.folder}/rollout.h5")
    whole = results.trajectory()
    model = model.window(slice(0, int(np.sum(model.run == model.run[0]))))
    mine = np.flatnonzero(whole.run == model.run[0])
    near = 0.01 * whole.dt
    after = np.searchsorted(whole.time[mine], model.time - near)
    columns = np.flatnonzero(after < len(mine))
    rows = mine[after[columns]]
    same = np.abs(whole.time[rows] - model.time[columns]) < near
    rows, columns = rows[same], columns[same]
    if len(rows) < 3 or rows[-1] - rows[0] != len(rows) - 1:
        raise Absent("Experiment and rollout share fewer than three successive frames: no movie.")
    whole = whole.followed(slice(rows[0], rows[-1] + 1), model.particle)
    if not np.array_equal(whole.particle, model.particle):
        raise Absent("Experiment and rollout do not follow the same particles: no movie.")
    model = model.window(slice(columns[0], columns[-1] + 1))
    sigma = float(whole.attributes["localisation_error"])
    if sigma > 0 and results.settings.statistics.blur:
        model = blur(model, sigma, np.random.default_rng(0))
    return whole, model


def colours(
    results: Results, pair: tuple[Run, Run], particle: np.ndarray
) -> tuple[np.ndarray, Colour]:
    """The snapshots to draw, and D2min since the first; displacement where D2min cannot be had.

    Args:
        particle: (N,) labels.
    """
    try:
        claims.companions(results)
        rows, later = _rearranged(results, float(pair[0].time[0]), particle)
        rows = rows[rows < len(pair[0].time)]
        scale, unit = area(results)
        later = [scale * value[: len(rows)] for value in later]
        if not any(np.nanmax(value, initial=0) > 0 for value in later):
            raise Absent("D2min is undefined for every particle.")
        label = style.quantity("D²min per bond", unit)
    except Absent:
        rows = evenly(np.arange(len(pair[0].time)), FRAMES)[1:]
        later = [_moved(part, rows) for part in pair]
        label = style.quantity("Displacement", results.unit("length"))
    start = [np.where(part.free[0], 0.0, np.nan)[None] for part in pair]
    both = zip(start, later, strict=True)
    value = np.stack([np.concatenate(two) for two in both], axis=1)
    return np.append(0, rows), Colour(value, label)


def _rearranged(
    results: Results, time: float, particle: np.ndarray
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Snapshots (K,) of the films of experiment and model, and D2min (K, N) in both.

    Raises Absent where they do not begin at ``time`` or lack one of the particles (N,).
    """
    sources = ("experiment", results.first.source)
    films = [results.statistic(source, "d2min_film") for source in sources]
    rows = np.intersect1d(films[0].get("row"), films[1].get("row"))
    found = []
    for film in films:
        order = np.argsort(film.get("particle"))
        known = film.get("particle")[order]
        place = np.clip(np.searchsorted(known, particle), 0, len(known) - 1)
        if not np.isclose(film.attrs["time"], time) or not np.array_equal(known[place], particle):
            raise Absent("D2min was not measured from the first frame shared by both.")
        kept = np.isin(film.get("row"), rows)
        found.append(film.get("value")[kept][:, order[place]].astype(float))
    return rows, found


def _moved(part: Run, rows: np.ndarray) -> np.ndarray:
    """Distance (L, N) of every free particle from where it was in the first frame."""
    distance = np.linalg.norm(part.position[rows] - part.position[0], axis=2)
    return np.where(part.free[rows] & part.free[0], distance, np.nan)


def side_by_side(results: Results) -> Movie:
    """Render, encode and embed. Raises Absent where there is nothing to show."""
    if not results.settings.report.movie:
        raise Absent("The movie was switched off (settings: report.movie).")
    experiment, rollout = common(results)
    pair = runs(experiment)[0], runs(rollout)[0]
    chosen, colour = colours(results, pair, experiment.particle)
    model = style.name(results.first.model)
    frames = render(pair, ("experiment", model), chosen, colour, results.unit("time"))
    video = encode(frames)
    poster = iio.imwrite("<bytes>", frames[-1], extension=".jpg", quality=82)
    what = colour.label.split(" (")[0]
    return Movie(
        data_uri(video, "video/mp4"),
        data_uri(poster, "image/jpeg"),
        table_uri(_table(pair[0].time[chosen], colour)),
        frames.shape[2],
        frames.shape[1],
        f"Film of the test block, experiment left and {model} right, coloured by {what}.",
        f"Both sides start from the same frame; colour shows {_inner(what)} since then on one "
        f"scale, grey particles are led along the recorded paths. {_expected(what)}",
    )


def _inner(words: str) -> str:
    """As within a sentence."""
    return words if words.startswith("D²") else words[:1].lower() + words[1:]


def _expected(what: str) -> str:
    if what.startswith("D²"):
        return "The same regions should darken."
    return "Both should darken at one pace; where, is left to chance, unless a flow decides it."


def _table(time: np.ndarray, colour: Colour) -> pd.DataFrame:
    """Median and 95th percentile of the coloured quantity against time."""
    columns = {"time": time, "quantity": colour.label}
    for side, name in enumerate(("experiment", "model")):
        known = [value[np.isfinite(value)] for value in colour.value[:, side]]
        for word, share in (("median", 0.5), ("percentile_95", 0.95)):
            columns[f"{name}_{word}"] = [np.quantile(v, share) if v.size else np.nan for v in known]
    return pd.DataFrame(columns)
