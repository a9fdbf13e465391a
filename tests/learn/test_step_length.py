"""Steps are as long as the error of the positions asks for, and no longer than velocities last."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.dynamics.driven import forgotten
from pipeline.learn import step_length
from pipeline.learn.settings import ENOUGH, Training
from pipeline.learn.task import by_regime
from pipeline.trajectory import Trajectory
from tests.dynamics.systems import lattice

FRAMES = 600
TRAIN = slice(0, 450)


def film(error: float, memory: float = 0.99) -> tuple[Trajectory, np.ndarray]:
    """Particles whose velocities decay by ``memory`` a frame, tracked with an error, and the true
    paths (T, N, D); velocities have variance 1 per frame."""
    random, window = np.random.default_rng(1), lattice(FRAMES)
    shape = (FRAMES, len(window.particle), 2)
    velocity = np.empty(shape)
    velocity[0] = random.normal(size=shape[1:])
    for t in range(1, FRAMES):
        kick = np.sqrt(1 - memory**2) * random.normal(size=shape[1:])
        velocity[t] = memory * velocity[t - 1] + kick
    path = np.cumsum(velocity, axis=0)
    # On a lattice far wider than any error.
    seen = 1000 * window.position + path + error * random.normal(size=shape)
    step = np.diff(seen, axis=0, prepend=seen[:1]) / window.dt
    tracked = window._replace(position=seen, velocity=step).noting(
        regime="inertial", velocity="backward difference", localisation_error=error
    )
    return tracked, path


@pytest.mark.parametrize("stride", [1, 2, 3, 6])
def test_the_share_of_motion_is_that_of_the_true_paths(stride: int) -> None:
    tracked, path = film(error=0.4)
    k = stride
    change = path[2 * k :] - 2 * path[k:-k] + path[: -2 * k]
    moved = float((change[1:450] ** 2).mean())
    found = step_length.motion_share(tracked, slice(1, 450), stride)
    assert found == pytest.approx(moved / (moved + 6 * 0.4**2), abs=0.02)


@pytest.mark.parametrize(("error", "stride"), [(0.05, 1), (0.3, 2), (0.6, 3)])
def test_the_shortest_step_with_enough_motion_is_taken(error: float, stride: int) -> None:
    tracked, _ = film(error)
    found = step_length.of(tracked, TRAIN)
    assert found == (stride, stride == 1)
    shares = [step_length.motion_share(tracked, TRAIN, k) for k in range(1, stride + 1)]
    assert shares[-1] >= ENOUGH
    assert all(share < ENOUGH for share in shares[:-1])


@pytest.mark.parametrize(("memory", "longest"), [(0.99, 60), (0.6, 5)])
def test_a_step_ends_where_velocities_are_forgotten(memory: float, longest: int) -> None:
    """Of motion that is never enough beside the error, over whatever step."""
    tracked, _ = film(error=4.0, memory=memory)
    found = step_length.of(tracked, TRAIN).stride
    assert found <= min(longest, forgotten(tracked, TRAIN))
    shares = [step_length.motion_share(tracked, TRAIN, k) for k in range(1, found)]
    assert max(shares) < ENOUGH


def test_motion_that_cannot_be_told_asks_for_no_long_steps() -> None:
    tracked, _ = film(error=50.0, memory=0.8)
    assert step_length.of(tracked, TRAIN).stride <= 4


@pytest.mark.parametrize(
    ("error", "changes", "decided"),
    [
        (0.05, {}, (1, "corrected")),
        (0.5, {}, (3, "covariance")),
        (0.5, {"stride": 2}, (2, "covariance")),
        (0.5, {"localisation": "corrected"}, (3, "corrected")),
        (0.05, {"stride": 4, "localisation": "covariance"}, (4, "covariance")),
    ],
)
def test_what_is_left_open_is_decided(error, changes, decided) -> None:
    tracked, _ = film(error)
    found = by_regime(Training(**changes), tracked)
    assert (found.stride, found.localisation) == decided


@pytest.mark.parametrize(
    "known",
    [{"regime": "overdamped"}, {"velocity": "measured"}, {"localisation_error": 0.0}],
)
def test_other_data_keep_single_steps(known: dict[str, object]) -> None:
    tracked, _ = film(error=0.5)
    found = by_regime(Training(bath="none"), tracked.noting(**known))
    assert (found.stride, found.localisation) == (1, "corrected")
