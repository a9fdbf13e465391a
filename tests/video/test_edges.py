"""Closed containers are told from views of a larger sample by who comes and goes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pipeline.simulate.langevin import simulate
from pipeline.simulate.settings import BROWNIAN, DISCS
from pipeline.trajectory import Box
from pipeline.units import Scale
from pipeline.video.assembly import View, assemble, from_truth
from pipeline.video.edges import faces

OPEN = (False, False)
VIEW = View((300, 301), 6.0, 1.72, 2.0)


@pytest.fixture(scope="module")
def discs():
    return simulate(DISCS.replace(frames=200), seed=1, progress=False)


def visits(place, low, high):
    """Positions and presence of tracks through a square window, each visit a track of its own."""
    inside = ((place > low) & (place < high)).all(axis=2)
    visit = np.cumsum(np.diff(inside, axis=0, prepend=False) & inside, axis=0)
    tracks = [(n, k) for n in range(place.shape[1]) for k in range(1, visit[-1, n] + 1)]
    present = np.stack([inside[:, n] & (visit[:, n] == k) for n, k in tracks], axis=1)
    box = Box(np.full(2, high - low), OPEN, np.full(2, low))
    return place[:, [n for n, _ in tracks]], present, np.zeros(len(place), int), box


def test_a_view_of_a_liquid_is_open():
    whole = simulate(BROWNIAN.replace(frames=150, substeps=10), seed=1, progress=False)
    found = faces(*visits(whole.position, 10.0, 350.0))
    assert not found.closed
    assert found.entries == pytest.approx(found.expected, rel=0.3)
    assert "the edge is open" in found.why


def test_a_gas_crosses_a_view_as_often_as_kinetic_theory_says():
    rng = np.random.default_rng(0)
    start, v = 400 * rng.random((1, 2000, 2)), rng.normal(0, 2.0, (1, 2000, 2))
    place = (start + v * np.arange(100)[:, None, None]) % 400
    found = faces(*visits(place, 100.0, 300.0))
    assert found.entries == pytest.approx(found.expected, rel=0.1)
    assert found.exits == pytest.approx(found.expected, rel=0.1)


def test_who_comes_back_under_the_same_name_has_left_and_entered_all_the_same():
    """A gas in a window, every particle known by name wherever it is: as of a simulation."""
    rng = np.random.default_rng(0)
    start, v = 400 * rng.random((1, 500, 2)), rng.normal(0, 2.0, (1, 500, 2))
    place = (start + v * np.arange(1000)[:, None, None]) % 400
    inside = ((place > 100) & (place < 300)).all(axis=2)
    box = Box(np.full(2, 200.0), OPEN, np.full(2, 100.0))
    found = faces(place, inside, np.zeros(1000, int), box)
    assert not found.closed
    assert found.entries == pytest.approx(found.expected, rel=0.1)


def test_a_container_is_closed_and_all_its_particles_are_free(discs):
    found = from_truth(discs, VIEW, Scale(None, None), "discs")
    assert found.attributes["edge"]["closed"]
    assert not found.driven.any()
    assert found.free[1:].all()
    assert "nobody enters or leaves" in found.attributes["edge"]["why"]


def test_a_track_that_breaks_inside_leaves_nobody(discs):
    present = discs.present.copy()
    present[50:60, ::2] = False
    present[100:, :5] = False
    assert faces(discs.position, present, discs.run, discs.box).closed


def test_particles_that_hardly_move_tell_nothing():
    rng = np.random.default_rng(0)
    still = 100 * rng.random((1, 100, 2)) + rng.normal(0, 0.01, (50, 100, 2))
    box = Box(np.array([100.0, 100.0]), OPEN, np.zeros(2))
    found = faces(still, np.ones((50, 100), bool), np.zeros(50, int), box)
    assert not found.closed
    assert "too few to tell a container" in found.why


def test_a_setting_is_taken_and_contradicted(discs):
    found = faces(discs.position, discs.present, discs.run, discs.box, "open")
    assert not found.closed
    assert "open by the settings" in found.why
    assert "which disagrees" in found.why


def test_no_free_particle_names_the_way_out():
    rng = np.random.default_rng(0)
    rows = [(f, p, *(20 + 5 * rng.random(2))) for f in range(12) for p in range(6)]
    table = pd.DataFrame(rows, columns=["frame", "particle", "x", "y"]).assign(run=0, filled=False)
    table = table.assign(mass=1.0, size=1.0, ecc=0.0, signal=1.0, ep=0.0)
    note = {"dataset": "few", "synthetic": False}
    with pytest.raises(ValueError, match=r"set trajectory\.edge: closed"):
        assemble(table, View((50, 50), 3.0, 1.72, 2.0), Scale(None, None), note)


def test_a_few_far_apart_that_nobody_joins_or_leaves_are_free():
    """Five particles in a large view: a band as wide as they are apart would lead them all."""
    rng = np.random.default_rng(1)
    place = np.array([[100, 60], [250, 30], [300, 120], [80, 300], [280, 370]], float)
    path = place + np.cumsum(rng.normal(0, 0.7, (50, 5, 2)), axis=0)
    rows = [(f, p, *path[f, p]) for f in range(50) for p in range(5)]
    table = pd.DataFrame(rows, columns=["frame", "particle", "x", "y"]).assign(run=0, filled=False)
    table = table.assign(mass=1.0, size=1.0, ecc=0.0, signal=1.0, ep=0.0)
    view = View((400, 400), 170.0, 1.72, None)
    found = assemble(table, view, Scale(None, None), {"dataset": "few", "synthetic": False})
    assert not found.driven.any()
    assert found.attributes["edge"]["closed"]
    assert "taken for closed" in found.attributes["edge"]["why"]
    left = table[(table["particle"] != 4) | (table["frame"] < 25)]  # one goes
    left.loc[left["particle"] == 4, "y"] += 29.5
    with pytest.raises(ValueError, match="leaves no free particle"):
        assemble(left, view, Scale(None, None), {"dataset": "few", "synthetic": False})


def test_a_band_is_narrower_where_it_would_lead_everybody():
    rng = np.random.default_rng(2)
    place = rng.uniform(10, 390, (40, 2))
    speed = rng.normal(0, 0.4, (40, 2))  # which lasts, so that the band would be two cutoffs
    path = place + np.arange(30)[:, None, None] * speed
    rows = [(f, p, *path[f, p]) for f in range(30) for p in range(40)]
    table = pd.DataFrame(rows, columns=["frame", "particle", "x", "y"]).assign(run=0, filled=False)
    table = table.assign(mass=1.0, size=1.0, ecc=0.0, signal=1.0, ep=0.0)
    about = {"dataset": "few", "synthetic": False}
    found = assemble(table, View((400, 400), 60.0, 1.72, None), Scale(None, None), about)
    assert 0 < (~found.driven[found.present]).mean() < 0.5
    assert any("1 wide" in said for said in found.attributes["warnings"])
    with pytest.raises(ValueError, match="leaves no free particle"):
        assemble(table, View((400, 400), 60.0, 1.72, 2.0), Scale(None, None), about)
