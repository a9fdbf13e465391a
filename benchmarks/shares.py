"""Which part of a run takes most of its processor time, and why it does."""

from __future__ import annotations

import cProfile
import pstats
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from benchmarks.timing import Run


class Part(NamedTuple):
    """A part of a run, by the function that does it."""

    name: str
    file: str  # how the name of its file ends; "~" for what is compiled
    function: str  # as the profiler calls it, or how that begins
    why: str  # what its time grows with


LIKELIHOOD = (
    Part(
        "the batch",
        "learn/data.py",
        "__getitem__",
        "rows and pairs copied from two lists of snapshots",
    ),
    Part(
        "the likelihood, forwards",
        "learn/learner.py",
        "terms",
        "volumes, forces and noise pair by pair, twice where the score is corrected",
    ),
    Part(
        "its gradient",
        "~",
        "<method 'run_backward'",
        "each sum over pairs once more for every factor in it",
    ),
    Part(
        "the optimiser", "optim/adam.py", "step", "a few hundred coefficients and two per particle"
    ),
)
ROLLOUT = (
    Part(
        "forces, noise and heat",
        "dynamics/compiled.py",
        "evaluate",
        "volumes need all pairs before forces can be had: two passes over them, and the search",
    ),
    Part("the step", "dynamics/compiled.py", "step", "random numbers and tensors pair by pair"),
    Part("the log", "dynamics/rollout.py", "record", "energies, momenta and a flow per snapshot"),
)
DETECTION = (
    Part(
        "trackpy's band pass",
        "trackpy/preprocessing.py",
        "bandpass",
        "correlations along both axes over every pixel, whatever shows",
    ),
    Part(
        "trackpy's search of maxima",
        "trackpy/find.py",
        "grey_dilation",
        "maxima along both axes over every pixel, whatever shows",
    ),
    Part(
        "trackpy's noise of the ground",
        "trackpy/uncertainty.py",
        "measure_noise",
        "a dilation by the disc of a spot over every pixel",
    ),
    Part("trackpy's separation", "trackpy/find.py", "where_close", "a tree of all maxima"),
    Part(
        "trackpy's refinement",
        "trackpy/refine/center_of_mass.py",
        "refine_com",
        "the pixels of every spot, ten times at most",
    ),
    Part("the reader", "video/frames.py", "frames", "bytes of the file"),
)


def shares(
    run: Run, parts: Sequence[Part], clock: Callable[[], float] = time.process_time
) -> dict[Part, float]:
    """Of the processor time of a run, after one to warm up."""
    run()
    profile = cProfile.Profile(clock)
    profile.runcall(run)
    stats = pstats.Stats(profile)
    total = stats.total_tt  # type: ignore[attr-defined]
    found = dict.fromkeys(parts, 0.0)
    for (file, _, function), (*_, cumulative, _) in stats.stats.items():  # type: ignore[attr-defined]
        for part in parts:
            if file.endswith(part.file) and function.startswith(part.function):
                found[part] += cumulative / total
    return found


def slowest(run: Run, parts: Sequence[Part], clock: Callable[[], float] = time.process_time) -> str:
    """A line on the part that takes most."""
    found = shares(run, parts, clock)
    part = max(found, key=lambda one: found[one])
    others = ", ".join(f"{one.name} {share:.0%}" for one, share in found.items() if one != part)
    return f"  {found[part]:.0%} is {part.name}: {part.why} ({others})"
