"""The simulated monolayer: thermostat, integrator, drive, reproducibility, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import Delaunay, cKDTree

from pipeline.simulate.md import Sample, Span, advance, neighbours_of, pair_energy
from pipeline.simulate.monolayer import drive, law, prepare, reach, simulate
from pipeline.simulate.settings import COLLOIDS, MATCHED

TINY = COLLOIDS.replace(width=14.0, height=12.0, frames=60, period=30, view=(128, 128))
STILL = TINY.replace(strain=0.0)


@pytest.fixture(scope="module")
def record():
    return simulate(TINY, seed=3, progress=False)


def annealed(parameters):
    sample, _ = prepare(parameters, np.random.default_rng(0), progress=False)
    lengths = np.array([parameters.width, parameters.height + 2 * parameters.slab])
    return sample, neighbours_of(sample.r, reach(law(parameters)), lengths, False)


@pytest.mark.parametrize("drag", [0.0, 0.05])
def test_kinetic_temperature_is_that_of_the_bath(drag):
    parameters = STILL.replace(drag=drag)
    sample, near = annealed(parameters)
    rule, rng = law(parameters), np.random.default_rng(1)
    free = sample.mobile > 0
    kinetic = []  # without drag the slowest waves take a thousand frames to cool
    for frame in range(3000):
        span = Span(float(frame), 0.25, 4)
        near = advance(sample, near, rule, drive(parameters), span, rng)
        kinetic.append(np.mean(sample.v[free] ** 2))
    assert np.mean(kinetic[1500:]) == pytest.approx(rule.kT, rel=0.03)


def test_energy_is_kept_without_friction_to_second_order():
    parameters = STILL.replace(friction=0.0, drag=0.0, temperature=0.02)
    sample, near = annealed(parameters)
    rule, errors = law(parameters), []
    kicked = 0.02 * np.random.default_rng(2).standard_normal(sample.v.shape)
    for dt in (0.5, 0.25, 0.125):
        mover = Sample(sample.r.copy(), kicked * sample.mobile[:, None], *sample[2:])
        energy, now = [], near
        for frame in range(40):
            span = Span(float(frame), dt, round(1 / dt))
            now = advance(mover, now, rule, drive(parameters), span, np.random.default_rng(0))
            potential = pair_energy(mover.r, mover.strength, rule, now.pairs)
            energy.append(potential + 0.5 * np.sum(mover.v**2))
        errors.append(np.std(energy))
    kinetic = 0.5 * np.sum((kicked * sample.mobile[:, None]) ** 2)
    assert errors[2] < 2e-3 * kinetic
    assert 3.3 < errors[0] / errors[1] < 4.7
    assert 3.3 < errors[1] / errors[2] < 4.7


def test_same_seed_same_record(record):
    again = simulate(TINY, seed=3, progress=False)
    assert (again.position == record.position).all()
    assert (again.velocity == record.velocity).all()
    other = simulate(TINY, seed=4, progress=False)
    assert (other.position != record.position).any()


def test_the_needle_moves_as_driven_and_the_wall_stands(record):
    needle = record.driven[0] & (record.position[0, :, 1] > TINY.a_px * 4)
    wall = record.driven[0] & ~needle
    time = TINY.preparation * TINY.period + 1 + np.arange(TINY.frames)
    reach = TINY.strain * TINY.height * TINY.a_px
    frequency = 2 * np.pi / TINY.period
    shift = record.position[:, needle, 0] - record.position[0, needle, 0]
    expected = reach * (np.sin(frequency * time) - np.sin(frequency * time[0]))
    np.testing.assert_allclose(shift, np.repeat(expected[:, None], needle.sum(), 1), atol=1e-9)
    speed = reach * frequency * np.cos(frequency * time)
    np.testing.assert_allclose(record.velocity[:, needle, 0], speed[:, None] + 0 * shift, atol=1e-9)
    assert (record.position[:, wall] == record.position[0, wall]).all()
    assert (record.velocity[:, wall] == 0.0).all()


def test_velocity_is_the_instantaneous_one(record):
    # The mean of the velocities at both ends of a frame is its displacement, up to curvature.
    step = np.diff(record.position, axis=0)
    mean = 0.5 * (record.velocity[1:] + record.velocity[:-1])
    assert np.sqrt(np.mean((step - mean) ** 2)) < 0.3 * np.sqrt(np.mean(step**2))
    backward = record.velocity[1:] - step
    assert np.sqrt(np.mean(backward**2)) > 0.1 * np.sqrt(np.mean(step**2))


def test_the_view_looks_at_the_sample(record):
    count = round(TINY.density * TINY.width * (TINY.height + 2 * TINY.slab))
    assert record.present.shape == (TINY.frames, count)
    assert abs(np.mean(record.species) - 0.5) < 0.01
    low, high = record.box.origin, record.box.origin + record.box.lengths
    np.testing.assert_allclose(low[0] + high[0], TINY.view[1])
    needle_edge = high[1] - TINY.slab * TINY.a_px
    assert TINY.view[0] - needle_edge == pytest.approx(TINY.needle_in_view * TINY.a_px)
    inside = ((record.position[0] > 0) & (record.position[0] < 128)).all(axis=1)
    expected = TINY.density * (128 / TINY.a_px) ** 2
    assert inside.sum() == pytest.approx(expected, rel=0.06)


def test_attributes_carry_the_law(record):
    told = record.attributes
    force = np.interp(1.1, told["law_r"], told["law_force"])
    assert force == pytest.approx(0.02 * (1.1**-4 - 3.0**-4), rel=1e-3)
    assert np.interp(1.72, told["law_r"], told["law_friction"]) == pytest.approx(0.0, abs=1e-4)
    assert told["velocity"] == "measured"


def test_refuses_boxes_too_small():
    with pytest.raises(ValueError, match="twice the reach"):
        simulate(TINY.replace(width=6.0, view=(60, 60)), progress=False)
    with pytest.raises(ValueError, match="larger than the sample"):
        simulate(TINY.replace(view=(128, 160)), progress=False)


def hexatic(r, chosen):
    """Mean |psi6| of chosen particles over their Delaunay neighbours."""
    first, other = Delaunay(r).vertex_neighbor_vertices
    value = []
    for i in np.flatnonzero(chosen):
        d = r[other[first[i] : first[i + 1]]] - r[i]
        value.append(abs(np.exp(6j * np.arctan2(d[:, 1], d[:, 0])).mean()))
    return np.mean(value)


def nonaffine(before, after, chosen, cutoff=1.72):
    """D2min per bond of chosen particles (a^2)."""
    tree, value = cKDTree(before), []
    for i in np.flatnonzero(chosen):
        near = [k for k in tree.query_ball_point(before[i], cutoff) if k != i]
        x, y = before[near] - before[i], after[near] - after[i]
        fit = np.linalg.lstsq(x, y, rcond=None)[0]
        value.append(np.mean(np.sum((y - x @ fit) ** 2, axis=1)))
    return np.array(value)


@pytest.mark.slow
def test_the_default_sample_is_polycrystalline_and_rearranges():
    # Figures of the recipe: |psi6| 0.86 to 0.90, velocity autocorrelation 0.78, 0.43, 0.13, -0.19
    # at lags 1, 2, 3, 5 frames, 5 to 11 % rearranged in half a cycle.
    parameters = COLLOIDS.replace(frames=800, preparation=1)
    truth = simulate(parameters, progress=False)
    r = truth.position / parameters.a_px
    free = ~truth.driven[0]
    inner = free & ((truth.position[0] > 30) & (truth.position[0] < 354)).all(axis=1)
    assert 0.82 < hexatic(r[0], inner) < 0.94
    share = np.mean(nonaffine(r[199], r[599], inner) > 0.015)
    assert 0.04 < share < 0.13
    v = np.diff(r[:, inner, 1], axis=0)
    correlation = [np.mean(v[:-k] * v[k:]) / np.mean(v**2) for k in (1, 2, 3, 5)]
    np.testing.assert_allclose(correlation, [0.78, 0.43, 0.13, -0.19], atol=0.04)


@pytest.mark.slow
def test_the_matched_twin_follows_its_drive():
    truth = simulate(MATCHED.replace(frames=400), progress=False)
    free = ~truth.driven[0]
    transverse = truth.velocity[:, free, 1] / MATCHED.a_px
    assert transverse.var() == pytest.approx(MATCHED.temperature * MATCHED.amplitude, rel=0.06)


def test_less_light_is_a_setting():
    assert COLLOIDS.camera(None, None).peak == 800.0
    assert (
        COLLOIDS.replace(peak=75.0).camera(0.5, 10.0)[:4]
        == COLLOIDS.camera(None, None)._replace(peak=75.0)[:4]
    )
