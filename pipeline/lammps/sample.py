"""A sample of new particles between a wall and a needle row, none of them ever filmed.

    wall      fixed particles, a layer two cutoffs thick, at low y
    free      what moves by the model
    needle    a layer like the wall

The layers have thickness for the reason that the edge band of a video has: the force on a
particle needs its neighbours' volumes, which need theirs. Nobody's numbers are copied: entropies
and strengths are drawn from the laws in the potential file.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from pipeline import pairs
from pipeline.lammps import run
from pipeline.lammps.system import System
from pipeline.learn.trained_model import Learned
from pipeline.pairs import State
from pipeline.space import periodic

SOFT = """\
units lj
dimension 2
boundary p f p
atom_style atomic
region box block 0 {width!r} 0 {height!r} -0.5 0.5
create_box 1 box
create_atoms 1 random {count} {seed} NULL
mass 1 1.0
pair_style soft {reach!r}
pair_coeff * * 0.0
variable strength equal ramp(0.1,20)
fix grow all adapt 1 pair soft a * * v_strength
velocity all create 0.1 {seed}
fix cool all langevin 0.1 0.01 1.0 {seed}
fix walk all nve/limit 0.05
fix walls all wall/reflect ylo EDGE yhi EDGE
fix flat all enforce2d
thermo 200
run 600
write_dump all custom soft.dump id type x y modify sort id format float %.17g
"""


class Layers(NamedTuple):
    """The sample: rows are wall, free, needle, in this order."""

    system: System
    box: tuple[float, float]  # width, periodic, and height [a]
    gap: float  # between the layers [a]
    wall: int  # particles
    needle: int  # particles


def scatter(folder: Path, particles: int, density: float, layer: float, seed: int) -> Layers:
    """Positions without order: soft discs from random places, half as high as wide.

    Args:
        folder: to run in.
        particles: wall and needle included.
        density: particles per area [1 / a^2].
        layer: thickness of wall and needle [a].
        seed: of the places.

    Raises:
        ValueError: if the layers would leave no room between them.
    """
    height = math.sqrt(particles / density / 2)
    box = {"width": 2 * height, "height": height, "count": particles, "seed": seed + 1}
    if height < 4 * layer:
        raise ValueError(
            f"{particles} particles make a sample {height:.3g} a high, and wall and needle "
            f"take {layer:.3g} each: ask for more (lammps.scaled.particles)."
        )
    # Discs that just touch at this density have no reason to line up at a distance of their own.
    (folder / "soft.lammps").write_text(SOFT.format(**box, reach=density**-0.5))
    run.run(folder, "soft.lammps", log="soft.log")
    r = run.snapshots(folder / "soft.dump")[2][0, :, 2:4]
    place = np.where(r[:, 1] < layer, 0, np.where(r[:, 1] > height - layer, 2, 1))
    r, place = (x[np.argsort(place, kind="stable")] for x in (r, place))
    nothing = np.zeros(len(r))
    space = periodic((2 * height, height), (True, False))
    system = System(r, np.zeros_like(r), nothing, None, place != 1, space)
    gap = height - 2 * layer
    return Layers(
        system, (2 * height, height), gap, int((place == 0).sum()), int((place == 2).sum())
    )


@torch.inference_mode()
def thermalised(system: System, learned: Learned, z: np.ndarray, seed: int) -> System:
    """Velocities of the mean temperature met in training; entropies by the teacher, plus z (N,)."""
    random, model = np.random.default_rng(seed), learned.model.double()
    T = float(model.k_B) * float(learned.record["seen"]["mean_T"])
    v = random.normal(size=system.r.shape) * math.sqrt(T / float(model.m))
    v[system.driven] = 0.0
    v[~system.driven] -= v[~system.driven].mean(axis=0)
    r = torch.from_numpy(system.r)
    state = State(r, torch.from_numpy(v), torch.zeros(len(r), dtype=torch.float64))
    taught = model.entropy(state, pairs.find(r, system.space, model.cutoff)).numpy()
    return system._replace(v=v, S=taught + z)
