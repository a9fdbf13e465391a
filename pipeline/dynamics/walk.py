"""One rollout under way: the particles now present, led or free, and what is recorded of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from tqdm import tqdm

from pipeline.dynamics.boundary import Account, Path, account, follow, lead_velocity
from pipeline.dynamics.integrators import euler_heat, heat, kick, move
from pipeline.dynamics.lead import lead
from pipeline.dynamics.limits import UNLIMITED, Limits, leaves, overdamps
from pipeline.dynamics.observables import Log
from pipeline.metriplectic.dynamics import Dynamics
from pipeline.metriplectic.model import Metriplectic
from pipeline.metriplectic.noise import draw
from pipeline.pairs import NeighbourList, find
from pipeline.state import State
from pipeline.trajectory import Trajectory
from pipeline.units import ReducedUnits


class Conditions(NamedTuple):
    """What a rollout needs besides the data and the model."""

    units: ReducedUnits  # reduced units of the model in the trajectory's
    z: np.ndarray  # (N,) latent entropies, order of the trajectory's particles
    temperature: float  # at which driven particles are held
    limits: Limits = UNLIMITED
    substeps: int = 1  # integrator steps per snapshot interval
    skin: float = 0.3  # of the neighbour list [a]
    integrator: str = "balanced"  # balanced (energy kept) | euler (the paper's)
    gate: float | None = 0.5  # greatest friction rate of a pair per step, see metriplectic.gate
    strength: np.ndarray | None = None  # (N,) factors s_i of the kernel; None: all alike
    thermal_period: float | None = None  # of the motion taken out of driven paths [dt]


class Walk:
    """One rollout under way: the state of the particles now present, and what was recorded."""

    def __init__(
        self, window: Trajectory, model: Metriplectic, conditions: Conditions, seed: int
    ) -> None:
        self.model, self.conditions = model, conditions
        self.lead = lead(window, conditions.units, conditions.thermal_period)
        self.generator = torch.Generator().manual_seed(seed)
        self.z = torch.as_tensor(conditions.z, dtype=torch.float64)
        self.strength = None
        if conditions.strength is not None:
            self.strength = torch.as_tensor(conditions.strength, dtype=torch.float64)
        self.clock = (window.time - window.time[0]) / conditions.units.time
        self.dt = 1.0 / conditions.substeps
        count, particles, dimension = window.position.shape
        self.r, self.v = self.lead.r.copy(), self.lead.v.copy()
        self.S, self.T = np.zeros((2, count, particles))
        self.log = Log(count, dimension)
        self.index = np.zeros(0, dtype=np.int64)
        self.given = self.nothing = Account(0.0, torch.zeros(dimension, dtype=torch.float64))
        self.before: Account | None = None  # energy and momentum before particles came or went

    def run(self, rows: slice, bar: tqdm) -> tuple[int, str]:
        """Walks through successive snapshots; returns how far it got and why it stopped."""
        self.given, self.before = self.nothing, None
        state = self.populate(rows.start, None)
        for t in range(rows.start, rows.stop):
            dynamics = self.evaluate(state, float(self.clock[t]))
            self.record(t, state, dynamics)
            stopped = self.check(state, dynamics)
            if stopped:
                # The first snapshot is the data's own and is kept: a rollout is never empty.
                return max(t, rows.start + 1), stopped
            if t + 1 == rows.stop:
                break
            for substep in range(self.conditions.substeps):
                if substep:
                    dynamics = self.evaluate(state, float(self.clock[t]) + substep * self.dt)
                state = self.step(state, dynamics, self.path(state, t, substep))
            if not np.array_equal(self.index, np.flatnonzero(self.lead.present[t + 1])):
                state = self.exchange(t + 1, state)
            bar.update(1)
        return rows.stop, ""

    def evaluate(self, state: State, time: float) -> Dynamics:
        limit = None if self.conditions.gate is None else self.conditions.gate / self.dt
        strength = None if self.strength is None else self.strength[self.index]
        pairs = self.neighbours.pairs(state.r, time)
        return self.model.dynamics(state, pairs, limit=limit, strength=strength)

    def check(self, state: State, dynamics: Dynamics) -> str:
        thermo, k = dynamics.thermo, self.free
        limits = self.conditions.limits
        left = leaves(limits, state.S[k], thermo.V[k], thermo.T[k], state.v[k])
        return left or overdamps(dynamics, k, self.dt)

    def record(self, t: int, state: State, dynamics: Dynamics) -> None:
        if self.before is not None:
            now = self.content(state, dynamics)
            change = Account(now.work - self.before.work, now.impulse - self.before.impulse)
            self.given, self.before = self.given.plus(change), None
        self.r[t, self.index], self.v[t, self.index] = state.r.numpy(), state.v.numpy()
        self.S[t, self.index], self.T[t, self.index] = state.S.numpy(), dynamics.thermo.T.numpy()
        self.log.record(t, self.model, state, dynamics, self.given, self.free)

    def step(self, state: State, dynamics: Dynamics, path: Path) -> State:
        """One integrator step, driven rows led along their path."""
        noise = draw(dynamics.pairs, self.dt, self.generator)
        given = kick(self.model, dynamics, noise, self.dt)
        free_v = state.v + given.dv
        v = lead_velocity(free_v, path)
        if self.conditions.integrator == "euler":
            dS = euler_heat(self.model, dynamics, noise, self.dt)
        else:
            dS = heat(dynamics, given, state.v, v)
        free = move(state, free_v, dS, self.dt)
        if len(path.rows) == 0:
            return free
        after = follow(free, path, dynamics.thermo, state.S, self.conditions.temperature)
        taken = account(self.model, dynamics, (state, free, after), path.rows, self.dt)
        self.given = self.given.plus(taken)
        return after

    def path(self, state: State, t: int, substep: int) -> Path:
        """Where the driven rows are after a substep, on the line between their data."""
        rows = self.driven[torch.from_numpy(self.lead.present[t + 1, self.index])[self.driven]]
        k = self.index[rows.numpy()]
        now, then = (torch.from_numpy(self.lead.r[s, k]) for s in (t, t + 1))
        whole, _ = self.lead.space.displacement(then, now, float(self.clock[t]))
        start = state.r[rows] - whole * substep * self.dt
        if substep + 1 == self.conditions.substeps:
            return Path(rows, start + whole, torch.from_numpy(self.lead.v[t + 1, k]))
        return Path(rows, start + whole * (substep + 1) * self.dt, whole)

    def content(self, state: State, dynamics: Dynamics) -> Account:
        """Energy and momentum of the particles now present."""
        energy = float(self.model.energy(state, dynamics))
        return Account(energy, float(self.model.m) * state.v.sum(0))

    def exchange(self, t: int, state: State) -> State:
        """Lets particles come and go as the data say; what they carry counts as given."""
        self.before = self.content(state, self.evaluate(state, float(self.clock[t])))
        return self.populate(t, state)

    def populate(self, t: int, state: State | None) -> State:
        """The particles present at t: those that stay keep their state, others come from data.

        Entropies of new ones are the teacher's plus the latent (paper, algorithm 2).
        """
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
            pairs = find(bare.r, self.lead.space, self.model.cutoff, float(self.clock[t]))
            bare.S[new] = (self.model.entropy(bare, pairs) + self.z[index])[new]
        self.index = index
        driven = self.lead.driven[t, index]
        self.driven = torch.from_numpy(np.flatnonzero(driven))
        self.free = torch.from_numpy(np.flatnonzero(~driven))
        self.neighbours = NeighbourList(self.lead.space, self.model.cutoff, self.conditions.skin)
        return bare
