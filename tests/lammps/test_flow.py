"""Sheared boxes, and particles that are led instead of integrated."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.lammps import run
from tests.lammps.systems import ANCHOR, DT, by_plugin, by_python, crystal
from tests.metriplectic.cases import random_model

RANKS = [
    (2, 1),
    pytest.param(2, 4, marks=pytest.mark.slow),
    pytest.param(3, 2, marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("dimension", "ranks"), RANKS)
def test_sheared_box_is_that_of_lees_and_edwards(tmp_path, plugin, dimension, ranks):
    # Fast enough that images slide by a whole box and particles cross its edge.
    model, system, dt = random_model("splines", dimension), crystal(dimension, rate=4.0), 10 * DT
    theirs = by_plugin(tmp_path, plugin, model, system, 25, ranks=ranks, dt=dt)
    ours = by_python(model, system, 25, dt)
    crossed = run.dump(tmp_path / "rollout.dump").column("iy")
    assert np.ptp(crossed, axis=0).max() == 1
    for a, b in zip(theirs, ours, strict=True):
        assert np.abs(a - b).max() < 1e-10


@pytest.mark.parametrize("dimension", [2, 3])
def test_walls_move_as_told_at_a_held_temperature(tmp_path, plugin, dimension):
    model, system = random_model("splines", dimension), crystal(dimension)
    driven = system.r[:, 1] < 1.5
    v = system.v.copy()
    v[driven] = np.eye(dimension)[0] * 0.7
    led = system._replace(driven=driven, v=v)
    moves = (f"fix push driven move linear 0.7 0.0 {'NULL' if dimension == 2 else '0.0'}",)
    theirs = by_plugin(tmp_path, plugin, model, led, 20, moves=moves)
    ours = by_python(model, led, 20)
    for a, b in zip(theirs, ours, strict=True):
        assert np.abs(a - b).max() < 1e-10
    # Newton steps of at most 0.1 k_B per unit of time bring them towards it.
    cold = np.sign(ANCHOR - theirs.T[0, driven])
    far = np.abs(theirs.T[0, driven] / ANCHOR - 1.0) > 0.3
    assert far.any()
    assert np.all((cold * (theirs.S[-1] - theirs.S[0])[driven])[far] > 0)
    assert np.ptp(theirs.v[:, driven], axis=(0, 1)).max() == 0.0


def test_fixed_walls_stand_still(tmp_path, plugin):
    model, system = random_model("splines", 2), crystal(2)
    driven = system.r[:, 1] < 1.5
    v = np.where(driven[:, None], 0.0, system.v)
    fixed = system._replace(driven=driven, v=v)
    theirs, ours = by_plugin(tmp_path, plugin, model, fixed, 5), by_python(model, fixed, 5)
    assert np.abs(theirs.v - ours.v).max() < 1e-10
    assert np.array_equal(theirs.r[-1, driven], theirs.r[0, driven])
