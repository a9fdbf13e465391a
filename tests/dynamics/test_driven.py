"""Driven particles follow the data, and what that takes is accounted.

Rollouts under a body force and in a sheared box: what drives them is accounted.

Paths of driven particles keep what is slow, and let free particles keep their temperature.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from pipeline.dynamics.driven import CYCLES, forgotten, lead, thermal_period
from pipeline.dynamics.rollout import Rollout, rollout
from pipeline.trajectory import Box, Trajectory
from pipeline.units import ReducedUnits
from tests.dynamics.systems import CUTOFF, LENGTH, SIDE, TIME, conditions, gas, lattice, simulated

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


UNITS = ReducedUnits(LENGTH, TIME)


def opened(window: Trajectory, **changes) -> Trajectory:
    """The same in an open field of view."""
    box = Box(window.box.lengths, (False, False), np.zeros(2))
    return window._replace(box=box, **changes)


def swaying(frames: int, slow: float, fast: float) -> tuple[Trajectory, np.ndarray, np.ndarray]:
    """An open lattice whose driven row sways with two periods [snapshots]: (T,) each."""
    window, t = lattice(frames), np.arange(frames)
    waves = [0.2 * np.sin(2 * np.pi * t / slow), 0.1 * np.sin(2 * np.pi * t / fast)]
    row = np.arange(8)
    driven, position = window.driven.copy(), window.position.copy()
    driven[:, row] = True
    position[:, row, 0] += sum(waves)[:, None] * LENGTH
    return opened(window, position=position, driven=driven), *waves


def share(path: np.ndarray, wave: np.ndarray) -> float:
    """How much of a wave a path (T,) contains, away from its ends."""
    middle = slice(60, -60)
    return float(np.polyfit(wave[middle], path[middle], 1)[0])


def test_a_driven_path_keeps_the_slow_and_loses_the_fast() -> None:
    window, slow, fast = swaying(480, slow=120.0, fast=12.0)
    led = lead(window, UNITS, thermal_period=12.0)
    path = led.r[:, 3, 0] - led.r[:, 3, 0].mean()
    assert share(path, slow) == pytest.approx(1.0, abs=0.01)
    assert abs(share(path - slow, fast)) < 0.02
    assert np.allclose(led.v[1:, 3], np.diff(led.r[:, 3], axis=0), atol=1e-12)
    assert np.allclose(led.r[:, 20], window.position[:, 20] / LENGTH)
    raw = lead(window, UNITS, thermal_period=None)
    assert np.allclose(raw.r[:, :8], window.position[:, :8] / LENGTH)
    assert 12.0 * CYCLES < 120.0


def test_free_particles_lose_their_localisation_error_only() -> None:
    """A slow motion seen with error: what is left of the error is a fraction of it."""
    sigma, random = 0.02, np.random.default_rng(0)
    window = lattice(200)
    t = np.arange(200)[:, None, None]
    motion = 0.2 * np.sin(2 * np.pi * t / 50 + random.uniform(0, 7, (1, 64, 2)))
    exact = window.position + motion * LENGTH
    seen = exact + sigma * LENGTH * random.normal(size=exact.shape)
    attributes = {**window.attributes, "localisation_error": sigma * LENGTH}
    led = lead(opened(window, position=seen, attributes=attributes), UNITS, None)
    before = np.std(seen - exact) / LENGTH
    after = np.std(led.r - exact / LENGTH)
    assert before == pytest.approx(sigma, rel=0.02)
    assert after < 0.5 * before
    speed = np.std(led.v[1:] - np.diff(exact, axis=0) / LENGTH)
    assert speed < 0.15 * math.sqrt(2) * sigma


def test_who_is_missed_for_a_moment_in_a_closed_container_stays_free() -> None:
    """Led, it would do work on the others: see how much an open view books for it."""
    present = np.ones((40, 64), bool)
    present[10:14, 20] = False
    present[:35, 40] = False  # lost and found again under another label
    seen = opened(lattice(40), present=present)
    closed, cut = run(seen.noting(edge={"closed": True})), run(seen)
    assert not closed.trajectory.driven.any()
    counts = closed.trajectory.present.sum(axis=0).tolist()
    assert counts == [40] * 20 + [36] + [40] * 19 + [0] + [40] * 23
    assert closed.observables["work"].tolist() == [0.0] * 40
    assert cut.trajectory.driven[:, 20].all()
    assert cut.trajectory.free[:, 40].sum() == 0
    assert np.abs(cut.observables["work"]).max() > 0


@pytest.mark.parametrize(("omega", "gamma"), [(0.2, 0.05), (0.3, 0.3), (0.15, 0.1)])
def test_thermal_period_of_damped_oscillators(omega: float, gamma: float) -> None:
    """Langevin's: the velocity correlation cos(w t) - (gamma / 2 w) sin(w t), damped, and its zero.

    w^2 = omega^2 - gamma^2 / 4.
    """
    frames, steps, random = 1500, 20, np.random.default_rng(3)
    window = lattice(frames)
    x, v = random.normal(size=(2, 64, 2)) * np.array([1 / omega, 1.0])[:, None, None]
    dt, velocity = 1 / steps, np.zeros((frames, 64, 2))
    for k in range(frames * steps):
        kick = math.sqrt(2 * gamma * dt) * random.normal(size=v.shape)
        v = v - (omega**2 * x + gamma * v) * dt + kick
        x = x + v * dt
        if k % steps == 0:
            velocity[k // steps] = v
    w = math.sqrt(omega**2 - gamma**2 / 4)
    zero = math.atan2(w, gamma / 2) / w
    found = thermal_period(window._replace(velocity=0.01 * velocity), slice(0, frames))
    assert found is not None
    assert found / 4 == pytest.approx(math.ceil(zero), abs=1)


@pytest.mark.parametrize("memory", [0.6, 0.8, 0.9])
def test_velocities_are_forgotten_when_their_memory_says(memory: float) -> None:
    """Of exp(-t / tau) an e-th of what is left at lag 2 is there tau later."""
    frames, random = 2000, np.random.default_rng(5)
    velocity = np.zeros((frames, 64, 2))
    for t in range(1, frames):
        velocity[t] = memory * velocity[t - 1] + 0.1 * random.normal(size=(64, 2))
    found = forgotten(lattice(frames)._replace(velocity=velocity), slice(0, frames))
    assert found == pytest.approx(math.ceil(2 - 1 / math.log(memory)), abs=1)


def test_motion_without_oscillation_has_no_period() -> None:
    frames, random = 400, np.random.default_rng(4)
    velocity = np.zeros((frames, 64, 2))
    for t in range(1, frames):
        velocity[t] = 0.995 * velocity[t - 1] + 0.1 * random.normal(size=(64, 2))
    assert thermal_period(lattice(frames)._replace(velocity=velocity), slice(0, frames)) is None


def test_led_edges_leave_the_temperature_alone_and_jittering_ones_heat() -> None:
    """Equilibrium seen through a window: the model that made it goes on at its temperature."""
    side, frames = 12, 120
    made = simulated(frames, side=side, before=120)
    whole = made.trajectory
    # Unwrapped paths of the particles that start in the box, as a camera would have them.
    corner = np.floor(whole.position[0] / (side * LENGTH)) * side * LENGTH
    position = whole.position - corner
    edge = (np.abs(position[0] - side * LENGTH / 2) > (side / 2 - 1.05 * CUTOFF) * LENGTH).any(1)
    window = opened(whole, position=position, driven=np.repeat(edge[None], frames, 0), extra={})
    period = thermal_period(window, slice(0, frames))
    held = float(whole.extra["temperature"].mean())
    ratio = {}
    for name, slow in (("led", period), ("raw", None)):
        settings = conditions(side**2, temperature=held, thermal_period=slow)
        done = rollout(window, gas(), settings, 0, progress=False)
        assert done.stopped == ""
        late = done.observables["temperature"][frames // 2 :].mean()
        ratio[name] = late / made.observables["temperature"].mean()
    assert period is not None
    assert ratio["led"] == pytest.approx(1.0, abs=0.1)
    assert ratio["raw"] > 1.2
