"""Rollouts: the model's own dynamics from a snapshot of the data, with driven particles led."""

from __future__ import annotations

import copy
import os
import time
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from pipeline import h5md
from pipeline.arrays import store
from pipeline.dynamics.accounts import Account, FromBath
from pipeline.dynamics.compiled import chosen
from pipeline.dynamics.driven import Path, lead
from pipeline.dynamics.limits import outruns
from pipeline.dynamics.steppers import Law, Moment, Setting
from pipeline.forcing import external
from pipeline.hdf5 import written
from pipeline.pairs import Coincident, State
from pipeline.trajectory import Trajectory


class Record(NamedTuple):
    """What a run did, in reduced units; columns are the particles of its window."""

    r: np.ndarray  # (T, N, D)
    v: np.ndarray  # (T, N, D)
    fields: dict[str, np.ndarray]  # (T, N)


class Walk:
    """One rollout under way: the state of the particles now present, and what was recorded."""

    def __init__(self, window: Trajectory, law: Law, conditions: Setting, seed: int) -> None:
        self.law, self.conditions = law, conditions
        self.lead = lead(window, conditions.units, conditions.thermal_period)
        self.law.seed(seed)
        self.force = external(window.attributes, conditions.units)
        # Not from the first snapshot on: sliding images are where the time says.
        self.clock = window.time / conditions.units.time
        # A model trained in strides has a unit of time longer than the snapshot interval.
        self.interval = window.dt / conditions.units.time
        self.dt = self.interval / conditions.substeps
        count, particles, dimension = window.position.shape
        self.r, self.v = self.lead.r.copy(), self.lead.v.copy()
        self.shape = (count, particles)
        self.fields: dict[str, np.ndarray] = {}
        self.log = Log(count, dimension)
        self.index = np.zeros(0, dtype=np.int64)
        still = torch.zeros(dimension, dtype=torch.float64)
        entropy = np.nan if law.medium == "active" else 0.0
        bath = None if law.medium == "none" else FromBath(0.0, 0.0, still, entropy)
        self.given = self.nothing = Account(0.0, still, bath)
        self.reached = 0  # snapshots recorded
        self.start = 0  # snapshot at which the present stretch begins
        self.before: Account | None = None  # energy and momentum before particles came or went

    def run(self, rows: slice, bar: tqdm) -> tuple[int, str]:
        """Walks through successive snapshots; returns how far it got and why it stopped.

        Raises:
            Coincident: if two particles of the data it starts from are at the same place.
        """
        self.reached = rows.start
        try:
            return self._run(rows, bar)
        except Coincident:
            if self.reached == rows.start:
                raise
            return self.reached, "two particles came to sit on each other"

    def _run(self, rows: slice, bar: tqdm) -> tuple[int, str]:
        self.given, self.before, self.start = self.nothing, None, rows.start
        state = self.populate(rows.start, None)
        for t in range(rows.start, rows.stop):
            dynamics = self.evaluate(state, float(self.clock[t]))
            self.record(t, state, dynamics)
            self.reached = t + 1
            stopped = self.law.check(state, dynamics, self.free, self.dt)
            if stopped:
                # The first snapshot is the data's own and is kept: a rollout is never empty.
                return max(t, rows.start + 1), stopped
            if t + 1 == rows.stop:
                break
            for substep in range(self.conditions.substeps):
                if substep:
                    dynamics = self.evaluate(state, float(self.clock[t]) + substep * self.dt)
                path = self.path(state, t, substep)
                before = state
                state, taken = self.law.step(state, dynamics, path, self.dt)
                self.given = self.given.plus(taken).plus(self.forced(before, state))
                # Before a neighbour search among positions that are no numbers.
                stopped = outruns(state.v[self.free], self.law.speed)
                if stopped:
                    return t + 1, stopped
            if (self.lead.present[t + 1] != self.lead.present[t]).any():
                state = self.exchange(t + 1, state)
            bar.update(1)
        return rows.stop, ""

    def evaluate(self, state: State, time: float) -> Any:
        force = None if self.force is None else self.force(state.r) * self.law.m
        flow = self.law.flow(state.r, time)
        return self.law.evaluate(Moment(state, self.index, time, force, flow), self.dt)

    def forced(self, before: State, after: State) -> Account:
        """What the external force gave in a step."""
        if self.force is None:
            return self.nothing
        impulse = self.force(before.r) * self.law.m * self.dt
        return Account(float((impulse * (before.v + after.v)).sum() / 2), impulse.sum(0))

    def record(self, t: int, state: State, dynamics: Any) -> None:
        if self.before is not None:
            now = self.content(state, dynamics)
            change = Account(now.work - self.before.work, now.impulse - self.before.impulse)
            self.given, self.before = self.given.plus(change), None
        everyone = len(self.index) == self.shape[1]
        columns = slice(None) if everyone else self.index
        self.r[t, columns], self.v[t, columns] = state.r.numpy(), self.velocity(t, state)
        for name, value in self.law.fields(state, dynamics).items():
            self.fields.setdefault(name, np.zeros(self.shape))[t, columns] = value.numpy()
        totals = self.law.totals(state, dynamics)
        free = slice(None) if len(self.free) == len(self.index) else self.free.numpy()
        self.log.record(t, float(self.law.m), state, totals, self.given, free)

    def velocity(self, t: int, state: State) -> np.ndarray:
        """What is recorded as velocity (n, D): of Brownian motion, that of a whole interval."""
        v = state.v.numpy()
        if self.law.medium != "brownian" or t == self.start:
            return v
        stayed = self.lead.present[t - 1, self.index]
        mean = (state.r.numpy() - self.r[t - 1, self.index]) / self.interval
        return np.where(stayed[:, None], mean, v)

    def kept(self, last: int) -> Record:
        """What was recorded of the first ``last`` snapshots."""
        fields = {name: field[:last] for name, field in self.fields.items()}
        return Record(self.r[:last], self.v[:last], fields)

    def path(self, state: State, t: int, substep: int) -> Path:
        """Where the driven rows are after a substep, on the line between their data."""
        rows = self.driven.numpy()
        rows = rows[self.lead.present[t + 1, self.index[rows]]]
        k = self.index[rows]
        now, then = self.lead.r[t, k], self.lead.r[t + 1, k]
        whole, _ = self.lead.space.displacement(then, now, float(self.clock[t]))
        share = 1.0 / self.conditions.substeps
        start = state.r.numpy()[rows] - whole * substep * share
        if substep + 1 == self.conditions.substeps:
            ends = start + whole, self.lead.v[t + 1, k]
        else:
            ends = start + whole * (substep + 1) * share, whole / self.interval
        return Path(torch.from_numpy(rows), *map(torch.from_numpy, ends))

    def content(self, state: State, dynamics: Any) -> Account:
        """Energy and momentum of the particles now present."""
        energy = self.law.energy(state, dynamics) + self.law.half_kick(state, dynamics)
        return Account(energy, float(self.law.m) * state.v.sum(0))

    def exchange(self, t: int, state: State) -> State:
        """Lets particles come and go as the data say; what they carry counts as given."""
        self.before = self.content(state, self.evaluate(state, float(self.clock[t])))
        return self.populate(t, state)

    def populate(self, t: int, state: State | None) -> State:
        """The particles present at t: those that stay keep their state, others come from data."""
        index = np.flatnonzero(self.lead.present[t])
        r, v = (torch.from_numpy(x[t, index]) for x in (self.lead.r, self.lead.v))
        bare = State(r, v, torch.zeros(len(index), dtype=torch.float64))
        stays = np.isin(index, self.index)
        if state is not None:
            rows = torch.from_numpy(np.searchsorted(self.index, index[stays]))
            keep = torch.from_numpy(stays)
            for now, before in zip(bare, state, strict=True):
                now[keep] = before[rows]
        self.law.settle(self.lead.space, self.conditions.skin)
        if state is None or not stays.all():
            new = torch.from_numpy(~stays) if state is not None else slice(None)
            bare.S[new] = self.law.enter(Moment(bare, index, float(self.clock[t])))[new]
        self.index = index
        driven = self.lead.driven[t, index]
        self.driven = torch.from_numpy(np.flatnonzero(driven))
        self.free = torch.from_numpy(np.flatnonzero(~driven))
        return bare


