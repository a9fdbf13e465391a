"""Particles at one place, axes of two scales, and what is neither."""

from __future__ import annotations

import re

import numpy as np
import pytest

from pipeline.video.arrangement import arrangement

RNG = np.random.default_rng(0)


def packed(size: float = 200.0, jitter: float = 0.5) -> np.ndarray:
    """(1, M, 2) places about a triangular lattice of spacing 10, turned a little, in a square."""
    i, j = (a.ravel() for a in np.meshgrid(np.arange(-60, 60), np.arange(-60, 60)))
    places = 10.0 * np.stack([i + 0.5 * (j % 2), np.sqrt(3) / 2 * j], axis=1)
    turn = np.array([[np.cos(0.3), -np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]])
    places = places @ turn + RNG.normal(0, jitter, places.shape)
    return places[(np.abs(places) < size / 2).all(axis=1)][None]


def said(position: np.ndarray) -> list[str]:
    return arrangement(position, np.ones(position.shape[:2], bool))


@pytest.mark.parametrize("places", [packed(), packed(jitter=0.0), RNG.uniform(0, 99, (1, 900, 2))])
def test_lattices_and_gases_give_no_word(places):
    assert said(places) == []


@pytest.mark.parametrize(("shift", "share"), [(0.0, 1.0), (0.1, 1.0), (0.0, 0.1)])
def test_particles_under_two_labels_are_named(shift, share):
    places = packed()
    again = places[:, : int(share * places.shape[1])] + shift
    (word,) = said(np.concatenate([places, again], axis=1))
    assert "have another one at their very place" in word


@pytest.mark.parametrize(("axis", "names"), [(0, ("y", "x")), (1, ("x", "y"))])
def test_an_axis_in_another_unit_is_named(axis, names):
    places = packed()
    places[..., axis] *= 0.16
    (word,) = said(places)
    assert re.search(rf"if {names[0]} were [567]\.\d times shorter beside {names[1]}", word)


def test_pixels_that_are_not_square_are_no_other_unit():
    places = packed()
    places[..., 1] *= 0.75
    assert said(places) == []


def test_few_particles_tell_nothing():
    assert said(packed(40)) == []
