"""The clock of the simulated monolayer: splitting steps between frames, compiled."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from pipeline.simulate.forces import pair_force, pair_friction
from pipeline.simulate.neighbours import outgrown, renewed


class Sample(NamedTuple):
    """The state of N particles; r is unwrapped. The arrays are advanced in place."""

    r: np.ndarray  # (N, 2) a
    v: np.ndarray  # (N, 2) a/frame
    strength: np.ndarray  # (N,) s, the factor in the force
    mobile: np.ndarray  # (N,) 1/m: 1.0, or 0.0 for frozen and driven particles
    needle: np.ndarray  # (N,) bool, driven with the velocity of the drive


class Drive(NamedTuple):
    """The needle moves as amplitude sin(frequency t) along x and shears the channel above it.

    The channel flow u(y) is linear: zero at y = wall, the needle's velocity at y = wall + height.
    """

    amplitude: float  # a
    frequency: float  # 1/frame
    wall: float  # a
    height: float  # a


class Span(NamedTuple):
    """steps of length dt (frames) from time start (frames) on."""

    start: float
    dt: float
    steps: int


@njit(cache=True)
def advance(sample, neighbours, law, drive, span, rng):
    """Splitting steps A B O B A over a span of time, in place; returns the current Verlet list.

    A: drift by dt/2. B: kick by dt/2 of the pair forces. O: drag and pair friction with their
    noise, each exact over dt. The needle stands where the drive says after every drift.
    Stationary averages are right to second order in dt
    (Leimkuhler and Matthews, Appl. Math. Res. Express 2013, 34).

    rng: a numpy Generator, the only source of noise.
    """
    r, v, dt = sample.r, sample.v, span.dt
    force, near = np.empty_like(r), np.empty((neighbours.pairs.i.size, 3))
    for step in range(span.steps):
        time = span.start + step * dt
        drift(sample, drive, time, 0.5 * dt)
        if outgrown(neighbours, r):
            neighbours = renewed(neighbours, r)
            near = np.empty((neighbours.pairs.i.size, 3))
        close = pair_force(r, sample.strength, law, neighbours.pairs, force, near)
        kick(sample, force, 0.5 * dt)
        channel_drag(sample, law, drive, time + 0.5 * dt, dt, rng)
        pair_friction(v, sample.mobile, law, neighbours.pairs, near, close, dt, rng)
        kick(sample, force, 0.5 * dt)
        drift(sample, drive, time + 0.5 * dt, 0.5 * dt)
    return neighbours


@njit(cache=True)
def kick(sample, force, dt):
    """v += f dt / m."""
    for i in range(force.shape[0]):
        sample.v[i, 0] += dt * sample.mobile[i] * force[i, 0]
        sample.v[i, 1] += dt * sample.mobile[i] * force[i, 1]


@njit(cache=True)
def drift(sample, drive, time, dt):
    """Moves everything by v dt, and the needle exactly as the drive does from time to time + dt."""
    phase, end = drive.frequency * time, drive.frequency * (time + dt)
    stride = drive.amplitude * (np.sin(end) - np.sin(phase))
    speed = drive.amplitude * drive.frequency * np.cos(end)
    for i in range(sample.r.shape[0]):
        if sample.needle[i]:
            sample.r[i, 0] += stride
            sample.v[i, 0] = speed
        else:
            sample.r[i, 0] += dt * sample.v[i, 0]
            sample.r[i, 1] += dt * sample.v[i, 1]


@njit(cache=True)
def channel_drag(sample, law, drive, time, dt, rng):
    """Relaxes mobile particles towards the linear channel flow at rate drag, with its noise."""
    if law.drag == 0.0:
        return
    keep = np.exp(-law.drag * dt)
    noise = np.sqrt(law.kT * (1.0 - keep * keep))
    speed = drive.amplitude * drive.frequency * np.cos(drive.frequency * time)
    for i in range(sample.r.shape[0]):
        if sample.mobile[i] > 0.0:
            flow = speed * (sample.r[i, 1] - drive.wall) / drive.height
            sample.v[i, 0] = flow + keep * (sample.v[i, 0] - flow) + noise * rng.standard_normal()
            sample.v[i, 1] = keep * sample.v[i, 1] + noise * rng.standard_normal()


@njit(cache=True)
def quench(r, strength, law, neighbours, steps, mobility, cap):
    """Overdamped descent, in place: r += mobility f, at most cap (a) per step."""
    force, near = np.empty_like(r), np.empty((neighbours.pairs.i.size, 3))
    for _ in range(steps):
        if outgrown(neighbours, r):
            neighbours = renewed(neighbours, r)
            near = np.empty((neighbours.pairs.i.size, 3))
        pair_force(r, strength, law, neighbours.pairs, force, near)
        for i in range(r.shape[0]):
            size = mobility * np.hypot(force[i, 0], force[i, 1])
            r[i] += mobility * force[i] * min(1.0, cap / (size + 1e-300))
