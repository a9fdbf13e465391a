"""Columns shared by particles that come and go, against a column for each of them.

The oracle is the same trajectory with a column per particle: whatever is made of the two must be
the same, to the last digit where sums run over the particles of one snapshot.
"""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import torch

from benchmarks.turnover import Film, tracks, view
from pipeline import graphs, h5md, slots, tables
from pipeline.analysis import statistics
from pipeline.analysis.cycles import cycles, film, period
from pipeline.analysis.metric import Metric
from pipeline.analysis.pair_force import binned_pair_force
from pipeline.analysis.plan import Period, plan
from pipeline.analysis.runs import runs
from pipeline.dynamics.driven import lead, thermal_period
from pipeline.learn.data import Transitions
from pipeline.learn.learned_curves import traits
from pipeline.learn.loss_mask import holes
from pipeline.learn.settings import Training
from pipeline.learn.snapshots import Snapshots
from pipeline.learn.strides import strided
from pipeline.learn.task import prepare
from pipeline.split import Split, blocks, judged
from pipeline.trajectory import Trajectory, temperature
from pipeline.units import Scale
from pipeline.video.assembly import assemble

FILM = Film(frames=90, particles=64, life=25)
PARTS = {"train": slice(0, 50), "validation": slice(50, 70), "test": slice(70, 90)}


def made() -> Trajectory:
    """A film of two recordings, with gaps of one frame in some tracks."""
    table = tracks(FILM)
    rng = np.random.default_rng(1)
    table = table[rng.random(len(table)) > 0.02]
    again = tracks(FILM, seed=1).assign(run=1, particle=lambda t: t["particle"] + 100_000)
    both = tables.checked(
        tables.pd.concat([table, again[again["frame"] < 20]]), tables.TRACKS
    ).assign(mass=rng.random(len(table) + int((again["frame"] < 20).sum())))
    note = {"dataset": "turnover", "synthetic": True}
    return assemble(both, view(FILM), Scale(0.1, 50.0), note)


@pytest.fixture(scope="module")
def shared() -> Trajectory:
    return made()


@pytest.fixture(scope="module")
def wide() -> Trajectory:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slots, "assign", lambda first, last: np.arange(len(first)))
        return made()


def equal(one: dict[str, Metric], other: dict[str, Metric]) -> None:
    assert one.keys() == other.keys()
    for name, metric in one.items():
        assert metric.attributes == other[name].attributes
        for key, value in metric.data.items():
            np.testing.assert_array_equal(value, other[name].data[key], err_msg=f"{name} {key}")


def test_slots_are_never_shared_without_an_empty_snapshot_between():
    rng = np.random.default_rng(0)
    first = rng.integers(0, 300, 400)
    last = first + rng.geometric(0.1, 400)
    slot = slots.assign(first, last)
    held = np.zeros((last.max() + 2, slot.max() + 1), int)
    for a, b, k in zip(first, last, slot, strict=True):
        held[a : b + 2, k] += 1  # the snapshot after it must be empty
    assert held.max() == 1
    assert slot.max() + 1 == held.sum(axis=1).max()  # no more slots than are held at once


def test_particles_that_are_all_there_keep_their_columns():
    np.testing.assert_array_equal(slots.assign(np.array([3, 0, 1]), np.array([5, 9, 4])), [0, 1, 2])
    assert slots.occupants(np.array([3, 0]), np.array([5, 9]), np.arange(2), 10) is None


def test_there_are_as_many_slots_as_particles_at_once(shared, wide):
    assert wide.occupant is None
    assert len(shared.particle) == wide.present.shape[1] > 3 * shared.present.shape[1]
    assert shared.present.shape[1] <= FILM.particles + 2


def test_one_successor_is_one_particle(shared):
    after = shared.again(shared.present)
    both = shared.present[1:] & shared.present[:-1] & (np.diff(shared.run) == 0)[:, None]
    np.testing.assert_array_equal(after, both)
    later = shared.present[3:] & shared.present[:-3] & (shared.run[3:] == shared.run[:-3])[:, None]
    assert (later & ~shared.again(shared.present, 3)).any()


