"""The side-by-side movie: experiment and model, coloured by what changed since the first frame."""

from __future__ import annotations

from typing import NamedTuple

import imageio.v3 as iio
import numpy as np
import pandas as pd

from pipeline.analysis.d2min import field
from pipeline.analysis.microscope import blur
from pipeline.analysis.runs import Run, runs
from pipeline.report import claims, film, style
from pipeline.report.figure import data_uri, table_uri
from pipeline.report.figures.lines import area
from pipeline.report.records import Absent
from pipeline.report.results import Results
from pipeline.trajectory import Trajectory

FRAMES = 96


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
    same = np.abs(whole.time[:, None] - model.time) < 0.01 * whole.dt
    rows, columns = np.nonzero(same & (whole.run[:, None] == model.run))
    if len(rows) < 3 or rows[-1] - rows[0] != len(rows) - 1:
        raise Absent("Experiment and rollout share fewer than three successive frames: no movie.")
    if not np.array_equal(whole.particle, model.particle):
        raise Absent("Experiment and rollout do not follow the same particles: no movie.")
    model = model.window(slice(columns[0], columns[-1] + 1))
    sigma = float(whole.attributes["localisation_error"])
    if sigma > 0 and results.settings.get("statistics", {}).get("blur", True):
        model = blur(model, sigma, np.random.default_rng(0))
    return whole.window(slice(rows[0], rows[-1] + 1)), model


def colours(results: Results, pair: tuple[Run, Run], chosen: np.ndarray) -> film.Colour:
    """D2min since the first frame; plain displacement where D2min cannot be had."""
    try:
        claims.companions(results)
        attrs = results.statistic("experiment", "d2min").attrs
        scale, unit = area(results)
        later = [scale * field(part, 0, chosen[1:], attrs["cutoff"]) for part in pair]
        if not any(np.nanmax(value, initial=0) > 0 for value in later):
            raise Absent("D2min is undefined for every particle.")
        label = style.quantity("D²min per bond", unit)
    except Absent:
        later = [_moved(part, chosen[1:]) for part in pair]
        label = style.quantity("Displacement", results.unit("length"))
    start = [np.where(part.free[0], 0.0, np.nan)[None] for part in pair]
    both = zip(start, later, strict=True)
    return film.Colour(np.stack([np.concatenate(two) for two in both], axis=1), label)


def _moved(part: Run, rows: np.ndarray) -> np.ndarray:
    """Distance (L, N) of every free particle from where it was in the first frame."""
    distance = np.linalg.norm(part.position[rows] - part.position[0], axis=2)
    return np.where(part.free[rows] & part.free[0], distance, np.nan)


def side_by_side(results: Results) -> Movie:
    """Render, encode and embed. Raises Absent where there is nothing to show."""
    if not results.settings.get("report", {}).get("movie", True):
        raise Absent("The movie was switched off (settings: report.movie).")
    experiment, rollout = common(results)
    pair = runs(experiment)[0], runs(rollout)[0]
    count = len(pair[0].time)
    chosen = np.unique(np.linspace(0, count - 1, min(FRAMES, count)).round().astype(int))
    colour = colours(results, pair, chosen)
    model = style.name(results.first.model)
    frames = film.render(pair, ("experiment", model), chosen, colour, results.unit("time"))
    video = film.encode(frames)
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


def _table(time: np.ndarray, colour: film.Colour) -> pd.DataFrame:
    """Median and 95th percentile of the coloured quantity against time."""
    columns = {"time": time, "quantity": colour.label}
    for side, name in enumerate(("experiment", "model")):
        known = [value[np.isfinite(value)] for value in colour.value[:, side]]
        for word, share in (("median", 0.5), ("percentile_95", 0.95)):
            columns[f"{name}_{word}"] = [np.quantile(v, share) if v.size else np.nan for v in known]
    return pd.DataFrame(columns)
