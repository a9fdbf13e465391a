"""One rollout under way: the particles now present, led or free, and what is recorded of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from pipeline.dynamics.boundary import Account, Path
from pipeline.dynamics.law import Law, Setting
from pipeline.dynamics.lead import lead
from pipeline.dynamics.limits import outruns
from pipeline.dynamics.observables import Log
from pipeline.forcing import external
from pipeline.pairs import Coincident, NeighbourList, State, find
from pipeline.trajectory import Trajectory


class Walk:
    """One rollout under way: the state of the particles now present, and what was recorded."""

    def __init__(self, window: Trajectory, law: Law, conditions: Setting, seed: int) -> None:
        self.law, self.conditions = law, conditions
        self.lead = lead(window, conditions.units, conditions.thermal_period)
        self.generator = torch.Generator().manual_seed(seed)
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
        self.given = self.nothing = Account(0.0, torch.zeros(dimension, dtype=torch.float64))
        self.reached = 0  # snapshots recorded
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
        self.given, self.before = self.nothing, None
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
                state, taken = self.law.step(state, dynamics, path, self.dt, self.generator)
                self.given = self.given.plus(taken).plus(self.forced(before, state))
                # Before a neighbour search among positions that are no numbers.
                stopped = outruns(state.v[self.free], self.law.speed)
                if stopped:
                    return t + 1, stopped
            if not np.array_equal(self.index, np.flatnonzero(self.lead.present[t + 1])):
                state = self.exchange(t + 1, state)
            bar.update(1)
        return rows.stop, ""

    def evaluate(self, state: State, time: float) -> Any:
        pairs = self.neighbours.pairs(state.r, time)
        force = None if self.force is None else self.force(state.r) * self.law.m
        return self.law.evaluate(state, pairs, self.index, force, self.dt)

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
        self.r[t, self.index], self.v[t, self.index] = state.r.numpy(), state.v.numpy()
        for name, value in self.law.fields(state, dynamics).items():
            self.fields.setdefault(name, np.zeros(self.shape))[t, self.index] = value.numpy()
        totals = self.law.totals(state, dynamics)
        self.log.record(t, self.law.m, state, totals, self.given, self.free)

    def path(self, state: State, t: int, substep: int) -> Path:
        """Where the driven rows are after a substep, on the line between their data."""
        rows = self.driven[torch.from_numpy(self.lead.present[t + 1, self.index])[self.driven]]
        k = self.index[rows.numpy()]
        now, then = (torch.from_numpy(self.lead.r[s, k]) for s in (t, t + 1))
        whole, _ = self.lead.space.displacement(then, now, float(self.clock[t]))
        share = 1.0 / self.conditions.substeps
        start = state.r[rows] - whole * substep * share
        if substep + 1 == self.conditions.substeps:
            return Path(rows, start + whole, torch.from_numpy(self.lead.v[t + 1, k]))
        return Path(rows, start + whole * (substep + 1) * share, whole / self.interval)

    def content(self, state: State, dynamics: Any) -> Account:
        """Energy and momentum of the particles now present."""
        return Account(self.law.energy(state, dynamics), float(self.law.m) * state.v.sum(0))

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
        if state is None or not stays.all():
            new = torch.from_numpy(~stays) if state is not None else slice(None)
            pairs = find(bare.r, self.lead.space, self.law.cutoff, float(self.clock[t]))
            bare.S[new] = self.law.enter(bare, pairs, index)[new]
        self.index = index
        driven = self.lead.driven[t, index]
        self.driven = torch.from_numpy(np.flatnonzero(driven))
        self.free = torch.from_numpy(np.flatnonzero(~driven))
        self.neighbours = NeighbourList(self.lead.space, self.law.cutoff, self.conditions.skin)
        return bare
