"""Pair force and friction by binned regression, and the same from the known law of a simulation.

A law measured from snapshots a finite interval apart is not the bare law, even without noise.
Learned curves are therefore compared with the truth measured here, in the same discrete way:

    v_i(t+1) - v_i(t) = sum_j [ f(r_ij) e_ij - g(r_ij) (e_ij . v_ij) e_ij
                                             - q(r_ij) (v_ij - (e_ij . v_ij) e_ij) ] + noise

with f, g and q piecewise linear in r and fitted by least squares, or by instrumental variables
(Bowden and Turkington, Instrumental Variables, 1984) where noise in the positions would bias the
regressors.

The law of a simulated data set is taken bare, and as records show it; that is only
sensible where the law is the model's: one species, force cut at the model's cutoff.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from pipeline.errors import InputError
from pipeline.neighbours import neighbours
from pipeline.trajectory import Trajectory, evenly


def laws(e: np.ndarray, v_ij: np.ndarray) -> np.ndarray:
    """(P, D, 3) what f, g and q multiply, of pairs with unit vectors e and velocities v_ij."""
    found = np.empty((*e.shape, 3))
    found[:, :, 0] = e
    found[:, :, 1] = -np.einsum("pd,pd->p", e, v_ij)[:, None] * e
    found[:, :, 2] = -found[:, :, 1] - v_ij
    return found


@njit(cache=True)
def design(i, j, law, weight, count):
    """(N, D, L, K) sums over pairs of law (P, D, L) times weight (P, K): odd, + for i, - for j.

    The columns of every regression of pair laws: weight holds the K functions of distance whose
    coefficients are sought, at each pair; i, j (P,) of ``count`` particles.
    """
    x = np.zeros((count, law.shape[1], law.shape[2], weight.shape[1]))
    for p in range(i.size):
        w = weight[p]
        for d in range(law.shape[1]):
            for n in range(law.shape[2]):
                f, first, second = law[p, d, n], x[i[p], d, n], x[j[p], d, n]
                for k in range(w.size):  # two loops of one sum each run four numbers at a time
                    first[k] += f * w[k]
                for k in range(w.size):
                    second[k] -= f * w[k]
    return x


@njit(cache=True)
def hat_design(i, j, law, distance, knots, count):
    """`design` with weights that are hat functions of evenly spaced knots (K,), and their sums.

    A pair at a distance (P,) is seen by the two knots around it; those of the ends go on level.
    """
    K = len(knots)
    x, seen = np.zeros((count, law.shape[1], law.shape[2], K)), np.zeros(K)
    for p in range(i.size):
        place = (distance[p] - knots[0]) / (knots[1] - knots[0])
        place = min(max(place, 0.0), K - 1 - 1e-9)
        k = int(place)
        above = place - k
        seen[k] += 1.0 - above
        seen[k + 1] += above
        for d in range(law.shape[1]):
            for n in range(law.shape[2]):
                high = above * law[p, d, n]
                low = law[p, d, n] - high
                x[i[p], d, n, k] += low
                x[i[p], d, n, k + 1] += high
                x[j[p], d, n, k] -= low
                x[j[p], d, n, k + 1] -= high
    return x, seen


def regressors(trajectory: Trajectory, t: int, grid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The design matrix (N, D, 3 K) of snapshot t, and the pairs counted at each knot (K,)."""
    r, v, present = trajectory.position[t], trajectory.velocity[t], trajectory.present[t]
    i, j, r_ij, distance = neighbours(r, present, trajectory.box.space, grid[-1])
    law = laws(r_ij / distance[:, None], v[i] - v[j])
    x, seen = hat_design(i, j, law, distance, grid, len(r))
    return x.reshape(*r.shape, -1), seen


class PairLaw(NamedTuple):
    """What was fitted at the knots (K,), mass 1; see the head of this module."""

    r: np.ndarray  # [a]
    force: np.ndarray  # along e_ij, positive: repulsive [a / dt^2]
    friction_along: np.ndarray  # g [1 / dt]
    friction_across: np.ndarray  # q [1 / dt]
    pairs: np.ndarray  # how many were seen at each knot


def binned_pair_force(
    trajectory: Trajectory,
    a: float,
    cutoff: float = 1.72,
    knots: int | np.ndarray = 12,
    instruments: int = 0,
    frames: int = 400,
) -> PairLaw:
    """Fits pair force and friction to the changes of velocity of the free particles.

    Args:
        trajectory: its velocities are taken as they are; driven particles count as neighbours.
        a: mean neighbour distance in the trajectory's length unit.
        cutoff: reach of force and friction in a.
        knots: of each piecewise linear curve, evenly spaced up to the cutoff: their number, or
            their places in a.
        instruments: 0 for least squares; k > 0 takes the regressors of k snapshots earlier as
            instruments. Two make them independent of localisation errors in the equation for
            backward-difference velocities, since that one reaches from t - 1 to t + 1.
        frames: at most so many snapshots are used, evenly spaced.

    Raises:
        InputError: if fewer than two successive snapshots carry the instruments.
    """
    scale = trajectory._replace(
        position=trajectory.position / a,
        velocity=trajectory.velocity * trajectory.dt / a,
        box=trajectory.box._replace(lengths=trajectory.box.lengths / a),
    )
    rows = usable(trajectory, instruments)
    if len(rows) < 2:
        raise InputError(
            f"Only {len(rows)} snapshots have a successor and {instruments} predecessors, at "
            f"least 2 are needed: use a longer record."
        )
    rows = evenly(rows, frames)
    grid = np.asarray(
        knots
        if isinstance(knots, np.ndarray)
        else np.linspace(first_knot(scale, rows, cutoff), cutoff, knots)
    )
    normal, right, count = equations(scale, rows, grid, instruments)
    fit = np.linalg.lstsq(normal, right, rcond=1e-10)[0].reshape(3, -1)
    force, along, across = fit
    return PairLaw(grid, force, along, across, count)


