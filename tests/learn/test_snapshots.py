"""Batches against a direct search, and which rows are scored."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pipeline import graphs
from pipeline.learn.latent import assign
from pipeline.learn.mask import holes, loss_mask
from pipeline.learn.snapshots import Snapshots
from pipeline.pairs import find
from pipeline.trajectory import Trajectory
from tests.dynamics.systems import CUTOFF, LENGTH, TIME, lattice


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
    space = graphs.space_of(window)
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
    assert missing[3, 7]
    assert missing.sum() == 1
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
