"""Forces, D and the error of the positions of Brownian motion, from steps as long as bonds live."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pipeline import graphs
from pipeline.closures import splines
from pipeline.learn.brownian_noise import Given, estimate
from pipeline.learn.brownian_regression import INTERVALS, moments
from pipeline.learn.force_matching import penalty
from pipeline.learn.settings import Training
from pipeline.learn.snapshots import Sample, Snapshots
from pipeline.learn.task import Task, prepare
from pipeline.pairs import State
from pipeline.simulate.langevin import force, simulate
from pipeline.simulate.settings import ATTRACTIVE, BROWNIAN, Langevin
from pipeline.split import Split
from pipeline.trajectory import Trajectory
from tests.dynamics.systems import CUTOFF, LENGTH
from tests.dynamics.test_bath import soft
from tests.learn.test_overdamped import D, film

SETTINGS = Training(
    bath="brownian", strength=False, steps=1, split=Split(train=0.8, validation=0.1)
)
# Wells of 3 kT in a small box: a bond relaxes within 0.6 of a frame.
WELL = ATTRACTIVE.replace(
    particles=100, length=(30.0, 30.0), frames=300, preparation=300, view=(240, 240)
)
BOX = BROWNIAN.replace(
    particles=60, length=(24.0, 24.0), walls=6.0, wall_range=1.0, frames=400, view=(200, 200)
)


def seen(window: Trajectory, error: float, seed: int = 1) -> Trajectory:
    """With an error of the positions of this standard deviation [length]."""
    off = error * np.random.default_rng(seed).normal(size=window.position.shape)
    v = window.velocity + np.diff(off, axis=0, prepend=off[:1]) / window.dt
    note = {**window.attributes, "localisation_error": error}
    return window._replace(position=window.position + off, velocity=v, attributes=note)


def observed(law: Langevin, error: float) -> Trajectory:
    """A simulated sample in px and frames, the first snapshot without a velocity."""
    window = simulate(law, 0, progress=False)
    present = window.present.copy()
    present[0] = False
    return seen(window._replace(present=present), error / law.mpp)


def diffusion(task: Task, law: Langevin) -> float:
    """D [um^2 / s]."""
    T = float(task.learner.model.bath.temperature())
    return 0.5 * T * (task.snapshots.units.length * law.mpp) ** 2 * law.fps


@pytest.mark.slow
def test_moments_at_both_ends_find_the_force() -> None:
    window = film(500)
    snapshots = Snapshots(window, graphs.build(window, CUTOFF * LENGTH), dtype=torch.float64)
    scale = snapshots.units.length / LENGTH
    T, bends = 2 * D / scale**2, [splines.bends(INTERVALS + 2)]
    sample = Sample(snapshots, snapshots.usable(slice(0, 500)))
    A, q = moments(sample, 500).normal(T, bends)
    theta = torch.linalg.solve(A + penalty(A, bends), q)
    r = torch.linspace(0.66, 1.3, 50, dtype=torch.float64)
    at, h = r / scale, snapshots.cutoff
    found = theta @ (splines.radial(at, h, INTERVALS).basis * splines.taper(at, h)[0])
    truth = soft(r.numpy()) / 0.2
    assert np.linalg.norm(found.numpy() / T / scale - truth) < 0.15 * np.linalg.norm(truth)
    noise = estimate(sample, theta, T, Given(), None, INTERVALS)
    assert noise.temperature[0] == pytest.approx(T, rel=0.04)
    assert noise.temperature[1] < T < noise.temperature[2]
    assert noise.error[1] == 0.0


@pytest.mark.slow
def test_a_well_whose_bonds_relax_within_a_frame_is_found() -> None:
    """Steps alone say D = 0.16 and an error of 0.03: neighbours push back within the frame."""
    error = 0.02
    window = observed(WELL, error)
    near = graphs.build(window, WELL.cutoff / WELL.mpp)
    task = prepare(window, near, SETTINGS.replace(pair_energy="splines"), seed=0)
    assert diffusion(task, WELL) == pytest.approx(0.2, rel=0.06)
    ends = np.sqrt(task.learner.noise.error_range) * task.snapshots.units.length * WELL.mpp
    assert ends[0] - 0.004 < error < ends[1] + 0.004
    model, length = task.learner.model, task.snapshots.units.length * WELL.mpp
    batch = task.snapshots.batch(task.sample.times[::20])
    with torch.no_grad():
        still = torch.zeros_like(batch.r[:, 0])
        made = model.dynamics(State(batch.r, batch.v, still), batch.pairs).pressure.numpy()
    r = batch.pairs.r.numpy() * length
    order = np.argsort(r)
    order = order[r[order] > 1.9]  # nearer, there are but few
    r, made = r[order], made[order] / float(model.bath.temperature()) / length
    truth = force(WELL, r)
    assert np.linalg.norm(made - truth) < 0.2 * np.linalg.norm(truth)
    work = np.concatenate([[0.0], np.cumsum(0.5 * (made[1:] + made[:-1]) * np.diff(r))])
    deepest = int(work.argmax())
    assert work[deepest] - work[-1] == pytest.approx(WELL.strength, rel=0.2)
    assert r[deepest] == pytest.approx(WELL.place, rel=0.03)


@pytest.mark.slow
def test_errors_of_the_positions_are_taken_off_the_force_at_contact() -> None:
    """A fifth of the force at contact is lost by them; where density is deconvolved, it is 1.2."""
    law, error = BROWNIAN.replace(frames=200), 0.08
    window = observed(law, error)
    task = prepare(window, graphs.build(window, law.cutoff / law.mpp), SETTINGS, seed=0)
    length = task.snapshots.units.length * law.mpp
    batch = task.snapshots.batch(task.sample.times[::20])
    model, r = task.learner.model, batch.pairs.r.numpy() * length
    with torch.no_grad():
        still = torch.zeros_like(batch.r[:, 0])
        made = model.dynamics(State(batch.r, batch.v, still), batch.pairs).pressure.numpy()
    made = made / float(model.bath.temperature()) / length
    near = (r > 1.55) & (r < 2.0)
    assert near.sum() > 100
    assert made[near].sum() == pytest.approx(force(law, r[near]).sum(), rel=0.07)


@pytest.mark.slow
def test_walls_of_a_box_hold_brownian_particles_as_they_do() -> None:
    """The force of soft walls where particles are, one in ten of them at a wall."""
    window = observed(BOX, 0.0)
    near = graphs.build(window, BOX.cutoff / BOX.mpp)
    task = prepare(window, near, SETTINGS.replace(external="walls"), seed=0)
    assert diffusion(task, BOX) == pytest.approx(0.2, rel=0.04)
    model, length = task.learner.model, task.snapshots.units.length * BOX.mpp
    batch = task.snapshots.batch(task.sample.times[::10])
    T = float(model.bath.temperature())
    with torch.no_grad():
        made = -model.external(batch.r).gradient.numpy() / T / length
    low = (np.array(task.snapshots.low) * length).astype(float)
    at = batch.r.numpy() * length - low
    truth = BOX.walls * (np.exp(-at / BOX.wall_range) - np.exp(-(24.0 - at) / BOX.wall_range))
    assert np.linalg.norm(made - truth) < 0.3 * np.linalg.norm(truth)