def equations(
    trajectory: Trajectory,
    rows: np.ndarray,
    grid: np.ndarray,
    instruments: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The normal equations Z^T X (3 K, 3 K) and Z^T y (3 K,) summed over rows; pairs per knot."""
    size = 3 * len(grid)
    normal, right, count = np.zeros((size, size)), np.zeros(size), np.zeros(len(grid))
    present, velocity = trajectory.present, trajectory.velocity
    for t in rows:
        x, seen = regressors(trajectory, t, grid)
        keep = present[t] & ~trajectory.driven[t] & present[t + 1]
        z = x
        if instruments:
            z, _ = regressors(trajectory, t - instruments, grid)
            keep &= present[t - instruments]
            if (who := trajectory.occupant) is not None:
                keep &= who[t - instruments] == who[t]
        z = z[keep].reshape(-1, size)
        normal += z.T @ x[keep].reshape(-1, size)
        right += z.T @ (velocity[t + 1, keep] - velocity[t, keep]).reshape(-1)
        count += seen
    return normal, right, count


def usable(trajectory: Trajectory, instruments: int) -> np.ndarray:
    """Rows t whose successor and ``instruments`` predecessors follow each other in one run."""
    follows = trajectory.successive()
    rows = np.flatnonzero(follows)
    for k in range(1, instruments + 1):
        rows = rows[rows - k >= 0]
        rows = rows[follows[rows - k]]
    return rows


def first_knot(trajectory: Trajectory, rows: np.ndarray, cutoff: float) -> float:
    """The distance below which lie one in a thousand of the pairs, where the first knot stands."""
    looks, space = rows[:: max(1, len(rows) // 20)], trajectory.box.space
    near = [neighbours(trajectory.position[t], trajectory.present[t], space, cutoff) for t in looks]
    return float(np.quantile(np.concatenate([pairs.distance for pairs in near]), 1e-3))


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
        InputError: if the truth has more than one species, which one curve cannot describe.
    """
    attributes = truth.attributes
    if len(np.unique(truth.species)) > 1:
        raise InputError(
            f"One pair force cannot describe {len(np.unique(truth.species))} species: compare "
            f"curves on a data set of one species, such as colloids_matched."
        )
    a = float(attributes["a_px"])
    true = binned_pair_force(truth, a, cutoff, frames=frames)

    def found(record: Trajectory, a: float, instruments: int = 0) -> PairLaw:
        return binned_pair_force(record, a, cutoff, true.r, instruments, frames)

    records = {"true": true, "backward": found(differenced(truth), a)}
    if tracked is not None:
        unit = (
            a * float(tracked.attributes["mpp"]) if tracked.attributes["length_unit"] == "um" else a
        )
        records["tracks"] = found(tracked, unit)
        records["tracks_instrumented"] = found(tracked, unit, instruments=2)
    force = np.interp(true.r, attributes["law_r"], attributes["law_force"])
    friction = np.interp(true.r, attributes["law_r"], attributes["law_friction"])
    result = {"force_bare": force, "friction_bare": friction}
    summary = {}
    for name, record in records.items():
        result[f"force_{name}"] = record.force
        result[f"friction_{name}"] = record.friction_along
        summary[name] = {
            **distance("force", record.force, force, true.pairs),
            **distance("friction", record.friction_along, friction, true.pairs),
        }
    curves = {name: value.tolist() for name, value in result.items()}
    return {"r": true.r.tolist(), **curves, "count": true.pairs.tolist(), "summary": summary}


def bare_law(truth: Trajectory, tracked: Trajectory) -> dict[str, Any]:
    """What `pipeline.simulate.langevin` says of its particles, in the units of what was tracked.

    Returns:
        JSON-able: regime; r (K,) [length] and force_kT (K,), the pair force over kT [1 / length];
        diffusion of a particle alone [length^2 / time], absent where nothing damps it.
    """
    of = truth.attributes
    length = 1.0 if tracked.attributes["length_unit"] == "px" else float(tracked.attributes["mpp"])
    a = float(of["a_px"]) * length
    D = float(of["diffusion_px"]) * length**2 / tracked.dt
    known = {"diffusion": D} if np.isfinite(D) else {}
    force = np.asarray(of["law_force_kT"]) / a
    r = np.asarray(of["law_r"]) * a
    return {"regime": of["regime"], **known, "r": r.tolist(), "force_kT": force.tolist()}


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
