"""D2min against published numbers, and its statistics.

D2min: zero for affine maps, the published grain, ovito's modifier, plain least squares.

Rearrangements against lag: a planted event is found, counted and located.

Neighbours that move together, and those that do not.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.analysis.correlations import together
from pipeline.analysis.d2min import (
    against_lag,
    correlation,
    d2min,
    field,
    histogram,
    sums,
)
from pipeline.analysis.runs import runs
from pipeline.neighbours import neighbours
from pipeline.space import free
from pipeline.trajectory import Box, Trajectory

ORACLE = Path(__file__).parents[2].parent / "shared/data/oracles/d2min"


def two_snapshots(dimension, generator, count=300):
    side = 10.0
    start = generator.uniform(size=(count, dimension)) * side
    strain = np.eye(dimension) + 0.1 * generator.standard_normal((dimension, dimension))
    return start, start @ strain.T + 0.05 * generator.standard_normal(start.shape)


@pytest.mark.parametrize("dimension", [2, 3])
def test_affine_deformation_gives_zero(recording, dimension):
    generator = np.random.default_rng(0)
    start, _ = two_snapshots(dimension, generator)
    strain = generator.standard_normal((dimension, dimension))
    position = np.stack([start, start @ strain.T + 7.0])
    part = runs(recording(position, 10.0))[0]
    value = field(part, 0, np.array([1]), 2.5)[0]
    assert np.isfinite(value).mean() > 0.9
    np.testing.assert_allclose(value[np.isfinite(value)], 0.0, atol=1e-12)


@pytest.mark.parametrize("dimension", [2, 3])
def test_agrees_with_least_squares_particle_by_particle(recording, dimension):
    start, end = two_snapshots(dimension, np.random.default_rng(1), 80)
    part = runs(recording(np.stack([start, end]), 10.0))[0]
    mean = field(part, 0, np.array([1]), 3.0)[0]
    total = field(part, 0, np.array([1]), 3.0, "sum")[0]
    for i in np.flatnonzero(np.isfinite(mean)):
        gap = np.linalg.norm(start - start[i], axis=1)
        near = np.flatnonzero((gap < 3.0) & (gap > 0))
        before, after = start[near] - start[i], end[near] - end[i]
        residual = np.linalg.lstsq(before, after)[1].sum()
        np.testing.assert_allclose(total[i], residual, rtol=1e-9)
        np.testing.assert_allclose(mean[i], residual / len(near), rtol=1e-9)


@pytest.mark.skipif(not ORACLE.is_dir(), reason="the published grains are not beside the checkout")
def test_published_grain():
    first, last = (
        np.loadtxt(ORACLE / name, delimiter=",", skiprows=1)[:, :2]
        for name in ("testInitialState.txt", "testFinalState.txt")
    )
    near = neighbours(first, np.ones(6, bool), free(2), 1e3)
    near = near.where((near.i == 0) | (near.j == 0))
    value = d2min(near, (last - first)[None], np.ones((1, 6), bool))
    np.testing.assert_allclose(value[0, 0], 45.17664958207952, rtol=1e-12)
    assert np.isnan(value[0, 1:]).all()  # one neighbour each: any map fits


@pytest.mark.parametrize("dimension", [2, 3])
def test_agrees_with_ovito(recording, dimension):
    pytest.importorskip("ovito", reason="ovito is not installed")
    from ovito.data import DataCollection, Particles
    from ovito.modifiers import AtomicStrainModifier
    from ovito.pipeline import Pipeline, StaticSource

    def collection(points):
        data = DataCollection()
        cell = np.zeros((3, 4))
        cell[:, :3] = 10.0 * np.eye(3)
        data.create_cell(cell, pbc=(True, True, dimension == 3))
        data.cell_.is2D = dimension == 2
        data.objects.append(Particles(count=len(points)))
        place = np.zeros((len(points), 3))
        place[:, :dimension] = points % 10.0
        data.particles_.create_property("Position", data=place)
        return data

    generator = np.random.default_rng(2)
    start, _ = two_snapshots(dimension, generator)
    end = start + 0.2 * generator.standard_normal(start.shape)
    pipeline = Pipeline(source=StaticSource(data=collection(end)))
    modifier = AtomicStrainModifier(cutoff=2.0, output_nonaffine_squared_displacements=True)
    modifier.reference = StaticSource(data=collection(start))
    modifier.minimum_image_convention = True
    pipeline.modifiers.append(modifier)
    oracle = np.asarray(pipeline.compute().particles["Nonaffine Squared Displacement"])
    part = runs(recording(np.stack([start, end]) % 10.0, 10.0, periodic=True))[0]
    value = field(part, 0, np.array([1]), 2.0, "sum")[0]
    known = np.isfinite(value)
    assert known.mean() > 0.95
    np.testing.assert_allclose(value[known], oracle[known], atol=1e-10, rtol=1e-10)


def test_absent_neighbours_leave_the_fit_and_driven_ones_stay(recording):
    start, end = two_snapshots(2, np.random.default_rng(3), 60)
    whole = np.stack([start, end])
    present = np.ones((2, 60), bool)
    present[1, :10] = False
    driven = np.zeros((2, 60), bool)
    driven[:, 10:20] = True
    gapped = runs(recording(whole, 10.0, present=present, driven=driven))[0]
    removed = runs(recording(whole[:, 10:], 10.0))[0]
    value = field(gapped, 0, np.array([1]), 3.0)[0]
    oracle = field(removed, 0, np.array([1]), 3.0)[0]
    assert np.isnan(value[:20]).all()
    np.testing.assert_allclose(value[20:], oracle[10:], rtol=1e-9)


def test_too_few_or_collinear_neighbours_are_undefined(recording):
    line = np.stack([np.arange(6.0), np.zeros(6)], axis=1)
    part = runs(recording(np.stack([line, line + 0.1]), 10.0))[0]
    assert np.isnan(field(part, 0, np.array([1]), 2.5)).all()


def test_refuses_an_unknown_normalisation_and_a_wide_cutoff(recording):
    start, end = two_snapshots(2, np.random.default_rng(3), 20)
    part = runs(recording(np.stack([start, end]), 10.0, periodic=True))[0]
    with pytest.raises(ValueError, match="choose mean or sum"):
        field(part, 0, np.array([1]), 2.0, "median")
    with pytest.raises(ValueError, match="half the periodic length"):
        field(part, 0, np.array([1]), 6.0)


def crystal_with_event(steps=20, side=12, event=10, noise=0.0):
    """A square lattice in which, at one time, a patch of particles is scrambled."""
    generator = np.random.default_rng(0)
    lattice = np.stack(np.meshgrid(*[np.arange(side) + 0.5] * 2), axis=-1).reshape(-1, 2)
    position = np.repeat(lattice[None], steps, axis=0)
    patch = np.linalg.norm(lattice - side / 4, axis=1) < 2
    position[event:, patch] += 0.3 * generator.standard_normal((patch.sum(), 2))
    return position + noise * generator.standard_normal(position.shape), patch


def test_an_event_shows_only_between_times_that_enclose_it(recording):
    position, patch = crystal_with_event()
    part = runs(recording(position, 12.0))
    measured = against_lag(part, np.array([1, 4]), 1.6, 1000)
    for row, origin in enumerate(measured.origin):
        for k, lag in enumerate(measured.lag):
            if origin + lag >= 20:
                assert np.isnan(measured.value[row, k]).all()
                continue
            moved = np.nan_to_num(measured.value[row, k]) > 1e-9
            assert moved[patch].all() == (origin < 10 <= origin + lag)
            assert moved.any() == moved[patch].any()


def test_sums_and_histogram_hold_every_value_once(recording):
    position, _ = crystal_with_event(noise=0.02)
    part = runs(recording(position, 12.0))
    measured = against_lag(part, np.array([1, 4]), 1.6, 7)
    label = np.arange(144) % 5
    total, number = sums(measured.value, label)
    np.testing.assert_allclose(total.sum(axis=0), np.nansum(measured.value, axis=(0, 2)))
    np.testing.assert_array_equal(number.sum(axis=0), np.isfinite(measured.value).sum(axis=(0, 2)))
    edges = np.geomspace(1e-5, 1e-4, 6)  # too narrow: the rest counts in the end bins
    counted = histogram(measured.value[:, 0], edges, label)
    assert counted.sum() == number[:, 0].sum()
    inner = measured.value[:, 0]
    assert counted[:, 2].sum() == ((inner >= edges[2]) & (inner < edges[3])).sum()


def test_a_clustered_event_correlates_at_short_range_only(recording):
    position, _ = crystal_with_event(noise=0.01)
    part = runs(recording(position, 12.0))
    measured = against_lag(part, np.array([10]), 1.6, 5)
    found = correlation(part, measured, 0, np.array([0.0, 1.2, 2.4, 6.0, 12.0]))
    assert found.pearson[0] > 0.3
    assert abs(found.pearson[-1]) < 0.1
    assert found.weighted[0] > 3 > 1 > found.weighted[-1]


def test_localisation_noise_sets_the_published_floor(recording):
    """MONOLAYER.md: for 6 neighbours the mean is about 6.7 (sigma / a)^2."""
    row = np.arange(24)
    lattice = np.stack(np.meshgrid(row, row * np.sqrt(3) / 2), axis=-1)
    lattice[1::2, :, 0] += 0.5
    generator = np.random.default_rng(0)
    still = np.repeat(lattice.reshape(1, -1, 2), 30, axis=0)
    noisy = still + 0.01 * generator.standard_normal(still.shape)
    part = runs(recording(noisy, 24.0))
    measured = against_lag(part, np.array([5]), 1.5, 30)
    middle = (abs(still[0] - [12, 10.4]) < 8).all(axis=1)
    assert abs(np.nanmean(measured.value[..., middle]) / 1e-4 - 6.7) < 0.3


T, N, DT = 100, 400, 0.04


def moving(path: np.ndarray) -> Trajectory:
    """Free particles on these paths (T, N, 2), with backward differences as velocities."""
    present = np.ones(path.shape[:2], bool)
    present[0] = False
    attributes = {"dt": DT}
    count = path.shape[1]
    return Trajectory(
        position=path,
        velocity=np.diff(path, axis=0, prepend=path[:1]) / DT,
        present=present,
        driven=np.zeros_like(present),
        time=DT * np.arange(len(path)),
        run=np.zeros(len(path), np.int32),
        particle=np.arange(count),
        species=np.full(count, -1, np.int32),
        box=Box(np.full(2, 20.0), (False, False), np.zeros(2)),
        attributes=attributes,
        extra={},
    )


@pytest.fixture(scope="module")
def walk() -> np.ndarray:
    rng = np.random.default_rng(0)
    steps = rng.normal(0, np.sqrt(2 * 0.4 * DT), (T, N, 2))
    return rng.uniform(0, 20, (1, N, 2)) + np.cumsum(steps, axis=0)


def test_particles_on_their_own_do_not_move_together(walk):
    assert together(runs(moving(walk)), 10, 1.5) == pytest.approx(0.0, abs=0.03)


def test_a_body_that_turns_moves_together(walk):
    angle = 0.001 * np.arange(T)
    turn = np.stack([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    place = walk[0] - 10
    path = np.einsum("abt,nb->tna", turn, place) + 10
    assert together(runs(moving(path)), 10, 1.5) > 0.9
