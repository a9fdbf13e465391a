"""The lattice of springs: its geometry, its moduli, its temperature, its momentum."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.schema import Refused, read
from pipeline.simulate.elastic_network import Walk, lattice, simulate
from pipeline.simulate.replicated import Branch, ElasticNetwork
from pipeline.simulate.systems import SYSTEMS


@pytest.mark.parametrize(("columns", "rows"), [(3, 4), (6, 4), (14, 16)])
def test_every_node_has_six_springs_of_length_one(columns, rows):
    body = lattice(columns, rows)
    _, length = body.springs(body.places)
    np.testing.assert_allclose(length, 1.0, rtol=1e-12)
    assert (np.bincount(np.concatenate([body.i, body.j])) == 6).all()
    pairs = {frozenset(ends) for ends in zip(body.i.tolist(), body.j.tolist(), strict=True)}
    assert len(pairs) == 3 * columns * rows
    assert np.sort(np.concatenate(body.apart)).tolist() == list(range(len(body.i)))
    for springs in body.apart:
        ends = np.concatenate([body.i[springs], body.j[springs]])
        assert len(set(ends.tolist())) == len(ends)


@pytest.mark.parametrize("turn", [0.0, 0.4, 1.1])
def test_its_moduli_are_those_of_its_energy_in_every_direction(turn):
    network, body = ElasticNetwork(stiffness=70.0), lattice(6, 4)
    e, _ = body.springs(body.places)
    c, s = np.cos(turn), np.sin(turn)
    rotation = np.array([[c, -s], [s, c]])

    def bend(strain: np.ndarray) -> float:
        """Second derivative of the energy per area."""
        x = 1e-3
        change = x * rotation @ strain @ rotation.T
        ahead, behind = (
            0.5 * 70.0 * np.square(np.linalg.norm(e + k * e @ change, axis=1) - 1.0).sum()
            for k in (1, -1)
        )
        return (ahead + behind) / x**2 / body.sides.prod()

    assert bend(np.array([[0, 0.5], [0.5, 0]])) == pytest.approx(network.shear_modulus, rel=1e-4)
    assert bend(np.eye(2)) / 4 == pytest.approx(network.bulk_modulus, rel=1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_it_keeps_its_temperature_and_its_momentum(seed):
    made = simulate(ElasticNetwork(columns=8, rows=8, frames=400, relaxation=100), seed)
    assert np.abs(made.velocity.sum(axis=1)).max() < 1e-10
    # Some 40 independent moments of 126 degrees of freedom: 2 % is three standard errors.
    assert made.velocity.var() * 64 / 63 == pytest.approx(0.25, rel=0.05)
    r0 = made.reference
    assert r0 is not None
    # Equipartition of the springs: k <(r - 1)^2> is T times the share of modes per spring.
    body = lattice(8, 8)
    stretch = np.mean([np.square(body.springs(r)[1] - 1.0).mean() for r in made.position[::20]])
    assert 100.0 * stretch == pytest.approx(0.25 * (2 * 64 - 2) / (3 * 64), rel=0.1)


def test_without_friction_energy_stays():
    quiet = ElasticNetwork(columns=6, rows=4, damping=1e-9, frames=200, relaxation=0)
    made, body = simulate(quiet, 1), lattice(6, 4)
    potential = [50.0 * np.square(body.springs(r)[1] - 1.0).sum() for r in made.position]
    energy = 0.5 * np.square(made.velocity).sum((1, 2)) + potential
    assert energy.std() / energy.mean() < 2e-3


REFUSED = {
    "rows": (5, "must be even"),
    "dt": (1.0, "is too long for springs"),
    "temperature": (5.0, "the lattice would fold"),
    "branches": ([{"stiffness": 10.0, "time": 1e-4}], "in which a branch lets go"),
}


@pytest.mark.parametrize(("key", "case"), REFUSED.items())
def test_what_makes_no_lattice_is_refused(key, case):
    value, said = case
    with pytest.raises(Refused, match=said):
        read(type(SYSTEMS["elastic_network"]), {key: value})


REMEMBERS = ElasticNetwork(
    columns=8, rows=8, branches=(Branch(stiffness=50.0, time=0.1),), relaxation=200
)


def test_branches_leave_temperature_lengths_and_momentum_as_they_are():
    """The elongation of a branch has an energy of its own: what springs do is as without it."""
    made = simulate(REMEMBERS.replace(frames=1500), 4)
    assert np.abs(made.velocity.sum(axis=1)).max() < 1e-10
    assert made.velocity.var() * 64 / 63 == pytest.approx(0.25, rel=0.03)
    body = lattice(8, 8)
    stretch = np.mean([np.square(body.springs(r)[1] - 1.0).mean() for r in made.position[::20]])
    assert 100.0 * stretch == pytest.approx(0.25 * (2 * 64 - 2) / (3 * 64), rel=0.06)


def test_the_elongation_of_a_branch_is_thermal():
    walk = Walk(REMEMBERS, np.random.default_rng(5))
    seen = []
    for _ in range(400):
        walk.advance()
        seen.append(50.0 * np.square(walk.x).mean() / 0.25)
    # 192 branches that let go within 10 snapshots, 40 times.
    assert np.mean(seen) == pytest.approx(1.0, abs=0.04)


def test_a_strain_that_is_held_relaxes_as_the_modulus_does():
    """All lengths jump and stay: branches pull by k_1 exp(-t / tau) times the jump."""
    cold = REMEMBERS.replace(temperature=1e-12)
    walk = Walk(cold, np.random.default_rng(0))
    walk.x[:] = 0.0
    walk.creep(np.full(192, 1e-3))
    step = cold.dt / cold.substeps
    for k in range(1, 301):
        walk.creep(np.zeros(192))
        expected = 1e-3 * np.exp(-k * step / 0.1)
        if k % 50 == 0:
            # Half of the jump came after the creep of its step.
            assert walk.x.mean() == pytest.approx(expected * np.cosh(step / 0.2), rel=1e-2)
