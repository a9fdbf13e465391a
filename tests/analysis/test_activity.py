"""Who drives himself is called active, who is moved by heat, springs or flows is not."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.analysis.activity import activity, by_heat
from pipeline.trajectory import Box, Trajectory

N, STEPS, SIDE = 150, 120, 100.0
EVEN = 0.03  # see `pipeline.report.claims`


def film(position: np.ndarray, periodic: bool = False) -> Trajectory:
    known = np.ones(position.shape[:2], bool)
    return Trajectory(
        position=position,
        velocity=np.diff(position, axis=0, prepend=position[:1]),
        present=known,
        driven=~known,
        time=np.arange(len(position)) * 1.0,
        run=np.zeros(len(position), np.int32),
        particle=np.arange(position.shape[1]),
        species=np.full(position.shape[1], -1, np.int32),
        box=Box(np.full(2, SIDE), (periodic, periodic), np.zeros(2)),
        attributes={"dt": 1.0, "velocity": "backward difference", "localisation_error": 0.0},
        extra={},
    )


def swum(speed: float, turning: float, seed: int, D: float = 0.5) -> np.ndarray:
    """Active Brownian particles, `turning` the rotational diffusion: exact for constant heading."""
    rng = np.random.default_rng(seed)
    angle = rng.uniform(0, 7, N) + np.cumsum(
        np.sqrt(2 * turning) * rng.normal(size=(STEPS, N)), axis=0
    )
    step = speed * np.stack([np.cos(angle), np.sin(angle)], -1)
    step += np.sqrt(2 * D) * rng.normal(size=step.shape)
    return rng.uniform(0, SIDE, (N, 2)) + np.cumsum(step, axis=0)


def heated(kind: str, seed: int) -> np.ndarray:
    """Passive motion: diffusion, Langevin, springs, sizes that differ, hard walls, and flows."""
    rng = np.random.default_rng(seed)
    start = rng.uniform(0, SIDE, (N, 2))
    noise = rng.normal(size=(STEPS, N, 2))
    if kind == "langevin":
        v, path = rng.normal(size=(N, 2)), np.zeros((STEPS, N, 2))
        for t in range(STEPS):
            v = 0.9 * v + (1 - 0.81) ** 0.5 * noise[t]
            path[t] = v
        return start + np.cumsum(path, axis=0)
    if kind in ("trap", "walls"):
        x, path = rng.normal(size=(N, 2)), np.zeros((STEPS, N, 2))
        for t in range(STEPS):
            x = 0.8 * x + 0.6 * noise[t] if kind == "trap" else x + 0.3 * noise[t]
            x = x if kind == "trap" else 1 - np.abs((x + 1) % 4 - 2)
            path[t] = x
        return start + path
    if kind == "sizes":
        noise = noise * rng.choice([0.5, 1.5], N)[:, None]
    path = start + np.cumsum(noise, axis=0)
    t = np.arange(STEPS)[:, None]
    if kind == "drift":
        path[..., 0] += 5.0 * t
    if kind == "shear":
        path[..., 0] += 0.1 * (path[..., 1] - SIDE / 2) * t
    if kind == "stirred":
        c, s = np.cos(0.1 * t), np.sin(0.1 * t)
        x, y = np.moveaxis(path - SIDE / 2, -1, 0)
        path = np.stack([c * x - s * y, s * x + c * y], -1)
    return path


def called_active(seen: Trajectory) -> tuple[bool, dict[str, float]]:
    found, heat = activity(seen), by_heat(2)
    return found["drive_alike"] > heat + EVEN and found["drive_alike_low"] > heat, found


@pytest.mark.parametrize("turning", [0.0, 0.01, 0.1])
@pytest.mark.parametrize("speed", [1.0, 3.0])
def test_swimmers_are_active_and_their_speed_is_found(speed: float, turning: float) -> None:
    active, found = called_active(film(swum(speed, turning, 0) % SIDE, periodic=True))
    assert active
    # Directions that turn meanwhile take a few percent of it.
    assert found["drive_speed"] == pytest.approx(speed, rel=0.12)
    assert found["drive_speed_low"] < found["drive_speed"] < found["drive_speed_high"]


@pytest.mark.parametrize(
    "kind", ["diffusion", "langevin", "trap", "walls", "sizes", "drift", "shear", "stirred"]
)
def test_heat_is_not_active(kind: str) -> None:
    assert [called_active(film(heated(kind, seed)))[0] for seed in range(5)] == [False] * 5
