"""Brownian motion: forces halfway along a step, their Jacobian, and what a training makes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.func import hessian

from pipeline import graphs, regime, space
from pipeline.learn.overdamped import contraction, halfway, shifted
from pipeline.learn.settings import Training
from pipeline.learn.snapshots import Batch, Snapshots
from pipeline.learn.task import prepare
from pipeline.learn.train import train
from pipeline.learn.trained_model import load
from pipeline.pairs import State, displaced, find
from pipeline.split import Split
from pipeline.trajectory import Trajectory
from tests.dynamics.systems import CUTOFF, LENGTH, TIME, lattice
from tests.dynamics.test_bath import SIDE, bathed, reference_gas, soft, trap

D = 0.004  # of the reference gas [a^2 / dt]


def film(frames: int, seed: int = 3) -> Trajectory:
    """The Brownian gas of `tests.dynamics`, as tracks without error."""
    r = reference_gas(frames, 16, D, seed) * LENGTH
    v = np.diff(r, axis=0, prepend=r[:1]) / TIME
    window = lattice(frames)
    present = window.present.copy()
    present[0] = False
    note = {**window.attributes, "velocity": "backward difference", "dataset": "brownian"}
    return window._replace(position=r, velocity=v, present=present, attributes=note)


@pytest.fixture(scope="module")
def data() -> tuple[Trajectory, graphs.Graphs]:
    window = film(500)
    return window, graphs.build(window, CUTOFF * LENGTH)


def one(seed: int = 0) -> Batch:
    """A crowd in a box, with velocities."""
    generator = torch.Generator().manual_seed(seed)
    r = torch.from_numpy(lattice(1).position[0] / LENGTH)
    r = r + 0.05 * torch.randn(r.shape, generator=generator, dtype=r.dtype)
    v = 0.02 * torch.randn(r.shape, generator=generator, dtype=r.dtype)
    every = torch.arange(len(r))
    near = find(r, space.periodic((SIDE, SIDE)), CUTOFF)
    return Batch(r, v, v.flip(0), near, every, torch.ones(len(r), dtype=torch.bool), every, every)


def test_pairs_move_with_their_particles() -> None:
    batch = one()
    moved = halfway(batch)
    again = find(moved.r, space.periodic((SIDE, SIDE)), CUTOFF + 0.2)
    known = {(int(i), int(j)): float(r) for i, j, r in zip(*again[:3], strict=True)}
    for i, j, r in zip(*moved.pairs[:3], strict=True):
        assert float(r) == pytest.approx(known.get((int(i), int(j)), known.get((int(j), int(i)))))


def test_contraction_is_the_logarithm_of_the_determinant() -> None:
    """Of 1 + Hess E / 4, by autodiff of the energy; the mean of random probes comes to it."""
    model, batch = bathed({"kind": "brownian"}, friction={"kind": "none"}), one()
    still = torch.zeros_like(batch.r[:, 0])

    def force(at: Batch) -> Tensor:
        return model.dynamics(State(at.r, batch.v, still), at.pairs).drift.dv

    def energy(shift: Tensor) -> Tensor:
        moved = displaced(batch.pairs, shift.view_as(batch.r))
        return model.dynamics(State(batch.r, batch.v, still), moved).thermo.U.sum()

    A = 0.25 * hessian(energy)(torch.zeros(batch.r.numel(), dtype=torch.float64))
    exact = torch.linalg.slogdet(torch.eye(len(A), dtype=A.dtype) + A)[1]
    generator = torch.Generator().manual_seed(1)
    probes = [torch.randn(batch.r.shape, generator=generator).double() for _ in range(60)]
    found = torch.stack([contraction(force, batch, force(batch), 1e-3, x).sum() for x in probes])
    error = found.std() / len(probes) ** 0.5
    assert abs(found.mean() - exact) < 4 * error + 0.01 * abs(exact)
    assert error < 0.05 * abs(exact)


def test_stiffness_of_a_trap_is_found_where_a_step_is_long() -> None:
    """Ornstein-Uhlenbeck from its exact law: k mu dt = 1/2, which Ito's step reads as 0.39."""
    stiffness, T = 1.0, 1e-3
    decay, generator = float(np.exp(-stiffness / 2)), np.random.default_rng(2)
    x = (T / stiffness) ** 0.5 * generator.normal(size=(20000, 2))
    noise = (T / stiffness * (1 - decay**2)) ** 0.5 * generator.normal(size=x.shape)
    r, step = torch.from_numpy(x + SIDE / 2), torch.from_numpy((decay - 1) * x + noise)
    external, bowl = trap(1.0)
    none = torch.zeros(0, dtype=torch.int64)
    far = find(torch.tensor([[0.0, 0.0], [7.0, 7.0]]).double(), space.free(2), CUTOFF)
    near = far._replace(i=none, j=none, n=len(r))
    batch = Batch(r, 0 * r, step, near, *[torch.arange(len(r))] * 4)
    still = torch.zeros_like(r[:, 0])
    probe = torch.randn(r.shape, generator=torch.Generator().manual_seed(3)).double()

    def score(k: float) -> float:
        model = bathed({"kind": "brownian"}, external=external, friction={"kind": "none"})
        model.external.coefficients.copy_(k * bowl)

        def force(at: Batch) -> Tensor:
            return model.dynamics(State(at.r, 0 * r, still), at.pairs).drift.dv

        here = halfway(batch)
        F = force(here)
        residual = 2 * step - (F + 2 * batch.v)
        # T_b that fits best, its value put in.
        spread = residual.square().mean()
        return float(spread.log() - contraction(force, here, F, 1e-3, probe).mean())

    ks = np.linspace(0.8, 1.2, 9)
    values = np.array([score(float(k)) for k in ks])
    a, b, _ = np.polyfit(ks, values, 2)
    # tanh(k mu dt / 2) / (k mu dt / 2) of the truth
    assert -b / (2 * a) == pytest.approx(np.tanh(0.25) / 0.25, abs=0.03)


