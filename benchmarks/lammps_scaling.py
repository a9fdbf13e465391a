"""Weak scaling of the LAMMPS plugin beside pair_style dpd.

    ./setup python -m benchmarks.lammps_scaling

... [repeats]      one rank and two, the same number of particles on each, in turn
... million        a run of a million particles and its memory
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from benchmarks.lammps import DENSITY, OTHERS, RANGES, model
from pipeline import compiler
from pipeline.lammps import build, potential, run
from pipeline.lammps.rule import potential as exported

SIDE = 47  # lattice sites per axis and rank: 103 823 particles
STEPS, WARM = 30, 5
STYLES = ("metriplectic", "dpd")
FOLDER = Path("results/.lammps/scaling")

SYSTEM = """\
units lj
boundary p p p
atom_style atomic
atom_modify map yes
newton on
comm_modify vel yes
processors {ranks} 1 1
plugin load {plugin}
fix property all property/atom d_entropy
lattice sc {density}
region box block 0 {length} 0 {side} 0 {side}
create_box 1 box
create_atoms 1 box
mass 1 1.0
displace_atoms all random 0.1 0.1 0.1 1
velocity all create 1.0 7
neighbor 0.3 bin
neigh_modify every 1 delay 0 check yes
timestep 0.01
{law}
thermo {steps}
run {warm}
run {steps}
"""
LAWS = {
    "metriplectic": "pair_style metriplectic 1\npair_coeff * * fluid.metriplectic\n"
    "fix move all metriplectic",
    "dpd": OTHERS["dpd"].style,
}


class Took(NamedTuple):
    """What a run took."""

    wall: float  # seconds per step
    processor: float  # seconds per step, ranks added up
    memory: float  # bytes per particle that LAMMPS allocated
    particles: int


def once(style: str, ranks: int, side: int, steps: int) -> Took:
    """One run, ``side``^3 particles on each rank."""
    length = side * ranks
    plugin = build.build(compiler.cache())
    text = SYSTEM.format(
        ranks=ranks, plugin=plugin, density=DENSITY, length=length, side=side, law=LAWS[style],
        steps=steps, warm=WARM,
    )  # fmt: skip
    name = f"{style}_{ranks}"
    (FOLDER / f"{name}.in").write_text(text)
    log = run.run(FOLDER, f"{name}.in", ranks, f"{name}.log")
    took = run.loop(log)
    wall = took.seconds / took.steps
    return Took(wall, took.step, 1e6 * run.memory(log) * ranks / took.particles, took.particles)


def weak(repeats: int) -> None:
    """Time of a step on one rank over that on two, per style, to the screen and to weak.csv."""
    rows = []
    for turn in range(repeats):
        for style in STYLES:
            for ranks in (1, 2):
                took = once(style, ranks, SIDE, STEPS)
                rows.append({"round": turn, "style": style, "ranks": ranks, **took._asdict()})
                print(rows[-1], f"load {os.getloadavg()[0]:.1f}", flush=True)
    table = pd.DataFrame(rows)
    table.to_csv(FOLDER / "weak.csv", index=False)
    print(efficiency(table).to_string())


def efficiency(table: pd.DataFrame) -> pd.DataFrame:
    """Per style: ms of wall per step, ns of processor per particle and step, what is kept of them.

    The least of several rounds: whatever else runs on the machine only adds.
    """
    table = table.assign(each=1e9 * table["processor"] / table["particles"])
    least = table.groupby(["style", "ranks"])[["wall", "each"]].min().unstack("ranks")
    return pd.DataFrame(
        {
            "ms per step, 1 rank": 1e3 * least["wall", 1],
            "2 ranks": 1e3 * least["wall", 2],
            "kept": least["wall", 1] / least["wall", 2],
            "ns per particle-step, 1 rank": least["each", 1],
            "2 ranks ": least["each", 2],
            "kept ": least["each", 1] / least["each", 2],
        }
    ).round(3)


def million() -> None:
    """A million particles, 100 steps, on one rank."""
    took = once("metriplectic", 1, 100, 100)
    print(
        f"{took.particles} particles: {took.wall:.2f} s per step, "
        f"{1e9 * took.processor / took.particles:.0f} ns of processor per particle and step, "
        f"{took.memory:.0f} bytes per particle allocated by LAMMPS"
    )


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    potential.write(FOLDER / "fluid.metriplectic", exported(model("splines"), 1.0, RANGES))
    if sys.argv[1:] == ["million"]:
        million()
    else:
        weak(int(sys.argv[1]) if sys.argv[1:] else 5)
