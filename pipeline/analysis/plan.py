"""How the statistics of an experiment, and of every model compared with it, are taken.

Planned once from the experiment, so that all sources share window, lags and bins.
"""

from __future__ import annotations

import json
from typing import NamedTuple

import numpy as np

from pipeline.analysis.runs import Run, lags, runs, window
from pipeline.analysis.settings import Statistics
from pipeline.errors import InputError
from pipeline.trajectory import Box, Trajectory

SHORT = 8  # snapshots
ARRAYS = ("r_edges", "lag", "d2min_lag", "d2min_edges")


class Period(NamedTuple):
    """Of an oscillatory shear: intervals; strain: amplitude; source: found or given; why."""

    intervals: float
    strain: float
    source: str
    why: str


class Plan(NamedTuple):
    """Settings worked out for one experiment, in its own units."""

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
    period: Period | None  # of an oscillatory shear
    frames: int  # snapshots of the experiment
    first_run: int  # those of its first run


def plan(
    trajectory: Trajectory,
    spacing: float,
    settings: Statistics | None = None,
    period: Period | None = None,
) -> Plan:
    """The plan for an experiment and for every source compared with it.

    Args:
        trajectory: the experiment, over the frames to be compared.
        spacing: mean neighbour distance a [length].
        settings: choices in units of a.
        period: of an oscillatory shear, see `pipeline.analysis.cycles.period`.

    Raises:
        InputError: if the spacing is not positive, fewer than two particles are seen, or no run
            has two snapshots.
    """
    choice = settings or Statistics()
    if not (np.isfinite(spacing) and spacing > 0):
        raise InputError(f"The mean neighbour distance is {spacing} and must be positive.")
    parts = runs(trajectory)
    longest = max(_extent(part) for part in parts)
    if longest < 2:
        raise InputError(
            f"The statistics need a run of at least 2 snapshots and the longest has {longest}: "
            f"give the test block more frames."
        )
    frame = window(parts)
    # Lags of half the block have many origins; of a block of a few frames every lag is wanted.
    half = longest // 2 if longest >= SHORT else longest - 1
    half = min(half, choice.longest_lag or half)
    map_lag = min(choice.lag or half, longest - 1)
    shells = 20 * choice.r_max
    r_max = min(choice.r_max * spacing, 0.5 * float(np.min(frame.lengths)))
    return Plan(
        spacing=float(spacing),
        window=frame,
        r_edges=np.linspace(0, r_max, max(round(shells * r_max / (choice.r_max * spacing)), 1) + 1),
        lag=lags(half),
        d2min_lag=np.unique(np.append(lags(half, 12), map_lag)),
        map_lag=map_lag,
        cutoff=choice.d2min_cutoff * spacing,
        threshold=choice.d2min_threshold * spacing**2,
        d2min_edges=np.geomspace(1e-6, 10, 57) * spacing**2,
        snapshots=choice.snapshots,
        origins=choice.origins,
        patch=choice.patch * spacing,
        rearrangements=choice.rearrangements,
        paper_window=choice.paper_window or 0,
        period=period,
        frames=len(trajectory.time),
        first_run=len(parts[0].time),
    )


def described(plan: Plan) -> str:
    """The plan as JSON, for the attributes of a file."""
    plain = plan._asdict() | {"window": plan.window._asdict()}
    return json.dumps(plain, default=lambda value: np.asarray(value).tolist())


def restored(text: str) -> Plan:
    """The plan that `described` wrote."""
    stored = json.loads(text)
    box = stored["window"]
    window = Box(np.array(box["lengths"]), tuple(box["periodic"]), np.array(box["origin"]))
    arrays = {name: np.array(stored[name]) for name in ARRAYS}
    period = Period(*stored["period"]) if stored["period"] else None
    return Plan(**stored | arrays | {"window": window, "period": period})


def _extent(part: Run) -> int:
    seen = np.flatnonzero(part.free.any(axis=1))
    return int(seen[-1] - seen[0] + 1) if len(seen) else 0
