"""The simulated sample: its parameters, and how it is quenched, annealed and frozen at the edges.

Lengths in a (mean spacing), time in frames, mass 1.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from pipeline.simulate.advance import Drive, Sample, Span, advance, quench
from pipeline.simulate.forces import Law
from pipeline.simulate.neighbours import SKIN, neighbours_of


class Monolayer(NamedTuple):
    """What defines the sample, its drive and its view. The defaults are the set `colloids`."""

    width: float = 46.0  # a, periodic
    height: float = 40.0  # a, between the slabs
    slab: float = 3.0  # a, thickness of the wall and of the needle
    density: float = 1.1547  # particles per a^2
    strengths: tuple[float, ...] = (0.85, 1.15)  # s of each species, in equal numbers
    amplitude: float = 0.02  # A, a^5/frame^2
    cutoff: float = 3.0  # a, of the force
    friction: float = 0.3  # 1/frame, of a pair at contact
    friction_cutoff: float = 1.72  # a
    drag: float = 0.05  # 1/frame, towards the linear channel flow
    temperature: float = 1e-3  # kT / A
    substeps: int = 4  # per frame
    strain: float = 0.035  # amplitude of the drive over height
    period: int = 800  # frames
    preparation: int = 2  # cycles before the record
    frames: int = 1600  # of the record
    a_px: float = 10.5  # px per a
    view: tuple[int, int] = (384, 384)  # px, height and width of the video
    needle_in_view: float = 1.5  # a, how much of the needle shows at the lower edge of the video
    mpp: float = 0.68  # um per px, by assumption
    fps: float = 80.0  # frames per second, by assumption


def law(parameters: Monolayer) -> Law:
    """The law of force of a parameter set, in a and frames."""
    p = parameters
    kT = p.temperature * p.amplitude
    return Law(p.amplitude, p.cutoff, p.friction, p.friction_cutoff, p.drag, kT)


def reach(rule: Law) -> float:
    """How far a Verlet list must look [a]."""
    return max(rule.cutoff, rule.friction_cutoff) + SKIN


def drive(parameters: Monolayer) -> Drive:
    """The motion of the needle and the channel flow it causes."""
    p = parameters
    return Drive(p.strain * p.height, 2 * np.pi / p.period, p.slab, p.height)


def check(parameters: Monolayer) -> None:
    """Refuses a box that the force would see twice, or that the video would look beyond."""
    p = parameters
    total, least = p.height + 2 * p.slab, 2 * reach(law(p))
    if min(p.width, total) <= least:
        raise ValueError(
            f"The box of {p.width:g} x {total:g} a is not wider than twice the reach of the force, "
            f"{least:g} a: enlarge it or shorten the cutoff."
        )
    deep = p.slab + p.height + p.needle_in_view
    rows, columns = p.view
    if columns > p.a_px * p.width or rows > p.a_px * deep:
        raise ValueError(
            f"The view of {columns} x {rows} px is larger than the sample of "
            f"{p.a_px * p.width:.0f} x {p.a_px * deep:.0f} px: "
            f"enlarge the box or choose a smaller view."
        )


def prepare(
    parameters: Monolayer, rng: np.random.Generator, progress: bool = True
) -> tuple[Sample, np.ndarray]:
    """Quench and anneal in a doubly periodic box, then freeze the slabs.

    Returns:
        The sample at rest between its slabs, and the species (N,) int32.
    """
    p = parameters
    lengths = np.array([p.width, p.height + 2 * p.slab])
    count = round(p.density * lengths.prod())
    species = rng.permutation(np.arange(count) % len(p.strengths)).astype(np.int32)
    strength = np.asarray(p.strengths, dtype=float)[species]
    rule = law(p)
    r = rng.random((count, 2)) * lengths
    # The stiffest mode of the crystal, about 20 A, times 0.01/A is a tenth of the stability limit.
    near = neighbours_of(r, reach(rule), lengths, True)
    quench(r, strength, rule, near, 600, 0.01 / p.amplitude, 0.05)
    still = Drive(0.0, 0.0, p.slab, p.height)
    everything = Sample(r, np.zeros_like(r), strength, np.ones(count), np.zeros(count, dtype=bool))
    everything.v[:] = np.sqrt(0.02 * p.amplitude) * rng.standard_normal(r.shape)
    temperatures = np.geomspace(0.02, p.temperature, 10) * p.amplitude
    for kT in tqdm(temperatures, desc="annealing", disable=not progress):
        near = advance(everything, near, rule._replace(kT=kT), still, Span(0.0, 0.25, 120), rng)
    r[:, 1] -= lengths[1] * np.floor(r[:, 1] / lengths[1])
    needle = r[:, 1] > p.slab + p.height
    fixed = needle | (r[:, 1] < p.slab)
    everything.v[fixed] = 0.0
    return everything._replace(mobile=np.where(fixed, 0.0, 1.0), needle=needle), species
