"""Graph networks: what symmetry they have, and that momentum is not among their laws."""

from __future__ import annotations

import pytest
import torch

from pipeline.baselines import build
from pipeline.pairs import Pairs, State, find
from pipeline.space import free, lees_edwards, periodic

SETTINGS = {
    "dimension": 2,
    "cutoff": 1.5,
    "width": 8,
    "layers": 2,
    "velocity": 0.1,
    "acceleration": 0.01,
}


def network(kind: str = "gns_sde"):
    torch.manual_seed(1)
    return build({"kind": kind, **SETTINGS}).double()


def system(n: int = 40, seed: int = 0) -> State:
    generator = torch.Generator().manual_seed(seed)
    r = 6.0 * torch.rand((n, 2), generator=generator, dtype=torch.float64)
    v = 0.1 * torch.randn((n, 2), generator=generator, dtype=torch.float64)
    return State(r, v, torch.zeros(n, dtype=torch.float64))


def pairs_of(state: State) -> Pairs:
    return find(state.r, periodic((6.0, 6.0)), SETTINGS["cutoff"])


def test_translations_change_nothing() -> None:
    model, state = network(), system()
    moved = state._replace(r=state.r + torch.tensor([1.7, -2.9], dtype=torch.float64))
    here, there = (model.dynamics(x, pairs_of(x)) for x in (state, moved))
    assert torch.allclose(here.dv, there.dv, atol=1e-12)
    assert torch.allclose(here.amplitude, there.amplitude, atol=1e-12)


def test_permuted_particles_have_permuted_accelerations() -> None:
    model, state = network(), system()
    order = torch.randperm(len(state.r), generator=torch.Generator().manual_seed(3))
    other = State(*(x[order] for x in state))
    here, there = (model.dynamics(x, pairs_of(x)) for x in (state, other))
    assert torch.allclose(here.dv[order], there.dv, atol=1e-12)


def test_the_order_of_a_pair_does_not_matter() -> None:
    model, state = network(), system()
    pairs = pairs_of(state)
    turned = Pairs(pairs.j, pairs.i, pairs.r, -pairs.e, None, pairs.n)
    here, there = (model.dynamics(state, x) for x in (pairs, turned))
    assert torch.allclose(here.dv, there.dv, atol=1e-12)


def test_messages_reach_as_far_as_there_are_layers() -> None:
    """In a chain, two layers carry what happens two cutoffs away and no farther."""
    model, n = network("gns"), 8
    r = torch.stack((1.2 * torch.arange(n), torch.zeros(n)), 1).double()
    state = State(r, torch.zeros_like(r), r[:, 0] * 0)
    pairs = find(r, free(2), SETTINGS["cutoff"])
    pushed = state._replace(v=state.v.index_fill(0, torch.tensor([0]), 0.1))
    change = (model.dynamics(pushed, pairs).dv - model.dynamics(state, pairs).dv).abs().amax(1)
    assert bool((change[:3] > 0).all())
    assert bool((change[3:] == 0).all())


def test_noise_has_the_scored_covariance() -> None:
    model, state = network(), system()
    motion = model.dynamics(state, pairs_of(state))
    generator = torch.Generator().manual_seed(0)
    shape = (4000, *motion.amplitude.shape)
    draws = torch.randn(shape, generator=generator, dtype=torch.float64)
    sampled = torch.stack([model.fluctuation(motion, x) for x in draws]).var(0)
    exact = model.covariance(motion).diagonal(dim1=1, dim2=2)
    assert float((sampled / exact).mean()) == pytest.approx(1.0, abs=0.01)


def test_scales_must_be_measured() -> None:
    with pytest.raises(ValueError, match="acceleration"):
        build({"kind": "gns", **SETTINGS, "acceleration": 0.0})
    with pytest.raises(ValueError, match="choose one of"):
        build({"kind": "gnn", **SETTINGS})


def test_sliding_images_are_all_alike() -> None:
    model, state = network(), system()
    box, time = lees_edwards((6.0, 6.0), 0.05), 7.0
    image = torch.zeros_like(state.r)
    image[:5] = torch.tensor([box.offset(time), 6.0], dtype=torch.float64)
    v = state.v.clone()
    v[:5, 0] += 0.05 * 6.0
    other = State(state.r + image, v, state.S)
    here, there = (
        model.dynamics(x, find(x.r, box, SETTINGS["cutoff"], time)) for x in (state, other)
    )
    assert torch.allclose(here.dv, there.dv, atol=1e-12)
