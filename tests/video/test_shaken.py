"""Motion that all particles share: of a stage or camera, and not that of a flow."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.video.shaken import shaken

RUN = np.zeros(80, int)
SEEN = np.ones((80, 50), bool)


def walk(seed: int) -> np.ndarray:
    """(T, N, 2) steps of .3 px that go on for some frames."""
    rng = np.random.default_rng(seed)
    velocity, path = np.zeros((50, 2)), [rng.uniform(0, 200, (50, 2))]
    for _ in range(79):
        velocity = 0.8 * velocity + 0.18 * rng.standard_normal(velocity.shape)
        path.append(path[-1] + velocity)
    return np.array(path)


@pytest.mark.parametrize("size", [0.3, 2.0])
def test_a_camera_that_shakes(size):
    shift = np.random.default_rng(1).normal(0, size, (80, 1, 2))
    [said] = shaken(walk(0) + shift, SEEN, RUN, None)
    steps = np.sqrt(2) * np.sqrt(2) * size  # of both components, from one frame to the next
    found = float(said.split(" px rms")[0].split("by ")[-1])
    assert found == pytest.approx(steps, rel=0.25)
    assert "does the stage or the camera shake" in said


def test_a_stage_that_moves_once():
    path = walk(2)
    path[31:] += [0.8, -0.5]
    [said] = shaken(path, SEEN, RUN, None)
    x, y = (float(word.strip("(),")) for word in said.split(" by ")[1].split()[:2])
    assert (x, y) == (pytest.approx(0.8, abs=0.15), pytest.approx(-0.5, abs=0.15))
    assert "to snapshot 31" in said


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("flow", ["none", "drift", "oscillation", "shear"])
def test_walkers_and_flows_do_not_shake(seed, flow):
    path, t = walk(seed), np.arange(80)[:, None, None]
    along = {
        "none": 0.0 * t,
        "drift": np.array([1.5, -0.3]) * t,
        "oscillation": np.array([6.0, 0.0]) * np.sin(t / 12),
        "shear": np.stack([0.02 * (path[..., 1] - 100) * t[..., 0], 0 * path[..., 0]], axis=-1),
    }
    seen = SEEN.copy()
    seen[30:, ::3] = False
    assert shaken(path + along[flow], seen, RUN, None) == []


def test_two_runs_are_no_jump():
    path = walk(3)
    path[40:] += 30.0
    assert shaken(path, SEEN, np.repeat([0, 1], 40), None) == []
