"""Rollouts of the metriplectic model, whose particles have an entropy each."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from pipeline.closures.reference import Reference
from pipeline.dynamics.arrange import arranged, tempered
from pipeline.dynamics.boundary import Account, Path, account, follow, lead_velocity, shearing
from pipeline.dynamics.integrators import euler_heat, heat, kick, move
from pipeline.dynamics.limits import UNLIMITED, Limits, leaves, overdamps
from pipeline.metriplectic.model import Metriplectic
from pipeline.metriplectic.noise import Increments, counted, draw
from pipeline.metriplectic.thermo import Dynamics
from pipeline.pairs import Pairs, State
from pipeline.units import ReducedUnits


class Conditions(NamedTuple):
    """What a rollout of the metriplectic model needs besides the data and the model."""

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
    drawn: np.ndarray | None = None  # (N,) bool, whose z is a draw: see `arrange`; None: nobody's
    beginning: float | None = None  # mean T of those drawn at the start; None: as they are drawn
    reference: Reference | None = None  # undeformed bonds of a solid, in float64
    noise: str = "generator"  # generator | counted (by seed, step and particles, as in LAMMPS)

    def law(self, model: Any) -> Thermal:
        """See `pipeline.dynamics.law.Setting`."""
        return Thermal(model, self)


class Thermal:
    """The law of a metriplectic model, see `pipeline.dynamics.law.Law`."""

    def __init__(self, model: Metriplectic, conditions: Conditions) -> None:
        self.model, self.conditions = model, conditions
        self.z = torch.tensor(conditions.z, dtype=torch.float64)
        self.drawn = conditions.drawn
        self.strength = None
        if conditions.strength is not None:
            self.strength = torch.as_tensor(conditions.strength, dtype=torch.float64)
        self.steps = 0  # taken so far
        self.index = np.zeros(0, dtype=np.int64)  # of the particles last evaluated

    @property
    def m(self) -> Tensor:
        return self.model.m

    @property
    def cutoff(self) -> float:
        return self.model.cutoff

    @property
    def speed(self) -> float:
        return self.conditions.limits.speed

    def enter(self, state: State, pairs: Pairs, index: np.ndarray) -> Tensor:
        """The teacher's entropy plus the latent (paper, algorithm 2)."""
        S = self.model.entropy(state, pairs)
        if self.drawn is not None:
            rows = np.flatnonzero(self.drawn[index])
            V = self.evaluate(state, pairs, index, None, 1.0).thermo.V[rows]
            self.hand_out(S[rows], V, index[rows])
            self.drawn = None
        return S + self.z[index]

    def hand_out(self, S: Tensor, V: Tensor, who: np.ndarray) -> None:
        """Arranges the drawn latents of particles ``who`` (n,) that a rollout starts with."""
        # The latents are random already, and differ between the seeds of a rollout.
        rng = np.random.default_rng(0)
        law, T = self.model.energy_closure, self.conditions.temperature
        z = arranged(law, S, self.z[who], V, T, rng)
        if self.conditions.beginning is not None:
            z = tempered(law, S + z, V, self.conditions.beginning) - S
        self.z[who] = z

    def evaluate(
        self, state: State, pairs: Pairs, index: np.ndarray, force: Tensor | None, dt: float
    ) -> Dynamics:
        self.index = index
        limit = None if self.conditions.gate is None else self.conditions.gate / dt
        strength = None if self.strength is None else self.strength[index]
        solid = self.conditions.reference
        return self.model.dynamics(state, pairs, solid, force, limit=limit, strength=strength)

    def step(
        self, state: State, dynamics: Dynamics, path: Path, dt: float, generator: torch.Generator
    ) -> tuple[State, Account]:
        noise = self.noise(dynamics.pairs, dt, generator)
        given = kick(self.model, dynamics, noise, dt)
        free_v = state.v + given.dv
        v = lead_velocity(free_v, path)
        if self.conditions.integrator == "euler":
            dS = euler_heat(self.model, dynamics, noise, dt)
        else:
            dS = heat(dynamics, given, state.v, v)
        free = move(state, free_v, dS, dt)
        after = follow(free, path, dynamics.thermo, state.S, self.conditions.temperature)
        taken = account(self.model, dynamics, (state, free, after), path.rows, dt)
        return after, taken.plus(shearing(dynamics, given, dt))

    def noise(self, pairs: Pairs, dt: float, generator: torch.Generator) -> Increments:
        """Wiener increments of the next step; the tag of a particle is its index plus one."""
        if self.conditions.noise == "generator":
            return draw(pairs, dt, generator)
        self.steps += 1
        return counted(pairs, self.index + 1, dt, generator.initial_seed(), self.steps - 1)

    def check(self, state: State, dynamics: Dynamics, rows: Tensor, dt: float) -> str:
        thermo, limits = dynamics.thermo, self.conditions.limits
        left = leaves(limits, state.S[rows], thermo.V[rows], thermo.T[rows], state.v[rows])
        return left or overdamps(dynamics, rows, dt)

    def energy(self, state: State, dynamics: Dynamics) -> float:
        return float(self.model.energy(state, dynamics))

    def totals(self, state: State, dynamics: Dynamics) -> dict[str, float]:
        return {
            "energy": self.energy(state, dynamics),
            "internal": float(dynamics.thermo.U.sum()),
            "entropy": float(state.S.sum()),
        }

    def fields(self, state: State, dynamics: Dynamics) -> dict[str, Tensor]:
        return {"entropy": state.S, "temperature": dynamics.thermo.T}
