"""Whether LAMMPS and Python run the same model: one step from several states, then many steps."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from tqdm import tqdm

from pipeline.dynamics.rollout import recorded
from pipeline.lammps import run
from pipeline.lammps.case import DATA, INPUT, POTENTIAL, SEED, Case, begin, observables, read, write
from pipeline.lammps.input import Settings
from pipeline.lammps.settings import Lammps
from pipeline.learn.trained_model import Learned
from pipeline.trajectory import Trajectory

ONE_STEP = 1e-5  # largest relative difference of forces and entropy rates
PATH = 1e-4  # largest difference of positions after many steps, in cutoffs


class Step(NamedTuple):
    """What one integrator step does, in reduced units."""

    force: np.ndarray  # (n, D) on free particles: conservative, friction, noise, external
    dSdt: np.ndarray  # (N,) of all particles
    T: np.ndarray  # (N,) temperatures at the beginning
    totals: np.ndarray  # (3,) kinetic and internal energy, entropy at the beginning


@torch.inference_mode()
def by_python(case: Case) -> Step:
    """The first step of a case by Python, in float64."""
    walk, state = case.walk, case.state
    dynamics = walk.evaluate(state, float(walk.clock[0]))
    path = walk.path(state, 0, 0)
    after, _ = walk.law.step(state, dynamics, path, walk.dt)
    totals = walk.law.totals(state, dynamics)
    kinetic = float(0.5 * walk.law.m * state.v.square().sum())
    return Step(
        (walk.law.m * (after.v - state.v) / walk.dt).numpy()[~case.driven],
        ((after.S - state.S) / walk.dt).numpy(),
        dynamics.thermo.T.numpy(),
        np.array([kinetic, totals["internal"], totals["entropy"]]),
    )


def by_lammps(case: Case, plugin: str | os.PathLike[str], ranks: int = 1) -> Step:
    """The first step of a case by LAMMPS."""
    dt, m = case.walk.dt, case.m
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(str(Path(plugin).resolve()), POTENTIAL, DATA, 1, case.seed, dt)
        write(folder, case, settings)
        log = run.run(folder, INPUT, ranks)
        seen = read(Path(folder) / settings.dump, case.walk.lead.space)
        totals = observables(seen, log, ~case.driven, m)
    return Step(
        m * (seen.v[1] - seen.v[0])[~case.driven] / dt,
        (seen.entropy[1] - seen.entropy[0]) / dt,
        seen.temperature[0],
        np.array([totals[name][0] for name in ("kinetic", "internal", "entropy")]),
    )


def single_steps(cases: list[Case], plugin: str | os.PathLike[str], ranks: int) -> pd.DataFrame:
    """One row per quantity; the worst of the given states is shown."""
    rows: dict[str, list[tuple[float, float, float]]] = {}
    for case in cases:
        python, lammps = by_python(case), by_lammps(case, plugin, ranks)
        for name in ("force", "dSdt", "T"):
            a, b = getattr(python, name), getattr(lammps, name)
            rows.setdefault(SINGLE[name], []).append((rms(a), rms(b), apart(a, b)))
        for k, name in enumerate(("kinetic energy", "internal energy", "total entropy")):
            a, b = python.totals[k], lammps.totals[k]
            rows.setdefault(name, []).append((a, b, apart(a, b)))
    worst: list[tuple[str, float, float, float, float]] = []
    for name, found in rows.items():
        a, b, difference = max(found, key=lambda row: row[2])
        worst.append((name, a, b, difference, ONE_STEP))
    return _table(worst)


SINGLE = {
    "force": "force in one step (rms)",
    "dSdt": "entropy rate in one step (rms)",
    "T": "temperature of a particle (rms)",
}


def path(python: Trajectory, lammps: Trajectory, learned: Learned) -> pd.DataFrame:
    """The paths of free particles after many steps: rows for position, velocity, entropy.

    Args:
        python: made with counted noise.
        lammps: what LAMMPS made from the same state; may go on for longer.
        learned: gives cutoff and units.
    """
    count = len(python.time)
    free = python.free[0]
    units = learned.conditions(python, 0).units
    moved = [
        (made.position[:count, free] - made.position[0, free]) / units.length
        for made in (python, lammps)
    ]
    steps = f"after {count - 1} snapshots"
    gap = float(np.abs(moved[0] - moved[1]).max()) / learned.model.cutoff
    way = f"displacement {steps} (rms; difference in cutoffs)"
    rows = [(way, _last(moved[0]), _last(moved[1]), gap, PATH)]
    v = [made.velocity[:count, free] / units.velocity for made in (python, lammps)]
    S = [made.extra["entropy"][:count, free] for made in (python, lammps)]
    for name, (a, b) in (("velocity", v), ("entropy", S)):
        rows.append((f"{name} {steps} (rms)", _last(a), _last(b), apart(a, b), PATH))
    return _table(rows)


def compare(
    window: Trajectory,
    learned: Learned,
    made: Trajectory,
    plugin: str | os.PathLike[str],
    wanted: Lammps,
    substeps: int | None,
    seed: int = SEED,
    before: float = 0.0,
) -> pd.DataFrame:
    """The table of parity.csv: quantity, python, lammps, relative difference, bound.

    Args:
        window: snapshots of the data, those of ``made``.
        learned: the model.
        made: rollout by LAMMPS over the window, with counted noise of the same seed.
        plugin: shared object.
        wanted: ranks, steps of the long comparison, and states from which a single step is
            compared.
        substeps: integrator steps per snapshot that are asked for.
        seed: of the noise.
        before: temperature of the data up to the window, see `Learned.conditions`.
    """
    last = len(window.time) - 2
    starts = np.unique(np.linspace(0, last, wanted.states).round().astype(int)).tolist()
    parts = [window.window(slice(t, t + 2)) for t in starts]
    cases = [begin(part, learned, seed, substeps, before) for part in parts]
    table = single_steps(cases, plugin, wanted.ranks)
    begun = begin(window, learned, seed, substeps, before)
    count = min(-(-wanted.steps // begun.walk.conditions.substeps) + 1, len(window.time))
    python = walked(begun, count)
    return pd.concat([table, path(python, made, learned)], ignore_index=True)


@torch.inference_mode()
def walked(case: Case, count: int) -> Trajectory:
    """The first ``count`` snapshots of a case by Python, in float64; fewer where it stops.

    The whole window is kept in mind: start and driven paths are smoothed over all of it.
    """
    with tqdm(total=count, desc="rollout", unit="step", mininterval=1) as bar:
        last, _ = case.walk.run(slice(0, count), bar)
    return recorded(case.window, case.walk, case.walk.kept(last), case.seed)


def rms(x: np.ndarray) -> float:
    """Root mean square."""
    return float(np.sqrt(np.mean(np.square(x))))


def apart(a: np.ndarray, b: np.ndarray) -> float:
    """Largest difference over the largest value of a; zero where there is no difference."""
    difference, size = float(np.abs(np.subtract(a, b)).max()), float(np.abs(a).max())
    return difference / size if size else float("inf" if difference else 0.0)


def _last(x: np.ndarray) -> float:
    return rms(x[-1])


def _table(rows: list[tuple[str, float, float, float, float]]) -> pd.DataFrame:
    return pd.DataFrame(
        rows, columns=["quantity", "python", "lammps", "relative difference", "bound"]
    )
