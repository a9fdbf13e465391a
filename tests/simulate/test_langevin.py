"""Particles under a known law: diffusion, Boltzmann's distribution, energy, walls, refusals."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad

from pipeline.simulate.langevin import force, simulate
from pipeline.simulate.settings import ATTRACTIVE, BROWNIAN, DISCS

UNIT = {"mpp": 0.25, "fps": 1.0}
FREE = BROWNIAN.replace(strength=0.0, frames=200, preparation=0, substeps=4)


def test_a_free_particle_diffuses_as_told():
    record = simulate(FREE, seed=1, progress=False)
    step = record.velocity
    assert np.mean(step**2) == pytest.approx(2 * record.attributes["diffusion_px"], rel=0.02)
    assert abs(np.mean(step[1:] * step[:-1])) < 0.01 * np.mean(step**2)
    assert record.attributes["diffusion_px"] == pytest.approx(0.2 / 25 / 0.12**2)


@pytest.mark.parametrize(
    "motion",
    [{}, {"diffusion": None, "temperature": 10.0, "friction": 50.0, "substeps": 8}],
    ids=["overdamped", "inertial"],
)
def test_swimmers_persist_and_then_diffuse(motion):
    """Their displacements are those of active Brownian particles (Howse et al. 2007, in 2D)."""
    free = FREE.replace(speed=5.0, turning=1.0, frames=150, particles=4000, length=(300.0, 300.0))
    record = simulate(free.replace(**motion), seed=3, progress=False)
    path = 0.12 * np.cumsum(record.velocity, axis=0)  # um, 25 frames a second, D = 0.2
    for lag in (5, 25, 125):
        t = lag / 25
        drive = 2 * 25.0 * (t - 1 + np.exp(-t))
        found = ((path[lag:] - path[:-lag]) ** 2).sum(2).mean()
        assert found == pytest.approx(4 * 0.2 * t + drive, rel=0.03)


@pytest.mark.parametrize(
    "motion",
    [{"diffusion": 0.5}, {"diffusion": None, "temperature": 1.0, "friction": 0.5}],
    ids=["overdamped", "inertial"],
)
def test_between_walls_the_density_is_that_of_boltzmann(motion):
    wall = {"walls": 3.0, "wall_range": 1.0, "length": (400.0, 8.0), "view": (32, 32)}
    many = FREE.replace(particles=300, cutoff=0.1, frames=900, preparation=40, substeps=25)
    record = simulate(many.replace(**wall, **UNIT, **motion), seed=2, progress=False)
    x = 0.25 * (record.position - record.box.origin)[..., 1]
    count, edges = np.histogram(x, 16, (0.0, 8.0))

    def weight(s):
        return np.exp(-3.0 * (np.exp(-s) + np.exp(-(8.0 - s))))

    total = quad(weight, 0, 8)[0]
    expected = [quad(weight, *pair)[0] / total for pair in pairwise(edges)]
    np.testing.assert_allclose(count / x.size, expected, atol=0.004)


def test_two_particles_are_apart_as_their_potential_says():
    box = {"particles": 2, "length": (14.0, 14.0), "view": (56, 56), "cutoff": 3.0}
    slow = {"frames": 12_000, "substeps": 200, "preparation": 100}
    pair = ATTRACTIVE.replace(strength=2.0, **box, **slow, **UNIT)
    record = simulate(pair, seed=3, progress=False)
    apart = 0.25 * (record.position[:, 0] - record.position[:, 1])
    r = np.linalg.norm(apart - 14 * np.round(apart / 14), axis=1)

    def weight(s):
        return s * np.exp(-quad(lambda t: force(pair, np.array(t)), s, 3.0)[0])

    bound = quad(weight, 1.2, 3.0)[0]
    far = (7.0**2 - 3.0**2) / 2
    assert (r < 3.0).sum() / (r < 7.0).sum() == pytest.approx(
        bound / (bound + far), rel=0.15
    )  # it comes and goes some hundred times
    inner = quad(weight, 1.2, 2.2)[0] / bound
    assert (r < 2.2).sum() / (r < 3.0).sum() == pytest.approx(inner, rel=0.06)


def test_discs_keep_their_energy_and_stay_inside():
    step = DISCS.replace(frames=2000, substeps=1, preparation=600, fps=20.0)
    record = simulate(step, seed=4, progress=False)
    r = record.position - record.box.origin
    assert (r > 0).all()
    assert (r < record.box.lengths).all()
    v = record.velocity * 20
    energy = []
    for t in range(0, len(r) - 1, 10):
        d = np.linalg.norm(r[t, :, None] - r[t, None], axis=2)[np.triu_indices(40, 1)]
        pairs = np.where(d < 120, DISCS.strength * DISCS.place**4 * (d**-3 - 120.0**-3) / 3, 0.0)
        walls = np.exp(-r[t] / 12.5) + np.exp(-(record.box.lengths - r[t]) / 12.5)
        potential = 5.0 * (pairs.sum() + 4.0 * 12.5 * walls.sum())
        energy.append(potential + 0.25 * (v[t] ** 2 + v[t + 1] ** 2).sum())
    kinetic = 0.5 * (v**2).sum(axis=(1, 2)).mean()
    assert np.std(energy) < 0.01 * kinetic
    assert kinetic == pytest.approx(40 * 5.0, rel=0.35)


def test_same_seed_same_record():
    first, again, other = (simulate(FREE, seed=s, progress=False).position for s in (5, 5, 6))
    assert (first == again).all()
    assert (first != other).any()


def test_the_truth_holds_the_law_in_units_of_a():
    said = simulate(BROWNIAN.replace(frames=2, preparation=0), progress=False).attributes
    a = said["a_px"] * 0.12
    r, f = np.array(said["law_r"]), np.array(said["law_force_kT"])
    here = r * a < 4.9
    np.testing.assert_allclose(f[here] / a, 16 * np.exp(-(r[here] * a - 1.6) / 0.5), rtol=1e-12)
    assert "law_force" not in said  # a Brownian particle has a force over kT and no other


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"length": (9.0, 60.0), "view": (75, 75)}, "not wider than twice the reach"),
        ({"view": (900, 366)}, "larger than the sample"),
        ({"diffusion": None}, "need a temperature above 0"),
        ({"law": "dipole"}, "law: must be one of exponential, morse, power"),
        ({"temperature": 1.0}, "leave the first out"),
        ({"diffusion": None, "temperature": 1.0, "speed": 2.0}, "Nothing brakes particles"),
    ],
)
def test_refusals(change, message):
    with pytest.raises(ValueError, match=message):
        simulate(BROWNIAN.replace(frames=2, **change), progress=False)


def test_films_take_their_scale_from_the_video_and_say_it_only_where_there_is_one():
    shot = DISCS.camera(None, None)
    assert (shot.mpp, shot.fps, shot.view) == (None, None, (300, 301))
    assert shot.core * shot.diameters[0] == pytest.approx(DISCS.spot)
    assert (DISCS.scaled(None, None).mpp, DISCS.scaled(0.5, None).mpp) == (1.0, 0.5)
