"""How often the 95 % bands of a learned Brownian pair force hold the truth: films of known law.

    ./setup python -m benchmarks.coverage [films] [law ...]

Tracks are simulated, small, and not rendered; everything else is what the workflow does by default.
Counted are the distances at which the report draws the force, where there are data, of every film;
the interval is from drawing films with replacement, since neighbouring distances are alike.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from typing import NamedTuple

import numpy as np
import torch

from pipeline import graphs
from pipeline.learn.bands import Z
from pipeline.learn.settings import Training
from pipeline.learn.task import prepare
from pipeline.simulate.langevin import force, simulate
from pipeline.simulate.settings import ATTRACTIVE, BROWNIAN, Langevin
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
CASES = {
    "repulsive": Case(BROWNIAN.replace(**SMALL), BROWNIAN_SETTINGS),
    "repulsive, error of 0.04 um": Case(BROWNIAN.replace(**SMALL), BROWNIAN_SETTINGS, 0.04),
    "attractive": Case(
        ATTRACTIVE.replace(**SMALL), BROWNIAN_SETTINGS.replace(pair_energy="splines")
    ),
}


class Held(NamedTuple):
    """What the bands of a film hold, and how they lie to its errors."""

    inside: np.ndarray  # bool, of the points of the force
    error: float  # rms over pairs, over that of the true force
    predicted: float  # the same as the bands have it
    diffusion: np.ndarray  # (3,) D and its band


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


def held(case: Case, seed: int) -> Held:
    """One film."""
    window, law = observed(case, seed), case.law
    task = prepare(window, graphs.build(window), case.settings, 0)
    length, interval = task.snapshots.units.length * law.mpp, task.snapshots.units.time / law.fps
    groups = task.learner.inspect(task.sample, {})
    pairs, bath = (
        {name: np.asarray(torch.as_tensor(x).detach()) for name, x in groups[k].items()}
        for k in ("pair_force", "bath")
    )
    names = ("diffusion", "low_diffusion", "high_diffusion")
    D = np.array([float(bath[name][0]) for name in names]) * length**2 / interval
    kept = pairs["count"] >= PAIRS
    true = force(law, pairs["r"] * length) * float(bath["T"][0]) * length
    value, low, high, true = (
        x[kept] for x in (*(pairs[k] for k in ("value", "low", "high")), true)
    )
    weight = pairs["count"][kept] / (pairs["count"][kept] * true**2).sum()
    return Held(
        (low < true) & (true < high),
        float(np.sqrt((weight * (value - true) ** 2).sum())),
        float(np.sqrt((weight * ((high - low) / (2 * Z)) ** 2).sum())),
        D,
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
    D, true = np.array([x.diffusion for x in found]), float(case.law.diffusion or 0.0)
    times = int(((D[:, 1] < true) & (true < D[:, 2])).sum())
    said += f"; D {D[:, 0].mean():.4f} of {true:g}, held {times} times of {len(D)}"
    return f"{said}; {seconds:.0f} s"


if __name__ == "__main__":
    names = sys.argv[2:] or list(CASES)
    main(int(sys.argv[1]) if len(sys.argv) > 1 else FILMS, names)
