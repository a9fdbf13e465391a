"""What a LAMMPS run wrote, as a rollout like those of Python."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from pipeline.dynamics.observables import kinetic_temperature
from pipeline.dynamics.rollout import Rollout, recorded
from pipeline.lammps import run
from pipeline.lammps.case import Case

COLUMNS = {"energy": "TotEng", "internal": "PotEng", "kinetic": "KinEng", "work": "f_integrate[7]"}
IMPULSE = ("f_integrate[8]", "f_integrate[9]", "f_integrate[10]")


def collect(case: Case, dump: str | os.PathLike[str], log: str | os.PathLike[str]) -> Rollout:
    """The rollout that a LAMMPS run of ``case`` made, in the units of the data."""
    walk, D = case.walk, case.window.dimension
    steps, _, values = run.snapshots(dump)
    last, index = len(steps), walk.index
    walk.r[:last, index], walk.v[:last, index] = (
        values[..., 1 : 1 + D],
        values[..., 1 + D : 1 + 2 * D],
    )
    for k, name in enumerate(("entropy", "temperature")):
        field = walk.fields.setdefault(name, np.zeros(walk.shape))
        field[:last, index] = values[..., 1 + 2 * D + k]
    cost = 1e3 * run.loop(log).step
    totals = run.thermo(log).set_index("Step").loc[steps]
    trajectory = recorded(case.window, walk, last, case.seed)
    return Rollout(trajectory, _observables(case, totals, last), "", cost)


def _observables(case: Case, totals: pd.DataFrame, last: int) -> dict[str, np.ndarray]:
    """The quantities that `pipeline.dynamics.observables` logs."""
    walk, D = case.walk, case.window.dimension
    found: dict[str, np.ndarray]
    found = {name: totals[column].to_numpy() for name, column in COLUMNS.items()}
    found["entropy"] = walk.fields["entropy"][:last, walk.index].sum(axis=1)
    free = walk.index[~case.driven]
    found["temperature"] = np.array(
        [
            float(walk.law.m)
            * kinetic_temperature(
                torch.from_numpy(walk.r[t, free]), torch.from_numpy(walk.v[t, free])
            )
            for t in range(last)
        ]
    )
    found["momentum"] = float(walk.law.m) * walk.v[:last, walk.index].sum(axis=1)
    found["impulse"] = totals[list(IMPULSE[:D])].to_numpy()
    return {"time": case.window.time[:last], **found}


def rollout(case: Case, folder: str | os.PathLike[str], script: str, ranks: int = 1) -> Rollout:
    """Runs the input script of a case and collects what it wrote; the dump is removed."""
    log = run.run(folder, script, ranks)
    dump = Path(folder) / "rollout.dump"
    made = collect(case, dump, log)
    dump.unlink()
    return made
