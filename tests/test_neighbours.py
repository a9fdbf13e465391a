"""Neighbour search against scipy's tree and brute force."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree

from pipeline import neighbours as nb
from pipeline import space as sp
from pipeline.errors import InputError


def as_set(i, j):
    return {(min(a, b), max(a, b)) for a, b in zip(i.tolist(), j.tolist(), strict=True)}


@pytest.mark.parametrize("dimension", [2, 3])
@pytest.mark.parametrize("kind", ["free", "periodic", "channel"])
def test_search_finds_the_pairs_of_a_tree(dimension, kind):
    rng = np.random.default_rng(1)
    r = rng.uniform(0, 1, (300, dimension))
    axes = {"free": [False] * 3, "periodic": [True] * 3, "channel": [True, False, False]}[kind]
    space = sp.periodic([1.0] * dimension, axes[:dimension])
    # A tree of scipy takes 0 as "not periodic".
    tree = cKDTree(r, boxsize=[1.0 if on else 0.0 for on in axes[:dimension]])
    i, j, shift = nb.search(r, space, 0.2)
    assert len(i) == len(as_set(i, j))
    assert as_set(i, j) == as_set(*tree.query_pairs(0.2, output_type="ndarray").T)
    distance = np.linalg.norm(r[i] - r[j] - shift, axis=1)
    assert (distance < 0.2).all()


def test_a_cutoff_too_long_for_the_box_is_refused():
    with pytest.raises(ValueError, match="exceeds half the shortest periodic box"):
        nb.search(np.zeros((2, 2)), sp.periodic([1.0, 1.0]), 0.6)


@pytest.mark.parametrize("dimension", [2, 3])
def test_a_cutoff_that_makes_everyone_neighbours_is_refused_before_they_are_listed(dimension):
    r = np.random.default_rng(0).random((200_000, dimension))
    with pytest.raises(InputError, match="neighbours, more than"):
        nb.search(r, sp.free(dimension), 0.9)
    few = nb.search(r[:300], sp.free(dimension), 0.9)[0]  # the same, of few particles
    assert len(few) > 30_000
    assert len(nb.search(r, sp.free(dimension), 1e-3)[0]) < 5e7
