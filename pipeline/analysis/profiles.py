"""Profiles across the box: flow, mixing, and where the particles of a solid are.

The paths of a solid's particles are compared snapshot by snapshot:

    eps = |r_truth - r_model|_2 / |r_truth|_2      over all free particles and snapshots

is the paper's measure for its viscoelastic solid (4.1). It depends on where the origin lies, here
the lower corner of the undeformed body; the same for displacements from the undeformed
configuration does not, and is the harder test.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pipeline.analysis.metric import Compared, Metric, Sample, Statistic, missing
from pipeline.errors import InputError
from pipeline.trajectory import Trajectory

PATHS = ("positions", "displacements")
FLUID = "There is no undeformed configuration: paths of particles in a fluid part within no time."


def paths(sample: Sample) -> dict[str, Metric]:
    """Groups positions and displacements, each one long row of sums.

    A rollout that stopped early has fewer snapshots than the experiment.
    """
    trajectory, select, frames = sample.trajectory, sample.select, sample.settings.frames
    if trajectory.reference is None:
        return {name: missing(FLUID) for name in PATHS}
    count = min(len(trajectory.time), frames)
    known = np.zeros((frames, int(select.sum()), trajectory.dimension), dtype=np.float32)
    known[:count] = 1.0
    found = {}
    corner = trajectory.reference.min(axis=0)
    for name, origin in zip(PATHS, (corner, trajectory.reference[select]), strict=True):
        value = np.zeros(known.shape, dtype=np.float32)
        value[:count] = trajectory.position[:count, select] - origin
        sums = {"numerator": value.reshape(1, -1), "denominator": known.reshape(1, -1)}
        found[name] = Metric(sums, {"shape": known.shape})
    return found


SOLID = Statistic(paths, dict.fromkeys(PATHS, Compared()))


class Profile(NamedTuple):
    """A quantity against one coordinate, in slices of equal width."""

    middle: np.ndarray  # (K,) coordinate of the middle of each slice [length]
    value: np.ndarray  # (..., K) mean, NaN where no particle was met
    error: np.ndarray  # (..., K) standard error of the mean


def velocity_profile(trajectory: Trajectory, slices: int = 20) -> Profile:
    """Mean v_x against y over all snapshots, of the images inside the box.

    Errors are from the scatter between ten stretches of time, since snapshots are correlated.

    Raises:
        InputError: if the axes x and y are not periodic.
    """
    if not all(trajectory.box.periodic[:2]):
        raise InputError("A velocity profile across the box needs periodic axes x and y.")
    height = trajectory.box.lengths[1]
    r, n = trajectory.space.wrap(
        trajectory.position - trajectory.box.origin, trajectory.time[:, None]
    )
    velocity = trajectory.velocity[..., 0] - n[..., 1] * trajectory.space.slide
    place = _slice(r[..., 1], height, slices)
    means = []
    for rows in np.array_split(np.arange(len(r)), min(10, len(r))):
        known = trajectory.present[rows]
        k = place[rows][known]
        total = np.bincount(k, velocity[rows][known], slices)
        count = np.bincount(k, minlength=slices)
        means.append(np.where(count > 0, total / np.maximum(count, 1), np.nan))
    value = np.array(means)
    error = np.nanstd(value, axis=0, ddof=1) / len(value) ** 0.5 if len(value) > 1 else np.nan
    return Profile(_middle(height, slices), np.nanmean(value, axis=0), error * np.ones(slices))


def imposed(trajectory: Trajectory, y: np.ndarray) -> np.ndarray:
    """(K,) velocity of the imposed linear flow at heights y, as the images force it."""
    rate = float(trajectory.attributes.get("shear_rate", 0.0))
    height = trajectory.position[..., 1].mean()
    return trajectory.velocity[..., 0].mean() + rate * (y - height)


def concentration_profile(
    trajectory: Trajectory, rows: np.ndarray, axis: int = 1, slices: int = 20
) -> Profile:
    """Share of the particles that started in the lower half of the box, against a coordinate.

    Args:
        trajectory: positions wrapped or not.
        rows: (R,) snapshots to look at.
        axis: coordinate along which the halves were told apart and the slices are cut.
        slices: number of slices.

    Returns:
        value (R, K) between 0 and 1; its error is that of a binomial share.
    """
    height = trajectory.box.lengths[axis]
    y = [_height(trajectory, row, axis) for row in (0, *rows)]
    lower = y[0] < 0.5 * height
    seen = trajectory.present[0] & trajectory.present[rows]
    share = np.full((len(rows), slices), np.nan)
    error = share.copy()
    for k, (place, known) in enumerate(zip(y[1:], seen, strict=True)):
        where = _slice(place[known], height, slices)
        count = np.bincount(where, minlength=slices)
        met = count > 0
        share[k, met] = np.bincount(where, lower[known], slices)[met] / count[met]
        error[k, met] = np.sqrt(share[k, met] * (1 - share[k, met]) / count[met])
    return Profile(_middle(height, slices), share, error)


ACROSS = ("velocity_profile", "mixing")
OPEN = "Profiles are those of a fluid in a box that is periodic along x and y."
UNSHEARED = "The images of this box do not slide past each other: no flow is imposed."
MOMENTS = 4  # at which the halves are looked at


def across(sample: Sample) -> dict[str, Metric]:
    """Groups velocity_profile, where images slide, and mixing."""
    made = sample.trajectory
    if made.reference is not None or not all(made.box.periodic[:2]):
        return {name: missing(OPEN) for name in ACROSS}
    found = {"velocity_profile": missing(UNSHEARED)}
    if made.attributes.get("shear_rate"):
        flow, edge = velocity_profile(made), np.array([0.0, made.box.lengths[1]])
        wall = {"edge": edge, "imposed": imposed(made, edge)}
        found["velocity_profile"] = Metric({**flow._asdict(), **wall}, {})
    rows = np.linspace(0, sample.settings.frames - 1, MOMENTS).astype(int)
    rows = rows[rows < len(made.time)]  # a rollout may have stopped
    share = concentration_profile(made, rows)
    when = {"row": rows, "time": made.time[rows] - made.time[0]}
    return {**found, "mixing": Metric({**share._asdict(), **when}, {})}


FLUID_PROFILES = Statistic(across)


def _height(trajectory: Trajectory, row: int, axis: int) -> np.ndarray:
    """(N,) coordinates of one snapshot from the lower face of the box, inside it."""
    local = trajectory.position[row] - trajectory.box.origin
    return trajectory.space.wrap(local, float(trajectory.time[row]))[0][:, axis]


def _slice(place: np.ndarray, height: float, slices: int) -> np.ndarray:
    return np.clip((place / height * slices).astype(int), 0, slices - 1)


def _middle(height: float, slices: int) -> np.ndarray:
    return (np.arange(slices) + 0.5) * height / slices
