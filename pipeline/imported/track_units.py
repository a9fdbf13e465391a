"""What the numbers of a table of tracks mean: labels, frames, pixels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from pipeline.errors import InputError
from pipeline.imported.raw_tracks import Raw
from pipeline.tables import TRACKS

SAME = 0.01  # by which a scale of the file may differ from a given one without a word
NOBODY = ("", "none", "null", "na", "n/a", "nan", "-")  # labels of what belongs to no track
FLAT = 0.25  # of the distance of neighbours, by which tracks may leave the plane


def scale(
    key: str, given: float | None, found: Sequence[float | None], notes: list[str]
) -> float | None:
    """The given scale, or the one that all tables state, or none."""
    stated = sorted({round(value, 9) for value in found if value is not None})
    if given is not None:
        if stated and max(abs(value / given - 1) for value in stated) > SAME:
            notes.append(f"video.{key} = {given:g} was taken; the table says {stated[0]:.6g}.")
        return float(given)
    if len(stated) > 1 and stated[-1] / stated[0] > 1 + SAME:
        raise InputError(
            f"The tables state different scales, {key} from {stated[0]:.6g} to {stated[-1]:.6g}: "
            f"give video.{key}, or put them into folders of their own under data/."
        )
    return stated[0] if stated else None


def interval(raw: Raw) -> float | None:
    """Seconds per frame of a table that has frames and times; both must go along."""
    if "frame" not in raw.table or "time" not in raw.table:
        return None
    frame, time = (pd.to_numeric(raw.table[key], errors="coerce") for key in ("frame", "time"))
    known = frame.notna() & time.notna()
    if frame[known].nunique() < 2:
        return None
    slope, start = np.polyfit(frame[known], time[known], 1)
    apart = float(np.abs(time[known] - start - slope * frame[known]).max())
    if slope <= 0 or apart > 0.1 * slope:
        raise InputError(
            f"The times of {raw.path.name} do not go along with its frames (a line through them "
            f"has slope {slope:.4g}, and they leave it by up to {apart:.4g}): correct one of them, "
            f"or drop the column {raw.columns.get('time', 'of times')}."
        )
    return float(slope) * raw.time if raw.time else None


def unused(raws: Sequence[Raw], notes: list[str]) -> None:
    """A word on times whose unit nobody says, beside frames."""
    for raw in raws:
        if "frame" in raw.table and "time" in raw.table and not raw.time and not raw.interval:
            notes.append(
                f"The times of {raw.path.name} ({raw.columns.get('time', 'time')}) have no unit "
                f"and were not used: the frame rate is that of video.fps."
            )


def pixel(raws: Sequence[Raw], mpp: float | None, filmed: bool, notes: list[str]) -> float | None:
    """Micrometres per pixel, needed where positions are lengths."""
    metric = [raw.path.name for raw in raws if raw.length is not None]
    if not metric or mpp is not None:
        return mpp
    if len(metric) < len(raws):
        other = next(raw.path.name for raw in raws if raw.length is None)
        raise InputError(
            f"The positions of {metric[0]} are lengths and those of {other} are pixels: give "
            f"video.mpp, micrometres per pixel."
        )
    if filmed:
        raise InputError(
            f"The positions of {metric[0]} are lengths and those of its film are pixels: give "
            f"video.mpp, micrometres per pixel."
        )
    notes.append(
        f"The positions of {metric[0]} are lengths, and no size of a pixel is known: 1 µm was "
        f"taken for a pixel (video.mpp)."
    )
    return 1.0


def rows(raw: Raw, fps: float | None, mpp: float | None, notes: list[str]) -> pd.DataFrame:
    """Numbers: particle and frame whole, x and y in pixels of the film as recorded."""
    name, table = raw.path.name, _alone(raw, notes)
    loose = _labels(table["particle"], name, notes)
    # One negative label stands for no track, several are labels.
    single = loose.isna() | ((loose < 0) & (loose[loose < 0].nunique() == 1))
    if single.any():
        notes.append(f"{int(single.sum())} of {len(table)} rows of {name} belong to no track.")
    table = table[~single].reset_index(drop=True)
    if table.empty:
        raise InputError(f"No row of {name} belongs to a track ({raw.columns['particle']}).")
    table["particle"] = _whole(loose[~single], "particle", raw)
    for axis in ("x", "y"):
        values = pd.to_numeric(table[axis], errors="coerce").to_numpy(float)
        bad = ~np.isfinite(values)
        if bad.any():
            remedy = "write plain decimal numbers" if bad.mean() > 0.5 else "take them away"
            raise InputError(
                f"{int(bad.sum())} of {len(values)} rows of {name} have a {axis} that is no "
                f"number, the first in row {int(np.argmax(bad))} of its tracks "
                f"({table[axis].iloc[int(np.argmax(bad))]!s:.40}): {remedy}."
            )
        table[axis] = values if raw.length is None else values * raw.length / (mpp or 1.0)
    if raw.length is None:
        _refuse_one_pixel(table, name)
    if raw.unread:
        notes.append(
            f"The velocities of {name} ({', '.join(raw.unread)}) are not read: those of the steps "
            f"are taken."
        )
    table["frame"] = _frames(table, raw, fps, notes)
    if "run" in table:
        table["run"] = _whole(table["run"], "run", raw)
    _plane(table, name, notes)
    for extra in ("mass", "size", "ecc", "signal", "ep"):
        known = pd.to_numeric(table[extra], errors="coerce") if extra in table else np.nan
        table[extra] = pd.Series(known, index=table.index, dtype=float).fillna(0.0)
    table["filled"] = table["filled"].astype(bool) if "filled" in table else False
    return table.assign(run=table.get("run", 0))[list(TRACKS)]


def _refuse_one_pixel(table: pd.DataFrame, name: str) -> None:
    """Positions that several particles share a pixel with are no pixels: metres, or shares."""
    reach = float(np.ptp(table[["x", "y"]].to_numpy(), axis=0).max())
    if reach < 1 and table["particle"].nunique() > 1 and reach > 0:
        raise InputError(
            f"The {table['particle'].nunique()} particles of {name} lie within {reach:.3g} px of "
            f"each other: these are no pixels; say the unit as tracks.length_unit, or convert x "
            f"and y to micrometres."
        )


def _alone(raw: Raw, notes: list[str]) -> pd.DataFrame:
    """The rows, without those that say the same as another, or the names of the columns again."""
    name, table = raw.path.name, raw.table
    nested = [str(key) for key in table if len(table) and np.ndim(table[key].iloc[0])]
    if nested:
        raise InputError(
            f"{name} holds lists in its column {raw.columns.get(nested[0], nested[0])}, and one "
            f"number a row is read: write a row for each position."
        )
    heads = table["particle"].astype(str) == raw.columns.get("particle")
    if heads.any():
        notes.append(f"{int(heads.sum())} rows of {name} repeat the names of its columns.")
    table = table[~heads]
    again = table.duplicated()
    if again.any():
        notes.append(f"{int(again.sum())} rows of {name} stand there twice: each counts once.")
    return table[~again].reset_index(drop=True)


def _labels(values: pd.Series, name: str, notes: list[str]) -> pd.Series:
    """Labels of particles as numbers, NaN for none; words are numbered as they come."""
    loose = pd.to_numeric(values, errors="coerce")
    words = values.notna() & loose.isna() & ~values.astype(str).str.lower().isin(NOBODY)
    if loose.dtype.kind in "iu" and loose.abs().max() > 2**53:  # more digits than a float holds
        return pd.Series(pd.factorize(loose)[0].astype(float), index=values.index)
    if not words.any():
        return loose
    there = values.where(values.notna() & ~values.astype(str).str.lower().isin(NOBODY))
    codes, labels = pd.factorize(there.map(str, na_action="ignore"))
    first = next(str(label) for label in labels if label in set(values[words].map(str)))
    notes.append(f"Particles of {name} are words ({first}, ...): they were numbered.")
    return pd.Series(np.where(codes < 0, np.nan, codes), index=values.index)


def _whole(values: pd.Series, role: str, raw: Raw) -> np.ndarray:
    """Whole numbers.

    Raises:
        InputError: some are not, or are too large.
    """
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(float)
    near = np.round(numbers)
    wrong = ~(np.abs(numbers - near) < 1e-6) | (np.abs(near) > 2**53)
    if wrong.any():
        raise InputError(
            f"The {role} of {raw.path.name} ({raw.columns.get(role, role)}) must be whole numbers, "
            f"and {int(wrong.sum())} of {len(numbers)} are not "
            f"({values.to_numpy()[wrong][0]!s:.40}): "
            + (
                "if they are times, give video.fps and name the column time."
                if role == "frame"
                else f"name the right column as tracks.columns.{role}."
            )
        )
    return near.astype(np.int64)


def _frames(table: pd.DataFrame, raw: Raw, fps: float | None, notes: list[str]) -> np.ndarray:
    """Frame numbers, or times counted in frames."""
    name = raw.path.name
    if "frame" in table:
        frame = _whole(table["frame"], "frame", raw)
    elif _counts(table, raw):
        frame = _whole(table["time"], "time", raw)
        notes.append(
            f"The times of {name} ({raw.columns['time']}) have no unit and go by ones: they were "
            f"taken for numbers of frames."
        )
    else:
        if fps is None:
            raise InputError(
                f"{name} gives times ({raw.columns['time']}) and no frames: give video.fps, the "
                f"frames per second."
            )
        time = pd.to_numeric(table["time"], errors="coerce").to_numpy(float) * (raw.time or 1.0)
        frame = np.round(time * fps)
        off = float(np.nanmax(np.abs(time * fps - frame))) if np.isfinite(time).any() else np.inf
        if not off < 0.1 or not np.isfinite(time).all():
            raise InputError(
                f"The times of {name} do not fall on the frames that video.fps = {fps:g} makes "
                f"(they miss them by up to {off:.2g} of a frame): correct video.fps."
            )
        frame = frame.astype(np.int64)
    if frame.min() < 0:
        raise InputError(f"{name} has a frame {frame.min()}: frames are counted from 0.")
    return frame


def _counts(table: pd.DataFrame, raw: Raw) -> bool:
    """Whether times without a unit are a count, as those of Imaris: whole, in steps of one."""
    if raw.time:
        return False
    time = np.unique(pd.to_numeric(table["time"], errors="coerce").to_numpy(float))
    whole = bool(np.isfinite(time).all() and (time == np.round(time)).all())
    return whole and len(time) > 1 and float(np.median(np.diff(time))) == 1.0


def _plane(table: pd.DataFrame, name: str, notes: list[str]) -> None:
    if "z" not in table:
        return
    z = pd.to_numeric(table["z"], errors="coerce").to_numpy(float)
    span = float(np.nanmax(z) - np.nanmin(z)) if np.isfinite(z).any() else 0.0
    area = float(np.ptp(table["x"]) * np.ptp(table["y"]))
    spacing = np.sqrt(area / max(len(table) / max(table["frame"].nunique(), 1), 1))
    if span > FLAT * spacing:
        raise InputError(
            f"Tracks of {name} reach over {span:.4g} in z and only tracks in a plane are read as "
            f"tables: write them as extended XYZ (howto: your own simulation data)."
        )
    if span > 0:
        notes.append(f"The z of {name} (over {span:.3g}) was left out.")
