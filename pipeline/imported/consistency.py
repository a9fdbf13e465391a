"""The self-test of every import: whether a trajectory contradicts itself.

Four things are said twice in most trajectories. The order of the rows and the positions both say
who is who; displacements and velocities both say how fast; the box and the positions both say where
a face is; times and numbers of steps both say when. What does not agree is refused in a sentence
with the numbers, or, where it can be meant so, returned as a warning.
"""

from __future__ import annotations

import numpy as np

from pipeline.errors import InputError
from pipeline.imported import faces
from pipeline.imported.labels import check_order
from pipeline.imported.paths import Paths

ALIGNED = 0.75  # correlation of displacements and velocities from which their ratio must be one
SPEED = 1.25  # ratio of displacement / dt to the velocity
SMOOTH = 0.7  # correlation of successive steps from which velocities are known from positions
SLACK = 0.05  # by which they may differ from those recorded


def check_places(path: Paths) -> list[str]:
    """Who is who, and where faces are: asked before anything is known of times; returns warnings.

    Raises:
        InputError: rows change order, nothing moves, or steps across faces do not fit the box.
    """
    if not path.follows.any():
        return []
    if not path.step[path.follows].any():
        raise InputError(
            f"No particle of {path.name} moves in {len(path.position)} snapshots: is it the right "
            f"file, and are its positions written with enough digits?"
        )
    if not path.identified:
        check_order(path)
    notes = faces.check_lengths(path)
    for axis in np.flatnonzero(path.closed):
        faces.check_faces(path, int(axis))
    return notes


def check_motion(path: Paths) -> list[str]:
    """How far and how fast; returns warnings.

    Raises:
        InputError: displacements and velocities disagree.
    """
    if not path.follows.any():
        return []
    if path.velocity is not None:
        _speeds(path)
    still = ~path.step[path.follows].any(axis=(1, 2))
    if not still.any():
        return []
    first = int(np.flatnonzero(path.follows)[np.argmax(still)])
    return [
        f"In {path.name} {int(still.sum())} of {len(still)} snapshots repeat the positions of the "
        f"one before to the last digit (first {first + 1}): were they written twice?"
    ]


def _smooth(path: Paths) -> None:
    """Where steps go on as the ones before, half of two successive ones is the velocity between.

    <v . d> dt / <d^2> of d = (dr_t + dr_t+1) / 2 is 1 to second order in dt, also where velocities
    fluctuate beside a motion that lasts: a cosine gives 1 + (1 - c) / 3 for a correlation c of
    successive steps, a Langevin walk less.
    """
    assert path.velocity is not None
    twice = path.follows[:-1] & path.follows[1:]
    before, after = path.step[:-1][twice], path.step[1:][twice]
    velocity, half = path.velocity[1:-1][twice], 0.5 * (before + after)
    size = float((before**2).sum() + (after**2).sum()) / 2
    lasting = float((before * after).sum()) / size if size else 0.0
    if lasting < SMOOTH:
        return
    slope = float((velocity * half).sum() / (half**2).sum()) * path.dt
    rest = velocity * path.dt - slope * half
    # Successive ones tell nearly the same.
    count = max(half.shape[1], (1 - lasting) / (1 + lasting) * half.shape[0] * half.shape[1])
    count *= half.shape[2]
    unsure = np.sqrt(float((rest**2).mean() / (half**2).mean()) / count)
    if abs(slope - 1) < SLACK + (1 - lasting) + 4 * unsure:
        return
    alike = float((velocity * half).sum() / np.sqrt((velocity**2).sum() * (half**2).sum()))
    meant = f"(as if snapshots were {path.dt / slope:.4g} apart, not {path.dt:.6g}) "
    raise InputError(
        f"Steps of {path.name} go on as the ones before (correlation {lasting:.2f}), so that its "
        f"velocities should be its steps over dt: they are {slope:.3g} of that "
        f"{meant if alike > ALIGNED else ''}with a correlation of {alike:.2f}; correct imported.dt "
        f"if the interval is another, or set imported.velocities: difference if the velocities are "
        f"of other particles, axes, times or units."
    )


def _speeds(path: Paths) -> None:
    """Displacement / dt is the mean velocity over an interval, so never faster than velocities.

    <|dr|^2> <= dt^2 <|v|^2>, and where dr goes along with the velocities at both ends, it is
    their mean times dt (to second order in dt).
    """
    assert path.velocity is not None
    move = path.step[path.follows]
    mean = (0.5 * (path.velocity[1:] + path.velocity[:-1]))[path.follows]
    ends = path.velocity[1:][path.follows] ** 2 + path.velocity[:-1][path.follows] ** 2
    speed = float(np.sqrt(0.5 * np.mean(ends.sum(axis=2))))
    noise = 2 * path.error**2 * move.shape[2]
    square = max(float(np.mean((move**2).sum(axis=2))) - noise, 0.0)
    found = np.sqrt(square) / path.dt
    if speed == 0.0 or square == 0.0:
        raise InputError(
            f"The velocities of {path.name} are {speed:.4g} and its displacements over an interval "
            f"{np.sqrt(square):.4g} (root mean square): they contradict each other; set "
            f"imported.velocities: difference."
        )
    both = float(np.mean((move * mean).sum(axis=2)))
    along = float(np.mean((mean**2).sum(axis=2)))
    aligned = both / np.sqrt(np.mean((move**2).sum(axis=2)) * along) if along > 0 else 0.0
    ratio = both / (path.dt * along) if along > 0 else 0.0
    short = aligned > ALIGNED and ratio < 1 / SPEED**2
    long = found > SPEED * speed or (aligned > ALIGNED and ratio > SPEED)
    if not (short or long):
        _smooth(path)
        return
    said = (
        f"Particles of {path.name} move by {np.sqrt(square):.4g} from one snapshot to the next, "
        f"which over dt = {path.dt:.6g} makes {found:.4g}, and their velocities are {speed:.4g} "
        f"(root mean squares, factor {found / speed:.3g}): "
    )
    if aligned > ALIGNED:
        raise InputError(
            f"{said}displacements go along with the velocities as if snapshots were "
            f"{path.dt * ratio:.4g} apart; correct imported.dt (the time between snapshots, not "
            f"the time step), or imported.velocities: difference if velocities have another unit."
        )
    raise InputError(
        f"{said}displacements do not go along with the velocities (correlation {aligned:.2f}); "
        f"rows change order, dt is too short, or positions have too few digits: write ids, correct "
        f"imported.dt, or set imported.velocities: difference."
    )
