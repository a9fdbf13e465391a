"""One clock for the frames of a run: time stamps or numbers to ticks, gaps and repeats included."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pipeline.errors import InputError

MISFIT = 0.25  # of an interval: a frame farther from every tick fits none
STRAY = 0.01  # share of the frames that may fit none
DRIFT = 0.05  # of an interval: its mean over a stretch of frames may differ so much
JITTER = 0.05  # of an interval, standard deviation: worth a word
STRETCH = 16  # frames over which a rate is judged
LOCAL = 9  # intervals whose median is the rate there: a change of rate is no loss of frames
CYCLE = 50  # frames, at most, after which a rule of repeats begins again
RULE = 0.9  # share of the frames that obey it
LONGEST = 10  # frames that may be missing in a row before what follows is a run of its own
SLOWER = 2.0  # times as many pairs of successive frames, for which a slower clock is taken


class Clock(NamedTuple):
    """The ticks on which frames fall.

    Fields:
        number: (N,) int64, tick of each frame, from 0, increasing; -1 for a frame that is none,
            shown twice by whoever changed the frame rate, or between two ticks.
        interval: one tick, in the unit of the times given.
        warnings: sentences.
        timed: whether that is seconds.
        raised: one tick over the shortest interval of the film, where repeats raised its rate or
            most of it is slower.
    """

    number: np.ndarray
    interval: float
    warnings: list[str]
    raised: float = 1.0
    timed: bool = False


def even(count: int) -> Clock:
    """Frames that nothing is known of: one after the other."""
    return Clock(np.arange(count), 1.0, [])


def ticking(times: np.ndarray, name: str, timed: bool) -> Clock:
    """The clock on which frames with these times or numbers fall.

    The interval is the shortest that is common; an interval that holds several of it is kept as
    such. Times need not be exact: single ones may be off by a quarter of the interval, their mean
    rate by 5 %.

    Args:
        times: (N,) increasing.
        name: of the run, for messages.
        timed: whether these are seconds; else the numbers of files.

    Raises:
        InputError: with the numbers, where no interval fits.
    """
    if len(times) < 3:
        return Clock(np.arange(len(times)), float(np.ptp(times)) or 1.0, [], timed=timed)
    unit = " s" if timed else ""
    step = np.diff(times)
    low = float(np.percentile(step, 10))
    common = float(np.median(step[(step > 0.75 * low) & (step < 1.25 * low)]))
    ticks = np.maximum(np.round(step / common), 1)
    interval = float(step.sum() / ticks.sum())
    off = step / interval - ticks
    blocks = [slice(k, k + STRETCH) for k in range(0, max(len(step) - STRETCH, 1), STRETCH)]
    mean = np.array([step[b].sum() / ticks[b].sum() for b in blocks])
    drift = float(np.abs(mean / interval - 1).max()) if len(step) >= STRETCH else 0.0
    if np.mean(np.abs(off) > MISFIT) > STRAY or drift > DRIFT:
        if (regular := _regular(times, name, unit)) is not None:
            return regular._replace(timed=timed)
        raise InputError(
            f"the frames of {name} are unevenly spaced: intervals from {step.min():.4g} to "
            f"{step.max():.4g}{unit} (median {np.median(step):.4g}, mean over {STRETCH} frames "
            f"{mean.min():.4g} to {mean.max():.4g}) are no multiples of one; record at a fixed "
            "rate, choose an even part with video.frames, or count the frames (video.times: even)"
        )
    number = np.concatenate([[0], np.cumsum(ticks)]).astype(np.int64)
    said = _said(number, name, f"{interval:.4g}{unit}")
    every = 1
    if (slow := slower(number)) is not None:
        every, number = slow
        said = [
            f"the frame rate of {name} changes, and most of its frames follow each other after "
            f"{every * interval:.4g}{unit}, others after {interval:.4g}{unit}: all are taken at "
            f"the slower rate, for which {int((number < 0).sum())} of {len(number)} frames are "
            "left out.",
            *_said(number[number >= 0], name, f"{every * interval:.4g}{unit}"),
        ]
        interval *= every
    if (spread := float(np.std(off))) > JITTER:
        said.append(
            f"the time stamps of {name} jitter by {100 * spread:.0f} % of the interval of "
            f"{interval:.4g}{unit}: they are taken as even, and velocities are as uncertain."
        )
    return Clock(number, interval, said, raised=float(every), timed=timed)


def _regular(times: np.ndarray, name: str, unit: str) -> Clock | None:
    """The clock of frames that were taken evenly and stamped late, now more and now less: none of
    their times is an interval away from those of an even film. None where one is."""
    count = np.arange(len(times))
    interval, start = np.polyfit(count, times, 1)
    off = (times - start) / interval - count
    # Where intervals themselves are uneven, frames wander away from the even ones.
    if np.abs(off).max() >= 1 or off.var() > 0.75 * np.diff(off).var():
        return None
    said = (
        f"the time stamps of {name} jitter by {100 * float(np.std(off)):.0f} % of the interval of "
        f"{interval:.4g}{unit}, and none is as much as one interval from where it should be: "
        "frames are taken as even, and none as lost."
    )
    return Clock(count, float(interval), [said])


def slower(number: np.ndarray) -> tuple[int, np.ndarray] | None:
    """A slower clock on which far more frames are successive: every so many ticks, and the numbers
    of the frames on it, -1 for those between; None where there is none.

    Args:
        number: (N,) ticks, increasing.
    """
    step = np.diff(number)
    every = int(np.bincount(np.minimum(step, 10 * LOCAL)).argmax())
    if every < 2:
        return None
    phase = int(np.bincount(number % every).argmax())
    kept = number % every == phase
    on = np.where(kept, (number - phase) // every, -1)
    on[kept] -= on[kept][0]
    pairs = int((np.diff(on[kept]) == 1).sum())
    return (every, on) if pairs > SLOWER * int((step == 1).sum()) else None


def _said(number: np.ndarray, name: str, interval: str) -> list[str]:
    """Sentences on what the ticks of a run lack."""
    said, step, lost = [], np.diff(number), missing(number)
    if lost.any():
        first = int(np.flatnonzero(lost)[0])
        said.append(
            f"{int(lost.sum())} frames of {name} are missing, the first of them after frame "
            f"{first} (frames shown there: {len(number)}): they count as gaps."
        )
    slow = (step > 1) & (lost == 0)
    if slow.any():
        first = int(np.flatnonzero(slow)[0])
        said.append(
            f"the frame rate of {name} changes: from frame {first} on, frames follow each other "
            f"after {int(np.median(step[slow]))} intervals of {interval} ({int(slow.sum())} of "
            f"{len(step)} do). Velocities are taken over the true times; training and whatever "
            "needs successive frames use the others only: choose one part with video.frames."
        )
    return said


def missing(number: np.ndarray) -> np.ndarray:
    """(N - 1,) frames lost between each frame and the next, at the rate that holds there.

    Args:
        number: (N,) ticks, increasing.
    """
    step = np.diff(number)
    if not len(step) or (step == 1).all():
        return np.zeros(len(step), np.int64)
    reach = LOCAL // 2
    padded = np.pad(step, reach, mode="reflect" if len(step) > reach else "edge")
    local = np.median(np.lib.stride_tricks.sliding_window_view(padded, LOCAL), axis=1)
    return np.maximum(np.round(step / local).astype(np.int64) - 1, 0)


def ticks(number: np.ndarray) -> np.ndarray:
    """(M,) ticks at which there was a frame or should have been one, increasing.

    Where frames come at half the rate, none should have been between them.

    Args:
        number: (N,) ticks of frames, increasing.
    """
    lost, step = missing(number), np.diff(number)
    between = [
        start + (np.arange(1, count + 1) * whole) // (count + 1)
        for start, count, whole in zip(
            number[:-1][lost > 0], lost[lost > 0], step[lost > 0], strict=True
        )
    ]
    return np.unique(np.concatenate([number, *between]))


def converted(repeated: np.ndarray) -> tuple[int, int] | None:
    """How many frames of how many repeat the one before; None where there is no such rule.

    What changes the rate of a film repeats frames by a rule (25 to 30 frames a second: one of six);
    a camera that loses frames repeats them whenever it does.

    Args:
        repeated: (N,) bool.
    """
    for cycle in range(2, min(CYCLE, len(repeated) // 3) + 1):
        count = round(cycle * float(repeated[: len(repeated) // cycle * cycle].mean()))
        again = repeated[cycle:] == repeated[:-cycle]
        # By chance alone, rare repeats would mostly meet frames that are none.
        later, earlier = repeated[cycle:], repeated[:-cycle]
        kept = (later & earlier).sum() / max(later.sum(), earlier.sum(), 1)
        if count and again.mean() >= RULE and kept >= RULE:
            return count, cycle
    return None


def without_repeats(
    clock: Clock,
    repeated: np.ndarray,
    name: str,
    what: tuple[str, str] = ("repeat the one before", "the camera lost frames there"),
) -> Clock:
    """The clock of a film some of whose frames are none of their own.

    Args:
        repeated: (N,) bool.
        name: of the run, for messages. what: they do, and why, where there is no rule.
    """
    if not repeated.any():
        return clock
    total, first = len(repeated), int(repeated.argmax())
    rule = converted(repeated) if (np.diff(clock.number) == 1).all() else None
    if rule is None:
        said = (
            f"{int(repeated.sum())} of {total} frames of {name} {what[0]} (the first is frame "
            f"{first}): {what[1]}. They are left out and count as gaps (video.repeats: keep takes "
            "them as they are)."
        )
        return clock._replace(warnings=[*clock.warnings, said])
    count, cycle = rule
    number = np.where(repeated, -1, np.cumsum(~repeated) - 1)
    said = (
        f"{count} of every {cycle} frames of {name} {what[0]} (the first is frame {first}): its "
        f"rate was raised from {cycle - count} to {cycle}. These are left out, and the others are "
        f"taken as evenly spaced, {cycle}/{cycle - count} of the film's interval apart "
        "(video.repeats: keep takes all as they are)."
    )
    raised = cycle / (cycle - count)
    return Clock(number, clock.interval * raised, [*clock.warnings, said], raised, clock.timed)


def without_blanks(clock: Clock, blank: np.ndarray, name: str) -> Clock:
    """The clock of a film whose frames show nothing by a rule, as where a second channel is empty.

    Others that show nothing are gaps.

    Args:
        blank: (N,) bool. name: of the run, for messages.
    """
    rule = converted(blank) if (np.diff(clock.number) == 1).all() else None
    if rule is None:
        return clock
    count, cycle = rule
    number = np.where(blank, -1, np.cumsum(~blank) - 1)
    raised = cycle / (cycle - count)
    said = (
        f"{count} of every {cycle} frames of {name} show nothing: is there a second channel? The "
        f"others are taken as evenly spaced, {cycle}/{cycle - count} of the film's interval apart: "
        "video.fps is their rate."
    )
    return Clock(number, clock.interval * raised, [*clock.warnings, said], raised, clock.timed)
