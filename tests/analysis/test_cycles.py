"""Oscillatory shear: the period, what a cycle undoes and what it leaves, exchanges."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.analysis.cycles import cycles, exchanges, explained, period
from pipeline.analysis.runs import runs
from pipeline.trajectory import Box, Trajectory

PERIOD, STRAIN = 40.0, 0.04


def lattice(side=12):
    """A triangular lattice of spacing 1, a little disordered."""
    y, x = np.mgrid[:side, :side].astype(float)
    r = np.stack([x + 0.5 * (y % 2), y * np.sqrt(3) / 2], axis=2).reshape(-1, 2)
    return r + np.random.default_rng(0).normal(0, 0.03, r.shape)


def sheared(rest, frames=121, noise=0.0, length=PERIOD, strain=STRAIN):
    """Positions (T, N, 2) of rest (N, 2) or (T, N, 2), sheared to and fro."""
    shear = strain * np.sin(2 * np.pi * np.arange(frames) / length)
    position = np.broadcast_to(rest, (frames, *rest.shape[-2:])).copy()
    position[..., 0] += shear[:, None] * (position[..., 1] - 5.0)
    return position + noise * np.random.default_rng(1).standard_normal(position.shape)


def trajectory(position):
    velocity = np.diff(position, axis=0, prepend=position[:1])
    present = np.ones(position.shape[:2], bool)
    present[0] = False
    count, many = present.shape
    return Trajectory(
        position=position,
        velocity=velocity,
        present=present,
        driven=np.zeros_like(present),
        time=np.arange(count, dtype=float),
        run=np.zeros(count, np.int32),
        particle=np.arange(many),
        species=np.zeros(many, np.int32),
        box=Box(np.array([16.0, 14.0]), (False, False), np.array([-2.0, -2.0])),
        attributes={"dt": 1.0, "velocity": "backward difference", "localisation_error": 0.0},
        extra={},
    )


def counted(position, found=None):
    data = trajectory(position)
    return cycles(runs(data), found or period(data), 1.5, 0.015)


@pytest.mark.parametrize("length", [23.4, 40.0, 77.0])
def test_period_and_strain_are_found(length):
    found = period(trajectory(sheared(lattice(), noise=0.01, length=length)))
    assert found.intervals == pytest.approx(length, rel=0.01)
    assert found.strain == pytest.approx(STRAIN, rel=0.03)
    assert found.source == "found"


def test_the_share_that_a_sine_explains_is_that_of_least_squares():
    rng = np.random.default_rng(0)
    time = np.flatnonzero(rng.random(150) < 0.8)
    rate = np.sin(time / 7.0) + rng.normal(size=len(time))
    rate -= rate.mean()
    frequency = np.linspace(0.01, 0.25, 400)
    found = explained(time - time[0], rate, frequency)
    for share, each in zip(found, frequency, strict=True):
        phase = 2 * np.pi * each * time
        basis = np.column_stack([np.cos(phase), np.sin(phase), np.ones(len(time))])
        left = rate - basis @ np.linalg.lstsq(basis, rate, rcond=None)[0]
        assert share == pytest.approx(1 - left.var() / rate.var(), abs=1e-12)


def test_what_is_not_sheared_has_no_period():
    rng = np.random.default_rng(2)
    walk = lattice() + np.cumsum(rng.normal(0, 0.02, (200, 144, 2)), axis=0)
    assert period(trajectory(walk)) is None
    assert period(trajectory(walk[:9])) is None
    assert "not sheared to and fro" in counted(walk).missing
    given = period(trajectory(walk), 40.0)
    assert (given.intervals, given.source) == (40.0, "given")


def test_an_elastic_sample_rearranges_nothing_and_comes_back():
    found = counted(sheared(lattice()))
    assert found.data["start"].tolist() == [1, 41]
    for name in ("reversible", "irreversible", "exchanges", "exchanges_half", "displacement"):
        np.testing.assert_allclose(found.data[name], 0.0, atol=1e-12)


def swapped(rest, when):
    """A pair of neighbours in the middle turned by 90 degrees at the times ``when``."""
    near = np.linalg.norm(rest - rest.mean(axis=0), axis=1)
    i = int(near.argmin())
    j = int(np.argsort(np.linalg.norm(rest - rest[i], axis=1))[1])
    middle, half = (rest[i] + rest[j]) / 2, (rest[i] - rest[j]) / 2
    turned = np.array([-half[1], half[0]])
    position = np.broadcast_to(rest, (121, *rest.shape)).copy()
    position[when, i], position[when, j] = middle + turned, middle - turned
    return position


def test_rearrangements_that_are_undone_are_told_from_those_that_stay():
    rest, time = lattice(), np.arange(121)
    undone = counted(sheared(swapped(rest, (time % 40 > 10) & (time % 40 < 30))))
    assert (undone.data["reversible"] > 0.01).all()
    np.testing.assert_allclose(undone.data["irreversible"], 0.0, atol=1e-12)
    stays = counted(sheared(swapped(rest, (time > 10) & (time < 60))))
    assert (stays.data["irreversible"] > 0.01).all()  # there in the first, back in the second
    np.testing.assert_allclose(stays.data["reversible"], 0.0, atol=1e-12)
    assert (stays.data["displacement"] > 0.01).all()


def square():
    """Four particles in a diamond among others far around: one bond, across the short diagonal."""
    ring = 4 * np.stack([np.cos(a := np.arange(12) * np.pi / 6), np.sin(a)], axis=1)
    return np.concatenate([[[0.5, 0], [-0.5, 0], [0, 0.85], [0, -0.85]], ring])


def test_an_exchange_of_neighbours_is_counted_once_and_either_way():
    before = square()
    after = before.copy()
    after[:4] = [[0.85, 0], [-0.85, 0], [0, 0.5], [0, -0.5]]
    everyone = np.ones(len(before), bool)
    assert exchanges(before, before, everyone, everyone, 2.0) == (0, 16)
    assert exchanges(before, after, everyone, everyone, 2.0)[0] == 1
    assert exchanges(after, before, everyone, everyone, 2.0)[0] == 1
    led = everyone.copy()
    led[:4] = False
    assert exchanges(before, after, everyone, led, 2.0)[0] == 0


def test_diagonals_that_are_nearly_alike_do_not_flicker():
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:10, :10].astype(float)
    grid = np.stack([x, y], axis=2).reshape(-1, 2)  # every square could be cut either way
    one, other = (grid + rng.normal(0, 0.005, grid.shape) for _ in range(2))
    everyone = np.ones(100, bool)
    assert exchanges(one, other, everyone, everyone, 2.0)[0] == 0


def test_a_run_shorter_than_a_period_says_so():
    data = trajectory(sheared(lattice()))
    short = data.window(slice(0, 30))
    assert "No run holds a whole period" in cycles(runs(short), period(data), 1.5, 0.015).missing
