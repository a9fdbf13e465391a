"""The plugin takes the step of the Python integrator: same forces, heats and noise."""

from __future__ import annotations

import re

import numpy as np
import pytest

from pipeline import space
from tests.lammps import systems
from tests.lammps.systems import DT, by_plugin, by_python, crystal
from tests.metriplectic.cases import CUTOFF, SOLIDS, random_model


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


def test_bonds_reach_across_ranks_or_say_so(tmp_path, plugin):
    model, system = random_model("splines_solid", 2), crystal(2)
    far = system._replace(r=system.r * 1.8, space=space.free(2))
    with pytest.raises(ValueError, match=r"reaches beyond the communication range .* raise"):
        by_plugin(tmp_path, plugin, model, far, 2, ranks=2)
    theirs = by_plugin(tmp_path, plugin, model, far, 2, ranks=2, ghosts=3.5)
    agree(theirs, by_python(model, far, 2), 1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["splines", "networks", "splines_solid"])
def test_two_hundred_noisy_steps_end_at_the_same_positions(tmp_path, plugin, kind):
    model, system = random_model(kind, 2), crystal(2, strong=True)
    theirs = by_plugin(tmp_path, plugin, model, system, 200, ranks=2)
    ours = by_python(model, system, 200)
    assert np.abs(ours.r[-1] - ours.r[0]).max() > 0.1 * CUTOFF
    assert np.abs(theirs.r - ours.r).max() < 1e-4 * CUTOFF


def test_networks_beyond_their_tables_are_exact_and_counted(tmp_path, plugin, monkeypatch):
    monkeypatch.setattr(systems, "RANGES", ((-0.5, 0.5), (0.5, 1.0), (1.0, 2.0)))
    model, system = random_model("networks", 2), crystal(2)
    theirs = by_plugin(tmp_path, plugin, model, system, 3)
    agree(theirs, by_python(model, system, 3), 1e-6)
    log = (tmp_path / "log.lammps").read_text()
    count = re.search(r"WARNING: (\d+) evaluations of networks beyond", log)
    assert count is not None
    assert int(count[1]) > 100


def test_gate_saturates_friction_alike(tmp_path, plugin):
    model, system = random_model("splines", 2), crystal(2)
    theirs = by_plugin(tmp_path, plugin, model, system, 3, dt=300 * DT)
    agree(theirs, by_python(model, system, 3, 300 * DT), 1e-9)
