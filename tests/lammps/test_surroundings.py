"""Bath, external potential and pair energy act as in Python, on any number of ranks."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pipeline import space
from pipeline.lammps import run
from pipeline.metriplectic.presets import SPLINES
from tests.lammps.systems import (
    by_plugin,
    by_python,
    crystal,
    dumped,
    restarted,
    surrounded,
)
from tests.metriplectic.cases import random_model

STEPS, DT = 20, 0.01
KINDS = ("bath", "surrounded", "brownian")


# More ranks than cores wait for each other most of the time: four of them once, with all there is.
RUNS = [
    ("bath", 2, 1),
    ("surrounded", 2, 2),
    ("brownian", 2, 1),
    ("surrounded", 3, 1),
    pytest.param("brownian", 3, 2, marks=pytest.mark.slow),
    pytest.param("bath", 3, 2, marks=pytest.mark.slow),
    ("brownian", 2, 2),
    pytest.param("surrounded", 2, 4, marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("kind", "dimension", "ranks"), RUNS)
def test_surrounded_particles_take_the_same_steps(tmp_path, plugin, kind, dimension, ranks):
    model, system = surrounded(kind, dimension)
    theirs = by_plugin(tmp_path, plugin, model, system, STEPS, ranks=ranks, dt=DT, bath=True)
    ours = by_python(model, system, STEPS, DT)
    for a, b in zip(theirs, ours, strict=True):
        assert np.abs(a - b).max() < 1e-11 * b.std()
    told = run.thermo(tmp_path / "log.lammps")
    # What a medium at rest takes up and gives is heat; it gains the entropy of what it takes.
    heat, entropy = told["f_integrate[11]"], told["f_integrate[16]"]
    assert np.abs(told["f_integrate[12]"]).max() == 0.0
    assert np.allclose(-heat / float(model.bath.temperature()), entropy, rtol=1e-13)
    assert np.abs(heat).max() > 0.01 * told["KinEng"].mean()


def test_a_medium_feeds_motion_alike_unless_it_does_so_too_fast(tmp_path, plugin):
    closures = {**SPLINES, "bath": {"kind": "active"}}
    model, system = random_model("splines", 2, closures=closures), crystal(2)
    model.bath.net.fill_(-1.5)
    theirs = by_plugin(tmp_path, plugin, model, system, STEPS, dt=DT)
    ours = by_python(model, system, STEPS, DT)
    for a, b in zip(theirs, ours, strict=True):
        assert np.abs(a - b).max() < 1e-11 * b.std()
    assert (theirs.v[-1] ** 2).mean() > 1.02 * (theirs.v[0] ** 2).mean()
    with pytest.raises(ValueError, match="feeds motion too fast for a timestep of 2, which must"):
        by_plugin(tmp_path, plugin, model, system, STEPS, dt=2.0)


def test_energies_of_particles_add_up_to_that_of_all(tmp_path, plugin):
    """Half of the energy of a pair is either particle's, across ranks too."""
    model, system = surrounded("surrounded", 2)
    shares = ("compute own all pe/atom", "compute all all reduce sum c_own")
    printed = ("thermo_style custom step pe c_all", "thermo_modify norm no format float %.15g")
    by_plugin(tmp_path, plugin, model, system, 2, ranks=2, dt=DT, extra=(*shares, *printed))
    told = run.thermo(tmp_path / "log.lammps")
    assert np.allclose(told["c_all"], told["PotEng"], rtol=1e-12)


def test_an_overdamped_particle_alone_diffuses_by_the_temperature_of_the_bath(tmp_path, plugin):
    """Displacements of one step are normal, of variance 2 D dt = T_b dt, as D = T_b / 2."""
    model, system = surrounded("brownian", 2)
    model.external.take(torch.zeros(sum(p.numel() for p in model.external.parameters())))
    apart = system._replace(r=10.0 * system.r)
    path = by_plugin(tmp_path, plugin, model, apart, 50, dt=DT)
    steps = np.diff(path.r, axis=0).ravel()
    variance = float(model.bath.temperature()) * DT
    error = (2.0 / len(steps)) ** 0.5
    assert steps.var() == pytest.approx(variance, rel=4 * error)
    successive = np.diff(path.r, axis=0)
    assert abs((successive[1:] * successive[:-1]).mean()) < 4 * error * variance
    assert (steps**4).mean() == pytest.approx(3 * variance**2, rel=0.15)


@pytest.mark.parametrize("kind", KINDS)
def test_a_restarted_run_meets_the_same_bath_and_goes_on_with_its_account(tmp_path, plugin, kind):
    model, system = surrounded(kind, 2)
    whole = by_plugin(tmp_path, plugin, model, system, 10, dt=DT, bath=True)
    told = run.thermo(tmp_path / "log.lammps")
    restarted(tmp_path, "restart", 4, 10)
    rest = dumped(tmp_path / "rest.dump", system)
    for name in ("v", "S", "T"):
        expected = getattr(whole, name)[4:]
        assert np.allclose(getattr(rest, name), expected, rtol=0, atol=1e-11 * expected.std())
    again = run.thermo(tmp_path / "log.rest")
    for name in told.filter(like="f_integrate"):
        size = np.abs(told[name]).max()
        assert np.allclose(again[name], told[name][4:], rtol=0, atol=1e-11 * size), name


def test_where_images_repeat_there_are_no_walls(tmp_path, plugin):
    model, system = surrounded("brownian", 2)
    periodic = system._replace(space=space.periodic((9.0, 9.0)))
    with pytest.raises(ValueError, match="potential acts along x, which must not be periodic"):
        by_plugin(tmp_path, plugin, model, periodic, 2, dt=DT)


def test_the_mass_of_brownian_motion_is_the_length_of_its_step(tmp_path, plugin):
    model, system = surrounded("brownian", 2)
    with pytest.raises(ValueError, match=r"mass of every particle must be 0\.02"):
        by_plugin(tmp_path, plugin, model, system, 2, dt=DT, extra=("timestep 0.02",))
