"""Displacements over a lag as a smooth field: the paper's figure 7A."""

from __future__ import annotations

import numpy as np

from pipeline.analysis.metric import Metric, Sample, Statistic, missing
from pipeline.analysis.rearrangements import unwanted
from pipeline.analysis.runs import Run
from pipeline.neighbours import tree
from pipeline.space import Space
from pipeline.trajectory import Box

REACH = 3.0  # the Gaussian is cut where it has fallen to 1 %


def displacements(
    part: Run, origin: int, lag: int, width: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Displacements r(t + lag) - r(t) of the free particles, smoothed over their neighbourhood.

    Args:
        part: one run on its clock.
        origin: row of the start.
        lag: intervals, origin + lag < T.
        width: standard deviation of the Gaussian weight of neighbours [length].

    Returns:
        (n, D) positions at the start, (n, D) smoothed displacements [length], (n,) particles.
    """
    both = part.seen[origin] & part.seen[origin + lag]
    free = np.flatnonzero(part.free[origin] & part.free[origin + lag])
    move = part.position[origin + lag] - part.position[origin]
    place = part.placed(origin)
    smooth = _average(place[both], move[both], place[free], width, part.box.space)
    return place[free], smooth, free


def grid(
    position: np.ndarray, displacement: np.ndarray, box: Box, step: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A plane displacement field on the nodes of a regular grid, ready for a streamline plot.

    Args:
        position: (n, 2) [length].
        displacement: (n, 2) [length].
        box: region the grid covers.
        step: distance of the nodes, and width of the Gaussian weight [length].

    Returns:
        x (nx,), y (ny,) [length], field (ny, nx, 2), NaN where no particle is within reach.
    """
    x, y = (
        low + (np.arange(n) + 0.5) * length / n
        for low, length in zip(box.origin, box.lengths, strict=True)
        for n in (max(round(length / step), 1),)
    )
    nodes = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    field = _average(position, displacement, nodes, step, box.space)
    return x, y, field.reshape(len(y), len(x), 2)


def _average(
    source: np.ndarray, value: np.ndarray, target: np.ndarray, width: float, space: Space
) -> np.ndarray:
    """Gaussian means of values (n, D) given at source (n, D), taken at target (m, D)."""
    reach = min(REACH * width, 0.5 * min(space.lengths))
    near = tree(target, space).sparse_distance_matrix(
        tree(source, space), reach, output_type="coo_matrix"
    )
    near.data = np.exp(-0.5 * (near.data / width) ** 2)
    near = near.tocsr()
    weight = np.asarray(near.sum(axis=1)).ravel()
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(weight[:, None] > 0, (near @ value) / weight[:, None], np.nan)


def flow(sample: Sample) -> dict[str, Metric]:
    """Group streamlines: smoothed displacements of the particles, and in 2D on a grid."""
    if reason := unwanted(sample):
        return {"streamlines": missing(reason)}
    settings, lag = sample.settings, sample.settings.map_lag
    for part in sample.parts:
        both = part.free[: max(len(part.time) - lag, 0)] & part.free[lag:]
        if both.any():
            break
    else:
        reason = f"No free particle is present at two times {lag} intervals apart."
        return {"streamlines": missing(reason)}
    origin = int(both.any(axis=1).argmax())
    place, move, _ = displacements(part, origin, lag, settings.spacing)
    data = {"position": place, "displacement": move}
    if place.shape[1] == 2:
        x, y, field = grid(place, move, settings.window, settings.spacing)
        data |= {"x": x, "y": y, "grid": field}
    return {"streamlines": Metric(data, {"lag": lag, "time": float(part.time[origin])})}


STREAMLINES = Statistic(flow)
