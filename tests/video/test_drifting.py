"""A drift of the whole film."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.video.drifting import drifting

ONE = np.zeros(200, int)


def walk(seed: int, drift: tuple[float, float], spring: float = 0.0) -> np.ndarray:
    """(T, N, 2) Brownian motion of .5 px a frame and axis, drifting, held by a spring."""
    rng = np.random.default_rng(seed)
    place = np.zeros((200, 50, 2))
    for t in range(1, 200):
        place[t] = (1 - spring) * place[t - 1] + rng.normal(0, 0.5, (50, 2))
    return rng.uniform(0, 300, (50, 2)) + place + np.arange(200)[:, None, None] * np.array(drift)


def test_a_drift_is_measured_and_its_share_of_the_displacement_told():
    [said] = drifting(walk(0, (0.2, 0.0)), np.ones((200, 50), bool), ONE, None)
    # 10 snapshots: drift 2 px, 4 px^2; diffusion 2 x 10 x .25 = 5 px^2.
    drift = float(said.split("(")[1].split(",")[0])
    share = float(said.split("film, ")[1].split(" %")[0])
    assert drift == pytest.approx(0.2, abs=0.02)
    assert share == pytest.approx(100 * 4 / 9, abs=5)


@pytest.mark.parametrize("seed", range(5))
def test_particles_that_diffuse_or_are_bound_do_not_drift(seed):
    for spring in (0.0, 0.2):
        seen = np.random.default_rng(seed).random((200, 50)) < 0.9
        assert drifting(walk(seed, (0.0, 0.0), spring), seen, ONE, None) == []


def test_what_goes_to_and_fro_is_no_drift():
    swing = 5 * np.sin(np.arange(200) / 200 * 8 * np.pi)[:, None, None]
    assert drifting(walk(1, (0.0, 0.0)) + swing, np.ones((200, 50), bool), ONE, None) == []


def test_a_drift_that_hardly_shows_is_not_mentioned():
    assert drifting(walk(2, (0.05, 0.0)), np.ones((200, 50), bool), ONE, None) == []
