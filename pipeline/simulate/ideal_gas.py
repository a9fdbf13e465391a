"""The ideal gas of the paper (G.1.1), run by our own dynamics from equilibrium states.

Smoothed dissipative particle
dynamics of Espanol and Revenga, Phys. Rev. E 67, 026705 (2003): the model of this package with
analytic closures.

Equilibrium states are drawn from their law instead of waited for: entropies relax
over tens of thousands of steps, since friction and conduction are weak. But with U = C T (m = k_B =
1) the density exp(sum_i S_i - E / T0) of states (r, v, S) is a product:

    r     exp(-Phi / T0), Phi = N_p T0 sum_i ln d_i        Langevin steps, see `settle`
    v     exp(-v^2 / 2 T0)                                 normal
    T_i   T_i^(C - 1) exp(-C T_i / T0)                     gamma of shape C, at any r

Momentum is then taken off, and v and T_i are scaled so that every draw has the same energy.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from pipeline.closures.energy import IdealGasEnergy
from pipeline.dynamics.rollout import rollout
from pipeline.dynamics.thermal import Conditions
from pipeline.errors import InputError
from pipeline.metriplectic.model import Metriplectic, build
from pipeline.metriplectic.thermo import inverse_volume
from pipeline.pairs import NeighbourList, Pairs, State, sum_odd
from pipeline.simulate.replicated import IdealGas
from pipeline.space import Space, lees_edwards, periodic
from pipeline.trajectory import Box, Trajectory
from pipeline.units import ReducedUnits, neighbour_distance


def units(gas: IdealGas) -> ReducedUnits:
    """Reduced units of the model."""
    density = gas.particles / gas.length**3
    return ReducedUnits(neighbour_distance(density, 3), gas.dt)


def space(gas: IdealGas) -> Space:
    """The box in reduced units."""
    sides = [gas.length / units(gas).length] * 3
    return lees_edwards(sides, gas.shear_rate * gas.dt) if gas.shear_rate else periodic(sides)


def model(gas: IdealGas) -> Metriplectic:
    """The law of the gas in reduced units; S = 0 at T0 and the mean volume per particle."""
    a, dt = units(gas)
    transport = {"eta": gas.viscosity, "zeta": gas.bulk_viscosity, "kappa": gas.conductivity}
    settings = {
        "dimension": 3,
        "cutoff": gas.cutoff / a,
        "temperature": gas.temperature * (dt / a) ** 2,
        "volume": (gas.length / a) ** 3 / gas.particles,
        "closures": {
            "volume": {"kind": "lucy"},
            "energy": {"kind": "ideal_gas", "atoms": gas.atoms},
            "friction": {
                "kind": "revenga",
                **{name: value * a * dt for name, value in transport.items()},
            },
            "teacher": {"kind": "uniform"},
        },
    }
    return build(settings).double().requires_grad_(False)


def attributes(gas: IdealGas) -> dict[str, Any]:
    """What a trajectory of the gas says of itself, the flow included."""
    flow: dict[str, Any] = {}
    if gas.force is not None:
        periods = [2 * math.pi / gas.length * k for k in gas.force.periods]
        force = {"kind": gas.force.kind, "amplitude": gas.force.amplitude, "wave": periods}
        flow["force"] = force
    if gas.shear_rate:
        flow["shear_rate"] = gas.shear_rate
    return {
        "dataset": "ideal_gas",
        "length_unit": "1",
        "time_unit": "1",
        "dt": gas.dt,
        "velocity": "measured",
        "localisation_error": 0.0,
        "synthetic": True,
        "unwrapped": True,
        **flow,
    }


SETTLING = 1000  # Langevin steps: positions forget theirs within a tenth of them
STEP = 0.25  # of a Langevin step, over the time a thermal particle takes for one cutoff / 10


def equilibrium(
    model: Metriplectic, particles: int, space: Space, rng: np.random.Generator
) -> State:
    """A draw at the model's T0, the flow of a sheared box included.

    Args:
        model: with the ideal gas's closures.
        particles: N.
        space: box in reduced units, periodic on every axis.
        rng: of the draw.
    """
    law = model.energy_closure
    if not isinstance(law, IdealGasEnergy):
        raise InputError(
            f"Only the ideal gas has a known law of entropies, got {type(law).__name__}: choose "
            f"the closure ideal_gas."
        )
    r, d = settle(model, particles, periodic(space.lengths), rng)
    v = torch.from_numpy(rng.normal(scale=law.T0**0.5, size=r.shape))
    v = v - v.mean(0)
    T = torch.from_numpy(rng.gamma(law.C, law.T0 / law.C, size=particles))
    energy = 0.5 * v.square().sum() + law.C * T.sum()
    mean = particles * law.C + 0.5 * r.shape[1] * (particles - 1)
    scale = law.T0 * mean / energy
    v, T = v * scale.sqrt(), T * scale
    S = law.C * (torch.log(T / law.T0) - law.beta * torch.log(d * law.V0))
    flow = torch.zeros_like(v)
    flow[:, 0] = space.rate * (r[:, 1] - r[:, 1].mean())
    return State(r, v + flow, S)


def settle(
    model: Metriplectic, particles: int, space: Space, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Positions (N, D) of the isothermal gas and their inverse volumes (N,).

    Langevin steps B A O A B of order dt^2 (Leimkuhler and Matthews, Appl. Math. Res. Express 2013,
    34) from a jittered lattice.
    """
    lengths, side = np.array(space.lengths), math.ceil(particles ** (1 / len(space.lengths)))
    sites = np.stack(np.meshgrid(*[np.arange(side)] * len(lengths)), -1).reshape(-1, len(lengths))
    sites = rng.permutation(sites)[:particles] + 0.5 + 0.05 * rng.normal(size=(particles, 1))
    r = torch.from_numpy(sites / side * lengths)
    T0 = float(model.scales.temperature)
    dt = STEP * 0.1 * model.cutoff / T0**0.5
    near = NeighbourList(space, model.cutoff, 0.2 * model.cutoff)
    v = torch.from_numpy(rng.normal(scale=T0**0.5, size=r.shape))
    force, d = _force(model, near.pairs(r))
    keep = math.exp(-dt * T0**0.5 / model.cutoff)
    for _ in range(SETTLING):
        v = v + 0.5 * dt * force
        r = r + 0.5 * dt * v
        noise = torch.from_numpy(rng.normal(scale=(T0 * (1 - keep**2)) ** 0.5, size=r.shape))
        v = keep * v + noise
        r = r + 0.5 * dt * v
        force, d = _force(model, near.pairs(r))
        v = v + 0.5 * dt * force
    return torch.remainder(r, torch.from_numpy(lengths)), d


