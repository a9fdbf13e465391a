from __future__ import annotations

import numpy as np
import pytest

from pipeline.lammps import potential
from pipeline.lammps.draw import draw
from pipeline.lammps.export import export, of_learned
from tests.lammps.test_case import learned
from tests.metriplectic.cases import random_model


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
