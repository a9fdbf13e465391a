"""Pair force and friction of a simulated data set: the bare law, and the law as records show it.

Only sensible where the law is the model's: one species, force cut at the model's cutoff.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pipeline.analysis.pairforce import binned_pair_force
from pipeline.trajectory import Trajectory


def pair_curves(
    truth: Trajectory, tracked: Trajectory | None = None, cutoff: float = 1.72, frames: int = 200
) -> dict[str, Any]:
    """The true pair law beside what binned regression finds in ever poorer records of it.

    Args:
        truth: all particles of the simulation, its attributes holding a_px and the bare law.
        tracked: the trajectory of the video, in its own units (um or px) with backward-difference
            velocities; left out where None.
        cutoff: a, reach of force and friction.
        frames: snapshots used of each record.

    Returns:
        JSON-able curves over r (a), force in a/frame^2 and friction (along e_ij) in 1/frame, mass
        1: force_bare, friction_bare; force_true, friction_true (true positions and instantaneous
        velocities, a frame apart: what an exact learner would find); force_backward, ... (true
        positions, backward-difference velocities); force_tracks, ... and
        force_tracks_instrumented, ... (tracks, by least squares and by past-only instruments);
        count of pairs per knot of r; and per record the ratio to bare and the relative rms
        distance to it, weighted by pairs, e.g. {"true": {"force_ratio": 0.85, ...}}.

    Raises:
        ValueError: if the truth has more than one species, which one curve cannot describe.
    """
    attributes = truth.attributes
    if len(np.unique(truth.species)) > 1:
        raise ValueError(
            f"One pair force cannot describe {len(np.unique(truth.species))} species: compare "
            f"curves on a data set of one species, such as colloids_matched."
        )
    a = float(attributes["a_px"])
    settings: dict[str, Any] = {"cutoff": cutoff, "frames": frames}
    true = binned_pair_force(truth, a, **settings)
    settings["knots"] = true["r"]
    records = {"true": true, "backward": binned_pair_force(differenced(truth), a, **settings)}
    if tracked is not None:
        unit = (
            a * float(tracked.attributes["mpp"]) if tracked.attributes["length_unit"] == "um" else a
        )
        records["tracks"] = binned_pair_force(tracked, unit, **settings)
        records["tracks_instrumented"] = binned_pair_force(tracked, unit, instruments=2, **settings)
    force = np.interp(true["r"], attributes["law_r"], attributes["law_force"])
    friction = np.interp(true["r"], attributes["law_r"], attributes["law_friction"])
    result: dict[str, Any] = {"force_bare": force, "friction_bare": friction}
    summary = {}
    for name, record in records.items():
        result[f"force_{name}"] = record["force"]
        result[f"friction_{name}"] = record["friction_along"]
        summary[name] = {
            **distance("force", record["force"], force, true["count"]),
            **distance("friction", record["friction_along"], friction, true["count"]),
        }
    curves = {name: value.tolist() for name, value in result.items()}
    return {"r": true["r"].tolist(), **curves, "count": true["count"].tolist(), "summary": summary}


def distance(
    name: str, curve: np.ndarray, reference: np.ndarray, weight: np.ndarray
) -> dict[str, float]:
    """Ratio (least squares) and relative rms difference of a curve to a reference, weighted."""
    norm = np.sum(weight * reference**2)
    return {
        f"{name}_ratio": float(np.sum(weight * curve * reference) / norm),
        f"{name}_error": float(np.sqrt(np.sum(weight * (curve - reference) ** 2) / norm)),
    }


def differenced(trajectory: Trajectory) -> Trajectory:
    """The same positions with backward-difference velocities, as tracking would give them.

    Snapshots of a particle without its predecessor are marked absent.
    """
    r = trajectory.position
    velocity = np.zeros_like(r)
    velocity[1:] = (r[1:] - r[:-1]) / trajectory.dt
    present = np.zeros_like(trajectory.present)
    present[1:] = trajectory.present[1:] & trajectory.present[:-1]
    present[1:] &= trajectory.successive()[:, None]
    return trajectory._replace(velocity=velocity, present=present)
