"""The binned regression finds a law that is there, and tells the bias of noise."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.analysis.pair_force import binned_pair_force, differenced, pair_curves
from pipeline.simulate.monolayer import simulate
from pipeline.simulate.settings import MATCHED
from pipeline.trajectory import Box, Trajectory

A = 3.0  # length unit per a


def force(r):
    return 0.02 * (r**-4 - 1.72**-4)


def friction(r):
    return 0.3 * (1 - r / 1.72)


def exact_law(frames: int = 30) -> Trajectory:
    """Unrelated snapshots whose successors change velocity by exactly the pair law."""
    rng = np.random.default_rng(0)
    grid = np.stack(np.meshgrid(np.arange(8.0), np.arange(8.0)), axis=-1).reshape(-1, 2)
    position, velocity = [], []
    for _ in range(frames):
        r = grid + rng.uniform(-0.15, 0.15, grid.shape)
        v = 0.01 * rng.standard_normal(r.shape)
        d = r[:, None] - r[None]
        d[..., 0] -= 8.0 * np.round(d[..., 0] / 8.0)
        distance = np.linalg.norm(d, axis=2) + 9.0 * np.eye(len(r))
        e = d / distance[..., None]
        near = distance < 1.72
        vij = v[:, None] - v[None]
        along = np.sum(vij * e, axis=2)
        f = np.where(near, force(distance) - friction(distance) * along, 0.0)[..., None] * e
        across = np.where(near, 0.5 * friction(distance), 0.0)[..., None]
        f -= across * (vij - along[..., None] * e)
        position += [r, r]
        velocity += [v, v + f.sum(axis=1)]
    shape = (2 * frames, len(grid))
    attributes = {"dt": 0.5, "length_unit": "px"}
    return Trajectory(
        position=A * np.array(position),
        velocity=A * np.array(velocity) / 0.5,
        present=np.ones(shape, dtype=bool),
        driven=np.zeros(shape, dtype=bool),
        time=0.5 * np.arange(2 * frames),
        run=np.repeat(np.arange(frames), 2).astype(np.int32),
        particle=np.arange(len(grid)),
        species=np.zeros(len(grid), dtype=np.int32),
        box=Box(A * np.array([8.0, 8.0]), (True, False), np.zeros(2)),
        attributes=attributes,
        extra={},
    )


def test_finds_force_and_friction_in_units_of_a_and_frames():
    curve = binned_pair_force(exact_law(), A, knots=14)
    seen = (curve.pairs > 100) & (curve.r > 0.75)
    r = curve.r[seen]
    np.testing.assert_allclose(curve.force[seen], force(r), atol=1e-3)
    np.testing.assert_allclose(curve.friction_along[seen], friction(r), atol=0.02)
    np.testing.assert_allclose(curve.friction_across[seen], 0.5 * friction(r), atol=0.02)


def test_driven_and_absent_particles_are_not_fitted():
    truth = exact_law()
    velocity = truth.velocity.copy()
    velocity[:, 5] = 1e3  # nonsense of an absent particle
    driven = truth.driven.copy()
    driven[:, 9] = True
    velocity[1::2, 9] += 7.0  # pushed by something outside the law
    spoiled = truth._replace(velocity=velocity, driven=driven)
    present = truth.present.copy()
    present[:, 5] = False
    gone = binned_pair_force(spoiled._replace(present=present), A)
    assert np.abs(gone.force).max() < 1.0
    wrong = binned_pair_force(spoiled._replace(driven=truth.driven, present=present), A)
    assert not np.allclose(wrong.force, gone.force, atol=1e-3)


def test_runs_are_not_joined():
    with pytest.raises(ValueError, match="predecessors"):
        binned_pair_force(exact_law(), A, instruments=2)


def test_backward_differences_know_their_gaps():
    truth = exact_law(3)
    present = truth.present.copy()
    present[2, 4] = False
    record = differenced(truth._replace(present=present))
    assert not record.present[[0, 2, 4]].any()
    assert not record.present[3, 4]
    assert record.present[3, 5]
    expected = (truth.position[3, 5] - truth.position[2, 5]) / 0.5
    np.testing.assert_allclose(record.velocity[3, 5], expected)


@pytest.mark.slow
def test_what_can_be_learned():
    # The recipe's table: exact velocities give force x 0.85 and friction x 1.55 at one-frame
    # steps; 0.03 px of noise multiplies the friction, and past-only instruments repair it.
    parameters = MATCHED.replace(frames=300)
    truth = simulate(parameters, progress=False)
    noise = 0.03 * np.random.default_rng(0).standard_normal(truth.position.shape)
    tracked = differenced(truth._replace(position=truth.position + noise))
    told = pair_curves(truth, tracked)["summary"]
    assert told["true"]["force_ratio"] == pytest.approx(0.85, abs=0.04)
    assert told["true"]["friction_ratio"] == pytest.approx(1.52, abs=0.1)
    assert told["tracks"]["friction_ratio"] > 1.3 * told["backward"]["friction_ratio"]
    repaired = told["tracks_instrumented"]
    assert abs(repaired["force_ratio"] - told["backward"]["force_ratio"]) < 0.1


def test_two_species_have_no_single_curve():
    truth = exact_law()
    mixed = truth._replace(species=np.arange(64, dtype=np.int32) % 2)
    with pytest.raises(ValueError, match="2 species"):
        pair_curves(mixed)
