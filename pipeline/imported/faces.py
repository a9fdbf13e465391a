"""Where the faces of the box are, by the positions and by the steps across them."""

from __future__ import annotations

import numpy as np

from pipeline.errors import InputError
from pipeline.imported.paths import Paths

JUMP = 0.5  # of the extent along an axis
TYPICAL = 8.0  # median steps; a step longer than this and than JUMP is no motion
FILLED = 0.8  # of the displacement of particles scattered over the box anew at every snapshot
SELDOM = 1e-3  # of all steps, which may be longer than half of the box
SURE = 5.0  # standard errors
DIGITS = 1e-3  # of a box, by which it may be wrong without a word
SAMPLE = 4000  # coordinates that are looked at for their digits
ROUND = 1e-9  # of the largest of them, below which a difference is that of round-off


def check_faces(path: Paths, axis: int) -> None:
    """Steps across the faces of the box are as those inside it.

    Raises:
        InputError: particles jump, or cross faces elsewhere than at those of the box.
    """
    usual = float(np.median(np.abs(path.step[path.follows][..., axis])))
    far = _far(path, axis) & path.follows[:, None]
    if far.any():
        closed = path.box.periodic[axis]
        where = f"a box of {path.box.lengths[axis]:.6g}" if closed else "an axis that is open"
        raise InputError(
            f"Particles of {path.name} jump by up to {np.abs(path.step[far][:, axis]).max():.4g} "
            f"along {'xyz'[axis]} ({int(far.sum())} steps; the median is {usual:.3g}) in {where}: "
            f"rows change order, or positions are wrapped into another box; write ids, or correct "
            f"imported.box and imported.periodic."
        )
    if path.box.periodic[axis]:
        _refuse_other_box(path, axis, usual)


def _refuse_other_box(path: Paths, axis: int, usual: float) -> None:
    """Refuses a box that is not the one into which positions were wrapped.

    In a box that is too long a particle that crosses passes a strip in which nobody is ever seen;
    in one that is too short it comes out on the side from which it should go in.

    Args:
        usual: median length of all steps along the axis.
    """
    name, side = "xyz"[axis], float(path.box.lengths[axis])
    along = path.position[..., axis]
    extent = float(np.ptp(along))
    raw = np.diff(along, axis=0)
    across = path.follows[:, None] & (np.abs(raw) > JUMP * extent) & (raw != path.step[..., axis])
    count = int(across.sum())
    if not count:
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


def _excess(path: Paths, axis: int, across: np.ndarray) -> tuple[float, float]:
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
    # Where all steps are alike, round-off takes the variance below zero.
    variance = max(square - mean**2, 0.0)
    return float(found.mean()) - mean, float(np.sqrt(variance / len(found)))


def last_digit(values: np.ndarray) -> float:
    """What positions are whole multiples of, apart; 0 where they have digits enough."""
    found = np.unique(values.ravel()[:SAMPLE])
    gaps = np.diff(found)
    gaps = gaps[gaps > ROUND * max(float(np.abs(found).max()), 1e-300)]
    if len(gaps) < 2:
        return 0.0
    least = float(gaps.min())
    return least if np.abs(gaps / least - np.round(gaps / least)).max() < 0.01 else 0.0


def check_lengths(path: Paths) -> list[str]:
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


def jumps(path: Paths) -> np.ndarray:
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


def _far(path: Paths, axis: int) -> np.ndarray:
    """(T - 1, N) bool: steps along an axis that are no motion."""
    size = np.abs(path.step[..., axis])
    usual = float(np.median(size[path.follows]))
    return size > max(TYPICAL * usual, JUMP * float(np.ptp(path.position[..., axis])))
