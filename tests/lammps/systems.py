"""Small periodic systems, run by the plugin and by the Python integrator from the same state."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from pipeline import pairs, space
from pipeline.closures.reference import Reference, reference
from pipeline.dynamics.driven import HELD
from pipeline.dynamics.integrators import heat, kick, move
from pipeline.lammps import input as script
from pipeline.lammps import potential, rule, run
from pipeline.lammps.case import read
from pipeline.lammps.input import System, write_data
from pipeline.metriplectic.model import Metriplectic
from pipeline.metriplectic.noise import counted
from pipeline.metriplectic.presets import Closures
from pipeline.pairs import State
from tests.metriplectic.cases import CUTOFF, SURROUNDED, random_model, strengths

SEED, DT, ANCHOR = 5, 1e-3, 1.3
RANGES = ((-6.0, 6.0), (0.1, 3.0), (0.05, 20.0))  # of S, V, T in tables


class Walked(NamedTuple):
    """States at every step."""

    r: np.ndarray  # (T, N, D)
    v: np.ndarray  # (T, N, D)
    S: np.ndarray  # (T, N)
    T: np.ndarray  # (T, N)


def crystal(dimension: int, strong: bool = False, seed: int = 1, rate: float = 0.0) -> System:
    """A jittered lattice, hot and fast enough that every term counts; some r outside the box.

    Sheared at ``rate``, with images somewhere on their way.
    """
    side = {2: 9, 3: 5}[dimension]
    generator = torch.Generator().manual_seed(seed)
    options = {"generator": generator, "dtype": torch.float64}
    axis = torch.arange(side, dtype=torch.float64)
    r = torch.cartesian_prod(*[axis] * dimension)
    r = r + 0.3 * (torch.rand(r.shape, **options) - 0.5)
    v, S = torch.randn(r.shape, **options), torch.randn(len(r), **options)
    v[:, 1] -= 1.0 if rate else 0.0  # across the edge where images slide
    s = strengths(len(r)).numpy() if strong else None
    lengths = (float(side),) * dimension
    box = space.lees_edwards(lengths, rate) if rate else space.periodic(lengths)
    still = np.zeros(len(r), dtype=bool)
    return System(r.numpy(), v.numpy(), S.numpy(), s, still, box, time=0.7 if rate else 0.0)


def surrounded(kind: str, dimension: int) -> tuple[Metriplectic, System]:
    """A model of `cases.SURROUNDED`, its walls and field over an open crystal, and that crystal."""
    system = crystal(dimension, strong=True)
    closures: Closures = {**SURROUNDED[kind], "pair_energy": {"kind": "splines"}}
    if "external" in closures:
        # Some particles are beyond the ends, where potentials go straight on.
        high = float(system.r.max()) - 0.3
        ends = {"low": (0.3,) * dimension, "high": (high,) * dimension}
        closures["external"] = {**closures["external"], **ends}
        if closures["external"]["kind"] != "field":
            closures["external"]["axes"] = tuple(range(dimension))
        system = system._replace(space=space.free(dimension))
    return random_model(kind, dimension, closures=closures), system


def rest(model: Metriplectic, system: System) -> Reference | None:
    """Undeformed bonds of the lattice that `crystal` jitters; None for a fluid.

    Its spacing is one, whatever the system has been stretched to.
    """
    if model.strain is None:
        return None
    count = len(system.r) ** (1.0 / system.r.shape[1])
    stretch = round(float(np.ptp(system.r[:, 0]) / (count - 1.0)), 1)
    lattice = torch.from_numpy(system.r / stretch).round()
    reach = 1.05 * CUTOFF
    return reference(pairs.find(lattice, system.space, reach), reach, system.space)


def write(folder: Path, model: Metriplectic, system: System, dt: float = DT) -> None:
    """Potential and data file."""
    made = rule.potential(model, ANCHOR, RANGES, reference=rest(model, system))
    made.numbers["strong"][:] = system.strength is not None
    potential.write(folder / "model.metriplectic", made)
    write_data(folder / "start.data", system, float(model.at_step(dt).m))


def by_plugin(
    folder: Path, plugin: Path, model: Metriplectic, system: System, steps: int, **options
) -> Walked:
    """The path in LAMMPS; ``options``: ranks, moves, extra commands, changes of the settings."""
    ranks, moves = options.pop("ranks", 1), options.pop("moves", ())
    extra = options.pop("extra", ())
    settings = script.Settings(
        str(plugin), "model.metriplectic", "start.data", steps, SEED, DT, thermo=1
    )._replace(**options)
    write(folder, model, system, settings.dt)
    text = script.script(settings, system.space, system.strength is not None, extra, moves)
    (folder / "in.lammps").write_text(text)
    run.run(folder, "in.lammps", ranks)
    return dumped(folder / "rollout.dump", system)


def dumped(path: Path, system: System) -> Walked:
    """The path in a dump."""
    seen = read(path, system.space)
    return Walked(seen.r, seen.v, seen.entropy, seen.temperature)


def by_python(model: Metriplectic, system: System, steps: int, dt: float = DT) -> Walked:
    """The path of the Python integrator with counted noise; driven particles keep their v."""
    state = State(*(torch.from_numpy(x) for x in (system.r, system.v, system.S)))
    strength = None if system.strength is None else torch.from_numpy(system.strength)
    model = model.at_step(dt)
    bonds, led = rest(model, system), torch.from_numpy(system.driven)
    tags, rows = np.arange(1, len(system.r) + 1), []
    for step in range(steps + 1):
        near = pairs.find(state.r, system.space, CUTOFF, system.time + step * dt)
        dynamics = model.dynamics(state, near, bonds, limit=0.5 / dt, strength=strength)
        rows.append((*state, dynamics.thermo.T))
        noise = counted(near, tags, dt, SEED, step, model.bath is not None)
        given = kick(model, dynamics, noise, dt)
        v = torch.where(led[:, None], state.v, state.v + given.dv)
        held = ((ANCHOR - dynamics.thermo.T) / dynamics.thermo.dTdS).clamp(-HELD * dt, HELD * dt)
        dS = torch.where(led, held, heat(dynamics, given, state.v, v))
        state = move(state, v, dS, dt)
    return Walked(*(torch.stack(x).numpy() for x in zip(*rows, strict=True)))


def restarted(folder: Path, kind: str, steps: int, total: int) -> None:
    """Runs the script in ``folder`` up to ``steps``, saves, and in a new process to ``total``.

    Args:
        kind: what is saved: restart (binary) or data (text).
    """
    lines = (folder / "in.lammps").read_text().splitlines()
    save = {"restart": "write_restart saved", "data": "write_data saved"}[kind]
    (folder / "in.first").write_text("\n".join([*lines[:-1], f"run {steps}", save, ""]))
    run.run(folder, "in.first", log="log.first")
    start = next(k for k, line in enumerate(lines) if line.startswith("read_data"))
    if kind == "restart":
        head = [lines[0], "read_restart saved", "newton on", "comm_modify vel yes"]
        lines = [*head, *lines[start - 2 : start], *lines[start + 1 :]]
    else:
        lines[start] = "read_data saved fix property NULL property"
        lines.insert(start + 1, f"reset_timestep {steps}")
    text = "\n".join(lines[:-1]).replace("rollout.dump", "rest.dump")
    (folder / "in.rest").write_text(f"{text}\nrun {total - steps}\n")
    run.run(folder, "in.rest", log="log.rest")
