"""Training samples, and steps of several intervals.

Batches against a direct search, and which rows are scored.

Strides: the staggered clock, every snapshot used, coloured forces, refusals.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.turnover import Film, _assemble, tracks
from pipeline import arrays, graphs, h5md, tables, trajectory
from pipeline.dynamics.rollout import rollout
from pipeline.learn import snapshots
from pipeline.learn.latent import assign
from pipeline.learn.loss_mask import holes, loss_mask
from pipeline.learn.snapshots import Snapshots
from pipeline.learn.strides import strided
from pipeline.pairs import Pairs, find
from pipeline.trajectory import Trajectory
from tests.dynamics.systems import CUTOFF, LENGTH, TIME, conditions, gas, lattice


def moving(frames: int = 6) -> Trajectory:
    rng = np.random.default_rng(3)
    window = lattice(frames)
    step = 0.05 * rng.normal(size=window.position.shape)
    position = window.position + np.cumsum(step, axis=0)
    window.present[3, 7] = False
    return window._replace(position=position, velocity=step / TIME)


def test_a_batch_is_its_snapshots_side_by_side() -> None:
    window = moving()
    near = graphs.build(window, CUTOFF * LENGTH)
    data = Snapshots(window, near, dtype=torch.float64)
    batch = data.batch(np.array([3, 0]))
    space = window.space
    start = 0
    for t in (3, 0):
        index = np.flatnonzero(window.present[t])
        r = torch.from_numpy(window.position[t, index])
        direct = find(r, space, CUTOFF * LENGTH)
        here = (batch.pairs.i >= start) & (batch.pairs.i < start + len(index))
        known = {
            frozenset(pair): float(d) * near.neighbour_distance
            for *pair, d in zip(
                (batch.pairs.i[here] - start).tolist(),
                (batch.pairs.j[here] - start).tolist(),
                batch.pairs.r[here],
                strict=True,
            )
        }
        exact = {
            frozenset((a, b)): float(d)
            for a, b, d in zip(direct.i.tolist(), direct.j.tolist(), direct.r, strict=True)
        }
        assert known == pytest.approx(exact)
        start += len(index)
    assert batch.pairs.n == start == len(batch.r)


def test_next_rows_belong_to_the_same_particles() -> None:
    window = moving()
    data = Snapshots(window, graphs.build(window, CUTOFF * LENGTH), 0.0, torch.float64)
    times = np.array([1, 4, 3])
    now, after = data.batch(times), data.after(times)
    rows = now.mask
    assert bool(rows.any())
    assert torch.equal(after.particle[now.next_row[rows]], now.particle[rows])
    assert torch.equal(after.snapshot[now.next_row[rows]], now.snapshot[rows] + 1)
    assert torch.allclose(after.v[now.next_row[rows]], now.v_next[rows])
    scale = data.units.velocity
    expected = window.velocity[1 + now.snapshot.numpy(), now.particle.numpy()] / scale
    assert np.allclose(now.v_next[rows].numpy(), expected[rows.numpy()])


def test_rows_near_a_lost_particle_are_left_out() -> None:
    window = moving()
    near = graphs.build(window, CUTOFF * LENGTH)
    missing = holes(window)
    assert set(missing.snapshot) == {3}
    assert (missing.place == window.position[3, 7]).all()
    mask, used = loss_mask(window, near, 1.0)
    assert used == 1.0
    assert not mask[2:4, 7].any()
    gap = np.linalg.norm(window.position[3] - window.position[3, 7], axis=1)
    assert not mask[3][gap < CUTOFF * LENGTH].any()
    assert mask[3].any()
    assert mask[0].all()


def test_driven_rows_and_the_last_before_a_cut_are_left_out() -> None:
    window = moving()
    window.driven[:, :5] = True
    window.run[2:] = 1
    mask, _ = loss_mask(window, graphs.build(window, CUTOFF * LENGTH), 0.0)
    assert not mask[:, :5].any()
    assert not mask[1].any()
    assert mask[0, 5:].all()


def test_a_step_into_the_driven_band_counts() -> None:
    """Left out, the steps of those that stay within would be too short."""
    window = lattice(4)
    led = window.driven.copy()
    led[2, 3] = True
    window = window._replace(driven=led)
    mask, _ = loss_mask(window, graphs.build(window, CUTOFF * LENGTH), 0.0)
    assert mask[1, 3]
    assert not mask[2, 3]


@pytest.fixture
def film(tmp_path: Path) -> Callable[[int], tuple[Trajectory, graphs.Graphs]]:
    """``film(frames)``: of particles that come and go, left in its files with its neighbours."""

    def make(frames: int) -> tuple[Trajectory, graphs.Graphs]:
        made = Film(frames, particles=256, life=20)
        tables.write(tmp_path / "tracks.parquet", tracks(made), tables.TRACKS)
        _assemble(tmp_path, made)
        data = h5md.on_disk(tmp_path / "trajectory.h5")
        graphs.build_file(tmp_path / "graphs.h5", data)
        data = data._replace(occupant=np.asarray(data.occupant))
        return data, graphs.on_disk(tmp_path / "graphs.h5", data)

    return make


@pytest.mark.parametrize("stride", [1, 3])
def test_what_is_left_in_its_files_gives_the_same_batches(film, monkeypatch, stride) -> None:
    monkeypatch.setattr(trajectory, "BLOCK", 7 * 256 * 16)
    parts = {"train": slice(0, 40), "validation": slice(40, 60)}
    stored, near = film(60)
    whole, known = stored.window(slice(None)), near.window(slice(None))
    found = []
    for data, its in ((stored, near), (whole, known)):
        steps = strided(data, its, parts, stride)
        found.append(Snapshots(steps.trajectory, steps.graphs))
    one, other = found
    np.testing.assert_array_equal(one.mask, other.mask)
    for t in other.usable(slice(0, 30)):
        for a, b in zip(one.batch(np.array([t])), other.batch(np.array([t])), strict=True):
            if isinstance(a, torch.Tensor):
                assert torch.equal(a, b)
            elif isinstance(a, Pairs):
                assert all(torch.equal(x, y) for x, y in zip(a[:4], b[:4], strict=True))


def test_rows_and_pairs_of_a_long_film_are_not_held(film, monkeypatch) -> None:
    monkeypatch.setattr(trajectory, "BLOCK", 20 * 256 * 16)
    monkeypatch.setattr(snapshots, "HELD", 0)
    monkeypatch.setattr(arrays, "STRETCH", 20 * 256 * 16)
    for frames in (20, 400):  # the first loads what is needed
        data, near = film(frames)
        tracemalloc.start()
        Snapshots(data, near)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    # Flags, some of them for a moment only; rows and pairs are 120 bytes more.
    assert peak < 1e6 + 10 * data.present.size


def test_positions_that_were_filled_in_are_learned_from_by_neighbours_alone() -> None:
    window = lattice(4)
    filled = np.zeros(window.present.shape, bool)
    filled[2, 3] = True
    window = window._replace(extra={**window.extra, "filled": filled})
    mask, _ = loss_mask(window, graphs.build(window, CUTOFF * LENGTH), 0.0)
    assert not mask[1:3, 3].any()
    assert mask[0].all()
    assert mask[:, :3].all()


def test_nothing_to_learn_from_is_refused() -> None:
    window = moving()
    window.driven[:] = True
    with pytest.raises(ValueError, match="nothing can be learned"):
        Snapshots(window, graphs.build(window, CUTOFF * LENGTH))


def test_graphs_of_another_trajectory_are_refused() -> None:
    near = graphs.build(moving(5), CUTOFF * LENGTH)
    with pytest.raises(ValueError, match="make the graphs anew"):
        Snapshots(moving(6), near)


def test_latents_follow_labels_and_are_drawn_for_strangers() -> None:
    z, found = assign(np.array([7, 3, 99]), np.array([3, 7]), np.array([0.5, -0.5]), seed=0)
    assert found.tolist() == [True, True, False]
    assert z[:2].tolist() == [-0.5, 0.5]
    again, _ = assign(np.array([7, 3, 99]), np.array([3, 7]), np.array([0.5, -0.5]), seed=0)
    assert z[2] == again[2] != 0.0
    nobody, _ = assign(np.array([1, 2]), np.zeros(0, dtype=np.int64), np.zeros(0), seed=0)
    assert nobody.tolist() == [0.0, 0.0]


PARTS = {"train": slice(0, 24), "validation": slice(24, 36), "test": slice(36, 40)}


def falling(frames: int = 40, velocity: str = "measured") -> Trajectory:
    """r = r0 + v0 t + g t^2 / 2 in a periodic box, with velocities of that time or differences."""
    window = lattice(frames)
    t, g = window.time[:, None, None], np.array([0.03, -0.01])
    position = window.position + window.velocity * t + 0.5 * g * t**2
    moving = window.velocity + g * t
    present = window.present.copy()
    if velocity == "backward difference":
        moving = np.diff(position, axis=0, prepend=position[:1]) / TIME
        present[0] = False
    attributes = {**window.attributes, "velocity": velocity}
    return window._replace(
        position=position, velocity=moving, present=present, attributes=attributes
    )


def near(window: Trajectory) -> graphs.Graphs:
    return graphs.build(window, CUTOFF * LENGTH)


def test_a_stride_of_one_changes_nothing():
    window = falling()
    same = strided(window, near(window), PARTS, 1)
    assert same.trajectory is window
    assert same.parts == PARTS


@pytest.mark.parametrize("kind", ["measured", "backward difference"])
def test_velocities_live_half_a_stride_before_the_positions(kind):
    """Then a leapfrog step of any length follows a parabola exactly, whatever the stride."""
    window = falling(velocity=kind)
    steps = strided(window, near(window), PARTS, 4).trajectory
    assert steps.dt == 4 * TIME
    good = steps.successive()
    v = steps.velocity
    known = (steps.free[1:] & steps.free[:-1])[good]
    assert (v[1:] - v[:-1])[good][known] == pytest.approx(
        np.broadcast_to(np.array([0.03, -0.01]) * 4 * TIME, v[1:][good][known].shape)
    )
    moved = (steps.position[1:] - steps.position[:-1])[good]
    assert moved[known] == pytest.approx((v[1:][good] * 4 * TIME)[known])


def test_every_snapshot_with_a_velocity_serves_once_in_its_block():
    window = falling()
    steps = strided(window, near(window), PARTS, 4)
    train, validation = (steps.trajectory.time[steps.parts[k]] for k in ("train", "validation"))
    assert sorted(np.rint(train / TIME)) == list(range(2, 24))
    assert sorted(np.rint(validation / TIME)) == list(range(26, 36))
    assert steps.trajectory.successive().sum() == 22 - 4 + 10 - 4


def test_the_graphs_are_those_of_the_chosen_snapshots():
    window = falling()
    steps = strided(window, near(window), PARTS, 4)
    anew = near(steps.trajectory)
    assert steps.graphs.dt == anew.dt
    assert (steps.graphs.offset == anew.offset).all()
    for name in ("i", "j", "shift"):
        assert (getattr(steps.graphs, name) == getattr(anew, name)).all()


def test_noise_of_a_force_with_memory_is_found_at_its_full_size():
    """An Ornstein-Uhlenbeck force of correlation time 2 snapshots and diffusivity 1 of velocity.

    Exact: <dv^2> over k intervals is 2 [k - 2 (1 - exp(-k / 2))], of which white noise has 2 k.
    """
    rng, decay = np.random.default_rng(0), np.exp(-0.01 / 2)
    force = np.empty((12_000, 64, 2))
    force[0] = rng.normal(size=(64, 2)) / 2**0.5
    for t in range(1, len(force)):
        kicks = rng.normal(size=(64, 2)) * ((1 - decay**2) / 2) ** 0.5
        force[t] = decay * force[t - 1] + kicks
    speed = (0.01 * np.cumsum(force, axis=0))[::100]
    window = lattice(len(speed))
    window = window._replace(velocity=speed * LENGTH / TIME)
    parts = {"train": slice(0, 80), "validation": slice(80, 120)}
    found = {}
    for k in (1, 16):
        steps = strided(window, near(window), parts, k).trajectory
        change = np.diff(steps.velocity, axis=0)[steps.successive()] * TIME / LENGTH
        found[k] = (change**2).mean() / (2 * k)
    exact = {k: 1 - 2 * (1 - np.exp(-k / 2)) / k for k in (1, 16)}
    assert found[1] == pytest.approx(exact[1], rel=0.1)  # a fifth of the truth
    assert found[16] == pytest.approx(exact[16], rel=0.15)
    assert found[16] > 3 * found[1]


def test_a_rollout_does_not_depend_on_how_its_steps_are_shared_out():
    """Snapshots of a quarter of the model's unit of time, against four substeps per snapshot."""
    coarse = lattice(6)
    fine = lattice(21)
    fine = fine._replace(time=fine.time / 4, attributes={**fine.attributes, "dt": TIME / 4})
    many = rollout(fine, gas(), conditions(), 1, progress=False).trajectory
    few = rollout(coarse, gas(), conditions(substeps=4), 1, progress=False).trajectory
    assert many.position[::4] == pytest.approx(few.position, abs=1e-12)
    assert many.velocity[::4] == pytest.approx(few.velocity, abs=1e-12)


def test_strides_that_cannot_be_had_are_refused():
    window = falling()
    graph = near(window)
    with pytest.raises(ValueError, match="must be 1 or even"):
        strided(window, graph, PARTS, 3)
    with pytest.raises(ValueError, match="leaves no step in the validation block of 12"):
        strided(window, graph, PARTS, 8)