def test_every_particle_gets_its_column_back(shared, wide):
    for rows in (slice(None), slice(30, 47)):
        one, other = shared.followed(rows), wide.window(rows)
        keep = other.present.any(axis=0)
        np.testing.assert_array_equal(one.particle, other.particle[keep])
        for name in ("present", "driven", "velocity"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name)[:, keep])
        where = one.present
        np.testing.assert_array_equal(one.position[where], other.position[:, keep][where])
        for name, value in one.extra.items():
            np.testing.assert_array_equal(value, other.extra[name][:, keep])


def test_columns_may_be_asked_for_by_label(shared, wide):
    labels = wide.particle[[5, 17, 200]]
    part = shared.followed(slice(20, 40), labels)
    np.testing.assert_array_equal(part.particle, labels)
    np.testing.assert_array_equal(part.present, wide.present[20:40, [5, 17, 200]])


def test_what_is_said_of_the_film_is_the_same(shared, wide):
    for name, value in wide.attributes.items():
        if isinstance(value, float) or name == "diffusion":
            assert shared.attributes[name] == pytest.approx(value, rel=1e-9), name
    for name in ("regime", "edge", "warnings"):
        assert shared.attributes[name] == wide.attributes[name]
    memory = [x.attributes["regime_memory"] for x in (shared, wide)]
    np.testing.assert_allclose(*memory, rtol=1e-9)
    assert temperature(shared) == pytest.approx(temperature(wide), rel=1e-9)
    assert thermal_period(shared, PARTS["train"]) == thermal_period(wide, PARTS["train"])
    assert judged(shared, Split(), None) == judged(wide, Split(), None)
    for name, value in traits(wide).items():
        np.testing.assert_allclose(traits(shared)[name], value, rtol=1e-6, err_msg=name)


@pytest.mark.parametrize("stride", [1, 2])
def test_training_sees_the_same_batches(shared, wide, stride):
    near = [graphs.build(x, ratio=1.72) for x in (shared, wide)]
    assert [len(x.i) for x in near] == [len(near[0].i)] * 2
    steps = [strided(x, g, PARTS, stride) for x, g in zip((shared, wide), near, strict=True)]
    one, other = (Snapshots(x.trajectory, x.graphs, dtype=torch.float64) for x in steps)
    assert one.hole_distance == other.hole_distance
    times = one.usable(steps[0].parts["train"])
    np.testing.assert_array_equal(times, other.usable(steps[1].parts["train"]))
    for t in times:
        for a, b in zip(Transitions(one)[[t]], Transitions(other)[[t]], strict=True):
            for name in ("r", "v", "v_next", "particle", "mask", "next_row", "snapshot"):
                assert torch.equal(getattr(a, name), getattr(b, name)), (t, name)
            for name in ("i", "j", "r", "e"):
                assert torch.equal(getattr(a.pairs, name), getattr(b.pairs, name)), (t, name)


def test_holes_are_where_particles_were_lost(shared, wide):
    one, other = (holes(x) for x in (shared, wide))
    found = [{(int(t), *p) for t, p in zip(*x, strict=True)} for x in (one, other)]
    assert found[0] == found[1]
    assert len(found[0]) > 50


def test_latents_belong_to_particles(shared, wide):
    wanted = Training(steps=4, split=Split(train=0.5, validation=0.2), strength=True)
    tasks = [prepare(x, graphs.build(x), wanted, 0) for x in (shared, wide)]
    for name in ("labels", "scored", "present"):
        assert torch.equal(*(getattr(task.learner.latent, name) for task in tasks)), name
    states = [task.learner.model.state_dict() for task in tasks]
    for name, value in states[0].items():
        torch.testing.assert_close(value, states[1][name], rtol=1e-5, atol=1e-7)


def test_a_rollout_has_the_latents_of_its_particles(shared, wide):
    wanted = Training(steps=4, split=Split(train=0.5, validation=0.2), strength=True)
    parts = blocks(shared, 0.5, 0.2)
    task = prepare(shared, graphs.build(shared), wanted, 0)
    with torch.no_grad():
        task.learner.latent.z.copy_(torch.arange(len(shared.particle)))
    window = shared.followed(parts["validation"])
    who = np.searchsorted(shared.particle, window.particle)
    z = task.learner.conditions(task.sample, task.measured, who).z
    trained = task.learner.latent.scored.numpy()[who]
    np.testing.assert_array_equal(z, np.where(trained, who, 0.0))
    assert trained.any()


