"""How the statistics of an experiment, and of every model compared with it, are taken.

Planned once from the experiment, so that all sources share window, lags and bins.
"""

from __future__ import annotations

import json
from typing import NamedTuple

import numpy as np

from pipeline.analysis.correlations import lags
from pipeline.analysis.cycles import Period
from pipeline.analysis.rdf import window
from pipeline.analysis.runs import Run, runs
from pipeline.trajectory import Box, Trajectory

SHORT = 8  # snapshots


class Options(NamedTuple):
    """Choices, in units of the mean neighbour distance a and the snapshot interval."""

    cutoff: float = 1.5  # range of the neighbours of D2min [a]
    threshold: float = 0.015  # a rearrangement is a D2min per bond above this [a^2]
    r_max: float = 8.0  # largest distance of g(r) [a], lowered to half of a narrow window
    map_lag: int = 0  # lag of the D2min map, histogram and streamlines; 0: half the block
    snapshots: int = 40  # snapshots that g(r) is averaged over, at most
    origins: int = 100  # time origins of D2min, at most
    patch: float = 4.0  # side of the patches that are resampled [a]
    longest_lag: int = 0  # of MSD and VACF; 0: half the block
    rearrangements: bool = True  # measure D2min and streamlines
    paper_window: int = 0  # snapshots of the paper's window; 0: not measured
    period: Period | None = None  # of an oscillatory shear


class Settings(NamedTuple):
    """Options worked out for one experiment, in its own units."""

    spacing: float  # a [length]
    window: Box
    r_edges: np.ndarray  # (K + 1,) [length]
    lag: np.ndarray  # (L,) of MSD and, with 0 before them, of the VACF
    d2min_lag: np.ndarray  # (M,)
    map_lag: int  # one of d2min_lag
    cutoff: float  # [length]
    threshold: float  # [length^2]
    d2min_edges: np.ndarray  # (H + 1,) evenly spaced in the logarithm [length^2]
    snapshots: int
    origins: int
    patch: float  # [length]
    rearrangements: bool
    paper_window: int
    period: Period | None
    frames: int  # snapshots of the experiment


def plan(trajectory: Trajectory, spacing: float, options: Options | None = None) -> Settings:
    """Settings for an experiment and for every source compared with it.

    Args:
        trajectory: the experiment, over the frames to be compared.
        spacing: mean neighbour distance a [length].
        options: choices in units of a.

    Raises:
        ValueError: if the spacing is not positive, fewer than two particles are seen, or no run
            has two snapshots.
    """
    choice = options or Options()
    if not (np.isfinite(spacing) and spacing > 0):
        raise ValueError(f"The mean neighbour distance is {spacing} and must be positive.")
    parts = runs(trajectory)
    longest = max(_extent(part) for part in parts)
    if longest < 2:
        raise ValueError(
            f"The statistics need a run of at least 2 snapshots and the longest has {longest}: "
            f"give the test block more frames."
        )
    frame = window(parts)
    # Lags of half the block have many origins; of a block of a few frames every lag is wanted.
    half = longest // 2 if longest >= SHORT else longest - 1
    half = min(half, choice.longest_lag or half)
    map_lag = min(choice.map_lag or half, longest - 1)
    shells = 20 * choice.r_max
    r_max = min(choice.r_max * spacing, 0.5 * float(np.min(frame.lengths)))
    return Settings(
        spacing=float(spacing),
        window=frame,
        r_edges=np.linspace(0, r_max, max(round(shells * r_max / (choice.r_max * spacing)), 1) + 1),
        lag=lags(half),
        d2min_lag=np.unique(np.append(lags(half, 12), map_lag)),
        map_lag=map_lag,
        cutoff=choice.cutoff * spacing,
        threshold=choice.threshold * spacing**2,
        d2min_edges=np.geomspace(1e-6, 10, 57) * spacing**2,
        snapshots=choice.snapshots,
        origins=choice.origins,
        patch=choice.patch * spacing,
        rearrangements=choice.rearrangements,
        paper_window=choice.paper_window,
        period=choice.period,
        frames=len(trajectory.time),
    )


def described(settings: Settings) -> str:
    """The settings as JSON, for the attributes of a file."""
    plain = settings._asdict() | {"window": settings.window._asdict()}
    return json.dumps(plain, default=lambda value: np.asarray(value).tolist())


def _extent(part: Run) -> int:
    seen = np.flatnonzero(part.free.any(axis=1))
    return int(seen[-1] - seen[0] + 1) if len(seen) else 0
