"""What the frames of a film are like: flat, repeated, unlike their neighbours; cuts and jumps."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
from skimage.registration import phase_cross_correlation

from pipeline.errors import InputError
from pipeline.video import order
from pipeline.video.clock import converted

SEEN, FLAT, REPEATED, UNLIKE, INVALID, AGAIN, MIXED, TORN, SWAPPED = range(9)
STATES = (
    "seen",
    "flat",
    "repeated",
    "unlike those around",
    "full of invalid pixels",
    "again",
    "the mean of its neighbours",
    "torn: its upper and its lower part are of different times",
    "in each other's place",
)
GRID = 128  # pixels a side that are compared, at most; others are passed over
CONTRAST = 0.2  # of the usual standard deviation: below, a frame is flat
STILL = 0.1  # of the usual change from frame to frame: below, a frame repeats the one before
SUDDEN = 3.0  # times the usual change, and
STRANGE = 0.5  # of the change between pictures that have nothing in common: a cut or a jump
RECENT = 99  # frames whose median contrast is the usual one
BURST = 3  # frames that may be unlike their neighbours; more are a scene of their own
PLAYED = 3  # successive frames that are successive ones of before, of a film that is played again
LOOKED_AT = 7  # pictures that come again
SOME = 16  # frames, whose mean is what stays the same
HOLES = 0.2  # share of invalid pixels that a frame may have


class Look(NamedTuple):
    """What the frames of one film are like.

    Fields:
        spread: (N,) standard deviation of the grey levels. invalid: (N,) pixels that are no number.
        change: (N,) mean difference to an earlier frame, both scaled to mean 0 and spread 1; NaN
            where there is none to compare with.
        against: (N,) which one that was: the last one with contrast.
        strange: the difference of pictures that have nothing in common.
        first: (N,) the first frame that holds the very same pixels.
        trace: what they have in common with those before.
    """

    spread: np.ndarray
    invalid: np.ndarray
    change: np.ndarray
    against: np.ndarray
    strange: float
    first: np.ndarray
    trace: order.Trace


class Verdict(NamedTuple):
    """What is made of a look.

    Fields:
        state: (N,) int8, one of STATES. cuts: frames with which a new scene begins.
        jumps: frame with which the field of view has moved, and by how much (y, x) [px].
        turned: first and last frame of stretches that are shown backwards, scenes of their own.
        again: pictures that come again, not pixel by pixel, which are seen all the same.
    """

    state: np.ndarray
    cuts: list[int]
    jumps: dict[int, tuple[float, float]]
    turned: list[tuple[int, int]]
    again: order.Recurrence | None


def look(images: Iterable[np.ndarray]) -> Look:
    """Goes through all frames (H, W) once, holding a few."""
    rows: list[tuple[float, int, float, int]] = []
    strange: list[float] = []
    last = -1
    recent: deque[float] = deque(maxlen=RECENT)
    tracer = order.Tracer()
    met: dict[bytes, int] = {}
    first: list[int] = []
    for number, image in enumerate(images):
        invalid = int((~np.isfinite(image)).sum()) if image.dtype.kind == "f" else 0
        small = thinned(image)
        first.append(met.setdefault(blake2b(small.tobytes(), digest_size=12).digest(), number))
        scaled, spread = _scaled(small)
        flat = bool(recent) and spread < CONTRAST * np.median(recent)
        if flat or invalid > HOLES * image.size:
            rows.append((spread, invalid, np.nan, -1))
            continue
        change = tracer.see(number, scaled)
        rows.append((spread, invalid, change, last))
        if len(strange) < 16:
            strange.append(_nothing_in_common(scaled))
        last = number
        recent.append(spread)
    table = np.array(rows, float).reshape(-1, 4)
    return Look(
        table[:, 0],
        table[:, 1].astype(np.int64),
        table[:, 2],
        table[:, 3].astype(np.int64),
        float(np.median(strange)) if strange else np.nan,
        np.array(first, np.int64),
        tracer.trace(),
    )


def judged(seen: Look, read: Callable[[int], np.ndarray], size: int, repeats: str) -> Verdict:
    """Which frames are none, and where one film is several.

    Args:
        seen: what `look` found.
        read: frame (H, W) by number, for the few that are looked at again.
        size: pixels of a frame.
        repeats: "leave out" to look for repeated frames, or "keep".
    """
    state = np.full(len(seen.spread), SEEN, np.int8)
    state[seen.spread < CONTRAST * np.percentile(seen.spread, 75)] = FLAT
    state[seen.invalid > HOLES * size] = INVALID
    change = np.where(state[seen.against] == SEEN, seen.change, np.nan)
    change[state != SEEN] = np.nan
    known = change[np.isfinite(change)]
    if not len(known):
        return Verdict(state, [], {}, [], None)
    # Without the sudden ones, unless everything changes at every frame.
    calm = known[known < STRANGE * seen.strange]
    calm = calm if len(calm) > len(known) / 2 else known
    lively, liveliest = np.percentile(calm, (75, 95)).tolist()
    # Slow motion: more than three of four frames repeat others, and by a rule.
    if lively <= STILL * liveliest and converted(change <= STILL * liveliest):
        lively = liveliest
    if len(known) > 1 and not known.any():
        raise InputError(
            f"all {len(known) + 1} frames that show something are the same picture: nothing moves, "
            f"and there is nothing to learn; record again, or copy the film again"
        )
    still = change <= STILL * lively
    if repeats == "leave out" and not still[np.isfinite(change)].all():
        state[still] = REPEATED
        state[_played_again(seen.first, state)] = AGAIN
    _mark(state, seen.trace, repeats)
    again = _recurring(seen.trace, state, read)
    lag = np.full((len(state), order.LAGS), np.nan)
    lag[seen.trace.number] = seen.trace.lag
    lag[state != SEEN] = np.nan
    turned = [] if again else order.backwards(lag, lambda a, b: _change(read, a, b))
    moving = calm[calm > STILL * lively] if lively > 0 else calm
    usual, most = np.percentile(moving, (50, 90))
    # Where much changes anyhow, a cut changes no more than can change.
    between = usual + STRANGE * (seen.strange - usual)
    restless = usual + SUDDEN * (most - usual)
    bound = max(min(SUDDEN * usual, between), STRANGE * seen.strange, restless)
    ends = [frame for first, last in turned for frame in (first, last + 1)]
    sudden = [t for t in np.flatnonzero(change > bound).tolist() if t not in ends]
    cuts, jumps = _breaks(sudden, seen.against, state, read, bound)
    return Verdict(state, sorted([*cuts, *ends]), jumps, turned, again)


def _mark(state: np.ndarray, trace: order.Trace, repeats: str) -> None:
    """Notes frames that are not as they were taken, or not in their place, of those seen."""

    plain = state[trace.number] == SEEN
    between = np.pad(plain, 1, constant_values=True)
    plain &= between[:-2] & between[2:]

    def note(found: np.ndarray, kind: int) -> None:
        state[trace.number[found[plain[found]]]] = kind

    note(np.flatnonzero(order.torn(trace)), TORN)
    if repeats == "leave out":
        note(np.flatnonzero(order.means(trace)), MIXED)
    first = np.array(order.exchanged(trace.lag), int)
    note(np.concatenate([first, first + 1]), SWAPPED)


def _recurring(
    trace: order.Trace, state: np.ndarray, read: Callable[[int], np.ndarray]
) -> order.Recurrence | None:
    """Pictures that come again with their noise, as far as compression has left it."""
    found = order.recurrence(trace, state == SEEN)
    if found is None:
        return None
    frames = trace.number[np.linspace(0, len(trace.number) - 1, SOME).astype(int)]
    mean = np.mean([np.nan_to_num(read(int(t))) for t in frames], axis=0)
    step = -1 if found.back else 1
    apart = np.linspace(0, found.number // 2, LOOKED_AT).astype(int).tolist()
    pairs = [(found.first + k, found.like + step * k) for k in apart]
    asked = [(a, b) for a, b in pairs if b >= 0 and a < len(state)]
    copies = [order.copied(read(a), read(b), mean) for a, b in asked]
    return found if sum(copies) > len(copies) / 2 else None


def _breaks(
    sudden: list[int],
    against: np.ndarray,
    state: np.ndarray,
    read: Callable[[int], np.ndarray],
    bound: float,
) -> tuple[list[int], dict[int, tuple[float, float]]]:
    """Cuts and jumps among sudden changes; frames between one and its return are noted in `state`.

    Args:
        sudden: frames that differ by more than `bound` from those of `against`.
    """
    cuts: list[int] = []
    jumps: dict[int, tuple[float, float]] = {}
    while sudden:
        first = sudden.pop(0)
        before = int(against[first])
        soon = [t for t in sudden if t - first <= BURST]
        back = next((t for t in soon if _change(read, before, t) <= bound), None)
        if back is not None:
            burst = slice(first, back)
            state[burst] = np.where(state[burst] == SEEN, UNLIKE, state[burst])
            sudden = [t for t in sudden if t > back]
            continue
        moved = _moved(read(before), read(first), bound)
        if moved is not None and any(moved):
            jumps[first] = moved
        else:
            cuts.append(first)
    return cuts, jumps


def _played_again(first: np.ndarray, state: np.ndarray) -> np.ndarray:
    """(N,) bool: frames that were shown before, on or back, as in a film that is looped.

    Args:
        first: (N,) first frame of the same pixels. state: (N,), of which those seen are asked.
    """
    again = (first != np.arange(len(first))) & (state == SEEN)
    follows = again[1:] & again[:-1] & (np.abs(np.diff(first)) == 1)
    return again if follows.sum() >= PLAYED else np.zeros_like(again)


def _change(read: Callable[[int], np.ndarray], first: int, second: int) -> float:
    return difference(read(first), read(second))


def difference(one: np.ndarray, other: np.ndarray) -> float:
    """Mean difference of two images (H, W), thinned and both scaled to mean 0 and spread 1."""
    a, b = (_scaled(thinned(image))[0] for image in (one, other))
    return float(np.abs(a - b).mean())


def _moved(before: np.ndarray, after: np.ndarray, bound: float) -> tuple[float, float] | None:
    """By how much (y, x) the picture moved, None where no shift makes the two alike."""
    a, b = _scaled(before)[0], _scaled(after)[0]
    step, _, _ = phase_cross_correlation(b, a, normalization=None)
    y, x = (round(float(s)) for s in step)
    if max(abs(y) / a.shape[0], abs(x) / a.shape[1]) > 0.75:
        return None
    one, two = _overlap(a, -y, -x), _overlap(b, y, x)
    return (float(y), float(x)) if np.abs(one - two).mean() <= bound else None


def _overlap(image: np.ndarray, y: int, x: int) -> np.ndarray:
    """The part of an image that another one, moved by (-y, -x), has in common with it."""
    rows = slice(y, None) if y >= 0 else slice(None, y)
    columns = slice(x, None) if x >= 0 else slice(None, x)
    return image[rows, columns]


def thinned(image: np.ndarray) -> np.ndarray:
    """A part of the pixels of an image (H, W), up to GRID a side."""
    rows, columns = (max(1, -(-size // GRID)) for size in image.shape)
    return image[::rows, ::columns]


def _scaled(image: np.ndarray) -> tuple[np.ndarray, float]:
    """An image at mean 0 and standard deviation 1, invalid pixels at 0, and its deviation."""
    floating, image = image.dtype.kind == "f", image.astype(np.float32)
    if floating and not (good := np.isfinite(image)).all():
        mean = float(image[good].mean()) if good.any() else 0.0
        image = np.where(good, image, mean)
    image -= image.mean()
    deviation = float(np.sqrt(np.vdot(image, image) / image.size))
    # Glaring pixels would hide everything else.
    limit = max(6 * 1.4826 * float(np.median(np.abs(image[::3, ::3]))), deviation)
    np.clip(image, -limit, limit, out=image)
    return image / (float(np.sqrt(np.vdot(image, image) / image.size)) or 1.0), deviation


def _nothing_in_common(image: np.ndarray) -> float:
    """Mean difference between a picture and itself shifted: uneven light hardly counts in it."""
    shifts = ((7, 11), (13, -9), (-17, 8), (10, 19))
    return float(np.median([np.abs(image - np.roll(image, s, (0, 1))).mean() for s in shifts]))


def noticed(found: Verdict, seen: Look, name: str, shape: tuple[int, ...]) -> list[str]:
    """Sentences on what is wrong with the pictures."""
    said = []
    for state in (FLAT, UNLIKE, INVALID, TORN, SWAPPED):
        if (found.state == state).any():
            frames = np.flatnonzero(found.state == state)
            said.append(f"{_listed(frames)} of {name} {_is(frames)} {STATES[state]}: left out.")
    if (found.state == AGAIN).any():
        frames = np.flatnonzero(found.state == AGAIN)
        said.append(
            f"{_listed(frames)} of {name} {_is(frames)} the very pictures that earlier frames were "
            f"(the first, frame {frames[0]}, is frame {seen.first[frames[0]]}): the film is "
            "looped, or played on and back; they are left out (video.repeats: keep takes them)."
        )
    holes = seen.invalid / np.prod(shape)
    if ((holes > 0) & (found.state != INVALID)).any():
        frames = np.flatnonzero((holes > 0) & (found.state != INVALID))
        said.append(
            f"{_listed(frames)} of {name} {'hold' if len(frames) > 1 else 'holds'} up to "
            f"{100 * holes[frames].max():.2g} % of pixels that are no number: those around stand "
            "in for them."
        )
    if found.again is not None:
        said.append(
            f"{found.again.number} frames of {name} look as earlier ones did, one after the other"
            f"{', backwards' if found.again.back else ''} (the first, frame {found.again.first}, "
            f"as frame {found.again.like}): was the film looped and then compressed? Then leave "
            "them out (video.frames), or the same motion counts several times; all is well if the "
            "sample itself comes back."
        )
    for first, last in found.turned:
        said.append(
            f"frames {first} to {last} of {name} seem to be shown backwards, for frame {last} goes "
            f"on from frame {first - 1} and frame {last + 1} from frame {first}: they are a run of "
            "their own, whose velocities are turned round; put them in order, or leave them out "
            "(video.frames)."
        )
    turns = {frame for first, last in found.turned for frame in (first, last + 1)}
    for frame in sorted({*found.cuts} - turns):
        said.append(f"{name} is cut at frame {frame}: what follows is a run of its own.")
    for frame, (y, x) in found.jumps.items():
        said.append(
            f"the field of view of {name} jumps by ({-int(x)}, {-int(y)}) px at frame {frame}: "
            "what follows is a run of its own (video.registration: true puts both on one frame)."
        )
    return said


def _listed(frames: np.ndarray) -> str:
    """ "frame 3", "frames 3 and 7", "21 frames (3, 7, 9, ...)"."""
    if len(frames) == 1:
        return f"frame {frames[0]}"
    if len(frames) <= 5:
        return f"frames {', '.join(map(str, frames[:-1]))} and {frames[-1]}"
    return f"{len(frames)} frames ({', '.join(map(str, frames[:3]))}, ...)"


def _is(frames: np.ndarray) -> str:
    return "are" if len(frames) > 1 else "is"
