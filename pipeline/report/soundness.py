"""Is the data sound: the first two questions of the verdict, and how answers are graded."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pipeline.report.figures import velocity
from pipeline.report.records import Absent
from pipeline.report.results import Results
from pipeline.report.words import number, percent


class Answer(NamedTuple):
    """state: good, fair or poor."""

    state: str
    sentence: str


def grade(value: float, good: float, fair: float) -> str:
    """good at or below the first bound, fair at or below the second, else poor."""
    if not np.isfinite(value):
        return "poor"
    return "good" if value <= good else "fair" if value <= fair else "poor"


def worst(*states: str) -> str:
    """The most severe of several states."""
    return max(states, key=("good", "fair", "poor").index)


def tracking(results: Results) -> Answer:
    """Track lengths, counts and search range; recall and precision where the truth is known."""
    linking = results.json("linking.json")
    count = np.asarray(linking.get("per_frame", []), float)
    if not count.sum() or not linking.get("length", {}).get("count"):
        raise Absent("The linking left no tracks to judge.")
    share = min(_mean_length(linking["length"]) / _frames(results, len(count)), 1.0)
    near = _beyond(linking["displacement"], 0.9 * float(linking["search_range"]))
    scatter = float(count.std() / count.mean())
    state = worst(grade(1 - share, 0.3, 0.7), grade(near, 0.001, 0.01), grade(scatter, 0.05, 0.15))
    sentence = (
        f"A particle is followed through {percent(share)} of the video on average; the count per "
        f"frame varies by {percent(scatter)}; {percent(near) if near else 'none'} of the steps "
        f"{'are' if near else 'is'} longer than nine tenths of the search range."
    )
    try:
        truth = results.json("truth.json")
        recall, precision = float(truth["recall"]), float(truth["precision"])
    except (Absent, KeyError):
        return Answer(state, sentence)
    state = worst(state, grade(1 - min(recall, precision), 0.03, 0.1))
    return Answer(
        state,
        f"{sentence} Against the truth: recall {recall:.4f} and precision {precision:.4f} (yes "
        "from 0.97, with care from 0.90).",
    )


def _frames(results: Results, default: int) -> float:
    """Frames of the longest run."""
    try:
        return float(np.unique(results.trajectory().run, return_counts=True)[1].max())
    except Absent:
        return float(default)


def _mean_length(histogram: dict) -> float:
    """Mean length of the track that a detection belongs to (long tracks hold more of them)."""
    count, edges = np.asarray(histogram["count"], float), np.asarray(histogram["edges"], float)
    centre = (edges[1:] + edges[:-1]) / 2
    return float((count * centre**2).sum() / (count * centre).sum())


def _beyond(histogram: dict, limit: float) -> float:
    """Share of the counts in bins whose centre lies beyond a limit."""
    count, edges = np.asarray(histogram["count"], float), np.asarray(histogram["edges"], float)
    if not count.sum():
        raise Absent("No particle was linked from one frame to the next.")
    return float(count[(edges[1:] + edges[:-1]) / 2 > limit].sum() / count.sum())


def speed(results: Results) -> Answer:
    """Share of the velocity variance that is localisation error."""
    noise = velocity.measure(results)
    attributes = results.trajectory().attributes
    if not np.isfinite(attributes.get("localisation_error_px", [0.0])).all():
        raise Absent(
            "Too few tracks last five frames, so the error of the positions, and with it the noise "
            "of the velocities, is unknown."
        )
    if not attributes.get("velocity_resolved", True):
        lag = attributes["velocity_lags"].index(2)
        memory = number(float(attributes["velocity_autocorrelation"][lag]))
        return Answer(
            "poor",
            f"It forgets itself within two frames (autocorrelation {memory} at lag 2, the mean "
            "motion taken out): a difference of positions over one frame is not the velocity of "
            "these particles. "
            f"{percent(noise.share)} of its variance is error of the positions.",
        )
    if noise.floor == 0:
        return Answer("good", "The velocities carry no localisation error.")
    return Answer(
        grade(noise.share, 0.1, 0.5),
        f"{percent(noise.share)} of the variance of the velocities is error of the positions (rms "
        f"velocity {number(noise.measured)}, noise {number(noise.floor)} {noise.unit}).",
    )
