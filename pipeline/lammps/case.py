"""A rollout of a trained model in LAMMPS: same start, driving and forces, read back as ours."""

from __future__ import annotations

import copy
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from pipeline.dynamics.rollout import Record, Rollout, Walk, kinetic_temperature, recorded
from pipeline.dynamics.thermal import Conditions
from pipeline.errors import InputError
from pipeline.files import whole
from pipeline.forcing import SampleFlow, TaylorGreen
from pipeline.lammps import potential, run
from pipeline.lammps.export import of_learned
from pipeline.lammps.forms import Stream
from pipeline.lammps.input import Settings, System, script, three, write_data
from pipeline.learn.trained_model import Learned
from pipeline.pairs import State
from pipeline.space import Space
from pipeline.trajectory import Trajectory

POTENTIAL, DATA, PATHS = "model.metriplectic", "start.data", "driven.dump"
INPUT, DUMP = "in.lammps", "rollout.bin"
STRETCH = 2.0  # bonds of a solid may become this many cutoffs long
SEED = 0  # of the noise and of latents drawn anew, as the first rollout of the first training
COLUMNS = {"energy": "TotEng", "internal": "PotEng", "kinetic": "KinEng", "work": "f_integrate[7]"}
IMPULSE = ("f_integrate[8]", "f_integrate[9]", "f_integrate[10]")
BATH = {
    "bath_heat": "f_integrate[11]",
    "bath_work": "f_integrate[12]",
    "bath_entropy": "f_integrate[16]",
}
BATH_IMPULSE = ("f_integrate[13]", "f_integrate[14]", "f_integrate[15]")


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
    window: Trajectory, learned: Learned, seed: int, substeps: int | None, before: float = 0.0
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


def whole_window(case: Case, plugin: str) -> Settings:
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


def collect(case: Case, dump: str | os.PathLike[str], log: str | os.PathLike[str]) -> Rollout:
    """The rollout that a LAMMPS run of ``case`` made, in the units of the data."""
    lead, index = case.walk.lead, case.walk.index
    seen = read(dump, lead.space)
    last = len(seen.steps)
    r, v = lead.r[:last].copy(), lead.v[:last].copy()  # of those never present, too
    S, T = np.zeros((2, *r.shape[:2]))
    r[:, index], v[:, index], S[:, index], T[:, index] = seen[1:5]
    if case.walk.law.medium == "brownian":
        # As in `Walk.velocity`: what is recorded is the velocity of a whole interval.
        v[1:, index] = np.diff(seen.r, axis=0) / case.walk.interval
    record = Record(r, v, {"entropy": S, "temperature": T})
    totals = observables(seen, log, ~case.driven, case.m)
    if case.walk.law.medium == "active":
        totals["bath_entropy"] = np.full(last, np.nan)
    trajectory = recorded(case.window, case.walk, record, case.seed)
    made = {"time": case.window.time[:last], **totals}
    return Rollout(trajectory, made, "", 1e3 * run.loop(log).step, "LAMMPS")


class Dumped(NamedTuple):
    """Snapshots of a run, in reduced units."""

    steps: np.ndarray  # (T,)
    r: np.ndarray  # (T, n, D)
    v: np.ndarray  # (T, n, D)
    entropy: np.ndarray  # (T, n)
    temperature: np.ndarray  # (T, n)
    flow: np.ndarray  # (T, n) part of v_x that LAMMPS does not count


def read(dump: str | os.PathLike[str], space: Space) -> Dumped:
    """The dump of a run as `pipeline.lammps.input` asks for it.

    In a sheared box LAMMPS lowers the velocity of a particle that it puts back into the box from
    above: what it took off is added again, so that paths and velocities have no jumps.
    """
    D = space.dimension
    found = run.dump(dump)
    r, v, rest = np.split(found.values[..., 1:], (D, 2 * D), axis=2)
    flow = np.zeros(rest.shape[:2])
    if space.rate:
        flow = space.slide * found.column("iy")
        v[..., 0] += flow
    return Dumped(found.steps, r, v, rest[..., 0], rest[..., 1], flow)


def observables(
    seen: Dumped, log: str | os.PathLike[str], free: np.ndarray, m: float
) -> dict[str, np.ndarray]:
    """The quantities that `pipeline.dynamics.thermal` logs, at the dumped steps."""
    totals = run.thermo(log).set_index("Step").loc[seen.steps]
    found: dict[str, np.ndarray]
    found = {name: totals[column].to_numpy() for name, column in COLUMNS.items()}
    found["entropy"] = seen.entropy.sum(axis=1)
    both = zip(*seen[1:3], strict=True)
    found["temperature"] = np.array([m * kinetic_temperature(r[free], v[free]) for r, v in both])
    found["momentum"] = m * seen.v.sum(axis=1)
    axes = seen.r.shape[2]
    found["impulse"] = totals[list(IMPULSE[:axes])].to_numpy()
    if BATH["bath_heat"] in totals:
        found |= {name: totals[column].to_numpy() for name, column in BATH.items()}
        found["bath_impulse"] = totals[list(BATH_IMPULSE[:axes])].to_numpy()
    # LAMMPS accounts every change of velocity at the faces of a sheared box.
    extra = m * (seen.flow * (seen.v[..., 0] - 0.5 * seen.flow)).sum(axis=1)
    for name in ("energy", "kinetic"):
        found[name] = found[name] + extra
    found["work"] = found["work"] + extra - extra[0]
    flow = m * seen.flow.sum(axis=1)
    found["impulse"][:, 0] += flow - flow[0]
    return found


def rollout(case: Case, folder: str | os.PathLike[str], script: str, ranks: int = 1) -> Rollout:
    """Runs the input script of a case and collects what it wrote; the dump is removed."""
    log = run.run(folder, script, ranks, steps=case.steps)
    dump = Path(folder) / DUMP
    made = collect(case, dump, log)
    dump.unlink()
    return made
