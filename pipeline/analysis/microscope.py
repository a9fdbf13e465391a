"""The microscope's part in what is measured: localisation error put on exact positions."""

from __future__ import annotations

import numpy as np

from pipeline.analysis.runs import minimum_image
from pipeline.trajectory import Trajectory


def blur(trajectory: Trajectory, sigma: float, generator: np.random.Generator) -> Trajectory:
    """A trajectory as the microscope would see it: white noise on the positions it tracks.

    Velocities become backward differences of the noisy positions. Driven particles, which follow
    the recorded (already noisy) data, are left alone.

    Args:
        trajectory: exact positions.
        sigma: localisation error per component [length].
        generator: source of the noise.

    Raises:
        ValueError: if sigma is negative.
    """
    if sigma < 0:
        raise ValueError(f"The localisation error is {sigma:g} and must not be negative.")
    moved = sigma * generator.standard_normal(trajectory.position.shape)
    moved[trajectory.driven] = 0.0
    position = trajectory.position + moved
    velocity = trajectory.velocity.copy()
    step = minimum_image(np.diff(position, axis=0), trajectory.box) / trajectory.dt
    known = (trajectory.present[1:] & trajectory.present[:-1])[..., None]
    known = known & trajectory.successive()[:, None, None]
    velocity[1:] = np.where(known, step, velocity[1:])
    # Where the previous position is not in the array, its noise is drawn afresh.
    fresh = sigma * generator.standard_normal(trajectory.position.shape)
    alone = ~np.concatenate([np.zeros((1, *known.shape[1:]), bool), known])
    velocity += np.where(alone & ~trajectory.driven[..., None], moved - fresh, 0) / trajectory.dt
    note = {"velocity": "backward difference", "localisation_error": float(sigma)}
    return trajectory._replace(
        position=position, velocity=velocity, attributes=trajectory.attributes | note
    )
