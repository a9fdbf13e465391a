"""The learned force of a film with a known law beside two regressions that share no code with it.

    ./setup python -m benchmarks.forces results/brownian
    ./setup python -m benchmarks.forces simulated 3 0 0.04 0.08

The second: three films of the law of `brownian`, not rendered, 64 particles in a periodic box
whose neighbours are all seen, with a white error of the positions of 0, 0.04 and 0.08 um.

Plain: Stratonovich moments of 12 hat functions of the pair distance, after Frishman and Ronceray,
Phys. Rev. X 10, 021009 (2020), in numpy. Where the package StochasticForceInference is installed
(the extra `benchmarks`: pip install .[benchmarks]) its linear estimator takes the same tracks and
hats. All look at the frames that the model was trained on.
"""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
import yaml
from scipy.spatial import cKDTree

from benchmarks import coverage
from pipeline import h5md
from pipeline.simulate.langevin import force as true_force
from pipeline.simulate.settings import BROWNIAN
from pipeline.trajectory import Trajectory

HATS = 12
FRAMES = 1520  # of a simulated film: as many rows to learn from as `brownian` has
# Of StochasticForceInference: for clean data; moments of Stratonovich; what it chooses by itself.
PRESETS = ("clean", "legacy-sfi-v1.0", "auto")
Force = Callable[[np.ndarray], np.ndarray]  # of distances, over kT


class Film(NamedTuple):
    """Tracks of the training block, one column per particle or its successors."""

    position: np.ndarray  # (T, M, D), NaN where nobody is
    free: np.ndarray  # (T, M) whose neighbours are all seen
    interval: float
    box: np.ndarray | None = None  # (D,) sides, if it is periodic


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
        inside = r if tracks.box is None else r % tracks.box
        tree = cKDTree(inside, boxsize=tracks.box)
        i, j = tree.query_pairs(knots[-1], output_type="ndarray").T
        apart = r[i] - r[j]
        if tracks.box is not None:
            apart -= tracks.box * np.round(apart / tracks.box)
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


def inferred(tracks: Film, knots: np.ndarray, preset: str) -> tuple[Force, float]:
    """The same by StochasticForceInference, one of its presets.

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
    box = None if tracks.box is None else tracks.box.tolist()
    basis = radial_pair_basis(kernels, dim=2, box=box)
    found.infer_force_linear(basis.dispatch_pairs(), preset=preset)
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


class Law(NamedTuple):
    """The true force over kT at the distances at which curves are drawn."""

    r: np.ndarray  # (K,)
    count: np.ndarray  # (K,) pairs there
    force: np.ndarray  # (K,)

    def error(self, force: Force) -> float:
        """Rms over pairs, over the rms of the true force."""
        off = force(self.r) - self.force
        return float(np.sqrt((self.count * off**2).sum() / (self.count * self.force**2).sum()))

    @property
    def knots(self) -> np.ndarray:
        """Of the hats, from where there are pairs."""
        return np.linspace(self.r[self.count >= coverage.PAIRS][0], self.r[-1], HATS + 1)


def compare(
    law: Law, tracks: Film, knots: np.ndarray, model: Callable[[], tuple[Force, float]]
) -> dict[str, tuple[float, float]]:
    """D and error of the force of each, by name; of those that are installed."""
    found = {"the model": model, "plain regression": lambda: plain(tracks, knots)}
    for preset in PRESETS:
        name = f"StochasticForceInference, {preset}"
        found[name] = functools.partial(inferred, tracks, knots, preset)
    errors = {}
    for name, of in found.items():
        try:
            force, D = of()
        except ImportError:
            continue
        errors[name] = D, law.error(force)
    return errors


def filmed(folder: Path) -> None:
    """Prints one line each: D and the error of the force."""
    known = json.loads((folder / "truth.json").read_text())["law"]
    trajectory = h5md.read(folder / "trajectory.h5")
    model = folder / "metriplectic" / "seed0"
    record = yaml.safe_load((model / "model.yaml").read_text())
    tracks = film(trajectory, float(record["training"]["train"]))
    with h5py.File(model / "learned.h5") as file:
        r = file["pair_force/r"][()] * float(record["units"]["length"])
        count = file["pair_force/count"][()]
    law = Law(r, count, np.interp(r, known["r"], known["force_kT"], right=0.0))
    print(f"{'':42}{'D':>8}{'force off by':>14}    (true D {known['diffusion']:.4g})")
    for name, (D, error) in compare(law, tracks, law.knots, lambda: learned(model)).items():
        print(f"{name:42}{D:8.4f}{100 * error:12.1f} %", flush=True)


def simulated(films: int, errors: list[float]) -> None:
    """Prints for each error of the positions [length] means over films: D, error of the force."""
    parameters = BROWNIAN.replace(**{**coverage.SMALL, "frames": FRAMES})
    for error in errors:
        case = coverage.Case(parameters, coverage.BROWNIAN_SETTINGS, error)
        found = [_one(case, seed) for seed in range(films)]
        print(f"error of the positions {error:g}, {films} films (true D {parameters.diffusion:g})")
        for name in found[0]:
            D, off = np.mean([one[name] for one in found], axis=0)
            each = ", ".join(f"{100 * one[name][1]:.1f}" for one in found)
            print(f"{name:42}{D:8.4f}{100 * off:12.1f} %   ({each})", flush=True)


def _one(case: coverage.Case, seed: int) -> dict[str, tuple[float, float]]:
    """Of one simulated film."""
    own = case.law
    with open(os.devnull, "w") as no, redirect_stderr(no), redirect_stdout(no):
        groups, length, interval = coverage.learned(case, seed)
    r, value, count = (groups["pair_force"][name] for name in ("r", "value", "count"))
    T = float(groups["bath"]["T"][0])
    law = Law(length * r, count, true_force(own, length * r))

    def model() -> tuple[Force, float]:
        force = value / (T * length)
        return lambda x: np.interp(x, length * r, force), 0.5 * T * length**2 / interval

    tracks = film(coverage.observed(case, seed), case.settings.split.train)
    sides, place = np.array(own.length), tracks.position * own.mpp
    place = np.stack([np.unwrap(place[..., k], period=sides[k], axis=0) for k in (0, 1)], axis=2)
    tracks = Film(place, tracks.free, 1 / own.fps, sides)
    return compare(law, tracks, law.knots, model)


if __name__ == "__main__":
    if sys.argv[1] == "simulated":
        simulated(int(sys.argv[2]), [float(x) for x in sys.argv[3:]])
    else:
        filmed(Path(sys.argv[1]))
