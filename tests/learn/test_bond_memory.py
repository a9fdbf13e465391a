"""Bonds that remember: their directions, their moduli, and what is found of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pipeline import graphs
from pipeline.closures.reference import Reference, reference
from pipeline.learn.bond_memory import remember, unit
from pipeline.learn.bond_residuals import directions, gather
from pipeline.learn.learner import Learner
from pipeline.learn.refinement import refine
from pipeline.learn.settings import Training
from pipeline.learn.task import Task, prepare
from pipeline.pairs import find
from pipeline.simulate.elastic_network import lattice
from pipeline.simulate.replicated import Branch, ElasticNetwork
from pipeline.space import periodic
from pipeline.split import Split

SETTINGS = Training(
    split=Split(train=0.7, validation=0.25),
    heat_capacity=1e6,
    entropy_weight=0.0,
    strength=False,
    localisation="none",
    precision="float64",
)
NETWORK = ElasticNetwork(columns=8, rows=8, relaxation=200)
BRANCH = Branch(stiffness=50.0, time=0.1)


def started(network: ElasticNetwork, seed: int) -> Task:
    made = network.simulate(seed)
    return prepare(made, graphs.build(made, cutoff=1.4), SETTINGS, 0)


def springs(cutoff: float) -> Reference:
    body = lattice(6, 6)
    place, box = torch.from_numpy(body.places), periodic(body.sides)
    return reference(find(place, box, cutoff), cutoff, box)


def test_bonds_of_the_lattice_have_its_moduli() -> None:
    found = dict(unit(springs(1.4)))
    assert found["shear"] == pytest.approx(NETWORK.shear_modulus / NETWORK.stiffness)
    assert found["bulk"] == pytest.approx(NETWORK.bulk_modulus / NETWORK.stiffness)


@pytest.mark.parametrize("cutoff", [1.4, 1.9])
def test_what_bonds_do_is_told_from_their_ends(cutoff: float) -> None:
    """R = B phi gives back s V^T phi: as large as B's part of phi, and nothing where B has none."""
    bonds = springs(cutoff)
    U, s = directions(bonds)
    generator = torch.Generator().manual_seed(0)
    phi = torch.randn(len(bonds.bonds.i), generator=generator, dtype=torch.float64)
    force = (bonds.relative_weight.sqrt() * phi)[:, None] * bonds.bonds.e
    R = torch.zeros((36, 2), dtype=torch.float64)
    R.index_add_(0, bonds.bonds.i, force).index_add_(0, bonds.bonds.j, -force)
    assert len(s) == 70  # all but the body as a whole
    np.testing.assert_allclose(U @ (U.T @ R.numpy().ravel()), R.numpy().ravel(), atol=1e-12)
    # Changes of length of unit velocities are the same numbers, the other way round.
    v = torch.randn((36, 2), generator=generator, dtype=torch.float64)
    along = bonds.relative_weight.sqrt() * (bonds.bonds.difference(v) * bonds.bonds.e).sum(1)
    assert np.square(s * (U.T @ v.numpy().ravel())).sum() == pytest.approx(
        float(along.square().sum())
    )


def test_more_noise_of_the_bonds_has_more_friction() -> None:
    task = started(NETWORK.replace(frames=60), 0)
    own, times = task.learner, task.sample.times
    assert isinstance(own, Learner)
    before = gather(own, task.snapshots, times)
    own.model.friction.amplify(momentum=0.5)
    after, more = gather(own, task.snapshots, times), np.exp(0.5) - 1
    expected = before.residual + more * before.middle
    np.testing.assert_allclose(after.residual, expected, rtol=1e-5, atol=1e-9)
    np.testing.assert_allclose(after.scaled, before.scaled * np.exp(0.5), rtol=1e-6)
    np.testing.assert_allclose(after.rate, before.rate + more * before.rate, rtol=1e-6)


def test_bonds_of_led_particles_and_of_few_snapshots_are_not_looked_at() -> None:
    made = NETWORK.replace(frames=60).simulate(0)
    led = made.driven.copy()
    led[:, :8] = True
    for trajectory, said in ((made._replace(driven=led), "led"), (made, "14 snapshots")):
        task = prepare(trajectory, graphs.build(trajectory, cutoff=1.4), SETTINGS, 0)
        assert isinstance(task.learner, Learner)
        validation = task.sample.times if said == "led" else task.validation
        told = remember(task.learner, task.sample, validation)
        assert told["modes"] == 0
        assert said in told["why"]


@pytest.mark.slow
@pytest.mark.parametrize("branches", [(BRANCH,), ()])
def test_a_branch_is_found_where_there_is_one(branches: tuple[Branch, ...]) -> None:
    network = NETWORK.replace(frames=900, branches=branches)
    task = started(network, 3)
    assert isinstance(task.learner, Learner)
    assert refine(task)
    told = remember(task.learner, task.sample, task.validation)
    assert told["modes"] == len(branches)
    memory = task.learner.model.memory
    assert (memory is not None) == bool(branches)
    if not branches:
        return
    assert task.learner.model.settings()["closures"]["memory"] == {"kind": "bonds", "modes": 1}
    # What bonds foresee is taken off: no step remembers the one before, as it did without them.
    left = task.learner.tested(task.snapshots, task.validation)["residuals"]
    assert abs(left["memory"][0]) < 4 * left["memory"][1]
    assert left["chi2"][0] == pytest.approx(1, abs=0.05)
    units = task.snapshots.units
    known = network.relaxing_moduli[0]
    for name, scale in (("time", units.time), ("shear", units.time**-2), ("bulk", units.time**-2)):
        value, low, high = (scale * told[name][end][0] for end in ("value", "low", "high"))
        assert value == pytest.approx(known[name], rel=0.15)
        assert abs(value - known[name]) < high - low  # four standard errors
        assert high - low < 0.4 * known[name]
