"""Rollouts under a body force and in a sheared box: what drives them is accounted."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.dynamics.rollout import Rollout, rollout
from pipeline.trajectory import Trajectory
from tests.dynamics.systems import LENGTH, SIDE, conditions, gas, lattice

BOX = SIDE * LENGTH


def forced(frames: int) -> Trajectory:
    window = lattice(frames)
    force = {"kind": "taylor_green", "amplitude": 0.1, "wave": [2 * np.pi / BOX] * 2}
    return window._replace(attributes={**window.attributes, "force": force})


def sheared(frames: int, rate: float, start: float = 0.0) -> Trajectory:
    window = lattice(frames)
    velocity = window.velocity.copy()
    velocity[..., 0] += rate * (window.position[..., 1] - window.position[..., 1].mean())
    attributes = {**window.attributes, "shear_rate": rate}
    return window._replace(velocity=velocity, time=window.time + start, attributes=attributes)


def unaccounted(done: Rollout) -> float:
    """What the energy gained beyond the work that was logged."""
    left = done.observables["energy"] - done.observables["work"]
    return float(left[-1] - left[0])


@pytest.fixture(scope="module")
def left_alone() -> float:
    """The integrator's own error over the same steps."""
    return unaccounted(run(lattice(60)))


def run(window: Trajectory) -> Rollout:
    return rollout(window, gas(), conditions(substeps=4), 0, progress=False)


@pytest.mark.parametrize("kind", ["force", "shear"])
def test_what_drives_a_rollout_is_accounted(kind: str, left_alone: float) -> None:
    done = run(forced(60) if kind == "force" else sheared(60, 0.02))
    seen = done.observables
    assert seen["work"][-1] > 0.2 * seen["kinetic"].mean()
    assert abs(unaccounted(done) - left_alone) < 0.05 * seen["work"][-1]
    assert np.abs(seen["momentum"] - seen["momentum"][0] - seen["impulse"]).max() < 1e-12


def test_images_stand_where_the_time_says() -> None:
    rate, around = 0.02, 1 / 0.02  # after this time the images have slid by one box
    first, whole, half = (
        rollout(sheared(5, rate, start), gas(), conditions(), 0, progress=False)
        for start in (0.0, around, 0.5 * around)
    )
    assert np.allclose(first.trajectory.velocity, whole.trajectory.velocity, atol=1e-9)
    assert not np.allclose(first.trajectory.velocity, half.trajectory.velocity, atol=1e-4)
