"""How often the 95 % bands of a learned pair force hold the truth: films of known law.

    ./setup python -m benchmarks.coverage [films] [law ...]

Tracks are simulated, small, and not rendered; everything else is what the workflow does by default.
Counted are the distances at which the report draws the force, where there are data, of every film;
the interval is from drawing films with replacement, since neighbouring distances are alike. Of
Brownian films the forces are over kT, and D is told besides; the forces of inertial ones are
accelerations, and the friction of their medium is told.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np
import torch
import yaml

from pipeline import graphs
from pipeline.learn.bands import Z
from pipeline.learn.settings import Training
from pipeline.learn.task import prepare
from pipeline.learn.train import train
from pipeline.simulate.langevin import force, simulate
from pipeline.simulate.settings import ATTRACTIVE, BROWNIAN, DISCS, Langevin
from pipeline.split import Split
from pipeline.trajectory import Trajectory

FILMS = 20
PAIRS = 4  # in a bin, among the few snapshots at which curves are drawn
SETTINGS = Training(strength=False, split=Split(train=0.75, validation=0.1))


class Case(NamedTuple):
    """A law, how its films are learned from, and the error of the positions [length]."""

    law: Langevin
    settings: Training
    error: float = 0.0


SMALL = {"particles": 64, "length": (24.0, 24.0), "frames": 300, "view": (190, 190)}
BROWNIAN_SETTINGS = SETTINGS.replace(bath="brownian")
# Discs in a medium, in a periodic box, at a fifth of the temperature of `discs`: there a frame is
# long against the force at contact, which comes out smaller by up to 13 %.
INERTIAL = DISCS.replace(
    walls=0.0, temperature=1.0, friction=0.02, cutoff=85.0, frames=200, preparation=150
)
INERTIAL_SETTINGS = SETTINGS.replace(
    bath="uniform",
    external="none",
    pair_energy="none",
    pair_friction=False,
    optimizer="gauss_newton",
)
CASES = {
    "repulsive": Case(BROWNIAN.replace(**SMALL), BROWNIAN_SETTINGS),
    "repulsive, error of 0.04 um": Case(BROWNIAN.replace(**SMALL), BROWNIAN_SETTINGS, 0.04),
    "attractive": Case(
        ATTRACTIVE.replace(**SMALL), BROWNIAN_SETTINGS.replace(pair_energy="splines")
    ),
    "inertial": Case(INERTIAL, INERTIAL_SETTINGS),
    "inertial, hot": Case(INERTIAL.replace(temperature=5.0), INERTIAL_SETTINGS),
    "inertial, error of 0.03 px": Case(INERTIAL, INERTIAL_SETTINGS, 0.03),
}


class Held(NamedTuple):
    """What the bands of a film hold, and how they lie to its errors."""

    inside: np.ndarray  # bool, of the points of the force
    error: float  # rms over pairs, over that of the true force
    predicted: float  # the same as the bands have it
    medium: np.ndarray  # (3,) D, or the friction of inertial particles, and its band


def observed(case: Case, seed: int) -> Trajectory:
    """Tracks in px and frames as a film would have them: no velocity in the first frame."""
    window = simulate(case.law, seed, progress=False)
    off = np.random.default_rng(seed).normal(size=window.position.shape)
    off *= case.error / case.law.mpp
    steps = window.velocity + np.diff(off, axis=0, prepend=off[:1])
    present = window.present.copy()
    present[0] = False
    note = {**window.attributes, "localisation_error": case.error / case.law.mpp}
    return window._replace(
        position=window.position + off, velocity=steps, present=present, attributes=note
    )


class Learned(NamedTuple):
    """What a film left: groups of learned.h5, and the reduced units."""

    groups: dict[str, dict[str, np.ndarray]]
    length: float
    time: float


def learned(case: Case, seed: int) -> Learned:
    """By the regression alone of a Brownian film, which trains nothing; else by training."""
    window = observed(case, seed)
    near = graphs.build(window)
    if case.law.diffusion is not None:
        task = prepare(window, near, case.settings, 0)
        found = task.learner.inspect(task.sample, {})
        units = task.snapshots.units
        groups = {
            group: {
                name: np.asarray(torch.as_tensor(x).detach()) for name, x in found[group].items()
            }
            for group in ("pair_force", "bath")
        }
        return Learned(groups, units.length * case.law.mpp, units.time / case.law.fps)
    with tempfile.TemporaryDirectory() as folder:
        train(window, near, case.settings, Path(folder), 0)
        with h5py.File(Path(folder) / "learned.h5") as file:
            groups = {
                group: {name: x[()] for name, x in file[group].items()}
                for group in ("pair_force", "bath")
            }
        units = yaml.safe_load((Path(folder) / "model.yaml").read_text())["units"]
    return Learned(groups, units["length"] * case.law.mpp, units["time"] / case.law.fps)


def held(case: Case, seed: int) -> Held:
    """One film."""
    law, (groups, length, interval) = case.law, learned(case, seed)
    pairs, bath = groups["pair_force"], groups["bath"]
    kept = pairs["count"] >= PAIRS
    r = pairs["r"][kept] * length
    if law.diffusion is None:
        name, unit, scale = "rate", 1 / interval, law.temperature * interval**2 / length
    else:
        name, unit, scale = "diffusion", length**2 / interval, float(bath["T"][0]) * length
    medium = unit * np.array([bath[f"{end}{name}"].item() for end in ("", "low_", "high_")])
    true = force(law, r) * scale
    value, low, high = (pairs[k][kept] for k in ("value", "low", "high"))
    weight = pairs["count"][kept] / (pairs["count"][kept] * true**2).sum()
    return Held(
        (low < true) & (true < high),
        float(np.sqrt((weight * (value - true) ** 2).sum())),
        float(np.sqrt((weight * ((high - low) / (2 * Z)) ** 2).sum())),
        medium,
    )


def main(films: int, names: list[str]) -> None:
    """Prints a line for every law."""
    torch.set_num_threads(1)
    for name in names:
        case, found, start = CASES[name], [], time.process_time()
        for seed in range(films):
            with open(os.devnull, "w") as no, redirect_stderr(no), redirect_stdout(no):
                found.append(held(case, seed))
        print(line(name, case, found, time.process_time() - start), flush=True)


def line(name: str, case: Case, found: list[Held], seconds: float) -> str:
    """What is said of the films of a law."""
    inside, points = (np.array([f(x.inside) for x in found]) for f in (np.sum, np.size))
    drawn = np.random.default_rng(0).integers(len(found), size=(2000, len(found)))
    low, high = np.percentile(inside[drawn].sum(1) / points[drawn].sum(1), [2.5, 97.5])
    off, predicted = (
        np.sqrt(np.mean([getattr(x, k) ** 2 for x in found])) for k in Held._fields[1:3]
    )
    said = (
        f"{name:30}{100 * inside.sum() / points.sum():5.1f} % of {points.sum()} points "
        f"({100 * low:.0f} to {100 * high:.0f}); force off by {100 * off:.1f} %, "
        f"by its bands {100 * predicted:.1f} %"
    )
    of, inertial = np.array([x.medium for x in found]), case.law.diffusion is None
    true = case.law.friction if inertial else float(case.law.diffusion or 0.0)
    times = int(((of[:, 1] < true) & (true < of[:, 2])).sum())
    what = "friction" if inertial else "D"
    said += f"; {what} {of[:, 0].mean():.4f} of {true:g}, held {times} times of {len(of)}"
    return f"{said}; {seconds:.0f} s"


if __name__ == "__main__":
    names = sys.argv[2:] or list(CASES)
    main(int(sys.argv[1]) if len(sys.argv) > 1 else FILMS, names)
