"""What a rollout needs of a model: one step, with entropies of the particles or without."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from pipeline.baselines.base import Baseline, Motion
from pipeline.closures.reference import Reference
from pipeline.dynamics.driven import (
    Account,
    Path,
    account,
    confined,
    contact,
    follow,
    lead_velocity,
    pushed,
    shearing,
)
from pipeline.dynamics.initial_entropy import arranged, tempered
from pipeline.dynamics.integrators import euler_heat, heat, kick, move
from pipeline.dynamics.limits import UNLIMITED, Limits, leaves, outruns, overdamps
from pipeline.metriplectic.model import Metriplectic
from pipeline.metriplectic.noise import Increments, counted, draw
from pipeline.metriplectic.thermo import Dynamics
from pipeline.pairs import Pairs, State
from pipeline.units import ReducedUnits


class Law(Protocol):
    """How the particles now present get from one step to the next, in reduced units.

    ``index`` (n,) says which of the trajectory's particles the rows of a state are; ``dynamics``
    is whatever `evaluate` returned for that state.
    """

    @property
    def m(self) -> Tensor:
        """Mass of a particle."""

    @property
    def cutoff(self) -> float:
        """Range h of the pair interactions [a]."""

    @property
    def speed(self) -> float:
        """Largest |v| in the training data [a / dt]; a rollout may triple it."""

    @property
    def medium(self) -> str:
        """none | inertial | brownian: in the last, velocities are forgotten within a step."""

    def flow(self, r: Tensor, time: float) -> Tensor | None:
        """Velocity (n, D) of the medium at r (n, D); None where it rests or there is none."""

    def enter(self, state: State, pairs: Pairs, index: np.ndarray) -> Tensor:
        """Entropies (n,) of particles whose r and v come from the data."""

    def evaluate(
        self,
        state: State,
        pairs: Pairs,
        index: np.ndarray,
        force: Tensor | None,
        dt: float,
        flow: Tensor | None = None,
    ) -> Any:
        """Everything deterministic at a state, in an external force and a flow (n, D)."""

    def step(
        self, state: State, dynamics: Any, path: Path, dt: float, generator: torch.Generator
    ) -> tuple[State, Account]:
        """The state a step later, driven rows led along their path, and what that took."""

    def check(self, state: State, dynamics: Any, rows: Tensor, dt: float) -> str:
        """A sentence where the given rows have left what the model can be trusted with, or ""."""

    def energy(self, state: State, dynamics: Any) -> float:
        """Energy of all particles, kinetic where the model knows no other."""

    def totals(self, state: State, dynamics: Any) -> dict[str, float]:
        """What is logged of every snapshot besides kinetic energy and momentum."""

    def fields(self, state: State, dynamics: Any) -> dict[str, Tensor]:
        """What is recorded of every particle (n,) besides position and velocity."""


class Setting(Protocol):
    """What a rollout needs besides data and model."""

    @property
    def units(self) -> ReducedUnits:
        """Reduced units of the model in the trajectory's."""

    @property
    def substeps(self) -> int:
        """Integrator steps per snapshot interval, whatever the unit of time."""

    @property
    def skin(self) -> float:
        """Of the neighbour list [a]."""

    @property
    def thermal_period(self) -> float | None:
        """Of the motion taken out of driven paths [dt]."""

    def law(self, model: nn.Module) -> Law:
        """The law by which ``model`` moves particles under these conditions."""


class Flow(Protocol):
    """r (n, D), time -> velocity of the medium (n, D)."""

    def __call__(self, r: Tensor, time: float) -> Tensor: ...


LEAST_SUBSTEPS = 4  # of Brownian motion: a frame is long against steep forces


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
    flow: Flow | None = None  # of the medium around the particles; None where it rests

    def law(self, model: Any) -> Thermal:
        """See `pipeline.dynamics.steppers.Setting`; the model is brought to float64."""
        return Thermal(model.double(), self)


def least_substeps(model: Metriplectic, wanted: int) -> int:
    """Substeps of a rollout: those wanted, at least LEAST_SUBSTEPS for Brownian motion."""
    brownian = model.bath is not None and model.bath.brownian
    return max(wanted, LEAST_SUBSTEPS) if brownian else wanted


