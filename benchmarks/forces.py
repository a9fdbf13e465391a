"""The learned force of a film with a known law beside two regressions that share no code with it.

    ./setup python -m benchmarks.forces results/brownian

Plain: Stratonovich moments of 12 hat functions of the pair distance, after Frishman and Ronceray,
Phys. Rev. X 10, 021009 (2020), in numpy. Where the package StochasticForceInference is installed
(pip install StochasticForceInference) its linear estimator takes the same tracks and hats. All look
at the frames that the model was trained on.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
import yaml
from scipy.spatial import cKDTree

from pipeline import h5md
from pipeline.trajectory import Trajectory

HATS = 12
Force = Callable[[np.ndarray], np.ndarray]  # of distances, over kT


class Film(NamedTuple):
    """Tracks of the training block, one column per particle or its successors."""

    position: np.ndarray  # (T, M, D), NaN where nobody is
    free: np.ndarray  # (T, M) whose neighbours are all seen
    interval: float


def film(trajectory: Trajectory, share: float) -> Film:
    """The first ``share`` of the frames. A column that changes hands is empty for a frame."""
    rows = slice(1, int(share * len(trajectory.time)))
    present = trajectory.present.copy()
    if trajectory.occupant is not None:
        changed = np.diff(trajectory.occupant, axis=0, prepend=trajectory.occupant[:1]) != 0
        present &= ~changed
    place = np.where(present[..., None], trajectory.position, np.nan)
    return Film(place[rows], (present & ~trajectory.driven)[rows], trajectory.dt)


def hats(r: np.ndarray, knots: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(K, P) hat functions that end in zero at the last knot, and their slopes."""
    unit = np.eye(len(knots))[:-1]
    value = np.array([np.interp(r, knots, one) for one in unit])
    cell = np.clip(np.searchsorted(knots, r, side="right") - 1, 0, len(knots) - 2)
    slope = np.diff(unit, axis=1) / np.diff(knots)
    return value, slope[:, cell]


def plain(tracks: Film, knots: np.ndarray) -> tuple[Force, float]:
    """Force over kT and D by Stratonovich moments, D by the covariances of steps."""
    step = np.diff(tracks.position, axis=0)
    square, product = np.nanmean(step**2), np.nanmean(step[1:] * step[:-1])
    D = (0.5 * square + product) / tracks.interval
    K = len(knots) - 1
    gram, moment = np.zeros((K, K)), np.zeros(K)
    for t in range(len(step)):
        there = np.flatnonzero(np.isfinite(step[t]).all(axis=1))
        r, u = tracks.position[t, there] + 0.5 * step[t, there], step[t, there]
        counts = tracks.free[t, there].astype(float)
        pairs = cKDTree(r).query_pairs(knots[-1], output_type="ndarray")
        i, j = pairs.T
        apart = r[i] - r[j]
        d = np.linalg.norm(apart, axis=1)
        e = apart / d[:, None]
        value, slope = hats(d, knots)
        field = np.zeros((K, *r.shape))
        for k in range(K):
            np.add.at(field[k], i, value[k][:, None] * e)
            np.add.at(field[k], j, -value[k][:, None] * e)
        spread = (slope + value / d * (r.shape[1] - 1)) @ (counts[i] + counts[j])
        weighted = field * counts[:, None]
        gram += np.tensordot(weighted, field, ([1, 2], [1, 2]))
        moment += np.tensordot(weighted, u, 2) / tracks.interval - D * spread
    coefficients = np.linalg.solve(gram, moment) / D
    return lambda r: coefficients @ hats(r, knots)[0], float(D)


def inferred(tracks: Film, knots: np.ndarray) -> tuple[Force, float]:
    """The same by StochasticForceInference, its preset "clean".

    It has no way to leave out the particles at the edge, whose neighbours are not all seen.

    Raises:
        ImportError: if it is not installed.
    """
    import jax.numpy as jnp
    from SFI import OverdampedLangevinInference, TrajectoryCollection
    from SFI.bases.pairs import radial_pair_basis

    def hat(k: int) -> Callable[[Any], Any]:
        return lambda r: jnp.interp(r, jnp.asarray(knots), jnp.asarray(np.eye(len(knots))[k]))

    known = np.isfinite(tracks.position).all(axis=2)
    place = np.where(known[..., None], tracks.position, 0.0)
    data = TrajectoryCollection.from_arrays(X=place, dt=tracks.interval, mask=known)
    kernels = [(hat(k), f"hat {k}") for k in range(len(knots) - 1)]
    found = OverdampedLangevinInference(data)
    found.compute_diffusion_constant()
    # Its unit vector is that from i to j.
    found.infer_force_linear(radial_pair_basis(kernels, dim=2).dispatch_pairs(), preset="clean")
    D = float(np.trace(np.asarray(found.diffusion_average)) / 2)
    coefficients = -np.asarray(found.force_coefficients) / D
    return lambda r: coefficients @ hats(r, knots)[0], D


def learned(folder: Path) -> tuple[Force, float]:
    """The model's."""
    record = yaml.safe_load((folder / "model.yaml").read_text())
    length, time = (float(record["units"][name]) for name in ("length", "time"))
    with h5py.File(folder / "learned.h5") as file:
        T = float(file["bath/T"][0])
        r, f = (file[f"pair_force/{name}"][()] for name in ("r", "value"))
    return lambda x: np.interp(x, length * r, f / (T * length)), 0.5 * T * length**2 / time


def error(force: Force, law: dict[str, Any], count: np.ndarray, r: np.ndarray) -> float:
    """Rms over pairs at the distances r, over the rms of the true force."""
    true = np.interp(r, law["r"], law["force_kT"], right=0.0)
    return float(np.sqrt((count * (force(r) - true) ** 2).sum() / (count * true**2).sum()))


def main(folder: Path) -> None:
    """Prints one line each: D and the error of the force."""
    law = json.loads((folder / "truth.json").read_text())["law"]
    trajectory = h5md.read(folder / "trajectory.h5")
    model = folder / "metriplectic" / "seed0"
    record = yaml.safe_load((model / "model.yaml").read_text())
    tracks = film(trajectory, float(record["training"]["train"]))
    with h5py.File(model / "learned.h5") as file:
        r = file["pair_force/r"][()] * float(record["units"]["length"])
        count = file["pair_force/count"][()]
    knots = np.linspace(r[count > 3][0], r[-1], HATS + 1)
    print(f"{'':28}{'D':>8}{'force off by':>14}    (true D {law['diffusion']:.4g})")
    for name, of in (
        ("the model", lambda: learned(model)),
        ("plain regression", lambda: plain(tracks, knots)),
        ("StochasticForceInference", lambda: inferred(tracks, knots)),
    ):
        try:
            force, D = of()
        except ImportError:
            print(f"{name:28}not installed")
            continue
        print(f"{name:28}{D:8.4f}{100 * error(force, law, count, r):12.1f} %", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
