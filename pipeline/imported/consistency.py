"""The self-test of every import: whether a trajectory contradicts itself.

Four things are said twice in most trajectories. The order of the rows and the positions both say
who is who; displacements and velocities both say how fast; the box and the positions both say where
a face is; times and numbers of steps both say when. What does not agree is refused in a sentence
with the numbers, or, where it can be meant so, returned as a warning.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from pipeline.errors import InputError
from pipeline.trajectory import Box
from pipeline.units import neighbour_distance

FAR = 0.5  # of the neighbour distance: rows that move farther are asked whether they changed places
CLOSE = 0.3  # of the distance from a random point to its nearest particle
JUMP = 0.5  # of the extent along an axis
TYPICAL = 8.0  # median steps; a step longer than this and than JUMP is no motion
FILLED = 0.8  # of the displacement of particles scattered over the box anew at every snapshot
ALIGNED = 0.75  # correlation of displacements and velocities from which their ratio must be one
SPEED = 1.25  # ratio of displacement / dt to the velocity
SURE = 5.0  # standard errors
DIGITS = 1e-3  # of a box, by which it may be wrong without a word
SAMPLE = 4000  # coordinates that are looked at for their digits
SELDOM = 1e-3  # of all steps, which may be longer than half of the box
ROUND = 1e-9  # of the largest of them, below which a difference is that of round-off
SMOOTH = 0.7  # correlation of successive steps from which velocities are known from positions
SLACK = 0.05  # by which they may differ from those recorded


class Path(NamedTuple):
    """T snapshots of N particles as the file has them, before wrapping.

    Fields:
        name: of the file or files.
        position: (T, N, D) [length]. velocity: (T, N, D) as recorded, or None.
        step: (T - 1, N, D) displacements of successive snapshots, across periodic faces [length].
        follows: (T - 1,) bool: whether a step is one of motion: of one run, and one interval long.
        box: of the trajectory; dt: interval [time].
        identified: whether rows carry labels.
        closed: (D,) bool: axes of which somebody says whether they have a box.
        error: standard deviation of positions [length].
    """

    name: str
    position: np.ndarray
    velocity: np.ndarray | None
    step: np.ndarray
    follows: np.ndarray
    box: Box
    dt: float
    identified: bool
    closed: np.ndarray
    error: float


def check_places(path: Path) -> list[str]:
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
        _order(path)
    notes = _resolved(path)
    for axis in np.flatnonzero(path.closed):
        _faces(path, int(axis))
    return notes


def check_motion(path: Path) -> list[str]:
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


def jumps(path: Path) -> np.ndarray:
    """(T - 1, N) bool: steps through the sample, along axes of which nobody says anything.

    Positions may have been wrapped into a box that the file does not give.

    Raises:
        InputError: if there are more of them than particles.
    """
    found = np.zeros((len(path.step), path.step.shape[1]), dtype=bool)
    for axis in np.flatnonzero(~path.closed):
        found |= _far(path, int(axis))
    found &= path.follows[:, None]
    if found.sum() > path.step.shape[1]:
        longest = np.abs(path.step[found]).max()
        raise InputError(
            f"Particles of {path.name} jump through the sample {int(found.sum())} times, by up to "
            f"{longest:.4g}, and it gives no box: positions are wrapped, or rows change order; set "
            f"imported.box and imported.periodic, or write ids."
        )
    return found


def _far(path: Path, axis: int) -> np.ndarray:
    """(T - 1, N) bool: steps along an axis that are no motion."""
    size = np.abs(path.step[..., axis])
    usual = float(np.median(size[path.follows]))
    return size > max(TYPICAL * usual, JUMP * float(np.ptp(path.position[..., axis])))


def _faces(path: Path, axis: int) -> None:
    """Steps across the faces of the box are as those inside it.

    In a box that is too long a particle that crosses passes a strip in which nobody is ever seen;
    in one that is too short it comes out on the side from which it should go in.
    """
    name, side = "xyz"[axis], float(path.box.lengths[axis])
    along = path.position[..., axis]
    extent = float(np.ptp(along))
    usual = float(np.median(np.abs(path.step[path.follows][..., axis])))
    far = _far(path, axis) & path.follows[:, None]
    if far.any():
        where = f"a box of {side:.6g}" if path.box.periodic[axis] else "an axis that is open"
        raise InputError(
            f"Particles of {path.name} jump by up to {np.abs(path.step[far][:, axis]).max():.4g} "
            f"along {name} ({int(far.sum())} steps; the median is {usual:.3g}) in {where}: rows "
            f"change order, or positions are wrapped into another box; write ids, or correct "
            f"imported.box and imported.periodic."
        )
    raw = np.diff(along, axis=0)
    across = path.follows[:, None] & (np.abs(raw) > JUMP * extent) & (raw != path.step[..., axis])
    count = int(across.sum())
    if not path.box.periodic[axis] or not count:
        return
    jump, step = raw[across], path.step[across][:, axis]
    # Steps that are rounded to nothing are none across, and the others then seem too long.
    grain = last_digit(along)
    crossing, empty = float(np.median(np.abs(step))), side - extent - grain
    outwards = float(np.mean(np.sign(step) == np.sign(jump)))
    # Where nothing is wrong the steps across end anywhere behind the face: a strip of a share x of
    # their length stays empty with a probability of (1 - x)^count.
    too_long = count >= 8 and empty > min(0.8, 12 / count) * crossing
    excess, error = _excess(path, axis, across)
    if count < 3 and not error < 0.1 * usual:  # two alone tell nothing, unless each is foretold
        return
    apart = abs(excess) > max(SURE * error, DIGITS * side, 1.5 * grain)
    if too_long or apart or (outwards > 0.5 and count >= 3):
        meant = side - excess if apart else float(np.median(np.abs(jump))) + usual
        raise InputError(
            f"Particles of {path.name} that cross a face along {name} move by {crossing:.4g} and "
            f"others by {usual:.3g} (medians), and positions span {extent:.6g}: they are wrapped "
            f"into a box of about {meant:.4g}, not of {side:.6g}; correct imported.box, or leave "
            f"it out."
        )


def last_digit(values: np.ndarray) -> float:
    """What positions are whole multiples of, apart; 0 where they have digits enough."""
    found = np.unique(values.ravel()[:SAMPLE])
    gaps = np.diff(found)
    gaps = gaps[gaps > ROUND * max(float(np.abs(found).max()), 1e-300)]
    if len(gaps) < 2:
        return 0.0
    least = float(gaps.min())
    return least if np.abs(gaps / least - np.round(gaps / least)).max() < 0.01 else 0.0


def _excess(path: Path, axis: int, across: np.ndarray) -> tuple[float, float]:
    """How much farther steps across a face lead outwards than they should, and the standard error.

    A face is crossed in proportion to the length of the step x: what steps have beyond what was
    foretold, e, is <e x> / <|x|> outwards on average, and its square <e^2 |x|> / <|x|>. Foretold
    are steps like those before and after, where steps last, else none.

    Args:
        across: (T - 1, N) bool, the steps across a face.
    """
    step, raw = path.step[..., axis], np.diff(path.position[..., axis], axis=0)
    usual = path.follows[:, None] & ~across
    beyond, known, met = step, usual, across
    if len(step) > 2:
        off = step[1:-1] - 0.5 * (step[:-2] + step[2:])
        beside = usual[:-2] & usual[2:]
        there = usual[1:-1] & beside
        if there.any() and np.mean(off[there] ** 2) < 0.25 * np.mean(step[usual] ** 2):
            step, raw = step[1:-1], raw[1:-1]
            beyond, known, met = off, there, across[1:-1] & beside
    size = np.abs(step[known])
    # Long steps are more often across, and then not among these.
    weight = size / np.maximum(1 - size / path.box.lengths[axis], 0.1)
    if not met.any() or not weight.any():
        return 0.0, np.inf
    mean = float(np.average(np.sign(step[known]) * beyond[known], weights=weight))
    square = float(np.average(beyond[known] ** 2, weights=weight))
    found = -np.sign(raw[met]) * beyond[met]
    return float(found.mean()) - mean, float(np.sqrt((square - mean**2) / len(found)))


def _order(path: Path) -> None:
    """Rows without ids keep their order."""
    box = path.box
    sides = np.where(box.periodic, box.lengths, 0.0)

    def local(r: np.ndarray) -> np.ndarray:
        inside = np.where(box.periodic, (r - box.origin) % box.lengths, r)
        return np.where((sides > 0) & (inside >= box.lengths), 0.0, inside)

    pairs = (
        (t, local(path.position[t]), path.step[t], local(path.position[t + 1]))
        for t in np.flatnonzero(path.follows).tolist()
    )
    density = path.position.shape[1] / box.volume
    found = exchanged(pairs, density, sides)
    if found is not None:
        raise InputError(
            f"Rows of {path.name} change order and carry no ids: from snapshot {found.when} to "
            f"{found.when + 1} {found.labels} of {path.position.shape[1]} move far (by "
            f"{found.moved:.3g}, the median), and another row is within {found.near:.3g} of where "
            f"each of them was; write a column id, in LAMMPS also dump_modify sort id."
        )


class Exchanged(NamedTuple):
    """Labels that change places: most of them from snapshot ``when`` to the next."""

    when: int
    labels: int
    total: int  # of them, and of all times
    share: float  # of the labels at that time
    rate: float  # of them, of all steps
    moved: float  # median distance that a label moves
    near: float  # median distance to whoever is nearest afterwards


def exchanged(
    pairs: Iterable[tuple[int, np.ndarray, np.ndarray, np.ndarray]],
    density: float,
    sides: np.ndarray,
) -> Exchanged | None:
    """Whether labels change places from one snapshot to the next.

    Of labels that move far, the nearest particle of the next snapshot is a stranger at the distance
    of a random point to its nearest particle, unless labels were exchanged: then it is the same
    particle after its true, short step.

    Args:
        pairs: snapshot, positions (M, D), steps (M, D) of the labels, and all positions (K, D) of
            the next snapshot.
        density: particles per area or volume.
        sides: (D,) periods of the axes, 0 for open ones; positions lie within.
    """
    D = len(sides)
    spacing = neighbour_distance(density, D)
    random = (np.log(2) / (density * {2: np.pi, 3: 4 * np.pi / 3}[D])) ** (1 / D)
    moved, near, steps = [], [], 0
    most = (0, 0, 1)  # labels that move far, where, and of how many
    for t, position, step, after in pairs:
        size = np.linalg.norm(step, axis=1)
        steps += len(size)
        far = size > FAR * spacing
        if far.any() and len(after):
            moved.append(size[far])
            near.append(cKDTree(after, boxsize=sides).query(position[far])[0])
            most = max(most, (int(far.sum()), t, len(size)))
    if not moved:
        return None
    close = float(np.median(np.concatenate(near)))
    total, (labels, worst, present) = sum(map(len, moved)), most
    # Two may be one label for the other; two of different times are none.
    if close > CLOSE * random or total < 2 or (total == 2 and labels < 2):
        return None
    far_by = float(np.median(np.concatenate(moved)))
    return Exchanged(worst, labels, total, labels / present, total / steps, far_by, close)


def _resolved(path: Path) -> list[str]:
    """Steps are shorter than the box: else nobody knows across which face a particle went.

    A displacement between two random places of a period L has the standard deviation L / sqrt(12).
    Paths that go on across faces, and image flags, tell longer ones; they are lost where all later
    stages go to the nearest image. Returns warnings.
    """
    moved, notes = path.step[path.follows], []
    for axis in np.flatnonzero(path.box.periodic):
        long = np.abs(moved[..., axis]) > 0.5 * path.box.lengths[axis] * (1 + 1e-9)
        if long.any():
            said = (
                f"Particles of {path.name} move by more than half of the box of "
                f"{path.box.lengths[axis]:.6g} along {'xyz'[axis]} from one snapshot to the next, "
                f"in {int(long.sum())} of {long.size} steps, and are taken to go to the nearest "
                f"image"
            )
            if long.mean() > SELDOM:
                raise InputError(f"{said}: write more snapshots.")
            notes.append(f"{said}.")
            continue
        random = path.box.lengths[axis] / np.sqrt(12)
        found = float(np.sqrt(np.mean(moved[..., axis] ** 2)))
        if moved[..., axis].size >= 50 and FILLED * random < found < 1.25 * random:
            raise InputError(
                f"Particles of {path.name} move by {found:.4g} along {'xyz'[axis]} (root mean "
                f"square) from one snapshot to the next, as if scattered anew over the box of "
                f"{path.box.lengths[axis]:.6g} (by {random:.4g}): their rows change order, or "
                f"snapshots are too far apart; write ids, and more snapshots."
            )
    return notes


def _smooth(path: Path) -> None:
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


def _speeds(path: Path) -> None:
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
