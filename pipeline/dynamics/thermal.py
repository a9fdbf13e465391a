"""The law by which a metriplectic model moves particles, with their entropies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from pipeline.closures.reference import Reference
from pipeline.dynamics.accounts import (
    Account,
    by_bath,
    by_driving,
    by_shearing,
    by_walls,
    conservative_force,
)
from pipeline.dynamics.bond_modes import BondModes, Heat
from pipeline.dynamics.driven import Path, follow, lead_velocity
from pipeline.dynamics.initial_entropy import arranged, tempered
from pipeline.dynamics.integrators import euler_heat, heat, kick, move
from pipeline.dynamics.limits import UNLIMITED, Limits, friction_rate, leaves, overdamps
from pipeline.dynamics.modes import Modes
from pipeline.dynamics.steppers import Law, Moment, Setting
from pipeline.metriplectic.gate import GATE
from pipeline.metriplectic.model import Metriplectic
from pipeline.metriplectic.noise import Increments, counted
from pipeline.metriplectic.thermo import Dynamics
from pipeline.pairs import Pairs, State


class Flow(Protocol):
    """r (n, D), time -> velocity of the medium (n, D)."""

    def __call__(self, r: Tensor, time: float) -> Tensor: ...


LEAST_SUBSTEPS = 4  # of Brownian motion: a frame is long against steep forces


@dataclass(frozen=True, eq=False)
class Conditions(Setting):
    """What a rollout of the metriplectic model needs besides the data and the model."""

    z: np.ndarray  # (N,) latent entropies, order of the trajectory's particles
    temperature: float  # at which driven particles are held
    limits: Limits = UNLIMITED
    integrator: str = "balanced"  # balanced (energy kept) | euler (the paper's)
    gate: float | None = GATE  # greatest friction rate of a pair per step, see metriplectic.gate
    strength: np.ndarray | None = None  # (N,) factors s_i of the kernel; None: all alike
    drawn: np.ndarray | None = None  # (N,) bool, whose z is a draw: see `arrange`; None: nobody's
    beginning: float | None = None  # mean T of those drawn at the start; None: as they are drawn
    reference: Reference | None = None  # undeformed bonds of a solid, in float64
    flow: Flow | None = None  # of the medium around the particles; None where it rests
    compiled: bool = True  # whether the compiled engine is asked, see `dynamics.compiled`

    def law(self, model: Any) -> Law:
        """See `Setting`; the model is brought to float64."""
        return Thermal(model.double(), self)


def least_substeps(model: Metriplectic, wanted: int) -> int:
    """Substeps of a rollout: those wanted, at least LEAST_SUBSTEPS for Brownian motion."""
    brownian = model.bath is not None and model.bath.brownian
    return max(wanted, LEAST_SUBSTEPS) if brownian else wanted


class Thermal(Law):
    """The law of a metriplectic model."""

    model: Metriplectic

    def __init__(self, model: Metriplectic, conditions: Conditions) -> None:
        super().__init__(model)
        self.conditions, self.dt = conditions, 1.0
        self.z = torch.tensor(conditions.z, dtype=torch.float64)
        self.drawn = conditions.drawn
        self.strength = None
        if conditions.strength is not None:
            self.strength = torch.as_tensor(conditions.strength, dtype=torch.float64)
        self.steps = 0  # taken so far
        self.index = np.zeros(0, dtype=np.int64)  # of the particles last evaluated
        self.push: Tensor | None = None  # force (n, D) from outside on them, and of modes
        self.stream: Tensor | None = None  # velocity (n, D) of the medium there
        self.modes: Modes | None = None
        self.bonds: BondModes | None = None
        memory, solid = model.memory, conditions.reference
        if memory is not None and memory.bonds:
            self.bonds = None if solid is None else BondModes(memory, solid)
        elif memory is not None:
            self.modes = Modes(memory, len(conditions.z), model.scales.dimension)

    @property
    def speed(self) -> float:
        # Displacements of Brownian motion grow with the root of the step.
        longer = self.dt**-0.5 if self.medium == "brownian" else 1.0
        return self.conditions.limits.speed * longer

    @property
    def limits(self) -> Limits:
        """What training saw, the speed as of a step of this length."""
        return self.conditions.limits._replace(speed=self.speed)

    @property
    def medium(self) -> str:
        bath, modes = self.model.bath, self.modes
        if bath is None and modes is None:
            return "none"
        if bath is not None and bath.brownian:
            return "brownian"
        active = (bath is not None and bath.active) or (modes is not None and not modes.stored)
        return "active" if active else "inertial"

    def flow(self, r: Tensor, time: float) -> Tensor | None:
        return None if self.conditions.flow is None else self.conditions.flow(r, time)

    def enter(self, here: Moment) -> Tensor:
        """The teacher's entropy plus the latent (paper, algorithm 2)."""
        pairs = self.pairs(here)
        if self.modes is not None:
            self.modes.enter(here.who, self.generator.initial_seed(), self.steps)
        if self.bonds is not None:
            self.bonds.enter(self.generator.initial_seed(), self.steps)
        S = self.model.entropy(here.state, pairs)
        if self.drawn is not None:
            rows = np.flatnonzero(self.drawn[here.who])
            V = self.dynamics(here, pairs).thermo.V[rows]
            self.hand_out(S[rows], V, here.who[rows])
            self.drawn = None
        return S + self.z[here.who]

    def hand_out(self, S: Tensor, V: Tensor, who: np.ndarray) -> None:
        """Arranges the drawn latents of particles ``who`` (n,) that a rollout starts with."""
        # The latents are random already, and differ between the seeds of a rollout.
        rng = np.random.default_rng(0)
        law, T = self.model.energy_closure, self.conditions.temperature
        z = arranged(law, S, self.z[who], V, T, rng)
        if self.conditions.beginning is not None:
            z = tempered(law, S + z, V, self.conditions.beginning) - S
        self.z[who] = z

    def evaluate(self, here: Moment, dt: float) -> Dynamics:
        here = self.begin(here, dt)
        return self.dynamics(here, self.pairs(here))

    def begin(self, here: Moment, dt: float) -> Moment:
        """Takes note of who is there and of the length of the next step; adds the modes' force."""
        force = self.remembered(here.who, here.state.r)
        if force is not None:
            here = here._replace(force=force if here.force is None else here.force + force)
        self.index, self.push, self.stream = here.who, here.force, here.flow
        if dt != self.dt:
            self.model, self.dt = self.model.at_step(dt), dt
        return here

    def remembered(self, who: np.ndarray, r: Tensor) -> Tensor | None:
        """Force (n, D) of the modes of particles ``who``, or of bonds, at r; None without any."""
        if self.bonds is not None:
            return self.bonds.force(r)
        return None if self.modes is None else self.modes.force(who)

    def dynamics(self, here: Moment, pairs: Pairs) -> Dynamics:
        """Everything deterministic, by torch, for a step of the length last noted."""
        limit = None if self.conditions.gate is None else self.conditions.gate / self.dt
        strength = None if self.strength is None else self.strength[here.who]
        return self.model.dynamics(
            here.state,
            pairs,
            self.conditions.reference,
            here.force,
            limit=limit,
            strength=strength,
            flow=here.flow,
        )

    def step(
        self, state: State, dynamics: Dynamics, path: Path, dt: float
    ) -> tuple[State, Account]:
        noise = self.noise(dynamics.pairs, dt)
        given = kick(self.model, dynamics, noise, dt)
        free_v = state.v + given.dv
        v = lead_velocity(free_v, path)
        if self.conditions.integrator == "euler":
            dS = euler_heat(self.model, dynamics, noise, dt)
        else:
            dS = heat(dynamics, given, state.v, v)
        free = move(state, free_v, dS, dt)
        after = follow(free, path, dynamics.thermo, state.S, self.conditions.temperature, dt)
        taken = by_driving(self.model, dynamics, (state, free, after), path.rows, dt)
        taken = taken.plus(by_bath(dynamics, given, state.v, after.v))
        taken = taken.plus(by_shearing(dynamics, given, dt)).plus(by_walls(dynamics, dt))
        taken = taken.plus(self.by_modes(state, after, dt))
        return self.let_go((state, after), self.caloric(state, dynamics), dt), taken

    def caloric(self, state: State, dynamics: Dynamics) -> Heat:
        """Of the particles at the beginning of a step."""
        return Heat(dynamics.thermo.T, dynamics.thermo.dTdS)

    def let_go(self, states: tuple[State, State], heat: Heat, dt: float) -> State:
        """Moves bonds that remember on by a step; the state after it with the heat of their creep.

        Args:
            states: before and after the step.
            heat: of the particles before it.
            dt: its length.
        """
        before, after = states
        if self.bonds is None:
            return after
        draw = self.generator.initial_seed(), self.steps - 1
        later = heat.after(after.S - before.S)
        return after._replace(S=after.S + self.bonds.step((before.r, after.r), later, dt, draw))

    def by_modes(self, before: State, after: State, dt: float) -> Account:
        """Moves the modes on by the step that was taken; what the medium gave through them."""
        if self.modes is None:
            return Account(0.0, torch.zeros_like(before.v[0]))
        draw = self.generator.initial_seed(), self.steps - 1
        return self.modes.step(self.index, (before, after), self.stream, dt, draw)

    def noise(self, pairs: Pairs, dt: float) -> Increments:
        """Wiener increments of the next step; the tag of a particle is its index plus one."""
        step = self.steps
        self.steps += 1
        bath = self.model.bath is not None
        return counted(pairs, self.index + 1, dt, self.generator.initial_seed(), step, bath)

    def check(self, state: State, dynamics: Dynamics, rows: Tensor, dt: float) -> str:
        thermo = dynamics.thermo
        left = leaves(self.limits, state.S[rows], thermo.V[rows], thermo.T[rows], state.v[rows])
        return left or overdamps(friction_rate(dynamics)[rows], dt)

    def energy(self, state: State, dynamics: Dynamics) -> float:
        return float(self.model.energy(state, dynamics)) + self.stored()

    def stored(self) -> float:
        """Energy of the modes, or of bonds that remember."""
        if self.bonds is not None:
            return self.bonds.energy()
        return 0.0 if self.modes is None else self.modes.energy(self.index)

    def half_kick(self, state: State, dynamics: Dynamics) -> float:
        power = (self.conservative(dynamics) * state.v).sum()
        pairs = dynamics.pairs
        if pairs.boost is not None:  # images of a sheared box move as they slide
            power = power - (dynamics.pressure[:, None] * pairs.e * pairs.boost).sum()
        return float(0.5 * self.dt * power) + self.modes_half_kick(state)

    def modes_half_kick(self, state: State) -> float:
        """The part of the modes in `half_kick`."""
        if self.bonds is not None:
            return float(0.5 * self.dt * (self.bonds.force(state.r) * state.v).sum())
        return 0.0 if self.modes is None else self.modes.half_kick(self.index, state.v, self.dt)

    def conservative(self, dynamics: Dynamics) -> Tensor:
        """-dE/dr_i (n, D), without the force from outside and that of modes."""
        force = conservative_force(self.model, dynamics)
        return force if self.push is None else force - self.push

    def internal(self, dynamics: Dynamics) -> float:
        """Sum of U, and of what modes store."""
        return float(dynamics.thermo.U.sum()) + self.stored()

    def totals(self, state: State, dynamics: Dynamics) -> dict[str, float]:
        return {
            "energy": self.energy(state, dynamics),
            "half_kick": self.half_kick(state, dynamics),
            "internal": self.internal(dynamics),
            "entropy": float(state.S.sum()),
        }

    def fields(self, state: State, dynamics: Dynamics) -> dict[str, Tensor]:
        return {"entropy": state.S, "temperature": dynamics.thermo.T}
