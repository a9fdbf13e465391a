"""D2min: zero for affine maps, the published grain, ovito's modifier, plain least squares."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.analysis.d2min import bonds, d2min, field
from pipeline.analysis.runs import runs
from pipeline.trajectory import Box

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
    near = bonds(first, np.ones(6, bool), 1e3, Box(np.full(2, 1e3), (False, False), np.zeros(2)))
    centre = (near.i == 0) | (near.j == 0)
    near = near._replace(i=near.i[centre], j=near.j[centre], r0=near.r0[centre])
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
