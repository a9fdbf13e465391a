"""Terms are kept where they predict: the gain, its error, and a medium that is there."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pipeline import graphs
from pipeline.dynamics.rollout import rollout
from pipeline.forcing import sample_flow
from pipeline.learn.choice import by_regime, candidates, choose, gain
from pipeline.learn.force_matching import regress
from pipeline.learn.settings import Training
from pipeline.learn.snapshots import Sample, Snapshots
from pipeline.learn.task import by_optimizer
from pipeline.split import Split
from pipeline.trajectory import Trajectory
from pipeline.units import ReducedUnits
from tests.dynamics.systems import CUTOFF, LENGTH, TIME, conditions, lattice
from tests.dynamics.test_bath import bathed

RATE = 0.4


@pytest.fixture(scope="module")
def damped() -> tuple[Trajectory, graphs.Graphs]:
    """The gas in a medium that stops it within a few steps."""
    model = bathed({"kind": "uniform", "rate": RATE})
    window = rollout(lattice(120), model, conditions(), 0, progress=False).trajectory
    return window, graphs.build(window, CUTOFF * LENGTH)


def test_the_error_of_a_gain_comes_from_blocks() -> None:
    """Noise that stays for a block counts once a block, not once a snapshot."""
    rng = np.random.default_rng(0)
    slow = np.repeat(rng.normal(size=10), 20)
    block = np.repeat(np.arange(10), 20)
    found, error = gain(1.0 + slow, np.zeros(200), block)
    assert found == pytest.approx(1.0 + slow.mean())
    assert error == pytest.approx(slow[::20].std(ddof=1) / 10**0.5)
    assert gain(np.ones(200), np.zeros(200), block) == (1.0, 0.0)


def test_an_overdamped_film_is_learned_as_brownian_motion() -> None:
    window, settings = lattice(3), Training(bath="auto")
    assert by_regime(settings, window).bath == "none"
    note = {**window.attributes, "regime": "overdamped"}
    decided = by_regime(settings, window._replace(attributes=note))
    assert decided.bath == "brownian"
    assert not decided.pair_friction
    assert decided.entropy == "none"


@pytest.mark.parametrize(
    ("changes", "note", "chosen"),
    [
        ({}, {}, "gauss_newton"),
        ({"optimizer": "adam"}, {}, "adam"),
        ({}, {"regime": "overdamped"}, "adam"),
        ({}, {"localisation_error": 0.0}, "adam"),
        ({}, {"edge": {"closed": True}}, "adam"),
        ({"strength": False}, {}, "adam"),
        ({"heat_capacity": 15.0}, {}, "adam"),
        ({"model": "dpd"}, {}, "adam"),
        ({"closures": "networks"}, {}, "adam"),
    ],
)
def test_tracks_with_errors_are_learned_by_gauss_newton_steps(changes, note, chosen) -> None:
    film = {"regime": "inertial", "velocity": "backward difference", "localisation_error": 0.1}
    window = lattice(3)
    window = window._replace(attributes={**window.attributes, **film, **note})
    decided = by_optimizer(Training(localisation="corrected", **changes), window)
    assert decided.optimizer == chosen
    assert decided.steps == (40 if chosen == "gauss_newton" else 1000)


def test_regression_finds_the_friction_of_a_medium(
    damped: tuple[Trajectory, graphs.Graphs],
) -> None:
    """Of the mean velocity of a step, as the bath's is, and within its error."""
    snapshots = Snapshots(*damped, dtype=torch.float64)
    curves = regress(Sample(snapshots, snapshots.usable(slice(0, 120))), drag=True)
    assert curves.drag == pytest.approx(RATE, rel=0.15)
    assert abs(curves.drag - RATE) < 4 * curves.drag_error < RATE


@pytest.mark.slow
def test_a_medium_that_is_there_is_kept(damped: tuple[Trajectory, graphs.Graphs]) -> None:
    split = Split(train=0.6, validation=0.3)
    settings = Training(steps=60, batch=10, split=split, strength=False)
    window, near = damped
    closed = window._replace(attributes={**window.attributes, "edge": {"closed": True}})
    chosen, trials, _ = choose(closed, near, settings, 0)
    assert [trial.setting for trial in trials] == ["bath"]  # no axis of the box has ends
    assert trials[0].kept
    assert trials[0].gain > 2 * trials[0].error
    assert chosen.bath == "active"


def test_what_is_left_to_the_data_is_tried_where_it_can_be(
    damped: tuple[Trajectory, graphs.Graphs],
) -> None:
    window, settings = damped[0], Training()
    assert candidates(settings, window) == []
    given = settings.replace(pair_energy="none", bath="none")
    box = window.box._replace(periodic=(False, False))
    closed = window._replace(box=box, attributes={**window.attributes, "edge": {"closed": True}})
    around = [("external", "walls", ""), ("external", "walls_field", "field")]
    assert candidates(given, closed) == around
    assert candidates(settings, closed) == [*around, ("bath", "active", "")]
    half = closed._replace(box=window.box._replace(periodic=(True, False)))
    assert candidates(given, half) == around[:1]
    note = {**closed.attributes, "regime": "overdamped"}
    overdamped = candidates(settings, closed._replace(attributes=note))
    assert overdamped == [*around, ("pair_energy", "splines", ""), ("strength", True, "")]
    assert candidates(settings.replace(closures="networks"), closed) == []
    decided = by_regime(settings, closed)
    assert (decided.bath, decided.external, decided.pair_energy) == ("none", "none", "none")


def test_the_flow_of_a_sample_is_found_and_goes_on_between_snapshots() -> None:
    """Poiseuille's profile that grows with time, in an open box."""
    window = lattice(5)
    box = window.box._replace(periodic=(False, False))
    y = window.position[..., 1] / LENGTH
    grows = (1 + np.arange(5.0))[:, None]
    velocity = np.zeros_like(window.velocity)
    velocity[..., 0] = grows * y * (8 - y) * 0.01 * LENGTH / TIME
    window = window._replace(velocity=velocity, box=box)
    flow = sample_flow(window, ReducedUnits(LENGTH, TIME))
    r = torch.tensor([[1.0, 4.0], [5.0, 2.0]], dtype=torch.float64)
    profile = torch.tensor([16.0, 12.0], dtype=torch.float64) * 0.01
    for time in (0.0, 1.0, 2.5):
        found = flow(r, time)
        assert torch.allclose(found[:, 0], (1 + time) * profile, atol=1e-9)
        assert found[:, 1].abs().max() < 1e-9
    with pytest.raises(ValueError, match="without periodic axes"):
        sample_flow(lattice(3), ReducedUnits(LENGTH, TIME))
