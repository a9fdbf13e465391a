"""Virial and stress of the plugin against sums over Python's pairs."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pipeline import pairs
from pipeline.dynamics.integrators import kick
from pipeline.lammps import run
from pipeline.metriplectic.noise import counted
from pipeline.pairs import State
from tests.lammps.systems import DT, SEED, by_plugin, crystal, rest
from tests.metriplectic.cases import CUTOFF, random_model

COMMANDS = (
    "compute whole all pressure NULL virial",
    "compute each all stress/atom NULL virial",
    "compute sum all reduce sum c_each[1] c_each[2] c_each[4]",
    "thermo_style custom step c_whole[1] c_whole[2] c_whole[4] c_sum[1] c_sum[2] c_sum[3]",
    "thermo_modify norm no format float %.15g",
)


def virial(model, system):
    """sum r_ij f_ij (D, D) over pairs and bonds at the first step."""
    state = State(*(torch.from_numpy(x) for x in (system.r, system.v, system.S)))
    near = pairs.find(state.r, system.space, CUTOFF)
    bonds = rest(model, system)
    dynamics = model.dynamics(state, near, bonds, limit=0.5 / DT)
    noise = counted(near, np.arange(1, len(state.r) + 1), DT, SEED, 0)
    p = kick(model, dynamics, noise, DT).p
    f = dynamics.pressure[:, None] * near.e + p / DT
    return ((near.r[:, None] * near.e).T @ f).numpy()


@pytest.mark.parametrize("ranks", [1, 2])
def test_virial_and_stresses_are_those_of_the_pairs(tmp_path, plugin, ranks):
    model, system = random_model("splines", 2), crystal(2)
    by_plugin(tmp_path, plugin, model, system, 1, ranks=ranks, extra=COMMANDS)
    found = run.thermo(tmp_path / "log.lammps").iloc[0].to_numpy()[1:]
    W = virial(model, system)
    wanted = np.array([W[0, 0], W[1, 1], W[0, 1]])
    area = float(np.prod(system.space.lengths))
    assert np.allclose(found[:3] * area, wanted, rtol=1e-9)
    assert np.allclose(-found[3:], wanted, rtol=1e-9)


def test_bonds_of_a_solid_count_alike_in_both(tmp_path, plugin):
    model, system = random_model("splines_solid", 2), crystal(2)
    by_plugin(tmp_path, plugin, model, system, 1, extra=COMMANDS)
    found = run.thermo(tmp_path / "log.lammps").iloc[0].to_numpy()[1:]
    area = float(np.prod(system.space.lengths))
    assert np.allclose(found[:3] * area, -found[3:], rtol=1e-9)
    elastic = found[:3] * area - virial(model, system)[[0, 1, 0], [0, 1, 1]]
    assert np.abs(elastic).min() > 1e-3