class Rollout(NamedTuple):
    """What came out; ``stopped`` says why it ended early, or is empty."""

    trajectory: Trajectory
    observables: dict[str, np.ndarray]
    stopped: str
    ms_per_step: float = float("nan")  # CPU time of a step of the integrator
    engine: str = "torch"  # what computed the steps


@torch.inference_mode()
def rollout(
    window: Trajectory,
    model: nn.Module,
    conditions: Setting,
    seed: int,
    progress: bool = True,
) -> Rollout:
    """Runs the model over the times of ``window``, from the data at its first snapshot.

    Particles free at every snapshot of the window evolve; all others follow the data while
    present. Where the window holds several runs each starts afresh from its data, and the logged
    work restarts with it. The same seed gives the same rollout. States are in float64, and so is
    the metriplectic model, which balances energy; a baseline keeps the precision of its weights.

    Args:
        window: snapshots to follow, usually the test block.
        model: metriplectic or a baseline, learned or analytic.
        conditions: units, limits, steps, and the law by which the model moves particles.
        seed: of all random numbers.
        progress: whether to show a bar.
    """
    model = copy.deepcopy(model).cpu().eval()
    walk = Walk(window, chosen(conditions.law(model)), conditions, seed)
    count, stopped, last = len(window.time), "", 0
    begin = time.process_time()
    with tqdm(total=count, desc="rollout", unit="step", mininterval=1, disable=not progress) as bar:
        for rows in window.stretches():
            last, stopped = walk.run(rows, bar)
            bar.update(1)
            if stopped:
                break
    if stopped:
        stopped = f"Stopped after {last} of {count} snapshots: {stopped}."
    cost = 1e3 * (time.process_time() - begin) / max((last - 1) * conditions.substeps, 1)
    made = recorded(window, walk, walk.kept(last), seed)
    return Rollout(made, walk.log.arrays(window.time, last), stopped, cost, walk.law.engine)


