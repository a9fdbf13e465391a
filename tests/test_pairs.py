"""Neighbour search against scipy's tree and brute force; the two sums; the skin list."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pipeline import pairs as pr
from pipeline import space as sp


def as_set(i, j):
    return {(min(a, b), max(a, b)) for a, b in zip(i.tolist(), j.tolist(), strict=True)}


def test_sheared_images_against_brute_force():
    rng = np.random.default_rng(2)
    space, time = sp.lees_edwards([1.0, 1.2, 0.9], 0.7), 3.3
    r = rng.uniform(0, 1, (80, 3)) * [1.0, 1.2, 0.9]
    found = pr.find(torch.from_numpy(r), space, 0.25, time)
    expected = {}
    for nx, ny, nz in np.ndindex(5, 3, 3):
        n = np.array([nx - 2, ny - 1, nz - 1])
        shift = n * [1.0, 1.2, 0.9] + [n[1] * space.offset(time), 0, 0]
        r_ij = r[:, None] - r[None] - shift
        close = np.argwhere((np.linalg.norm(r_ij, axis=2) < 0.25) & ~np.eye(80, dtype=bool))
        expected |= {(a, b): (r_ij[a, b], n[1] * 0.7 * 1.2) for a, b in close if a != b}
    assert 2 * len(found.i) == len(expected)
    r_ij = (found.e * found.r[:, None]).numpy()
    for k, pair in enumerate(zip(found.i.tolist(), found.j.tolist(), strict=True)):
        np.testing.assert_allclose(r_ij[k], expected[pair][0], atol=1e-12)
        assert found.boost is not None
        assert float(found.boost[k, 0]) == pytest.approx(expected[pair][1])


def test_odd_sums_cancel_and_even_sums_double():
    r = torch.rand(50, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    pairs = pr.find(r, sp.free(2), 0.4)
    x = torch.randn(len(pairs.i), 2, dtype=torch.float64)
    assert float(pr.sum_odd(pairs, x).sum(0).abs().max()) < 1e-12
    torch.testing.assert_close(pr.sum_even(pairs, x).sum(0), 2 * x.sum(0))


@pytest.mark.parametrize("rate", [0.0, 0.4])
def test_the_skin_list_gives_the_pairs_of_a_fresh_search(rate):
    generator = torch.Generator().manual_seed(4)
    space = sp.lees_edwards([1.0, 1.0], rate) if rate else sp.periodic([1.0, 1.0])
    r = torch.rand(200, 2, dtype=torch.float64, generator=generator)
    listed = pr.NeighbourList(space, 0.15, 0.05)
    for step in range(60):
        pairs = listed.pairs(r, time=0.01 * step)
        fresh = pr.find(r, space, 0.15, time=0.01 * step)
        assert as_set(pairs.i, pairs.j) == as_set(fresh.i, fresh.j)
        r = r + 0.001 * torch.randn(r.shape, dtype=r.dtype, generator=generator)
    assert listed.searches < 20


def test_coincident_particles_are_named():
    r = torch.tensor([[0.1, 0.1], [0.5, 0.5], [0.5, 0.5]], dtype=torch.float64)
    with pytest.raises(ValueError, match="Particles 1 and 2 sit on each other"):
        pr.find(r, sp.free(2), 0.3)
