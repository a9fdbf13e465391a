"""The sheared rubber: element, wave and cycle against what is known of them."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline import h5md
from pipeline.simulate import systems
from pipeline.simulate.elements import Body
from pipeline.simulate.replicated import Cycle, Rubber, Square
from pipeline.simulate.viscoelastic import Held, Motion, load, run, simulate, step, still

CYCLE = Cycle(shear=1.0, ramp=0.3, hold=0.1, frames=90)
TINY = Square(particles=6, elements=4, cycles=(CYCLE, CYCLE.replace(shear=0.5)))


@pytest.fixture(scope="module")
def record():
    return simulate(TINY, 0)


def test_a_sheared_element_relaxes_along_the_prony_curve():
    rubber, body = Rubber(), Body(1.0, 1, Rubber())
    u = (body.places[:, [1]] * np.array([0.5, 0.0])).ravel()
    top = 2 * np.flatnonzero(np.isclose(body.places[:, 1], 1.0))
    force, _, memory = body.forces(u, body.rest(), 1e-9)
    start = force[top].sum()
    for k in range(1, 30):
        force, _, memory = body.forces(u, memory, 0.05)
        left = 0.01 + 0.5 * np.exp(-0.05 * k / 0.2) + 0.49 * np.exp(-0.05 * k / 0.3)
        assert force[top].sum() == pytest.approx(left * start, rel=1e-6)
    assert start == pytest.approx(0.5 * rubber.shear_modulus, rel=1e-6)  # simple shear: mu gamma


def test_a_standing_shear_wave_swings_with_its_period():
    rubber = Rubber(g=(), tau=())
    body = Body(2.0, 4, rubber)
    period = 4 * 2.0 / np.sqrt(rubber.shear_modulus / rubber.density)
    y = body.places[:, 1]
    held = np.unique(np.concatenate([2 * np.flatnonzero(y == 0), 2 * np.arange(len(y)) + 1]))
    u = np.zeros((len(y), 2))
    u[:, 0] = 1e-4 * np.sin(np.pi * y / 4.0)
    force = body.forces(u.ravel(), body.rest(), 1.0)[0]
    a = np.zeros_like(u)
    a[:, 0] = -u[:, 0] * (2 * np.pi / period) ** 2
    now = Motion(u.ravel(), 0 * force, a.ravel(), force, body.rest())
    for _ in range(100):
        now = step(body, now, Held(held, np.zeros(len(held))), period / 100)
    np.testing.assert_allclose(now.u.reshape(-1, 2)[:, 0], u[:, 0], atol=2e-6)


def test_nothing_moves_without_a_load():
    body = Body(2.0, 2, Rubber())
    now = step(body, still(body), Held(np.arange(4), np.zeros(4)), 0.01)
    assert np.abs(now.u).max() < 1e-15


def test_the_edges_follow_the_load_and_the_body_comes_back(record):
    reference, first = record.reference, record.position[:90]
    bottom, top = reference[:, 1] == 0, reference[:, 1] == 2.0
    np.testing.assert_array_equal(record.driven[0], bottom | top)
    moved = first - reference
    np.testing.assert_allclose(moved[:, bottom], 0, atol=1e-12)
    expected = [load(CYCLE, 0.01 * t) for t in range(90)]
    np.testing.assert_allclose(moved[:, top, 0], np.array(expected)[:, None] * np.ones(6))
    assert max(expected) == 1.0
    inner = moved[:, ~(bottom | top)]
    assert np.abs(inner[35]).max() > 0.4
    # It creeps back within minutes; what is left after an instant is a few per cent.
    assert np.abs(inner[-1]).max() < 0.06
    np.testing.assert_array_equal(record.position[0], reference)


def test_every_cycle_is_a_run_with_backward_differences(record):
    np.testing.assert_array_equal(record.run, np.repeat([0, 1], 90))
    assert [s.stop for s in record.stretches()] == [90, 180]
    step_back = np.diff(record.position[90:], axis=0) / record.dt
    np.testing.assert_allclose(record.velocity[91:], step_back, atol=1e-12)
    assert not record.velocity[[0, 90]].any()


def test_the_seed_decides_the_mesh_and_nothing_else(record):
    again, other = simulate(TINY, 0), simulate(TINY, 1)
    np.testing.assert_array_equal(again.position, record.position)
    apart = np.abs(other.position - record.position).max()
    assert 0 < apart < 0.02


def test_it_is_written_as_any_other_system(tmp_path):
    short = TINY.replace(seed=4, cycles=(CYCLE.replace(frames=3),))
    made = systems.simulate(short, "viscoelastic", 1)
    h5md.write(tmp_path / "t.h5", made)
    found = h5md.read(tmp_path / "t.h5")
    assert found.attributes["replica"] == 1
    assert found.attributes["rubber"]["g"] == [0.5, 0.49]
    np.testing.assert_array_equal(found.reference, made.reference)


def test_a_load_that_is_none_is_refused():
    with pytest.raises(ValueError, match=r"cycles: needs this many entries at least: 1"):
        TINY.replace(cycles=())
    with pytest.raises(ValueError, match=r"particles \(per side\): must be at least 4"):
        TINY.replace(particles=3)


@pytest.mark.slow
def test_mesh_and_time_step_converge():
    """Errors fall with element size (the corners' singularity sets the order) and step."""

    def path(elements, substeps):
        square = Square(
            cycles=(CYCLE,), particles=10, elements=elements, substeps=substeps, distortion=0.0
        )
        return run(square, CYCLE, 0)

    def error(found, best):
        return np.sqrt(((found - best) ** 2).mean() / ((best - best[0]) ** 2).mean())

    best = path(12, 1)
    coarse, fine = error(path(3, 1), best), error(path(6, 1), best)
    assert fine < 0.5 * coarse
    assert fine < 1e-2
    best = path(4, 16)
    long, short = error(path(4, 2), best), error(path(4, 4), best)
    assert short < 0.35 * long  # second order is 0.25
    assert short < 1e-3
