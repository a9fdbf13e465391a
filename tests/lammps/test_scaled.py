"""The model at a size that no video has.

New particles between a wall and a needle row: their laws, their driving, what is conserved.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pipeline.lammps import potential, scaled
from pipeline.lammps.export import export, of_learned
from pipeline.lammps.scaled import draw
from pipeline.lammps.settings import Scaled
from tests.dynamics.systems import LENGTH, TIME, lattice
from tests.lammps.test_case import learned
from tests.metriplectic.cases import random_model

PLAN = Scaled(particles=700, relaxation=60, period=80, strain=0.05, cycles=1, seed=3)
DT = 0.1


@pytest.fixture(scope="module")
def run(tmp_path_factory, plugin):
    """Folder, layers and rollout of a small sample; ranks 2."""
    folder, model = tmp_path_factory.mktemp("scaled"), learned()
    world = scaled.Surroundings(1.0, DT, 2)
    layers = scaled.run_scaled(folder, str(plugin), model, PLAN, world)
    return folder, layers, scaled.collect(folder, layers, model, DT, lattice(2))


def test_the_needle_swings_and_the_wall_stays(run):
    _, layers, made = run
    r = made.trajectory.position / LENGTH
    wall, needle = slice(0, layers.wall), slice(-layers.needle, None)
    assert layers.wall > 50
    assert layers.needle > 50
    assert made.trajectory.driven[0, wall].all()
    assert made.trajectory.driven[0, needle].all()
    assert np.abs(r[:, wall] - r[0, wall]).max() == 0.0
    expected = PLAN.strain * layers.gap * np.array([0.0, 1.0, 0.0, -1.0, 0.0])
    moved = r[:, needle] - r[0, needle]
    assert np.allclose(moved[..., 0], expected[:, None], atol=1e-12)
    assert np.abs(moved[..., 1]).max() == 0.0
    assert np.allclose(made.trajectory.time, np.arange(4, 9) * 20 * DT * TIME)


def test_energy_and_momentum_balance_with_what_the_needle_gives(run):
    folder, _, made = run
    table = scaled.audit(made, folder / "log.lammps").set_index("quantity")["value"]
    assert table[["particles", "steps", "ranks"]].tolist() == [700, 160, 2]
    assert table["momentum minus impulse"] < 1e-12
    assert table["swing of energy minus work"] < 0.05
    assert abs(table["work of the needle"]) > 10 * table["swing of energy minus work"]
    assert 100 < table["memory"] < 1e5


def test_new_strengths_follow_the_learned_law(run):
    _, layers, _ = run
    log_s = np.log(layers.system.strength)
    met = learned().log_s
    assert log_s.min() >= met.min()
    assert log_s.max() <= met.max()
    assert log_s.mean() == pytest.approx(met.mean(), abs=4 * met.std() / 700**0.5)
    assert log_s.std() == pytest.approx(met.std(), rel=0.15)


def test_a_sample_too_small_for_its_walls_is_refused(tmp_path):
    world = scaled.Surroundings(1.0, DT, 1)
    with pytest.raises(ValueError, match=r"100 particles make .*lammps\.scaled\.particles"):
        scaled.run_scaled(tmp_path, "no.so", learned(), PLAN.replace(particles=100), world)


def test_a_medium_flows_straight_from_the_wall_to_the_needle(run):
    _, layers, _ = run
    layer, turn = 0.5 * (layers.box[1] - layers.gap), 2 * np.pi / PLAN.period
    flow = scaled.channel(layers, PLAN, DT).flow
    for step in (0.0, 14.0, 61.5):
        y = np.array([layer, layer + 0.25 * layers.gap, layer + layers.gap])
        r = torch.from_numpy(np.stack([np.full(3, 1.0), y], axis=1))
        needle = PLAN.strain * layers.gap * turn * np.cos(turn * step) / DT
        expected = needle * np.array([0.0, 0.25, 1.0])
        u = flow(r, step * DT).numpy()
        assert np.allclose(u[:, 0], expected, atol=0.01 * abs(needle) + 0.01)
        assert np.abs(u[:, 1]).max() == 0.0


def test_new_particles_run_in_a_medium_that_flows(tmp_path, plugin):
    model, world = learned("stream"), scaled.Surroundings(1.0, DT, 1)
    layers = scaled.run_scaled(tmp_path, str(plugin), model, PLAN, world)
    made = scaled.collect(tmp_path, layers, model, DT, lattice(2))
    table = scaled.audit(made, tmp_path / "log.lammps").set_index("quantity")["value"]
    assert table["momentum minus impulse"] < 1e-12
    assert "bath.flow polynomial" in (tmp_path / "model.metriplectic").read_text()


def mixture():
    """A model of two sizes of particles."""
    random = np.random.default_rng(0)
    sizes = np.where(random.random(400) < 0.3, -0.2, 0.15)
    log_s = sizes + 0.01 * random.normal(size=400)
    z = 0.4 * random.standard_gamma(2.0, 400)
    return learned()._replace(labels=np.arange(400), met=np.arange(400), z=z, log_s=log_s)


def test_new_particles_are_like_those_of_training(tmp_path):
    model = mixture()
    potential.write(tmp_path / "file", of_learned(model))
    drawn = draw(potential.read(tmp_path / "file"), 20_000, 1)
    small = np.log(drawn.strength) < 0.0
    assert abs(small.mean() - (model.log_s < 0.0).mean()) < 0.02
    assert abs(np.log(drawn.strength[small]).mean() + 0.2) < 0.01
    for k in (0.1, 0.5, 0.9):
        assert abs(np.quantile(drawn.z, k) - np.quantile(model.z, k)) < 0.03


def test_units_stand_in_the_file():
    words = of_learned(mixture()).words
    assert words["unit.length"] == "2.0 um"
    assert words["unit.time"] == "0.5 s"


def test_a_model_without_training_has_no_laws():
    made = of_learned(learned())
    del made.numbers["law.entropy"]
    with pytest.raises(ValueError, match="no law of latents"):
        draw(made, 3, 0)


def test_a_solid_needs_its_bonds():
    solid = learned()._replace(model=random_model("splines_solid", 2))
    with pytest.raises(ValueError, match="undeformed bonds"):
        of_learned(solid)


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(ValueError, match="train the model first"):
        export(tmp_path, tmp_path / "file")
