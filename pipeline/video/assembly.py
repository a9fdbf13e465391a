"""Tracks in pixels and frames to a trajectory in physical units."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from pipeline import tables
from pipeline.edges import faces
from pipeline.trajectory import Box, Trajectory, band
from pipeline.units import Scale
from pipeline.video.velocity import backward_difference, resolution


class View(NamedTuple):
    """What the camera saw, and how much of its edge is driven."""

    shape: tuple[int, int]  # (H, W) px of the corrected video
    margin: float  # px, from the image edge inwards, where particles cannot be detected
    cutoff: float  # h in mean neighbour distances
    edge_band: float  # width of the driven band in cutoffs
    edge: str = "auto"  # auto, open or closed, see `pipeline.edges`


def assemble(
    tracks: pd.DataFrame, view: View, scale: Scale, attributes: dict[str, Any]
) -> Trajectory:
    """The trajectory of tracked particles: velocities, masks, localisation error, units.

    Velocities are backward differences; a snapshot whose predecessor is absent has none and is
    marked absent. Positions are measured from the first pixel's centre, y pointing down as in the
    video. Brightness (mass) and size [px] of the spots come along as extras, 0 where absent.

    Args:
        tracks: table of `pipeline.tables.TRACKS`.
        view: field of view and edge band.
        scale: physical size of a pixel and a frame.
        attributes: must hold dataset and synthetic; the rest is measured here.

    Raises:
        ValueError: if the edge band leaves no free particle.
    """
    length, interval = scale.length[0], scale.time[0]
    dense = tables.dense(tracks)
    velocity, known = backward_difference(dense.position, dense.present, dense.run, 1.0)
    box = _field_of_view(view)
    edge = faces(dense.position, dense.present, dense.run, box, view.edge)
    driven = np.zeros_like(known)
    if not edge.closed:
        driven = band(dense.position, known, box, view.cutoff, view.edge_band)
    if not (known & ~driven).any():
        raise ValueError(
            f"The driven band at the edge ({view.edge_band:g} cutoffs wide) leaves no free "
            f"particle in a field of view of {view.shape[1]} x {view.shape[0]} px: use a larger "
            f"field of view, lower trajectory.edge_band or graph.cutoff, or, where nobody enters "
            f"or leaves, set trajectory.edge: closed ({edge.why})."
        )
    return Trajectory(
        position=dense.position * length,
        velocity=velocity * (length / interval),
        present=known,
        driven=driven & known,
        time=dense.frame * interval,
        run=dense.run,
        particle=dense.particle,
        species=np.full(len(dense.particle), -1, np.int32),
        box=box._replace(lengths=box.lengths * length, origin=box.origin * length),
        attributes={**attributes, **_measured(dense, scale), "edge": edge._asdict()},
        extra={
            "filled": dense.filled & known,
            "mass": dense.mass * known,
            "size": dense.size * known,
        },
    )


def _measured(dense: tables.Dense, scale: Scale) -> dict[str, Any]:
    """Attributes of the trajectory: units, and how exact positions and velocities are."""
    length, length_unit = scale.length
    interval, time_unit = scale.time
    seen = dense.present & ~dense.filled
    motion = resolution(dense.position, seen, dense.run)
    sigma = float(np.sqrt(np.mean(motion.sigma**2)))
    known = np.isfinite(motion.interval).all()
    interval_px = {"localisation_interval_px": motion.interval.tolist()} if known else {}
    return {
        "length_unit": length_unit,
        "time_unit": time_unit,
        "dt": interval,
        "velocity": "backward difference",
        "localisation_error": sigma * length if np.isfinite(sigma) else 0.0,
        "localisation_error_px": motion.sigma.tolist(),
        "localisation_method": motion.method,
        **interval_px,
        **motion.told.attributes(length, interval),
        "velocity_signal_to_noise": float(motion.noise.signal_to_noise),
        "velocity_lags": motion.noise.lags.tolist(),
        "velocity_autocorrelation": motion.noise.autocorrelation_corrected.tolist(),
        "mpp": scale.mpp,
        "fps": scale.fps,
        "warnings": motion.warnings,
    }


def from_truth(truth: Trajectory, view: View, scale: Scale, dataset: str) -> Trajectory:
    """The trajectory perfect tracking would have made of the true positions, same field of view.

    Args:
        truth: simulated trajectory in px and frames of the video's coordinates.
    """
    corner = np.array([view.shape[1], view.shape[0]]) - 0.5 - view.margin
    inside = ((truth.position > view.margin - 0.5) & (truth.position < corner)).all(axis=2)
    row, column = np.nonzero(inside)
    table = pd.DataFrame({"frame": row, "particle": truth.particle[column], "run": 0})
    table["x"], table["y"] = truth.position[row, column].T
    table = table.assign(filled=False, mass=1.0, size=1.0, ecc=0.0, signal=1.0, ep=0.0)
    exact = assemble(table, view, scale, {"dataset": dataset, "synthetic": True})
    # The fourth difference reads the motion itself here: these positions have no error.
    exact.attributes.update(localisation_error=0.0, localisation_error_px=[0.0, 0.0], warnings=[])
    index = np.searchsorted(truth.particle, exact.particle)
    species, extra = truth.species[index], {"filled": exact.extra["filled"]}
    return exact._replace(species=species, extra=extra)


def _field_of_view(view: View) -> Box:
    height, width = view.shape
    lengths = np.array([width, height], dtype=float) - 2 * view.margin
    return Box(lengths, (False, False), np.full(2, view.margin - 0.5))