def recorded(window: Trajectory, walk: Walk, record: Record, seed: int) -> Trajectory:
    """The first snapshots of a window as a run took them, in the units of the data.

    Who was in the data but not in the run stays as a neighbour, which is not free; in a closed
    container, where it is somebody else under another label, it is left out.

    Args:
        window: what was to be followed.
        walk: says who was present and led, and the units.
        record: of its first snapshots.
        seed: of the run.
    """
    last = len(record.r)
    units, part = walk.conditions.units, window.window(slice(0, last))
    present = walk.lead.present[:last]
    seen = part.present & present if window.closed else part.present
    return part._replace(
        position=record.r * units.length,
        velocity=record.v * units.velocity,
        present=seen,
        driven=walk.lead.driven[:last] | (seen & ~present),
        extra={k: np.where(present, field, 0.0) for k, field in record.fields.items()},
        attributes={**part.attributes, "rollout_seed": seed, "localisation_error": 0.0},
    )


# Units of the logged quantities in reduced units a, dt and particle masses.
UNITS = {
    "time": "time unit of the trajectory",
    "entropy": "k_B",
    "momentum": "m a / dt",
    "impulse": "m a / dt",
    "bath_impulse": "m a / dt",
    "bath_entropy": "k_B",
}


def write(
    path: str | os.PathLike[str], result: Rollout, units: dict[str, float], source: str
) -> None:
    """Writes rollout.h5: a trajectory with the group /observables; whole or not at all.

    Args:
        path: file to write.
        result: of `rollout`.
        units: values of the reduced units, stored as attributes (length, time).
        source: what was rolled out, <model>_seed<k>, with _rollout<i> for all but the first.
    """
    with written(path) as file:
        h5md.fill(file, result.trajectory.noting(source=source))
        group = file.create_group("observables")
        for name, value in result.observables.items():
            store(group, name, value)
            group[name].attrs["unit"] = UNITS.get(name, "m a^2 / dt^2")
        group.attrs["stopped"] = result.stopped
        group.attrs["ms_per_step"] = result.ms_per_step
        group.attrs["engine"] = result.engine
        for name, scale in units.items():
            group.attrs[name] = scale


def kinetic_temperature(r: np.ndarray, v: np.ndarray) -> float:
    """Variance of v per component about the affine flow fitted to v (n, D) at r (n, D)."""
    n, dimension = v.shape
    if n < 2 * (dimension + 1):
        return float(v.var(0).mean()) if n else float("nan")
    r, v = (x.T.copy() for x in (r, v))  # sums along memory are much faster
    r -= r.mean(1)[:, None]
    v -= v.mean(1)[:, None]
    v -= np.linalg.solve(r @ r.T, r @ v.T).T @ r
    return float(np.vdot(v, v) / ((n - dimension - 1) * dimension))


class Log:
    """Totals at each snapshot, in reduced units.

    ``energy`` counts all particles then present, driven ones too; ``work`` and ``impulse`` are
    what driving, walls, and particles that come and go have given since the start. Energy with
    ``half_kick`` (see `Law.half_kick`) minus work, and momentum minus impulse, are therefore
    constant, energy to second order in the step and momentum to round-off. A model
    without energy or entropy logs none. What a bath gave is part of both, and logged besides:
    ``bath_heat`` out of its heat, ``bath_work`` by its flow, ``bath_impulse``; ``bath_entropy`` is
    what it gained, NaN where it is active.
    """

    def __init__(self, count: int, dimension: int) -> None:
        self.scalars: dict[str, np.ndarray] = {}
        self.count = count
        self.momentum = np.full((count, dimension), np.nan)
        self.impulse = np.full((count, dimension), np.nan)
        self.bath_impulse = np.full((count, dimension), np.nan)

    def record(
        self,
        t: int,
        m: float,
        state: State,
        totals: dict[str, float],
        given: Account,
        free: np.ndarray | slice,
    ) -> None:
        """Notes the totals of snapshot ``t``; ``free`` are the rows that are not driven."""
        r, v = state.r.numpy(), state.v.numpy()
        values = {
            **totals,
            "kinetic": 0.5 * m * float(np.vdot(v, v)),
            "work": given.work,
            "temperature": m * kinetic_temperature(r[free], v[free]),
        }
        bath = given.bath
        if bath is not None:
            own = {"heat": bath.heat, "work": bath.work, "entropy": -bath.entropy}
            values.update({f"bath_{name}": value for name, value in own.items()})
            self.bath_impulse[t] = bath.impulse.numpy()
        for name, value in values.items():
            self.scalars.setdefault(name, np.full(self.count, np.nan))[t] = value
        self.momentum[t] = m * state.v.sum(0).numpy()
        self.impulse[t] = given.impulse.numpy()

    def arrays(self, time: np.ndarray, last: int) -> dict[str, np.ndarray]:
        """The first ``last`` snapshots as arrays, with their times."""
        arrays = {"time": time, **self.scalars, "momentum": self.momentum, "impulse": self.impulse}
        if "bath_heat" in self.scalars:
            arrays["bath_impulse"] = self.bath_impulse
        return {name: value[:last] for name, value in arrays.items()}