def test_what_is_halfway_knows_the_next_snapshot_of_all(
    data: tuple[Trajectory, graphs.Graphs],
) -> None:
    """Neighbours that the loss leaves out move as well."""
    window, near = data
    led = window.driven.copy()
    led[:, :8] = True
    snapshots = Snapshots(window._replace(driven=led), near, dtype=torch.float64)
    batch = snapshots.batch(np.array([5]))
    assert not batch.mask[:8].any()
    step = torch.from_numpy(window.position[6] - window.position[5]) / snapshots.units.length
    assert torch.allclose(batch.v_next, step, atol=1e-12)
    assert torch.allclose(halfway(batch).r, shifted(batch, 0.5 * step).r)


SETTINGS = Training(
    bath="brownian",
    strength=False,
    split=Split(train=0.8, validation=0.1),
    batch=10,
    rollout_steps=5,
)


@pytest.mark.slow
def test_a_brownian_model_has_neither_pair_friction_nor_entropies(
    data: tuple[Trajectory, graphs.Graphs],
) -> None:
    task = prepare(*data, SETTINGS.replace(steps=1), seed=0)
    closures = task.learner.model.settings()["closures"]
    assert closures["friction"] == {"kind": "none"}
    assert closures["teacher"] == {"kind": "uniform"}
    assert closures["bath"] == {"kind": "brownian"}


def test_frames_that_are_averages_leave_diffusion_alone(
    data: tuple[Trajectory, graphs.Graphs],
) -> None:
    """A codec that keeps 0.3 of the last frame: single steps have 0.54 of their variance."""
    window = data[0].window(slice(300))
    held = window.position.copy()
    for t in range(1, len(held)):
        held[t] = 0.3 * held[t - 1] + 0.7 * window.position[t]
    told = regime.motion(regime.covariances(held, window.present, window.run))
    assert told.second > 0
    note = {**window.attributes, **told.attributes(1.0, window.dt)}
    note["localisation_error"] = float(np.sqrt(told.fit.variance[:, 0].mean())) if told.fit else 0.0
    velocity = np.diff(held, axis=0, prepend=held[:1]) / TIME
    window = window._replace(position=held, velocity=velocity, attributes=note)
    near = graphs.build(window, CUTOFF * LENGTH)
    task = prepare(window, near, SETTINGS.replace(steps=1), seed=0)
    assert task.settings.span > 1
    units = task.snapshots.units
    T = float(task.learner.model.bath.temperature().detach())
    diffusion = T / 2 * units.length**2 / units.time
    # Neighbours push back, which the sum over lags counts in where steps are alike.
    assert diffusion == pytest.approx(D * LENGTH**2 / TIME, rel=0.12)


@pytest.mark.slow
def test_force_and_diffusion_are_learned(
    data: tuple[Trajectory, graphs.Graphs], tmp_path: Path
) -> None:
    train(*data, SETTINGS.replace(steps=200), tmp_path, seed=0)
    model = load(tmp_path).model.double()
    T = float(model.bath.temperature())
    scale = graphs.build(data[0], CUTOFF * LENGTH).neighbour_distance / LENGTH
    assert T * scale**2 == pytest.approx(2 * D, rel=0.03)
    batch = Snapshots(*data, dtype=torch.float64).batch(np.arange(2, 400, 20))
    still = torch.zeros_like(batch.r[:, 0])
    with torch.no_grad():
        made = model.dynamics(State(batch.r, batch.v, still), batch.pairs).pressure / T / scale
    r = batch.pairs.r * scale
    truth = torch.from_numpy(soft(r.numpy()) / 0.2)
    assert (made - truth).norm() < 0.2 * truth.norm()
