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

from pipeline.simulate.advance import Sample, Span, advance
from pipeline.simulate.neighbours import neighbours_of
from pipeline.simulate.sample import Monolayer, check, drive, law, prepare, reach
from pipeline.trajectory import Box, Trajectory

COLLOIDS = Monolayer()
# The twin inside the model class: one species, force cut at the model's cutoff, no drag. Without
# drag the channel resonates with a shear wave near a period of 800 frames: it is driven slower.
MATCHED = Monolayer(strengths=(1.0,), cutoff=1.72, drag=0.0, period=1600, preparation=1)


def simulate(
    parameters: Monolayer = COLLOIDS,
    seed: int = 0,
    dataset: str = "colloids",
    progress: bool = True,
) -> Trajectory:
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
        ValueError: if the box is too small for the force or for the view of the video.
    """
    check(parameters)
    rng = np.random.default_rng(seed)
    sample, species = prepare(parameters, rng, progress)
    return record(parameters, sample, species, rng, dataset, progress)


def record(
    parameters: Monolayer,
    sample: Sample,
    species: np.ndarray,
    rng: np.random.Generator,
    dataset: str,
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
        attributes=attributes(p, dataset),
        extra={},
    )


def attributes(parameters: Monolayer, dataset: str) -> dict[str, object]:
    """What the truth says of itself: the parameters by name, and the bare law as a table.

    law_r [a], law_force [a/frame^2] and law_friction [1/frame] (along e_ij; across it there is
    none) are for a pair with s_i s_j = 1.
    """
    p = parameters
    r = np.linspace(0.6, max(p.cutoff, p.friction_cutoff), 200)
    force = p.amplitude * np.clip(r**-4 - p.cutoff**-4, 0.0, None)
    friction = p.friction * np.clip(1 - r / p.friction_cutoff, 0.0, None) ** 2
    chosen = {k: list(v) if isinstance(v, tuple) else v for k, v in p._asdict().items()}
    return {
        "dataset": dataset,
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