def test_forces_with_instruments_do_not_mix_particles(shared, wide):
    a = graphs.build(wide).neighbour_distance
    for instruments in (0, 2, 4):
        fits = [binned_pair_force(x, a, instruments=instruments) for x in (shared, wide)]
        for name in ("force", "friction_along", "pairs"):
            one, other = (getattr(fit, name) for fit in fits)
            np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-9)


def test_cycles_of_a_film_are_those_of_its_runs(shared, wide):
    a = graphs.build(wide).neighbour_distance
    found = Period(20.0, 0.05, "given", "")
    experiment = shared.followed(judged(shared, Split(), None))
    planned = plan(experiment, a, period=found)
    one = {"cycles": film(planned, shared)}
    equal(one, {"cycles": film(planned, wide)})
    equal(one, {"cycles": cycles(runs(wide), found, planned.cutoff, planned.threshold)})
    assert len(one["cycles"].data["start"]) > 3
    assert film(planned._replace(period=period(shared)), shared).missing


def test_statistics_and_rollouts_ask_for_columns_of_their_own(shared, wide):
    a = graphs.build(wide).neighbour_distance
    rows = judged(shared, Split(), None)
    one, other = shared.followed(rows), wide.followed(rows)
    settings = plan(one, a)
    everyone = [x.free.all(axis=0) for x in (one, other)]
    found = [
        statistics.measure(x, settings, e) for x, e in zip((one, other), everyone, strict=True)
    ]
    assert not found[0]["rdf"].missing, found[0]["rdf"].missing
    for name, of in {"msd": "value", "vacf": "value", "rdf": "value", "d2min": "mean"}.items():
        value = [x[name].data[of] for x in found]
        np.testing.assert_allclose(*value, rtol=1e-9, err_msg=name)
    with pytest.raises(ValueError, match="share columns"):
        statistics.measure(shared, settings, everyone[0])
    with pytest.raises(ValueError, match="share columns"):
        lead(shared, Snapshots(shared, graphs.build(shared)).units, None)


def test_the_file_keeps_who_holds_a_column(tmp_path, shared):
    MDAnalysis = pytest.importorskip("MDAnalysis")
    path = tmp_path / "t.h5"
    h5md.write(path, shared)
    after = h5md.read(path)
    for name in ("occupant", "present", "particle", "species"):
        np.testing.assert_array_equal(getattr(after, name), getattr(shared, name))
    assert "occupant" not in after.extra
    universe = MDAnalysis.Universe.empty(shared.present.shape[1], trajectory=False)
    universe.load_new(str(path), format="H5MD")
    assert len(universe.trajectory) == len(shared.time)
    step = universe.trajectory[40].positions[:, :2]
    np.testing.assert_allclose(step, shared.position[40] * 1e4, rtol=1e-5)


def test_columns_of_nobody_are_refused(tmp_path, shared):
    nobody = np.where(shared.present, -1, shared.occupant)
    with pytest.raises(ValueError, match="wherever one is present"):
        h5md.write(tmp_path / "t.h5", shared._replace(occupant=nobody))
    with pytest.raises(ValueError, match="occupant has shape"):
        h5md.write(tmp_path / "t.h5", shared._replace(occupant=shared.occupant[1:]))


def test_memory_grows_with_what_is_seen():
    peaks, rows = [], []
    for frames in (200, 800):
        some = Film(frames, 36, 20)
        table = tracks(some)
        tracemalloc.start()
        found = assemble(table, view(some), Scale(0.1, 50.0), {"dataset": "x", "synthetic": True})
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        rows.append(len(table))
        assert found.present.size < 1.3 * len(table)
    # With a column per particle it would be four times as much per row.
    assert peaks[1] / peaks[0] < 1.2 * rows[1] / rows[0]
