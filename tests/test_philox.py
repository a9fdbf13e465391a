from __future__ import annotations

import numpy as np
import pytest

from pipeline.philox import normals, pair_normals, philox

# Known answers of philox4x32-10 published with Random123 (Salmon et al. 2011).
PI = (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344)
KNOWN = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    (
        (0xFFFFFFFF,) * 4,
        (0xFFFFFFFF,) * 2,
        (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD),
    ),
    (PI, (0xA4093822, 0x299F31D0), (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1)),
]


@pytest.mark.parametrize(("counter", "key", "words"), KNOWN)
def test_words_are_the_published_ones(counter, key, words):
    assert tuple(philox(np.array(counter)[:, None], key)[:, 0].tolist()) == words


def test_normals_are_standard_and_independent():
    i = np.arange(1, 200_001)
    z = pair_normals(3, 7, i, i + 1)
    assert np.allclose(np.cov(z), np.eye(4), atol=0.015)
    assert np.allclose(z.mean(1), 0.0, atol=0.01)
    assert np.allclose((z**4).mean(1), 3.0, atol=0.1)
    assert np.isfinite(normals(np.array([[0], [0], [2**32 - 1], [2**32 - 1]]))).all()


def test_a_pair_listed_the_other_way_round_gets_the_opposite():
    i, j = np.array([5, 2, 9]), np.array([3, 7, 1])
    assert np.array_equal(pair_normals(1, 2, i, j), -pair_normals(1, 2, j, i))


def test_steps_seeds_and_partners_differ():
    one = np.array([1])
    base = pair_normals(1, 2, one, one + 1)
    others = [
        pair_normals(1, 3, one, one + 1),
        pair_normals(1, 2**32 + 2, one, one + 1),
        pair_normals(2, 2, one, one + 1),
        pair_normals(2**32 + 1, 2, one, one + 1),
        pair_normals(1, 2, one, one + 2),
    ]
    assert all(np.abs(base - other).min() > 1e-6 for other in others)
