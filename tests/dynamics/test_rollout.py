"""Rollouts: determinism, laws along the way, driven particles, and stopping."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from pipeline import h5md
from pipeline.dynamics.rollout import rollout, write
from pipeline.pairs import Coincident
from pipeline.trajectory import Trajectory
from tests.dynamics.systems import LENGTH, TIME, conditions, gas, lattice


def test_a_seed_is_a_rollout() -> None:
    first, again, other = (
        rollout(lattice(10), gas(), conditions(), seed, progress=False) for seed in (1, 1, 2)
    )
    assert np.array_equal(first.trajectory.position, again.trajectory.position)
    assert not np.array_equal(first.trajectory.velocity, other.trajectory.velocity)


def test_energy_and_momentum_are_kept() -> None:
    done = rollout(lattice(300), gas(), conditions(), 0, progress=False)
    seen = done.observables
    drift = np.polyfit(seen["time"][10:] / TIME, seen["energy"][10:], 1)[0]
    assert abs(drift) < 5e-3 * seen["kinetic"].mean()
    assert np.abs(seen["momentum"] - seen["momentum"][0]).max() < 1e-13
    step = np.diff(done.trajectory.position, axis=0) - done.trajectory.velocity[1:] * TIME
    assert np.abs(step).max() < 1e-12


def test_the_papers_step_creates_energy() -> None:
    """Why the balanced heat is the default."""
    settings = conditions(integrator="euler")
    seen = rollout(lattice(100), gas(), settings, 0, progress=False).observables
    assert seen["energy"][-1] - seen["energy"][0] > 0.1 * seen["kinetic"].mean()


def driven_window(frames: int) -> Trajectory:
    """The lattice with one row of particles sliding at a constant speed."""
    window = lattice(frames)
    row = np.arange(8)
    speed = np.array([0.02, 0.0]) * LENGTH / TIME
    window.driven[:, row] = True
    window.velocity[:, row] = speed
    window.position[:, row] += speed * TIME * np.arange(frames)[:, None, None]
    return window


@pytest.mark.parametrize("substeps", [1, 3])
def test_driven_particles_follow_and_their_work_is_accounted(substeps: int) -> None:
    window = driven_window(120)
    settings = conditions(substeps=substeps)
    done = rollout(window, gas(), settings, 0, progress=False)
    assert np.allclose(done.trajectory.position[:, :8], window.position[:, :8], atol=1e-12)
    assert np.allclose(done.trajectory.velocity[:, :8], window.velocity[:, :8], atol=1e-12)
    seen = done.observables
    rest = seen["energy"] - seen["work"]
    assert abs(seen["work"][-1]) > 0.2 * seen["kinetic"].mean()
    drift = np.polyfit(np.arange(len(rest)), rest, 1)[0]
    assert abs(drift) < 5e-3 * seen["kinetic"].mean()
    assert abs(rest[-1] - rest[0]) < 0.2 * abs(seen["work"][-1])
    balance = seen["momentum"] - seen["impulse"]
    assert np.abs(balance - balance[0]).max() < 1e-12


def test_particles_come_and_go_as_in_the_data() -> None:
    window = lattice(30)
    window.present[10:20, 5] = False
    window.present[:15, 9] = False
    done = rollout(window, gas(), conditions(), 0, progress=False)
    assert np.array_equal(done.trajectory.present, window.present)
    assert done.trajectory.driven[0, 5]
    assert not done.trajectory.driven[0, 6]
    seen = done.observables
    balance = seen["momentum"] - seen["impulse"]
    assert np.abs(balance - balance[0]).max() < 1e-12
    rest = seen["energy"] - seen["work"]
    assert np.abs(rest - rest[0]).max() < 0.2 * seen["kinetic"].mean()


def colliding(meeting: int) -> Trajectory:
    """Two particles led to one place, which they reach at snapshot ``meeting``."""
    window = lattice(20)
    window.driven[:, :2] = True
    window.position[meeting:, 1] = window.position[meeting:, 0]
    return window


def test_particles_at_one_place_end_a_rollout() -> None:
    done = rollout(colliding(6), gas(), conditions(), 0, progress=False)
    assert (
        done.stopped == "Stopped after 6 of 20 snapshots: two particles came to sit on each other."
    )
    assert len(done.trajectory.time) == 6


def test_particles_at_one_place_in_the_data_are_an_error() -> None:
    with pytest.raises(Coincident, match="Particles 0 and 1 sit on each other"):
        rollout(colliding(0), gas(), conditions(), 0, progress=False)


def test_two_runs_are_two_stretches() -> None:
    window = lattice(20)
    window.run[10:] = 1
    done = rollout(window, gas(), conditions(), 0, progress=False)
    assert np.array_equal(done.trajectory.position[10], window.position[10])


def test_written_and_read_back(tmp_path) -> None:
    done = rollout(lattice(6), gas(), conditions(), 0, progress=False)
    write(tmp_path / "rollout.h5", done, {"length": LENGTH, "time": TIME}, "ours_seed0")
    back = h5md.read(tmp_path / "rollout.h5")
    assert np.allclose(back.position, done.trajectory.position)
    assert np.allclose(back.extra["temperature"], done.trajectory.extra["temperature"])
    with h5py.File(tmp_path / "rollout.h5") as file:
        assert np.allclose(file["observables/energy"][:], done.observables["energy"])
        assert file["observables"].attrs["stopped"] == ""
        assert file["observables"].attrs["length"] == LENGTH
