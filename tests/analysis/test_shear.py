"""Sliding images: statistics relative to the imposed flow, against brute force."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.analysis import profiles
from pipeline.analysis.plan import plan
from pipeline.analysis.runs import runs
from pipeline.analysis.settings import Statistics
from pipeline.analysis.statistics import measure
from pipeline.neighbours import neighbours
from pipeline.space import lees_edwards, periodic
from pipeline.trajectory import Trajectory

RATE, DT, STEPS, COUNT = 0.7, 0.02, 150, 300


@pytest.fixture(scope="module")
def streaming(recording) -> tuple[Trajectory, np.ndarray]:
    """Random walkers carried by a flow, and their own velocities (T, N, D)."""
    rng = np.random.default_rng(0)
    r = rng.random((COUNT, 3))
    own = rng.normal(size=(STEPS, COUNT, 3))
    own -= own.mean(axis=1, keepdims=True)
    position, velocity = np.empty((2, STEPS, COUNT, 3))
    for t in range(STEPS):
        flow = np.zeros((COUNT, 3))
        flow[:, 0] = RATE * (r[:, 1] - r[:, 1].mean())
        velocity[t] = own[t] + flow
        r = r + velocity[t] * DT if t else r
        position[t] = r
    made = recording(position, 1.0, periodic=True, dt=DT, velocity=velocity)
    return made._replace(attributes={**made.attributes, "shear_rate": RATE}), own


def wrapped_by_hand(made: Trajectory) -> Trajectory:
    """The images inside the box, with the velocities that these images have."""
    position, velocity = made.position.copy(), made.velocity.copy()
    image = np.floor(position[..., 1])
    position[..., 0] -= image * RATE * made.time[:, None]
    position = position - np.floor(position)
    velocity[..., 0] -= image * RATE
    return made._replace(position=position, velocity=velocity)


@pytest.mark.parametrize("inside", [False, True])
def test_motion_is_relative_to_the_flow(streaming, inside: bool) -> None:
    made, own = streaming
    run = runs(wrapped_by_hand(made) if inside else made)[0]
    # Flow and position of a step are told apart to first order in dt.
    assert np.abs(run.velocity - own).max() < 4 * RATE * DT * 2
    free = np.cumsum(own[1:], axis=0) * DT
    moved = run.path[1:] - run.path[0]
    assert np.sqrt(np.mean((moved - free) ** 2)) < 0.02 * np.sqrt(np.mean(free**2))


def test_neighbours_are_those_of_all_images() -> None:
    rng = np.random.default_rng(1)
    made = rng.random((50, 3)) * 3 - 1
    for slide in (0.0, 0.3, 0.9):
        space = lees_edwards([1.0, 1.0, 1.0], slide) if slide else periodic([1.0, 1.0, 1.0])
        place, _ = space.wrap(made, 1.0)
        assert ((place >= 0) & (place < 1)).all()
        found = neighbours(made, np.ones(50, bool), space, 0.35, 1.0)
        pair, distance = np.stack([found.i, found.j], axis=1), found.distance
        count = np.arange(-4, 5)
        image = np.stack(np.meshgrid(count, count, count), -1).reshape(-1, 3).astype(float)
        image[:, 0] += image[:, 1] * slide
        every = np.linalg.norm(made[:, None, None] - made[None, :, None] + image, axis=-1)
        every = every.min(axis=2)
        i, j = np.nonzero(np.triu(every < 0.35, 1))
        assert {frozenset(p) for p in pair.tolist()} == {
            frozenset(p) for p in zip(i.tolist(), j.tolist(), strict=True)
        }
        assert len(pair) == len(i)
        assert np.allclose(distance, every[pair[:, 0], pair[:, 1]])


def test_a_gas_without_order_has_none_in_shear(streaming) -> None:
    made, _ = streaming
    settings = plan(made, 0.15, Statistics(snapshots=60, longest_lag=20))
    found = measure(made, settings)
    g = found["rdf"].data["value"][8:]
    assert np.abs(g - 1).mean() < 0.03
    assert "slide" in found["d2min"].missing


def test_the_profile_is_the_imposed_flow(streaming) -> None:
    made, _ = streaming
    found = profiles.velocity_profile(made, 8)
    expected = profiles.imposed(made, found.middle)
    assert np.abs(found.value - expected).max() < 5 * found.error.max()
    slope = np.polyfit(found.middle, found.value, 1)[0]
    assert slope == pytest.approx(RATE, abs=0.1)
    assert np.allclose(
        found.value, profiles.velocity_profile(wrapped_by_hand(made), 8).value, atol=1e-9
    )


def test_halves_mix(recording) -> None:
    rng = np.random.default_rng(2)
    step = 0.1 * rng.normal(size=(60, 2000, 3))
    step[0] = rng.random((2000, 3))
    made = recording(np.cumsum(step, axis=0), 1.0, periodic=True)
    found = profiles.concentration_profile(made, np.array([0, 59]), slices=10)
    assert np.allclose(found.value[0], [1.0] * 5 + [0.0] * 5)
    assert np.abs(found.value[1] - 0.5).max() < 0.15
