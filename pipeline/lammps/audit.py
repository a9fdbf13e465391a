"""What a large run kept and what it took, as a table."""

from __future__ import annotations

import os

import numpy as np
import pandas as pd

from pipeline.analysis.conservation import conservation
from pipeline.dynamics.rollout import Rollout
from pipeline.lammps import run


def audit(made: Rollout, log: str | os.PathLike[str]) -> pd.DataFrame:
    """quantity, value, unit of a run: conservation over its whole length, and cost.

    Args:
        made: its rollout; momentum is known at its snapshots.
        log: of LAMMPS; energy and work are known at every line of it.
    """
    kept, took, totals = conservation(made.observables), run.loop(log), run.thermo(log)
    kinetic = float(totals["KinEng"].mean())
    balance = (totals["TotEng"] - totals["f_integrate[7]"]).to_numpy()
    trend = np.polyfit(np.linspace(0.0, 1.0, len(balance)), balance, 1)[0]
    rows = [
        ("particles", took.particles, ""),
        ("steps", took.steps, ""),
        ("work of the needle", kept["work"], "mean kinetic energy"),
        ("swing of energy minus work", np.ptp(balance) / kinetic, "mean kinetic energy"),
        ("trend of energy minus work", trend / kinetic, "mean kinetic energy over the run"),
        ("momentum minus impulse", kept["momentum_drift"], "N m v"),
        ("entropy production", kept["entropy_production"], "k_B per particle and unit of time"),
        ("ranks", took.ranks, ""),
        ("processor time", 1e6 * took.step / took.particles, "microseconds per particle and step"),
        ("memory", 1e6 * run.memory(log) * took.ranks / took.particles, "bytes per particle"),
    ]
    return pd.DataFrame(rows, columns=["quantity", "value", "unit"])
