"""What other settings of the detection would find in a frame, beside those in use."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from pipeline.video.detect import locate
from pipeline.video.frames import Video
from pipeline.video.parameters import Parameters
from pipeline.video.spots import mutual

MINMASS = (0.5, 1.0, 1.5)  # of the value in use
SEPARATION = (0.7, 1.4)
STEP = 0.2  # of the diameter, but at least 2 px


class Trial(NamedTuple):
    """One set of settings on one frame.

    Fields:
        changes: the settings of `detect` that differ from those in use.
        found: (K, 2) positions (y, x) [px]. new: (K,) bool, not found with the settings in use.
        lost: (L, 2) positions that those find and these do not.
    """

    changes: dict[str, Any]
    found: np.ndarray
    new: np.ndarray
    lost: np.ndarray


class Trials(NamedTuple):
    """All trials on one frame.

    Fields:
        image: (H, W) as read. frame, run: which one it is. used: what the settings in use find.
        grid: three diameters by three minmasses. others: separations and the other polarity.
        counts: (frame, particles) of a few frames with the settings in use.
    """

    image: np.ndarray
    frame: int
    run: int
    used: Trial
    grid: list[list[Trial]]
    others: list[Trial]
    counts: list[tuple[int, int]]


def trials(videos: list[Video], parameters: Parameters) -> Trials:
    """Tries settings around those in use on the middle frame of the middle run.

    Args:
        parameters: settings in use.
    """
    run = len(videos) // 2
    video = videos[run]
    shown = np.flatnonzero(video.seen)
    frame = int(shown[len(shown) // 2])
    image = video[frame]
    used = locate(image, parameters.detection)

    def tried(changes: dict[str, Any]) -> Trial:
        table = locate(image, parameters._replace(**changes).detection) if changes else used
        return _compared(changes, table, used, parameters.separation)

    grid = [
        [tried(_changes(parameters, diameter, factor, scale)) for factor in MINMASS]
        for diameter, scale in _diameters(image, parameters, used)
    ]
    other = "bright" if parameters.polarity == "dark" else "dark"
    near: list[dict[str, Any]] = [
        {"separation": round(s * parameters.separation, 2)} for s in SEPARATION
    ]
    return Trials(
        image,
        frame,
        run,
        tried({}),
        grid,
        [tried(changes) for changes in (*near, {"polarity": other})],
        [
            (t, len(locate(video[t], parameters.detection)))
            for t in shown[_few(len(shown))].tolist()
        ],
    )


def _few(length: int) -> list[int]:
    return sorted({0, length // 2, length - 1})


def _compared(
    changes: dict[str, Any], table: pd.DataFrame, used: pd.DataFrame, separation: float
) -> Trial:
    here, there = table[["y", "x"]].to_numpy(float), used[["y", "x"]].to_numpy(float)
    i, j = mutual(here, there, 0.5 * separation)
    new, lost = np.ones(len(here), bool), np.ones(len(there), bool)
    new[i] = lost[j] = False
    return Trial(changes, here, new, there[lost])


def _diameters(
    image: np.ndarray, parameters: Parameters, used: pd.DataFrame
) -> list[tuple[int, float]]:
    """A smaller diameter, that in use and a larger one, each with its factor on minmass.

    A wider mask sums up more light: the factor is what the same particles gain by it.
    """
    diameter = parameters.diameter
    step = 2 * max(1, round(STEP * diameter / 2))
    start = max(3, diameter - step)
    found = []
    for tried in (start, start + step, start + 2 * step) if start == diameter else (
        start, diameter, diameter + step
    ):  # fmt: skip
        scale = 1.0
        if tried != diameter:
            table = locate(image, parameters.detection._replace(diameter=tried, minmass=0.0))
            near = 0.5 * parameters.separation
            i, j = mutual(table[["y", "x"]].to_numpy(), used[["y", "x"]].to_numpy(), near)
            if len(i):
                scale = float(np.median(table["mass"].to_numpy()[i] / used["mass"].to_numpy()[j]))
        found.append((tried, scale))
    return found


def _changes(parameters: Parameters, diameter: int, factor: float, scale: float) -> dict[str, Any]:
    if diameter == parameters.diameter and factor == 1:
        return {}
    mass = float(f"{factor * scale * parameters.minmass:.3g}")
    return {"diameter": diameter, "minmass": mass}
