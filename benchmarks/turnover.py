"""Tracks of particles that come and go, made without a film: what a long recording costs.

``./setup python -m benchmarks.turnover 500 1000 2000`` prints processor time and peak memory of
every stage, each in a process of its own, for films of so many frames. ``50,100000,100000`` is a
film of 50 frames of 100 000 particles that live for 100 000 frames, as good as for ever. Training
is 20 steps, two where there are many particles.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from pipeline import graphs, h5md, split, tables
from pipeline.units import Scale
from pipeline.video.assembly import View, assemble

SPACING = 16.0  # px, mean distance of neighbours
MANY = 10_000  # particles from where a few steps of training say what they cost


class Film(NamedTuple):
    """Frames, sites, how long a particle is seen on average, and how long a site is empty then."""

    frames: int
    particles: int = 400
    life: int = 50
    empty: int = 1


def tracks(film: Film, seed: int = 0) -> pd.DataFrame:
    """A table of `pipeline.tables.TRACKS` of particles around the sites of a square lattice.

    One is followed by another, somewhere else near the site, after some frames without any. They
    swing about their places with a period of some 20 frames, so that velocities are resolved.
    """
    rng = np.random.default_rng(seed)
    side = int(np.ceil(film.particles**0.5))
    sites = np.stack(np.divmod(np.arange(film.particles), side), axis=1) * SPACING + SPACING
    # Lives of each site one after another, from a time before the film on.
    count = int(2 * film.frames / film.life) + 10
    lives = rng.geometric(1 / film.life, (film.particles, count)) + 2
    starts = (
        np.cumsum(lives + film.empty, axis=1)
        - lives
        - rng.integers(film.life, size=(len(sites), 1))
    )
    first, stop = starts, np.minimum(starts + lives, film.frames)
    first = np.maximum(first, 0)
    site, life = np.nonzero(stop - first > 1)
    first, length = first[site, life], (stop - first)[site, life]
    start = np.cumsum(length) - length
    label = np.repeat(np.arange(len(length)), length)
    frame = np.arange(length.sum()) + np.repeat(first - start, length)
    swing = 0.1 * SPACING * rng.normal(size=(2, len(length), 2))
    phase = (2 * np.pi / rng.uniform(18, 24, (len(length), 2)))[label] * frame[:, None]
    place = sites[site[label]] + swing[0, label] * np.cos(phase) + swing[1, label] * np.sin(phase)
    place += 0.05 * rng.normal(size=place.shape)
    table = pd.DataFrame({"run": 0, "frame": frame, "y": place[:, 0], "x": place[:, 1]})
    table = table.assign(mass=1.0, size=2.0, ecc=0.0, signal=1.0, ep=0.1)
    table = table.assign(particle=label, filled=False)
    return tables.checked(table.sort_values(["frame", "particle"]), tables.TRACKS)


def view(film: Film) -> View:
    """A field of view that holds all sites."""
    side = int((np.ceil(film.particles**0.5) + 1) * SPACING)
    return View((side, side), 2.0, 1.72, 1.0)


def _assemble(folder: Path, film: Film) -> None:
    note = {"dataset": "turnover", "synthetic": True}
    tracked = (folder / "tracks.parquet", tables.PLACED)
    made = assemble(tables.read(*tracked), view(film), Scale(0.1, 50.0), note)
    h5md.write(folder / "trajectory.h5", made)


def _graph(folder: Path, film: Film) -> None:
    graphs.build_file(folder / "graphs.h5", h5md.on_disk(folder / "trajectory.h5"))


def _train(folder: Path, film: Film) -> None:
    from pipeline.learn.settings import Training
    from pipeline.learn.train import train

    data = h5md.on_disk(folder / "trajectory.h5")
    near = graphs.on_disk(folder / "graphs.h5", data)
    wanted = Training(steps=20, validate_every=10, bath="none", external="none", pair_energy="none")
    if film.particles > MANY:
        wanted = wanted.replace(steps=2, validate_every=2, batch=1)
        wanted = wanted.replace(validation_snapshots=1, rollout_steps=2)
    train(data, near, wanted, folder / "model", seed=0)


def _rollout(folder: Path, film: Film) -> None:
    from pipeline.dynamics.rollout import rollout, write
    from pipeline.learn.trained_model import load

    data = h5md.on_disk(folder / "trajectory.h5")
    window, before = split.evaluation(data, split.Split(), None)
    learned = load(folder / "model")
    conditions = learned.conditions(window, 0, 1, before)
    made = rollout(window, learned.model, conditions, 0)
    write(folder / "rollout.h5", made, conditions.units._asdict(), "metriplectic_seed0")


def _measure(folder: Path, film: Film) -> None:
    from pipeline.analysis import statistics
    from pipeline.analysis.experiment import experiment

    data = h5md.on_disk(folder / "trajectory.h5")
    a = graphs.spacing(folder / "graphs.h5", data)
    judging = experiment(data, split.judged(data, split.Split(), None), a)
    statistics.write(folder / "experiment.h5", judging.measure(), {"source": "experiment"})


STAGES: dict[str, Callable[[Path, Film], Any]] = {
    "assemble": _assemble,
    "graph": _graph,
    "train": _train,
    "rollout": _rollout,
    "measure": _measure,
}


def alone(stage: str, folder: Path, film: Film) -> tuple[float, float]:
    """Processor seconds and peak memory [MB] of a stage in a process of its own."""
    words = [sys.executable, "-m", "benchmarks.turnover", "--stage", stage, str(folder)]
    words += [str(number) for number in film]
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{stage}: {done.stderr[-2000:]}")
    seconds, memory = done.stdout.split()[-2:]
    return float(seconds), float(memory)


def main(films: list[Film]) -> None:
    """Prints a line per film and stage."""
    print(f"{'frames':>8} {'rows':>10} {'stage':>10} {'CPU s':>8} {'peak MB':>8}")
    for film in films:
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            table = tracks(film)
            tables.write(folder / "tracks.parquet", table, tables.TRACKS)
            rows = len(table)
            del table
            for stage in STAGES:
                seconds, memory = alone(stage, folder, film)
                line = f"{film.frames:8} {rows:10} {stage:>10} {seconds:8.1f} {memory:8.0f}"
                print(line, flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "--stage":
        STAGES[sys.argv[2]](Path(sys.argv[3]), Film(*(int(number) for number in sys.argv[4:])))
        used = resource.getrusage(resource.RUSAGE_SELF)
        print(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
    else:
        main([Film(*(int(number) for number in film.split(","))) for film in sys.argv[1:]])
