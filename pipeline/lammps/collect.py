"""What a LAMMPS run wrote, as a rollout like those of Python."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pipeline.dynamics.rollout import Record, Rollout, kinetic_temperature, recorded
from pipeline.lammps import run
from pipeline.lammps.case import DUMP, Case
from pipeline.space import Space

COLUMNS = {"energy": "TotEng", "internal": "PotEng", "kinetic": "KinEng", "work": "f_integrate[7]"}
IMPULSE = ("f_integrate[8]", "f_integrate[9]", "f_integrate[10]")
BATH = {
    "bath_heat": "f_integrate[11]",
    "bath_work": "f_integrate[12]",
    "bath_entropy": "f_integrate[16]",
}
BATH_IMPULSE = ("f_integrate[13]", "f_integrate[14]", "f_integrate[15]")


def collect(case: Case, dump: str | os.PathLike[str], log: str | os.PathLike[str]) -> Rollout:
    """The rollout that a LAMMPS run of ``case`` made, in the units of the data."""
    lead, index = case.walk.lead, case.walk.index
    seen = read(dump, lead.space)
    last = len(seen.steps)
    r, v = lead.r[:last].copy(), lead.v[:last].copy()  # of those never present, too
    S, T = np.zeros((2, *r.shape[:2]))
    r[:, index], v[:, index], S[:, index], T[:, index] = seen[1:5]
    if case.walk.law.medium == "brownian":
        # As in `Walk.velocity`: what is recorded is the velocity of a whole interval.
        v[1:, index] = np.diff(seen.r, axis=0) / case.walk.interval
    record = Record(r, v, {"entropy": S, "temperature": T})
    totals = observables(seen, log, ~case.driven, case.m)
    trajectory = recorded(case.window, case.walk, record, case.seed)
    made = {"time": case.window.time[:last], **totals}
    return Rollout(trajectory, made, "", 1e3 * run.loop(log).step, "LAMMPS")


class Dumped(NamedTuple):
    """Snapshots of a run, in reduced units."""

    steps: np.ndarray  # (T,)
    r: np.ndarray  # (T, n, D)
    v: np.ndarray  # (T, n, D)
    entropy: np.ndarray  # (T, n)
    temperature: np.ndarray  # (T, n)
    flow: np.ndarray  # (T, n) part of v_x that LAMMPS does not count


def read(dump: str | os.PathLike[str], space: Space) -> Dumped:
    """The dump of a run as `pipeline.lammps.input` asks for it.

    In a sheared box LAMMPS lowers the velocity of a particle that it puts back into the box from
    above: what it took off is added again, so that paths and velocities have no jumps.
    """
    D = space.dimension
    found = run.dump(dump)
    r, v, rest = np.split(found.values[..., 1:], (D, 2 * D), axis=2)
    flow = np.zeros(rest.shape[:2])
    if space.rate:
        flow = space.slide * found.column("iy")
        v[..., 0] += flow
    return Dumped(found.steps, r, v, rest[..., 0], rest[..., 1], flow)


def observables(
    seen: Dumped, log: str | os.PathLike[str], free: np.ndarray, m: float
) -> dict[str, np.ndarray]:
    """The quantities that `pipeline.dynamics.steppers` logs, at the dumped steps."""
    totals = run.thermo(log).set_index("Step").loc[seen.steps]
    found: dict[str, np.ndarray]
    found = {name: totals[column].to_numpy() for name, column in COLUMNS.items()}
    found["entropy"] = seen.entropy.sum(axis=1)
    both = zip(*seen[1:3], strict=True)
    found["temperature"] = np.array([m * kinetic_temperature(r[free], v[free]) for r, v in both])
    found["momentum"] = m * seen.v.sum(axis=1)
    axes = seen.r.shape[2]
    found["impulse"] = totals[list(IMPULSE[:axes])].to_numpy()
    if BATH["bath_heat"] in totals:
        found |= {name: totals[column].to_numpy() for name, column in BATH.items()}
        found["bath_impulse"] = totals[list(BATH_IMPULSE[:axes])].to_numpy()
    # LAMMPS accounts every change of velocity at the faces of a sheared box.
    extra = m * (seen.flow * (seen.v[..., 0] - 0.5 * seen.flow)).sum(axis=1)
    for name in ("energy", "kinetic"):
        found[name] = found[name] + extra
    found["work"] = found["work"] + extra - extra[0]
    flow = m * seen.flow.sum(axis=1)
    found["impulse"][:, 0] += flow - flow[0]
    return found


def rollout(case: Case, folder: str | os.PathLike[str], script: str, ranks: int = 1) -> Rollout:
    """Runs the input script of a case and collects what it wrote; the dump is removed."""
    log = run.run(folder, script, ranks, steps=case.steps)
    dump = Path(folder) / DUMP
    made = collect(case, dump, log)
    dump.unlink()
    return made
