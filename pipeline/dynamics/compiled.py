"""The law of a metriplectic model with its step compiled: the same path as `Thermal`, sooner.

`Thermal` is the reference: tests hold this law against it, with the same noise by seed, step and
particle. What the engine cannot do goes to `Thermal`, see `chosen`.
"""

from __future__ import annotations

import ctypes
import functools
import sys
from ctypes import byref
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from pipeline import compiler
from pipeline.closures.energy import ExponentialEnergy, IdealGasEnergy
from pipeline.closures.friction import NoFriction, RevengaFriction, SplineFriction
from pipeline.closures.strain import GreenStrain
from pipeline.closures.volume import LucyVolume, SplineVolume
from pipeline.dynamics.accounts import Account, FromBath
from pipeline.dynamics.bond_modes import Heat
from pipeline.dynamics.driven import Path
from pipeline.dynamics.library import Given, Leading, Particles, library
from pipeline.dynamics.limits import leaves, overdamps
from pipeline.dynamics.steppers import Law, Moment
from pipeline.dynamics.thermal import Thermal
from pipeline.errors import InputError
from pipeline.lammps import potential
from pipeline.lammps.rule import potential as rule
from pipeline.pairs import Coincident, State
from pipeline.space import Space

# Networks have tables in the potential file, to 1e-7 only.
EXACT = (
    SplineVolume,
    LucyVolume,
    SplineFriction,
    RevengaFriction,
    NoFriction,
    ExponentialEnergy,
    IdealGasEnergy,
    GreenStrain,
    type(None),
)
ANYTHING = (0.0, 1.0)  # ranges of tables, of which there are none


def chosen(law: Law) -> Law:
    """The compiled form of a law where there is one, else the law itself; it says why, if not."""
    if not isinstance(law, Thermal) or not law.conditions.compiled:
        return law
    reason = unfit(law)
    if not reason:
        try:
            return Compiled(law)
        except (InputError, compiler.NotCompiled, potential.Unfit) as what:
            reason = str(what).rstrip(".")
    say(reason)
    return law


@functools.cache
def say(reason: str) -> None:
    """Tells once why rollouts of this process run by torch: a training has many."""
    print(f"Rolled out by torch, some ten times slower: {reason}.", file=sys.stderr)


def unfit(law: Thermal) -> str:
    """Why the compiled engine cannot take a law, or ""."""
    model, conditions = law.model, law.conditions
    own = (model.volume, model.energy_closure, model.friction, model.strain)
    closures = (*own, model.neighbourhood)
    for closure in closures:
        if not isinstance(closure, EXACT):
            return f"the compiled engine has no {type(closure).__name__}"
    if conditions.integrator != "balanced":
        return f"the compiled engine has no {conditions.integrator} integrator"
    return ""


class Evaluated(NamedTuple):
    """Fields of particles (n,) at the beginning of a step, and all energy but the kinetic one."""

    V: Tensor
    T: Tensor
    internal: float


