"""The plugin takes the step of the Python integrator: same forces, heats and noise."""

from __future__ import annotations

import numpy as np
import pytest

from tests.lammps.systems import DT, by_plugin, by_python, crystal
from tests.metriplectic.cases import SOLIDS, random_model


def agree(theirs, ours, tolerance):
    """Increments of v and S of the first step relative to their size, then everything."""
    for name in ("v", "S"):
        a, b = (np.diff(getattr(path, name)[:2], axis=0) for path in (theirs, ours))
        assert np.abs(a - b).max() < tolerance * b.std()
    for a, b in zip(theirs, ours, strict=True):
        assert np.abs(a - b).max() < tolerance * b.std()


@pytest.mark.parametrize("dimension", [2, 3])
def test_spline_fluid_takes_the_same_steps(tmp_path, plugin, dimension):
    model, system = random_model("splines", dimension), crystal(dimension, strong=True)
    theirs = by_plugin(tmp_path, plugin, model, system, 20)
    agree(theirs, by_python(model, system, 20), 1e-11)


@pytest.mark.parametrize("dimension", [2, pytest.param(3, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", ["ideal_gas", "networks", "paper", *SOLIDS])
def test_every_kind_takes_the_same_steps(tmp_path, plugin, kind, dimension):
    model, system = random_model(kind, dimension), crystal(dimension)
    dt = DT / 50  # untrained paper closures push hard
    theirs = by_plugin(tmp_path, plugin, model, system, 4, dt=dt)
    agree(theirs, by_python(model, system, 4, dt), 1e-6)


def test_gate_saturates_friction_alike(tmp_path, plugin):
    model, system = random_model("splines", 2), crystal(2)
    theirs = by_plugin(tmp_path, plugin, model, system, 3, dt=300 * DT)
    agree(theirs, by_python(model, system, 3, 300 * DT), 1e-9)
