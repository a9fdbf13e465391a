"""The forces of a solid from all its particles at once: covariance, slopes, and where steps end."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pipeline import graphs
from pipeline.learn.elasticity import moduli
from pipeline.learn.learner import Learner
from pipeline.learn.refinement import descend, refine
from pipeline.learn.settings import Training
from pipeline.learn.snapshots import Sample
from pipeline.learn.solid_forces import SolidForces, applies, covariance, of_the_moment
from pipeline.learn.task import Task, prepare
from pipeline.simulate.replicated import ElasticNetwork
from pipeline.split import Split

NETWORK = ElasticNetwork(columns=8, rows=8, relaxation=200)
SETTINGS = Training(
    split=Split(train=0.8, validation=0.15),
    heat_capacity=1e6,
    entropy_weight=0.0,
    strength=False,
    localisation="none",
    precision="float64",
)


def started(frames: int, seed: int = 1) -> Task:
    made = NETWORK.replace(frames=frames).simulate(seed)
    return prepare(made, graphs.build(made, cutoff=1.4), SETTINGS, 0)


@pytest.fixture(scope="module")
def small() -> Task:
    return started(60)


def learner(task: Task) -> Learner:
    assert isinstance(task.learner, Learner)
    return task.learner


def test_the_covariance_is_that_of_every_particle_and_moves_no_centre_of_mass(small: Task) -> None:
    own = learner(small)
    some = Sample(small.snapshots, small.sample.times[:1])
    C = covariance(own, some).toarray()
    now = some.batch(1)
    dynamics = own.dynamics(now, now.v, own.entropy(now))
    vv = own.model.covariance(dynamics).vv.detach().numpy()
    for i in range(64):
        np.testing.assert_allclose(C[2 * i : 2 * i + 2, 2 * i : 2 * i + 2], vv[i], rtol=1e-9)
    still = np.tile(np.eye(2), (64, 1))
    assert np.abs(C @ still).max() < 1e-12 * C.max()
    assert np.linalg.eigvalsh(C).min() > -1e-12 * C.max()


def test_slopes_are_those_of_the_loss_and_it_bends_upwards(small: Task) -> None:
    forces = SolidForces(learner(small), small.sample)
    gradient, H = forces.whole()[1], forces.curvature()
    for number in (5, len(gradient) - 3, len(gradient) - 1):  # of the kernel, of c_2, of s
        step, ends = torch.zeros_like(gradient), []
        step[number] = 1e-4
        for x in (1, -2):
            forces.move(x * step)
            ends.append(forces.whole()[0])
        forces.move(step)
        assert (ends[0] - ends[1]) / 2e-4 == pytest.approx(float(gradient[number]), rel=1e-4)
    assert torch.linalg.eigvalsh(H).min() > -1e-9 * H.diagonal().max()


def test_velocities_of_the_moment_are_told_from_means_over_a_step(small: Task) -> None:
    assert of_the_moment(small.sample)
    made = NETWORK.replace(frames=60).simulate(1)
    before = np.diff(made.position, axis=0, prepend=made.position[:1]) / made.dt
    made = made._replace(velocity=before)
    assert not of_the_moment(prepare(made, graphs.build(made, cutoff=1.4), SETTINGS, 0).sample)


def test_it_is_for_solids_with_the_noise_of_pairs_alone(small: Task) -> None:
    assert applies(learner(small))
    own = learner(small)
    own.noise, before = own.noise._replace(shake=0.1), own.noise
    assert not applies(own)
    own.noise = before


@pytest.mark.slow
def test_moduli_are_true_wherever_the_steps_begin() -> None:
    task = started(700)
    own, found = learner(task), []
    bonds = task.sample.batch(1).reference
    assert bonds is not None
    for seed in (0, 1):
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            kernel = own.model.volume.coefficients
            kernel.add_(0.1 * torch.randn(kernel.shape, generator=generator, dtype=kernel.dtype))
        descend(SolidForces(own, task.sample))
        S = float(own.entropy(task.sample.batch(1)).mean().detach())
        found.append(moduli(own.model, bonds, S).detach().numpy() / task.snapshots.units.time**2)
    # Four standard errors of 560 snapshots of 64 nodes.
    for values in found:
        assert values[0] == pytest.approx(NETWORK.shear_modulus, rel=0.1)
        assert values[1] == pytest.approx(NETWORK.bulk_modulus, rel=0.12)
    assert found[0] == pytest.approx(found[1], rel=0.03)


@pytest.mark.slow
def test_noise_stays_as_large_as_it_was() -> None:
    task = started(200)
    own, batch = learner(task), task.sample.batch(3)

    def size() -> float:
        dynamics = own.dynamics(batch, batch.v, own.entropy(batch))
        vv = own.model.covariance(dynamics).vv.diagonal(dim1=1, dim2=2)
        return float(vv.mean().detach())

    before = size()
    assert refine(task)
    assert size() == pytest.approx(before, rel=0.01)
