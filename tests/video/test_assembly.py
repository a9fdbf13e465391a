"""Tracks become a trajectory: what comes along, in which units, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pipeline.analysis.runs import runs
from pipeline.learn.learned_curves import traits
from pipeline.units import Scale
from pipeline.video.assembly import View, assemble, from_truth

VIEW = View(shape=(100, 120), margin=4.0, cutoff=1.72, edge_band=1.0)
FRAMES = 20


def tracks(frames: int = FRAMES) -> pd.DataFrame:
    """A square lattice, every other particle large and bright; one is missing for a while."""
    x, y = (a.ravel() for a in np.meshgrid(np.arange(8.0, 116, 9), np.arange(8.0, 96, 9)))
    random = np.random.default_rng(0)
    large = np.arange(len(x)) % 2
    rows = []
    for t in range(frames):
        shake = random.normal(0, 0.1, (2, len(x)))
        table = {"run": 0, "frame": t, "particle": np.arange(len(x)), "filled": False}
        table |= {"x": x + 0.05 * t + shake[0], "y": y + shake[1], "ecc": 0.0, "signal": 1.0}
        table |= {"mass": 500.0 + 300 * large + random.normal(0, 9, len(x)), "ep": 0.1}
        rows.append(pd.DataFrame({**table, "size": 2.0 + 0.5 * large}))
    table = pd.concat(rows, ignore_index=True)
    return table[~((table["particle"] == 60) & table["frame"].between(5, 8))]


def test_units_and_backward_differences() -> None:
    attributes = {"dataset": "x", "synthetic": False}
    found = assemble(tracks(), VIEW, Scale(0.5, 20.0), attributes)
    assert found.attributes["length_unit"] == "um"
    assert found.dt == 0.05
    step = np.diff(found.position, axis=0) / found.dt
    present = found.present[1:]
    assert np.allclose(found.velocity[1:][present], step[present])
    assert not found.present[0].any()
    assert np.array_equal(found.present[4:11, 60], [True, False, False, False, False, False, True])
    # White error of 0.1 px per component.
    assert found.attributes["localisation_error"] == pytest.approx(0.05, rel=0.15)


@pytest.mark.parametrize(("life", "stays"), [(20, True), (5, False)])
def test_particles_that_come_and_go_in_the_middle_do_not_stay(life: int, stays: bool) -> None:
    """Whatever the edges are: under other labels from time to time, 99 or 396 in all."""
    table = tracks()
    table["particle"] += 1000 * (table["frame"] // life)
    view = VIEW._replace(edge="closed")
    found = assemble(table, view, Scale(None, None), {"dataset": "x", "synthetic": False})
    assert found.attributes["edge"]["closed"]
    assert found.attributes["edge"]["stays"] == found.closed == stays


def test_brightness_and_size_come_along_as_traits() -> None:
    found = assemble(tracks(), VIEW, Scale(None, None), {"dataset": "x", "synthetic": False})
    for name in ("mass", "size"):
        assert found.extra[name].dtype == np.float32
        assert not found.extra[name][~found.present].any()
        assert (found.extra[name][found.present] > 0).all()
    known = traits(found)
    large = np.arange(len(found.particle)) % 2
    assert np.allclose(known["size"], 2.0 + 0.5 * large)
    assert np.allclose(known["mass"], 500 + 300 * large, atol=20)
    assert np.isnan(known["species"]).all()


def test_truth_has_species_and_no_spots() -> None:
    seen = assemble(tracks(), VIEW, Scale(None, None), {"dataset": "x", "synthetic": True})
    kinds = (np.arange(len(seen.particle)) % 2).astype(np.int32)
    found = from_truth(seen._replace(species=kinds), VIEW, Scale(None, None), "x")
    assert found.attributes["localisation_error"] == 0.0
    assert set(found.extra) == {"filled"}
    assert np.array_equal(found.species, kinds[found.particle])


def test_a_band_that_leaves_nobody_free_is_refused() -> None:
    with pytest.raises(ValueError, match="leaves no free particle"):
        assemble(
            tracks(),
            VIEW._replace(edge_band=5.0),
            Scale(None, None),
            {"dataset": "x", "synthetic": False},
        )


def test_velocities_are_over_the_time_that_passed() -> None:
    """From frame 10 on every other frame was taken: the speed stays what it was."""
    number = np.concatenate([np.arange(10), np.arange(10, 20, 2)])
    table = tracks()
    table["x"] += 0.3 * table["frame"]
    table = table[table["frame"].isin(number)]
    found = assemble(
        table, VIEW, Scale(None, 20.0), {"dataset": "x", "synthetic": False}, seen=[number]
    )
    np.testing.assert_allclose(found.time, number / 20)
    speed = [found.velocity[t][found.present[t]][:, 0].mean() for t in (5, 12, 14)]
    assert speed == pytest.approx([7.0] * 3, rel=0.05)
    assert found.successive().tolist() == (np.diff(number) == 1).tolist()
    (run,) = runs(found)
    assert run.seen.any(axis=1).tolist() == [t in number[1:] for t in range(19)]


def test_only_what_was_seen_all_along_counts() -> None:
    """Pictures moved by 30 px in x and -8 in y: box, density and band follow."""
    moved = VIEW._replace(moved=((0.0, -8.0), (30.0, 0.0)))
    plain, found = (
        assemble(tracks(), view, Scale(None, None), {"dataset": "x", "synthetic": False})
        for view in (VIEW, moved)
    )
    np.testing.assert_allclose(found.box.lengths, plain.box.lengths - np.array([30, 8]))
    np.testing.assert_allclose(found.box.origin, plain.box.origin + np.array([0, 8]))
    low, high = found.box.origin, found.box.origin + found.box.lengths
    there = found.position[found.present]
    assert (there >= low).all()
    assert (there <= high).all()
    assert found.number_density() == pytest.approx(plain.number_density(), rel=0.08)
    width = (found.position[found.free] - low).min(), (high - found.position[found.free]).min()
    assert min(width) > 10
    assert "only the region seen all along counts, 82 x 84 of" in found.attributes["warnings"][0]
    assert found.attributes["noticed"] == found.attributes["warnings"][:1]
    assert not any("region" in sentence for sentence in plain.attributes["warnings"])


def test_a_part_that_is_not_trained_on_is_said_in_numbers() -> None:
    """Ten frames at full rate, then every other one."""
    some = tracks()
    kept = [frame for frame in sorted(some["frame"].unique()) if frame < 10 or frame % 2 == 0]
    slow = some[some["frame"].isin(kept)]
    note = {"dataset": "x", "synthetic": False}
    found = assemble(slow, VIEW, Scale(None, None), note, [np.array(kept)])
    (said,) = found.attributes["noticed"]
    apart = int((np.diff(kept) == 2).sum())
    assert said.startswith(f"{apart} of {len(kept) - 1} steps from frame to frame are longer")
    assert f"trained on the other {int(found.successive().sum())} steps alone" in said
    assert assemble(some, VIEW, Scale(None, None), note).attributes["noticed"] == []


def test_a_drift_that_leaves_nothing_is_refused() -> None:
    view = VIEW._replace(moved=((-150.0, 0.0), (0.0, 0.0)))
    with pytest.raises(ValueError, match="nothing is seen all along"):
        assemble(tracks(), view, Scale(None, None), {"dataset": "x", "synthetic": False})