class Compiled(Thermal):
    """The law with its pairs, forces and step computed by the engine.

    Args:
        law: that it is to be the same as.

    Raises:
        NotCompiled: if there is no compiler to make the engine with.
        Unfit: if the model holds a number that the engine does not take.
    """

    engine = "compiled"

    def __init__(self, law: Thermal) -> None:
        super().__init__(law.model, law.conditions)
        self._library = library()
        conditions = law.conditions
        words = rule(
            law.model,
            conditions.temperature,
            (ANYTHING, ANYTHING, ANYTHING),
            conditions.gate,
            conditions.reference,
        )
        message = ctypes.create_string_buffer(400)
        text = potential.text(words)
        self._engine = self._library.engine_new(text, message, len(message))
        if not self._engine:
            raise potential.Unfit(message.value.decode("latin-1"))
        self._acted = False

    def __del__(self) -> None:
        if getattr(self, "_engine", None):
            self._library.engine_free(self._engine)

    @property
    def bytes(self) -> int:
        """Memory that the engine holds."""
        return self._library.engine_bytes(self._engine)

    def settle(self, space: Space, skin: float) -> None:
        super().settle(space, skin)
        sides = (ctypes.c_double * 3)(*space.sides)
        self._library.engine_settle(self._engine, sides, space.slide, skin)

    def evaluate(self, here: Moment, dt: float) -> Evaluated:  # type: ignore[override]
        here = self.begin(here, dt)
        self._acted = False
        n, reference = len(here.who), self.conditions.reference
        if reference is not None and n != len(reference.inverse):
            raise ValueError(f"A solid of {len(reference.inverse)} particles has {n} of them here.")
        strength = None if self.strength is None else self.strength[here.who]
        tag = torch.from_numpy((here.who + 1).astype(np.uint32))
        arrays = (*here.state, strength, here.flow, here.force, tag)
        self._arrays = [None if x is None else x.contiguous() for x in arrays]  # the engine's, too
        V, T = here.state.S.new_empty((2, n))
        energy = ctypes.c_double()
        done = self._library.engine_evaluate(
            self._engine,
            byref(Particles(*(None if x is None else x.data_ptr() for x in self._arrays))),
            n,
            here.time,
            dt,
            V.data_ptr(),
            T.data_ptr(),
            byref(energy),
        )
        if done == 1:
            rows = (ctypes.c_int * 2)()
            self._library.engine_together(self._engine, rows)
            raise Coincident(
                f"Particles {rows[0]} and {rows[1]} sit on each other (distance 0.0): remove one "
                f"of them or separate them."
            )
        if done:
            raise MemoryError("cannot allocate memory for the neighbours of a rollout")
        return Evaluated(V, T, energy.value)

    def _act(self) -> None:
        """Forces, heats and noise of the next step, once."""
        if self._acted:
            return
        self._rate = torch.empty(len(self.index), dtype=torch.float64)
        seed = self.generator.initial_seed()
        power = ctypes.c_double()
        self._library.engine_act(
            self._engine, seed, self.steps, self._rate.data_ptr(), byref(power)
        )
        self._half_kick = power.value
        self._acted = True

    def step(  # type: ignore[override]
        self, state: State, dynamics: Evaluated, path: Path, dt: float
    ) -> tuple[State, Account]:
        self._act()
        self.steps += 1
        after = State(*(torch.empty_like(x) for x in state))
        rows, r, v = (x.contiguous() for x in path)
        leading = Leading(
            len(rows), rows.data_ptr(), r.data_ptr(), v.data_ptr(), self.conditions.temperature
        )
        given = Given()
        self._library.engine_step(
            self._engine, *(x.data_ptr() for x in after), byref(leading), byref(given)
        )
        taken = self._account(given, r.shape[1])
        taken = taken.plus(self.by_modes(state, after, dt))
        return self.let_go((state, after), self.caloric(state, dynamics), dt), taken

    def caloric(self, state: State, dynamics: Evaluated) -> Heat:  # type: ignore[override]
        # No strain closure that the engine has changes heat capacities.
        return Heat(dynamics.T, self.model.energy_closure(state.S, dynamics.V).dTdS)

    def _account(self, given: Given, D: int) -> Account:
        def vector(x: ctypes.Array) -> Tensor:
            return torch.tensor(x[:D], dtype=torch.float64)

        bath = None
        if self.model.bath is not None:
            lost = given.bath_heat / float(self.model.bath.temperature())
            impulse = vector(given.bath_impulse)
            bath = FromBath(given.bath_heat, given.bath_work, impulse, lost)
        return Account(given.work, vector(given.impulse), bath)

    def check(  # type: ignore[override]
        self, state: State, dynamics: Evaluated, rows: Tensor, dt: float
    ) -> str:
        left = leaves(self.limits, state.S[rows], dynamics.V[rows], dynamics.T[rows], state.v[rows])
        if left:
            return left
        self._act()
        return overdamps(self._rate[rows], dt)

    def energy(self, state: State, dynamics: Evaluated) -> float:  # type: ignore[override]
        return float(0.5 * self.m * state.v.square().sum()) + self.internal(dynamics)

    def half_kick(self, state: State, dynamics: Evaluated) -> float:  # type: ignore[override]
        self._act()
        return self._half_kick + self.modes_half_kick(state)

    def internal(self, dynamics: Evaluated) -> float:  # type: ignore[override]
        return dynamics.internal + self.stored()

    def fields(  # type: ignore[override]
        self, state: State, dynamics: Evaluated
    ) -> dict[str, Tensor]:
        return {"entropy": state.S, "temperature": dynamics.T}
