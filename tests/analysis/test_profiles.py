"""Paths of a solid's particles: the paper's error of positions, and that of displacements."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.analysis.comparison import Source, replicated
from pipeline.analysis.plan import plan
from pipeline.analysis.statistics import measure

SIDE = np.arange(5.0)
LATTICE = np.stack(np.meshgrid(SIDE, SIDE), -1).reshape(-1, 2)


@pytest.fixture
def solid(recording):
    """A lattice that is sheared and comes back, far from the origin."""
    strain = np.sin(np.linspace(0, np.pi, 30))[:, None] * 0.3
    position = np.repeat(LATTICE[None], 30, axis=0)
    position[..., 0] += strain * LATTICE[:, 1]
    return recording(position + 100.0, 300.0, reference=LATTICE + 100.0)


def errors(truth, model):
    settings = plan(truth, 1.0)
    found = [measure(x, settings) for x in (truth, model)]
    table = replicated("solid", found[:1], [Source("metriplectic", 0, found[1])])
    return table.set_index("metric")["value"]


def test_errors_are_the_relative_ones_of_the_whole_path(solid):
    rng = np.random.default_rng(0)
    other = solid._replace(position=solid.position + 0.1 * rng.normal(size=solid.position.shape))
    found = errors(solid, other)
    gap = np.linalg.norm(other.position - solid.position)
    expected = gap / np.linalg.norm(solid.position - 100.0)
    assert found["positions"] == pytest.approx(expected, rel=1e-4)
    expected = gap / np.linalg.norm(solid.position - solid.reference)
    assert found["displacements"] == pytest.approx(expected, rel=1e-4)


def test_a_rollout_that_stopped_is_measured_as_far_as_it_came(solid):
    found = errors(solid, solid.window(slice(0, 12)))
    assert found["positions"] == 0.0
    assert found["displacements"] == 0.0


def test_a_fluid_has_no_paths(solid):
    found = measure(solid._replace(reference=None), plan(solid, 1.0))
    assert "no undeformed configuration" in found["positions"].missing
    assert np.isnan(errors(solid._replace(reference=None), solid)["positions"])
