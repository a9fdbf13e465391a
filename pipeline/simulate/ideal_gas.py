"""The ideal gas run by our own dynamics: what is learned from it can be held against its laws."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from tqdm import tqdm

from pipeline.dynamics.rollout import rollout
from pipeline.dynamics.steppers import Conditions
from pipeline.metriplectic.model import Metriplectic
from pipeline.pairs import State
from pipeline.simulate.equilibrium import equilibrium
from pipeline.simulate.gas import IdealGas, attributes, model
from pipeline.trajectory import Box, Trajectory

CHUNK = 500  # steps run at a time: bounds memory


def simulate(options: dict[str, Any], seed: int) -> Trajectory:
    """A thermalised, recorded run; its extra ``entropy`` and ``temperature`` are the true ones.

    Args:
        options: fields of `IdealGas` that differ from its defaults.
        seed: of start and noise; different seeds are independent replicas.

    Raises:
        ValueError: if an option is unknown, or the gas is so dense or hot that a step fails.
    """
    unknown = sorted(set(options) - set(IdealGas._fields))
    if unknown:
        raise ValueError(
            f"The ideal gas has no option {', '.join(unknown)}: choose from "
            f"{', '.join(IdealGas._fields)}."
        )
    gas = IdealGas(**options)
    law = model(gas)
    rng = np.random.default_rng(seed)
    state = equilibrium(law, gas.particles, gas.space, rng)
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
        conditions = Conditions(gas.units, state.S.numpy(), float(law.scales.temperature))
        done = rollout(window, law, conditions, int(rng.integers(2**31)), progress=False)
        if done.stopped:
            raise ValueError(f"The ideal gas did not run: {done.stopped} Lower dt.")
        made = done.trajectory
        end = (made.position[-1] / gas.units.length, made.velocity[-1] / gas.units.velocity)
        state = State(*(torch.from_numpy(x) for x in (*end, made.extra["entropy"][-1])))
        parts.append(_Part(made.window(slice(0, length)), state))
    return parts


def _still(gas: IdealGas, state: State, start: int, frames: int) -> Trajectory:
    """Frames that a rollout is to fill, all of them the state."""
    shape = (frames, gas.particles)
    a, speed = gas.units.length, gas.units.velocity
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
    extra["temperature"] = extra["temperature"] * gas.units.velocity**2
    settings = {key: value for key, value in gas._asdict().items() if key != "force"}
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