def _force(model: Metriplectic, pairs: Pairs) -> tuple[Tensor, Tensor]:
    """-dPhi/dr (N, D) = -N_p T0 sum_j (1/d_i + 1/d_j) w' e_ij, and d (N,)."""
    law = model.energy_closure
    assert isinstance(law, IdealGasEnergy)
    kernel = model.volume(model.radial(pairs.r))
    d = inverse_volume(pairs, kernel, model.volume.self_weight())
    V = 1.0 / d
    atoms = law.beta * law.C  # N_p
    f = -atoms * law.T0 * (V[pairs.i] + V[pairs.j]) * kernel.dwdr
    return sum_odd(pairs, f[:, None] * pairs.e), d


CHUNK = 500  # steps run at a time: bounds memory


def simulate(gas: IdealGas, seed: int) -> Trajectory:
    """A thermalised, recorded run; its extra ``entropy`` and ``temperature`` are the true ones.

    Args:
        gas: what is simulated.
        seed: of start and noise; different seeds are independent replicas.

    Raises:
        InputError: if the gas is so dense or hot that a step fails.
    """
    law = model(gas)
    rng = np.random.default_rng(seed)
    state = equilibrium(law, gas.particles, space(gas), rng)
    state = _record(gas, law, state, 0, gas.relaxation + 1, rng)[-1].last
    parts = _record(gas, law, state, gas.relaxation, gas.frames, rng)
    return _joined([part.trajectory for part in parts], gas)


class _Part(NamedTuple):
    trajectory: Trajectory
    last: State


def _record(
    gas: IdealGas, law: Metriplectic, state: State, start: int, frames: int, rng: Any
) -> list[_Part]:
    """``frames`` snapshots from ``state`` on, the first of them; step ``start`` is its time."""
    parts: list[_Part] = []
    for first in tqdm(range(0, frames, CHUNK), desc="ideal gas", unit="chunk", leave=False):
        length = min(CHUNK, frames - first)
        window = _still(gas, state, start + first, length + 1)
        conditions = Conditions(units(gas), state.S.numpy(), float(law.scales.temperature))
        done = rollout(window, law, conditions, int(rng.integers(2**31)), progress=False)
        if done.stopped:
            raise InputError(f"The ideal gas did not run: {done.stopped} Lower dt.")
        made = done.trajectory
        end = (made.position[-1] / units(gas).length, made.velocity[-1] / units(gas).velocity)
        state = State(*(torch.from_numpy(x) for x in (*end, made.extra["entropy"][-1])))
        parts.append(_Part(made.window(slice(0, length)), state))
    return parts


def _still(gas: IdealGas, state: State, start: int, frames: int) -> Trajectory:
    """Frames that a rollout is to fill, all of them the state."""
    shape = (frames, gas.particles)
    a, speed = units(gas).length, units(gas).velocity
    return Trajectory(
        position=np.broadcast_to(state.r.numpy() * a, (*shape, 3)),
        velocity=np.broadcast_to(state.v.numpy() * speed, (*shape, 3)),
        present=np.ones(shape, dtype=bool),
        driven=np.zeros(shape, dtype=bool),
        time=(start + np.arange(frames)) * gas.dt,
        run=np.zeros(frames, dtype=np.int32),
        particle=np.arange(gas.particles),
        species=np.full(gas.particles, -1, dtype=np.int32),
        box=Box(np.full(3, gas.length), (True, True, True), np.zeros(3)),
        attributes=attributes(gas),
        extra={},
    )


def _joined(parts: list[Trajectory], gas: IdealGas) -> Trajectory:
    """One trajectory, temperatures in the units of the box."""

    def whole(name: str) -> np.ndarray:
        return np.concatenate([getattr(part, name) for part in parts])

    extra = {k: np.concatenate([part.extra[k] for part in parts]) for k in parts[0].extra}
    extra["temperature"] = extra["temperature"] * units(gas).velocity ** 2
    settings = {key: value for key, value in gas.parameters().items() if key != "force"}
    return parts[0]._replace(
        position=whole("position"),
        velocity=whole("velocity"),
        present=whole("present"),
        driven=whole("driven"),
        time=whole("time"),
        run=whole("run"),
        attributes={**settings, **attributes(gas)},
        extra=extra,
    )
