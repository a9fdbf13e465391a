"""The microscope's part in what is measured: which particles it sees, and how well."""

from __future__ import annotations

import numpy as np

from pipeline.analysis.runs import unwrapped
from pipeline.errors import InputError
from pipeline.neighbours import placed, tree
from pipeline.space import Space
from pipeline.trajectory import Trajectory, evenly

LOOKS = 20  # snapshots in which a track is held against the truth


def blur(trajectory: Trajectory, sigma: float, generator: np.random.Generator) -> Trajectory:
    """A trajectory as the microscope would see it: white noise on the positions it tracks.

    Velocities become backward differences of the noisy positions. Driven particles, which follow
    the recorded (already noisy) data, are left alone.

    Args:
        trajectory: exact positions.
        sigma: localisation error per component [length].
        generator: source of the noise.

    Raises:
        InputError: if sigma is negative.
    """
    if sigma < 0:
        raise InputError(f"The localisation error is {sigma:g} and must not be negative.")
    moved = sigma * generator.standard_normal(trajectory.position.shape)
    moved[trajectory.driven] = 0.0
    position = trajectory.position + moved
    velocity = trajectory.velocity.copy()
    step = trajectory.box.space.displacement(position[1:], position[:-1])[0] / trajectory.dt
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


def view(truth: Trajectory, experiment: Trajectory, reach: float) -> Trajectory:
    """The truth about the particles of an experiment, at its times and in its units.

    Same shape, labels, box and masks as the experiment, with true positions and the backward
    differences of them. A track that follows no true particle, or more than one, is absent.

    Args:
        truth: every particle of the simulation, in px and frames or in the experiment's units.
        experiment: what was tracked of it; one run.
        reach: a track is of a true particle nearer than this, best a third of a [length].

    Raises:
        ValueError: if particles of the experiment share columns.
        InputError: if the experiment has several runs, no scale leads from the units of the truth
            to its own, or it holds times that the truth does not.
    """
    experiment.own_columns()
    if len(np.unique(experiment.run)) > 1:
        raise InputError("The truth is known of one run and the experiment has several.")
    length, clock = _scale(truth, experiment)
    row = np.round((experiment.time / clock - truth.time[0]) / truth.dt).astype(int)
    if row.min() < 0 or row.max() >= len(truth.time):
        raise InputError(
            f"The experiment asks for snapshots {row.min()} to {row.max()} of the truth, which has "
            f"{len(truth.time)}."
        )
    box = truth.box._replace(lengths=truth.box.lengths * length, origin=truth.box.origin * length)
    path = unwrapped(truth.position * length, box.space)
    velocity = truth.velocity * (length / clock)
    velocity[1:] = np.diff(path, axis=0) / (truth.dt * clock)
    label = _identity(path[row], experiment, box.space, reach)
    known = label >= 0
    position = path[row][:, label]
    first = experiment.present.argmax(axis=0), np.arange(len(label))
    away = position[first] - experiment.position[first]
    position -= box.space.shift(box.space.images(away))
    present = experiment.present & known & truth.present[row][:, label]
    note = {"velocity": "backward difference", "localisation_error": 0.0}
    return experiment._replace(
        position=np.where(known[:, None], position, experiment.position),
        velocity=np.where(known[:, None], velocity[row][:, label], experiment.velocity),
        present=present,
        attributes=experiment.attributes | note,
        extra={},
    )


def _scale(truth: Trajectory, experiment: Trajectory) -> tuple[float, float]:
    """Length and time unit of the truth in those of the experiment."""
    given, wanted = truth.attributes, experiment.attributes
    # A film without scale has the keys, and None for them.
    rate = wanted.get("fps") or np.inf
    factors = {("px", "um"): wanted.get("mpp"), ("frame", "s"): 1 / rate}
    scale = []
    for unit in ("length_unit", "time_unit"):
        pair = given[unit], wanted[unit]
        factor = 1.0 if pair[0] == pair[1] else factors.get(pair)
        if not factor:
            raise InputError(f"No scale leads from {pair[0]} to {pair[1]}: set mpp and fps.")
        scale.append(float(factor))
    return scale[0], scale[1]


def _identity(path: np.ndarray, experiment: Trajectory, space: Space, reach: float) -> np.ndarray:
    """(N,) which true particle each track follows, -1 for none or several."""
    label = np.full(experiment.present.shape[1], -1)
    torn = np.zeros(len(label), bool)
    for row in evenly(np.arange(len(path)), LOOKS):
        who = np.flatnonzero(experiment.present[row])
        place = placed(experiment.position[row, who], space)
        distance, nearest = tree(path[row], space).query(place, distance_upper_bound=reach)
        who, nearest = who[np.isfinite(distance)], nearest[np.isfinite(distance)]
        torn[who] |= (label[who] >= 0) & (label[who] != nearest)
        label[who] = nearest
    return np.where(torn, -1, label)