class Thermal:
    """The law of a metriplectic model, see `pipeline.dynamics.steppers.Law`."""

    def __init__(self, model: Metriplectic, conditions: Conditions) -> None:
        self.model, self.conditions, self.dt = model, conditions, 1.0
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
        # Displacements of Brownian motion grow with the root of the step.
        longer = self.dt**-0.5 if self.medium == "brownian" else 1.0
        return self.conditions.limits.speed * longer

    @property
    def medium(self) -> str:
        if self.model.bath is None:
            return "none"
        return "brownian" if self.model.bath.brownian else "inertial"

    def flow(self, r: Tensor, time: float) -> Tensor | None:
        return None if self.conditions.flow is None else self.conditions.flow(r, time)

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
        self,
        state: State,
        pairs: Pairs,
        index: np.ndarray,
        force: Tensor | None,
        dt: float,
        flow: Tensor | None = None,
    ) -> Dynamics:
        self.index = index
        if dt != self.dt:
            self.model, self.dt = self.model.at_step(dt), dt
        limit = None if self.conditions.gate is None else self.conditions.gate / dt
        strength = None if self.strength is None else self.strength[index]
        solid = self.conditions.reference
        return self.model.dynamics(
            state, pairs, solid, force, limit=limit, strength=strength, flow=flow
        )

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
        taken = taken.plus(contact(dynamics, given, state.v, after.v))
        return after, taken.plus(shearing(dynamics, given, dt)).plus(confined(dynamics, dt))

    def noise(self, pairs: Pairs, dt: float, generator: torch.Generator) -> Increments:
        """Wiener increments of the next step; the tag of a particle is its index plus one."""
        bath = self.model.bath is not None
        if self.conditions.noise == "generator":
            return draw(pairs, dt, generator, bath)
        self.steps += 1
        step = self.steps - 1
        return counted(pairs, self.index + 1, dt, generator.initial_seed(), step, bath)

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


class Plain(NamedTuple):
    """What a rollout of a baseline needs besides the data and the model."""

    units: ReducedUnits  # reduced units of the model in the trajectory's
    speed: float = 1e30  # largest |v| met in training [a / dt]
    substeps: int = 1  # integrator steps per snapshot interval
    skin: float = 0.3  # of the neighbour list [a]
    thermal_period: float | None = None  # of the motion taken out of driven paths [dt]

    def law(self, model: Any) -> Mechanical:
        """See `pipeline.dynamics.steppers.Setting`."""
        return Mechanical(model, self.speed)


class Mechanical:
    """v' = v + dv, r' = r + v' dt with drift and noise at the beginning; see `Law`.

    The driving particles' work counts what they give to kinetic energy, the only one there is.
    """

    def __init__(self, model: Baseline, speed: float) -> None:
        self.model, self._speed = model, speed

    @property
    def m(self) -> Tensor:
        return self.model.m

    @property
    def cutoff(self) -> float:
        return self.model.cutoff

    @property
    def speed(self) -> float:
        return self._speed

    @property
    def medium(self) -> str:
        return "none"

    def flow(self, r: Tensor, time: float) -> None:
        return None

    def enter(self, state: State, pairs: Pairs, index: np.ndarray) -> Tensor:
        return torch.zeros_like(state.S)

    def evaluate(
        self,
        state: State,
        pairs: Pairs,
        index: np.ndarray,
        force: Tensor | None,
        dt: float,
        flow: Tensor | None = None,
    ) -> Motion:
        motion = self.model.dynamics(state, pairs)
        return motion if force is None else motion._replace(dv=motion.dv + force / self.m)

    def step(
        self, state: State, dynamics: Motion, path: Path, dt: float, generator: torch.Generator
    ) -> tuple[State, Account]:
        like = dynamics.amplitude
        normal = torch.randn(like.shape, generator=generator, dtype=like.dtype, device=like.device)
        free = state.v + dynamics.dv * dt + self.model.fluctuation(dynamics, normal * dt**0.5)
        v = lead_velocity(free, path)
        r = (state.r + v * dt).index_copy(0, path.rows, path.r)
        k = path.rows
        return State(r, v, state.S), pushed(self.m, state.v[k], free[k], v[k])

    def check(self, state: State, dynamics: Motion, rows: Tensor, dt: float) -> str:
        return outruns(state.v[rows], self.speed)

    def energy(self, state: State, dynamics: Motion) -> float:
        return float(0.5 * self.m * state.v.square().sum())

    def totals(self, state: State, dynamics: Motion) -> dict[str, float]:
        return {}

    def fields(self, state: State, dynamics: Motion) -> dict[str, Tensor]:
        return {}
