"""A rollout of a trained model as a LAMMPS run: same start, same driving, same forces."""

from __future__ import annotations

import copy
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from pipeline.dynamics.rollout import Walk
from pipeline.dynamics.steppers import Conditions
from pipeline.errors import InputError
from pipeline.files import whole
from pipeline.forcing import SampleFlow, TaylorGreen
from pipeline.lammps import potential
from pipeline.lammps.export import of_learned
from pipeline.lammps.input import Settings, System, script, three, write_data
from pipeline.lammps.surroundings import Stream
from pipeline.learn.trained_model import Learned
from pipeline.pairs import State
from pipeline.space import Space
from pipeline.trajectory import Trajectory

POTENTIAL, DATA, PATHS = "model.metriplectic", "start.data", "driven.dump"
INPUT, DUMP = "in.lammps", "rollout.bin"
STRETCH = 2.0  # bonds of a solid may become this many cutoffs long
SEED = 0  # of the noise and of latents drawn anew, as the first rollout of the first training


class Case(NamedTuple):
    """A rollout about to begin."""

    walk: Walk  # as the Python rollout would begin it
    state: State  # of the particles walk.index, at the first snapshot
    learned: Learned
    window: Trajectory
    seed: int

    @property
    def steps(self) -> int:
        """Integrator steps from the first to the last snapshot."""
        return (len(self.window.time) - 1) * self.walk.conditions.substeps

    @property
    def m(self) -> float:
        """Mass of a particle in steps of this length, see `Metriplectic.at_step`."""
        return self.walk.dt if self.walk.law.medium == "brownian" else float(self.walk.law.m)

    @property
    def driven(self) -> np.ndarray:
        """(n,) bool, which of the particles follow the data."""
        return self.walk.lead.driven[0, self.walk.index]


def begin(
    window: Trajectory, learned: Learned, seed: int, substeps: int, before: float = 0.0
) -> Case:
    """The case of rolling a model out over a window with counted noise.

    Args:
        window, seed, substeps, before: see `Learned.conditions`.

    Raises:
        InputError: if particles come and go within the window or it holds several runs: LAMMPS
            keeps its atoms; if the model is a baseline.
    """
    conditions = learned.conditions(window, seed, substeps, before)
    if not isinstance(conditions, Conditions):
        raise InputError("A baseline does not run in LAMMPS: set lammps.model in the config.")
    model = copy.deepcopy(learned.model).double().cpu().eval()
    walk = Walk(window, conditions.law(model), conditions, seed)
    present = walk.lead.present
    if len(window.stretches()) > 1 or bool((present != present[0]).any()):
        raise InputError(
            "Particles come and go within the evaluation window, or it spans several videos: "
            "shorten it (rollout.frames) until it holds the same particles throughout."
        )
    with torch.inference_mode():
        state = walk.populate(0, None)
    return Case(walk, state, learned, window, seed)


def recorded(case: Case, plugin: str) -> Settings:
    """A run over the whole window that keeps what a Python rollout keeps."""
    substeps = case.walk.conditions.substeps
    made = Settings(plugin, POTENTIAL, DATA, case.steps, case.seed, case.walk.dt)
    bath = case.walk.law.medium != "none"
    return made._replace(every=substeps, thermo=substeps, bath=bath, dump=DUMP)


def write(folder: str | os.PathLike[str], case: Case, settings: Settings) -> None:
    """Writes the potential file, the start, the driven paths and the input script of a case."""
    folder, walk = Path(folder), case.walk
    conditions = walk.conditions
    assert isinstance(conditions, Conditions)
    strength = conditions.strength
    r, v, S = (x.numpy() for x in case.state)
    system = System(
        r,
        v,
        S,
        None if strength is None else strength[walk.index],
        case.driven,
        walk.lead.space,
        walk.index + 1,
        float(walk.clock[0]),
    )
    made = of_learned(case.learned, conditions.reference, _stream(case, conditions))
    potential.write(folder / POTENTIAL, made)
    write_data(folder / DATA, system, case.m)
    driving: tuple[str, ...] = ()
    if case.driven.any():
        write_paths(folder / PATHS, case)
        driving = (f"fix lead driven metriplectic/lead {PATHS}",)
    extra = forcing(walk.force) if walk.force is not None else ()
    if conditions.reference is not None:
        settings = settings._replace(ghosts=STRETCH * walk.law.cutoff)
    text = script(settings, system.space, strength is not None, extra, driving)
    with whole(folder / INPUT) as partial:
        partial.write_text(text)


def _stream(case: Case, conditions: Conditions) -> Stream | None:
    """The flow of the medium over the window, with step 0 at its first snapshot."""
    if conditions.flow is None:
        return None
    assert isinstance(conditions.flow, SampleFlow)
    return Stream(conditions.flow, float(case.walk.clock[0]))


def write_paths(path: str | os.PathLike[str], case: Case) -> None:
    """The paths of the driven particles as a dump, in unwrapped positions, every snapshot."""
    lead, substeps = case.walk.lead, case.walk.conditions.substeps
    rows = case.walk.index[case.driven]
    r = unwrapped(lead.r[:, rows], lead.space, case.walk.clock)
    head = "ITEM: ATOMS id x y z vx vy vz"
    with whole(path) as partial, partial.open("w") as file:
        for t in range(len(r)):
            file.write(f"ITEM: TIMESTEP\n{t * substeps}\nITEM: NUMBER OF ATOMS\n{len(rows)}\n")
            file.write("ITEM: BOX BOUNDS ss ss ss\n" + "-1e300 1e300\n" * 3 + head + "\n")
            table = np.column_stack((rows + 1, three(r[t]), three(lead.v[t, rows])))
            np.savetxt(file, table, fmt=["%d", *["%.17g"] * 6])


def unwrapped(r: np.ndarray, space: Space, clock: np.ndarray) -> np.ndarray:
    """Positions (T, n, D) without jumps across periodic boundaries, at times (T,)."""
    out = r.copy()
    for t in range(1, len(r)):
        now, before = torch.from_numpy(r[t]), torch.from_numpy(r[t - 1])
        out[t] = out[t - 1] + space.displacement(now, before, float(clock[t - 1]))[0].numpy()
    return out


def forcing(force: TaylorGreen) -> tuple[str, ...]:
    """Commands of an external force per unit mass (m = 1)."""
    axes = "xyz"[: len(force.wave)]
    phase = {a: f"{k!r}*{a}" for a, k in zip(axes, force.wave, strict=True)}
    lines = []
    for a in axes:
        factors = [f"{'cos' if b == a else 'sin'}({phase[b]})" for b in axes]
        lines.append(f'variable push{a} atom "{force.amplitude!r}*{"*".join(factors)}"')
    pushes = [f"v_push{a}" for a in axes] + ["0.0"] * (3 - len(axes))
    return (*lines, f"fix push all addforce {' '.join(pushes)}")
