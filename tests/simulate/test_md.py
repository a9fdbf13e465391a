"""Laws of the compiled forces: gradient of an energy, Newton's third law, detailed balance."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree

from pipeline.simulate.md import (
    Law,
    neighbours_of,
    outgrown,
    pair_energy,
    pair_force,
    pair_friction,
)

LENGTHS = np.array([9.0, 10.0])
LAW = Law(amplitude=0.02, cutoff=3.0, friction=0.3, friction_cutoff=1.72, drag=0.05, kT=2e-5)


def disordered(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A jittered lattice of 90 particles, some of them a box length away, and their strengths."""
    rng = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid(np.arange(9.0), np.arange(10.0)), axis=-1).reshape(-1, 2)
    r = grid + rng.uniform(-0.3, 0.3, grid.shape)
    r[:, 0] += LENGTHS[0] * rng.integers(-1, 2, len(r))
    return r, rng.uniform(0.85, 1.15, len(r))


def forces(r, strength, law, periodic_y):
    pairs = neighbours_of(r, 3.35, LENGTHS, periodic_y).pairs
    force, near = np.empty_like(r), np.empty((pairs.i.size, 3))
    close = pair_force(r, strength, law, pairs, force, near)
    return force, pairs, near, close


@pytest.mark.parametrize("periodic_y", [False, True])
def test_list_holds_every_pair_once(periodic_y):
    r, _ = disordered()
    pairs = neighbours_of(r, 3.35, LENGTHS, periodic_y).pairs
    d = r[pairs.i] - r[pairs.j] - pairs.shift
    assert np.linalg.norm(d, axis=1).max() < 3.35
    boxsize = [LENGTHS[0], LENGTHS[1] if periodic_y else 0.0]
    wrapped = np.where(np.array(boxsize) > 0, r % LENGTHS, r)
    expected = cKDTree(wrapped, boxsize=boxsize).query_pairs(3.35)
    assert len(pairs.i) == len(expected)
    assert {(min(p), max(p)) for p in zip(pairs.i.tolist(), pairs.j.tolist(), strict=True)} == {
        tuple(sorted(p)) for p in expected
    }


def test_list_grows_where_particles_crowd():
    r = np.random.default_rng(1).random((200, 2)) * 2.0
    assert len(neighbours_of(r, 3.0, LENGTHS, True).pairs.i) == 200 * 199 // 2


def test_list_knows_when_it_is_outgrown():
    r, _ = disordered()
    near = neighbours_of(r, 3.35, LENGTHS, True)
    r[7, 1] += 0.17
    assert not outgrown(near, r)
    r[7, 1] += 0.01
    assert outgrown(near, r)


@pytest.mark.parametrize("cutoff", [3.0, 1.72])
def test_force_is_minus_the_gradient_of_the_energy(cutoff):
    r, strength = disordered()
    law = LAW._replace(cutoff=cutoff)
    force, pairs, _, _ = forces(r, strength, law, True)
    step = 1e-6
    for n in (0, 41, 89):
        for d in range(2):
            energy = []
            for sign in (1, -1):
                moved = r.copy()
                moved[n, d] += sign * step
                energy.append(pair_energy(moved, strength, law, pairs))
            gradient = (energy[0] - energy[1]) / (2 * step)
            assert force[n, d] == pytest.approx(-gradient, rel=1e-6, abs=1e-9)


def test_forces_of_a_pair():
    r = np.array([[1.0, 1.0], [2.2, 1.0]])
    force, _, _, close = forces(r, np.array([0.85, 1.15]), LAW, False)
    expected = 0.02 * 0.85 * 1.15 * (1.2**-4 - 3.0**-4)
    np.testing.assert_allclose(force, [[-expected, 0.0], [expected, 0.0]], rtol=1e-12)
    assert close == 1


def test_momentum_is_kept_by_friction_and_noise():
    r, strength = disordered()
    force, pairs, near, close = forces(r, strength, LAW, True)
    assert np.abs(force.sum(axis=0)).max() < 1e-14
    rng = np.random.default_rng(0)
    v = 0.01 * rng.standard_normal(r.shape)
    before = v.copy()
    pair_friction(v, np.ones(len(r)), LAW, pairs, near, close, 0.25, rng)
    change = v - before
    assert np.abs(change).max() > 1e-4
    assert np.abs(change.sum(axis=0)).max() < 1e-15


def test_friction_acts_along_the_line_of_centres():
    r = np.array([[1.0, 1.0], [1.9, 1.3]])
    _, pairs, near, close = forces(r, np.ones(2), LAW._replace(kT=0.0), False)
    v = np.array([[0.01, 0.02], [-0.03, 0.0]])
    before = v.copy()
    law = LAW._replace(kT=0.0)
    pair_friction(v, np.ones(2), law, pairs, near, close, 1e-6, np.random.default_rng(0))
    e = (r[0] - r[1]) / np.linalg.norm(r[0] - r[1])
    g = 0.3 * (1 - np.linalg.norm(r[0] - r[1]) / 1.72) ** 2
    expected = -g * ((before[0] - before[1]) @ e) * e
    np.testing.assert_allclose((v - before)[0] / 1e-6, expected, rtol=1e-5)


def test_frozen_particles_feel_no_friction():
    r, strength = disordered()
    _, pairs, near, close = forces(r, strength, LAW, True)
    mobile = np.ones(len(r))
    mobile[::3] = 0.0
    v = np.zeros_like(r)
    pair_friction(v, mobile, LAW, pairs, near, close, 0.25, np.random.default_rng(0))
    assert (v[::3] == 0.0).all()
    assert (np.abs(v[1::3]).max(axis=1) > 0.0).any()


@pytest.mark.parametrize("frozen", [False, True])
def test_a_pair_relaxes_to_its_temperature_for_any_step(frozen):
    # The relative velocity along e_ij of a pair has the variance kT (1/m_i + 1/m_j), and its
    # correlation over dt is exp(-g (1/m_i + 1/m_j) dt), however large the step.
    r = np.array([[1.0, 1.0], [1.9, 1.3]])
    _, pairs, near, close = forces(r, np.ones(2), LAW, False)
    mobile = np.array([1.0, 0.0 if frozen else 1.0])
    e = (r[0] - r[1]) / np.linalg.norm(r[0] - r[1])
    rng, v = np.random.default_rng(0), np.zeros((2, 2))
    series = np.empty(40000)
    for k in range(len(series)):
        pair_friction(v, mobile, LAW, pairs, near, close, 5.0, rng)
        series[k] = (v[0] - v[1]) @ e
    g = 0.3 * (1 - np.linalg.norm(r[0] - r[1]) / 1.72) ** 2
    series = series[100:]
    assert series.var() == pytest.approx(LAW.kT * mobile.sum(), rel=0.04)
    correlation = (series[1:] * series[:-1]).mean() / series.var()
    assert correlation == pytest.approx(np.exp(-g * mobile.sum() * 5.0), abs=0.02)
