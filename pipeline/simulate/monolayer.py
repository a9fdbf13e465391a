"""A sheared monolayer of repulsive dipoles at an interface, with every force known.

Half of the particles are small, half large; at density 2/sqrt(3) per a^2 their r^-4 repulsion
jams them into a polycrystal. It lies between two slabs of frozen particles: the wall above, the
needle below, driven sideways as strain x height x sin(2 pi t / period). y points down, as in the
video. Lengths are in a (mean spacing) and time in frames, mass 1, until `simulate` returns a
trajectory in pixels and frames, in the coordinates of the video.
"""

from __future__ import annotations

import numpy as np
from tqdm import tqdm

from pipeline.errors import InputError
from pipeline.simulate.md import SKIN, Drive, Law, Sample, Span, advance, neighbours_of, quench
from pipeline.simulate.settings import COLLOIDS, Monolayer
from pipeline.trajectory import Box, Trajectory


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
        raise InputError(
            f"The box of {p.width:g} x {total:g} a is not wider than twice the reach of the force, "
            f"{least:g} a: enlarge it or shorten the cutoff."
        )
    deep = p.slab + p.height + p.needle_in_view
    rows, columns = p.view
    if columns > p.a_px * p.width or rows > p.a_px * deep:
        raise InputError(
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


def simulate(parameters: Monolayer = COLLOIDS, seed: int = 0, progress: bool = True) -> Trajectory:
    """Prepares the sample, shears it through the preparation cycles, and records.

    The recipe: random positions, capped overdamped quench, annealing from kT = 0.02 A to kT,
    slabs frozen, cycles of shear, record. Deterministic for a seed on one machine.

    Returns:
        Trajectory in px and frames: unwrapped positions (T, N, 2) at the end of every frame's
        substeps, with (0, 0) the centre of the video's first pixel; velocity (T, N, 2) the
        instantaneous one at that moment [px/frame], not a difference of positions; everything
        present, driven True for wall and needle; species by index into `strengths`.
        The attributes hold the law in units of a and frames, and a_px.

    Raises:
        InputError: if the box is too small for the force or for the view of the video.
    """
    check(parameters)
    rng = np.random.default_rng(seed)
    sample, species = prepare(parameters, rng, progress)
    return record(parameters, sample, species, rng, progress)


def record(
    parameters: Monolayer,
    sample: Sample,
    species: np.ndarray,
    rng: np.random.Generator,
    progress: bool = True,
) -> Trajectory:
    """Shears a prepared sample (advanced in place) and returns the recorded frames."""
    p = parameters
    rule, needle = law(p), drive(p)
    lengths = np.array([p.width, p.height + 2 * p.slab])
    near = neighbours_of(sample.r, reach(rule), lengths, False)
    before = p.preparation * p.period
    position = np.empty((p.frames, *sample.r.shape))
    velocity = np.empty_like(position)
    clock = tqdm(range(before + p.frames), desc="shearing", unit="frame", disable=not progress)
    for frame in clock:
        span = Span(float(frame), 1 / p.substeps, p.substeps)
        near = advance(sample, near, rule, needle, span, rng)
        if frame >= before:
            position[frame - before], velocity[frame - before] = sample.r, sample.v
    # The view is centred on the periodic axis; its lower edge shows a strip of the needle.
    corner = np.array(
        [
            0.5 * (p.width * p.a_px - p.view[1]),
            (p.slab + p.height + p.needle_in_view) * p.a_px - p.view[0],
        ]
    )
    shape = position.shape[:2]
    return Trajectory(
        position=position * p.a_px - corner,
        velocity=velocity * p.a_px,
        present=np.ones(shape, dtype=bool),
        driven=np.broadcast_to(sample.mobile == 0.0, shape).copy(),
        time=np.arange(p.frames, dtype=float),
        run=np.zeros(p.frames, dtype=np.int32),
        particle=np.arange(shape[1]),
        species=species,
        box=Box(lengths * p.a_px, (True, False), -corner),
        attributes=attributes(p),
        extra={},
    )


def attributes(parameters: Monolayer) -> dict[str, object]:
    """What the truth says of itself: the parameters by name, and the bare law as a table.

    law_r [a], law_force [a/frame^2] and law_friction [1/frame] (along e_ij; across it there is
    none) are for a pair with s_i s_j = 1.
    """
    p = parameters
    r = np.linspace(0.6, max(p.cutoff, p.friction_cutoff), 200)
    force = p.amplitude * np.clip(r**-4 - p.cutoff**-4, 0.0, None)
    friction = p.friction * np.clip(1 - r / p.friction_cutoff, 0.0, None) ** 2
    chosen = {k: list(v) if isinstance(v, tuple) else v for k, v in p.parameters().items()}
    return {
        "dataset": "colloids",
        "length_unit": "px",
        "time_unit": "frame",
        "dt": 1.0,
        "velocity": "measured",
        "localisation_error": 0.0,
        "synthetic": True,
        "unwrapped": True,
        **chosen,
        "kT": p.temperature * p.amplitude,
        "law_units": "a and frames, mass 1",
        "law_r": r.tolist(),
        "law_force": force.tolist(),
        "law_friction": friction.tolist(),
    }
