"""When the snapshots of trajectory files were taken: one interval, and a clock that goes on."""

from __future__ import annotations

import numpy as np

from pipeline.errors import InputError
from pipeline.imported.recorded import Recorded
from pipeline.imported.settings import Imported
from pipeline.units import SECONDS


def interval_and_times(
    parts: list[Recorded], settings: Imported, notes: list[str]
) -> tuple[float, np.ndarray]:
    """dt and the times (T,) of all runs; snapshots at other intervals stay where they are in time.

    The interval is that between most snapshots: given (imported.dt), or read from the times in the
    file. Numbers of steps alone say how intervals compare, not how long they are.

    Raises:
        InputError: if nobody says the interval, times do not increase, or no interval is shared by
            most snapshots.
    """
    dt, found = settings.dt, []
    for part in parts:
        ticks, timed = _ticks(part, dt is not None, notes)
        unit = _usual(ticks, part.name)
        if dt is None or timed:
            _compare(unit, dt, part, settings, notes)
        dt = unit if dt is None else dt
        if settings.dt is None and abs(unit - dt) > 1e-3 * dt:
            raise InputError(
                f"The snapshots of {part.name} are {unit:.6g} apart and those of {parts[0].name} "
                f"{dt:.6g}: put the files into folders of their own under data/."
            )
        number = np.diff(ticks) / unit
        whole = np.abs(number - np.round(number)) < 0.01
        number = np.where(whole, np.round(number), number)
        odd = number[number != 1]
        if len(odd):
            notes.append(
                f"{len(odd)} of {len(number)} intervals of {part.name} are not {dt:.6g} (the first "
                f"of them {odd[0] * dt:.6g}): motion across them is left out."
            )
        found.append(np.concatenate([[0.0], np.cumsum(number)]) * dt)
    assert dt is not None  # there is a part, and it has said so
    return float(dt), np.concatenate(found)


def _usual(ticks: np.ndarray, name: str) -> float:
    """The interval between most snapshots."""
    step = np.diff(ticks)
    if not (step > 0).all():
        late = int(np.argmax(step <= 0))
        raise InputError(
            f"The times of {name} do not increase ({ticks[late + 1]:.10g} in snapshot {late + 1} "
            f"after {ticks[late]:.10g}): write its snapshots in order, each once, and every run "
            f"into a file of its own."
        )
    usual = float(np.median(step))
    if np.mean(np.abs(step - usual) < 0.01 * usual) < 0.5:
        raise InputError(
            f"The snapshots of {name} do not fall on a clock (the shortest interval is "
            f"{step.min():.6g}, another {step.max():.6g}, and most differ): write them at equal "
            f"intervals."
        )
    return float(np.mean(step[np.abs(step - usual) < 0.01 * usual]))


def _ticks(part: Recorded, given: bool, notes: list[str]) -> tuple[np.ndarray, bool]:
    """(T,) times of the file, or steps or a count where the interval is given; whether times."""
    if part.time is not None and part.step is not None:
        _agree(part.time, part.step, part.name, notes)
    if not given:
        if part.time is None or not np.ptp(part.time):
            same = "all of them give the same" if part.time is not None else ""
            hint = f" ({part.first.hint or same})" if part.first.hint or same else ""
            raise InputError(
                f"{part.name} does not say how much time passes between its snapshots{hint}: set "
                f"imported.dt in the config."
            )
        return part.time, True
    for clock in (part.time, part.step):
        if clock is not None and np.ptp(clock) > 0:
            return clock, clock is part.time
    if part.time is not None or part.step is not None:
        notes.append(f"All snapshots of {part.name} give the same time: they were counted instead.")
    return np.arange(len(part.position), dtype=float), False


def _agree(time: np.ndarray, step: np.ndarray, name: str, notes: list[str]) -> None:
    """Times go along with the numbers of steps, unless the time step was changed on the way."""
    passed, made = np.diff(time), np.diff(step)
    if not (passed > 0).all() or not made.any():
        return
    if not (made > 0).all():
        number = int(np.argmax(made <= 0))
        notes.append(
            f"In {name} times go on and numbers of steps do not ({step[number + 1]:.0f} in "
            f"snapshot {number + 1} after {step[number]:.0f}): the times were believed; are its "
            f"snapshots in order?"
        )
        return
    rate = passed / made
    if np.ptp(rate) > 0.01 * np.median(rate):
        notes.append(
            f"In {name} a step takes from {rate.min():.4g} to {rate.max():.4g} of time: the times "
            f"were believed, not the numbers of steps."
        )


def _compare(
    unit: float,
    dt: float | None,
    part: Recorded,
    settings: Imported,
    notes: list[str],
) -> None:
    """A note where a given interval is not the file's, and is not said in another unit."""
    written, told = part.first.time_unit, settings.time_unit
    known = written in SECONDS and told in SECONDS
    ratio = SECONDS[str(written)] / SECONDS[str(told)] if known else 1.0
    same = told is None or written is None or told == written or known
    if dt is not None and same and abs(unit * ratio / dt - 1) > 1e-3:
        behind = (f" {word}" if word not in (None, "1") else "" for word in (told, written))
        notes.append(
            f"Snapshots are {dt:.6g}{next(behind)} apart, as imported.dt says; {part.name} says "
            f"{unit:.6g}{next(behind)}."
        )


def relabelled(part: Recorded, settings: Imported) -> list[str]:
    """Sentences where units are given that are not the file's: numbers stay what they are.

    A time between snapshots that is given comes in its own unit.
    """
    pairs = [("Lengths", "length_unit", part.first.length_unit)]
    if settings.dt is None or part.velocity is not None:
        pairs.append(("Times", "time_unit", part.first.time_unit))
    return [
        f"{what} are counted in {given}, as imported.{key} says; {part.name} says {written}, and "
        f"its numbers were taken as they are."
        for what, key, written in pairs
        if (given := getattr(settings, key)) is not None and written not in (None, given)
    ]
