"""Tracks that people already have, in place of tracking: to pixels, frames and our table.

Positions are those of the film as it was recorded, or of the corrected one where it is said so;
pixel aspect, crop and span are applied as to its frames. What a table says twice is compared:
labels and positions, frames and times, positions and the film's edges.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from pipeline.files import natural
from pipeline.imported.consistency import exchanged
from pipeline.imported.track_files import Raw
from pipeline.imported.track_units import interval, pixel, rows, scale
from pipeline.tables import TRACKS, checked
from pipeline.video.link import gaps_filled

OPEN = 3  # frames; longer gaps stay open where nothing is said


class Film(NamedTuple):
    """The film beside the tables: frames (H, W) after correction, and how many each run has."""

    name: tuple[str, ...]
    shape: tuple[int, int]
    frames: tuple[int, ...]


class Imported(NamedTuple):
    """What is written in place of the stages of tracking.

    Fields:
        tracks: table of `pipeline.tables.TRACKS`.
        linking: contents of linking.json. tuning: contents of tuning.json.
    """

    tracks: pd.DataFrame
    linking: dict[str, Any]
    tuning: dict[str, Any]


def convert(raws: Sequence[Raw], settings: Mapping[str, Any], film: Film | None) -> Imported:
    """Tracks of all runs, their summary, and how they were read.

    Args:
        raws: tables, each a run; one with a column ``run`` may hold several.
        settings: sections video, detect, link and tracks of the config.
        film: beside the tables, None where there is none.

    Raises:
        ValueError: a table contradicts itself, its film or the settings, or does not say enough.
    """
    video, notes = settings["video"], []
    mpp = scale("mpp", video["mpp"], [raw.mpp for raw in raws], notes)
    intervals = [raw.interval or interval(raw) for raw in raws]
    fps = scale("fps", video["fps"], [1 / dt if dt else None for dt in intervals], notes)
    mpp = pixel(raws, mpp, film is not None, notes)
    order = _order(raws, film, notes)
    parts, first = [], 0
    for run, raw in enumerate(order):
        table = rows(raw, fps, mpp, notes)
        table = _corrected(table, raw, settings, film, notes)
        if len(raws) > 1:
            table = table.assign(run=run, particle=table["particle"] + first)
            first = int(table["particle"].max()) + 1
        parts.append(table)
    table = pd.concat(parts, ignore_index=True)
    if film is not None:
        table = _in_film(table, film, raws, notes)
    name = ", ".join(raw.path.name for raw in raws)
    _check(table, name)
    tracks = _finished(table, settings["link"], notes)
    view = _view(tracks, settings["detect"]["diameter"], film, raws)
    said = [_said(raw) for raw in order]
    tuning = {
        "parameters": _parameters(order, view, mpp, fps),
        "evidence": {},
        "warnings": [*said, *notes],
        "scale": {"mpp": mpp, "fps": fps},
        "view": view,
        "tables": [raw.path.name for raw in order],
    }
    return Imported(tracks, _summary(tracks, len(table)), tuning)


# The film


def _order(raws: Sequence[Raw], film: Film | None, notes: list[str]) -> list[Raw]:
    """Tables in the order of the films that they belong to, known by how their names begin."""
    ordered = sorted(raws, key=lambda raw: natural(raw.path.name))
    if film is None:
        return ordered
    runs = len(film.frames)
    if len(raws) == 1:
        several = raws[0].table["run"].nunique() if "run" in raws[0].table else 1
        if several > runs or (several < runs and "run" not in raws[0].table):
            raise ValueError(
                f"{raws[0].path.name} holds {several} run and there are {runs} films "
                f"({', '.join(film.name)}): put a table for each beside them, named after it."
            )
        return ordered
    if len(raws) != runs:
        raise ValueError(
            f"There are {len(raws)} tables of tracks and {runs} films ({', '.join(film.name)}): "
            f"give each film one, named after it."
        )
    found = [[raw for raw in raws if raw.path.name.startswith(name)] for name in film.name]
    if any(len(these) != 1 for these in found):
        raise ValueError(
            f"Which of the tables {', '.join(raw.path.name for raw in ordered)} belongs to which "
            f"of the films {', '.join(film.name)}? Begin the name of each table with that of its "
            f"film."
        )
    return [these[0] for these in found]


def _corrected(
    table: pd.DataFrame,
    raw: Raw,
    settings: Mapping[str, Any],
    film: Film | None,
    notes: list[str],
) -> pd.DataFrame:
    """Pixel aspect, crop and span as the film's frames had them."""
    video = settings["video"]
    if video["registration"]:
        raise ValueError(
            f"video.registration moves the film under the tracks of {raw.path.name}: leave it off, "
            f"or take the drift out before tracking."
        )
    if not settings["tracks"]["corrected"]:
        table = table.assign(y=table["y"] * video["pixel_aspect"])
        if crop := video["crop"]:
            x0, y0, x1, y1 = crop
            inside = table["x"].between(x0 - 0.5, x1 - 0.5) & table["y"].between(y0 - 0.5, y1 - 0.5)
            if not inside.all():
                notes.append(f"{int((~inside).sum())} of {len(table)} rows lie outside video.crop.")
            table = table[inside].assign(x=table["x"] - x0, y=table["y"] - y0)
    if span := video["frames"]:
        inside = (table["frame"] >= span[0]) & (table["frame"] < span[1])
        table = table[inside].assign(frame=table["frame"] - span[0])
    if table.empty:
        raise ValueError(
            f"No row of {raw.path.name} lies in video.crop and video.frames: correct them."
        )
    return table


def _in_film(
    table: pd.DataFrame, film: Film, raws: Sequence[Raw], notes: list[str]
) -> pd.DataFrame:
    """Frames and positions that the film has; frames counted from 1 are counted from 0."""
    name, parts = ", ".join(raw.path.name for raw in raws), []
    for run, rows in table.groupby("run"):
        count = film.frames[int(run)]
        low, high = int(rows["frame"].min()), int(rows["frame"].max())
        if low >= 1 and high == count:
            notes.append(f"Frames of {name} are counted from 1, for the film has {count}.")
            rows = rows.assign(frame=rows["frame"] - 1)
        elif high >= count:
            raise ValueError(
                f"{name} has a frame {high} and its film {count} frames, counted from 0: is it the "
                f"table of another film, or are these times (tracks.columns.frame)?"
            )
        parts.append(rows)
    height, width = film.shape
    for axis, length, other in (("x", width, height), ("y", height, width)):
        reach = table[axis].min(), table[axis].max()
        if reach[0] < -1.5 or reach[1] > length + 0.5:
            hint = "is video.mpp right, or tracks.length_unit"
            if reach[0] > -1.5 and reach[1] < other + 0.5:
                hint = "are x and y exchanged (tracks.columns)"
            raise ValueError(
                f"The {axis} of {name} reach from {reach[0]:.5g} to {reach[1]:.5g} px and the film "
                f"is {width} x {height} px: {hint}, or are positions those of the corrected film "
                f"(tracks.corrected)?"
            )
    return pd.concat(parts, ignore_index=True)


# Self-test


def _check(table: pd.DataFrame, name: str) -> None:
    """Every particle once in a frame, several times in all, and the same one all along."""
    double = table.duplicated(["particle", "frame", "run"])
    if double.any():
        row = table[double].iloc[0]
        raise ValueError(
            f"Particle {int(row['particle'])} of {name} is in frame {int(row['frame'])} more than "
            f"once ({int(double.sum())} such rows): tracks that divide or merge, or several films "
            f"in one table; give each branch a label, each film a table."
        )
    count = table.groupby("particle").size()
    if len(count) > 1 and count.max() == 1:
        raise ValueError(
            f"No particle of {name} is in more than one frame: its labels number rows; name the "
            f"column of the tracks as tracks.columns.particle."
        )
    if table["frame"].nunique() < 2:
        raise ValueError(f"{name} holds one frame, and motion needs 2 or more.")
    area = max(float(np.ptp(table["x"]) * np.ptp(table["y"])), 1e-12)
    density = len(table) / table.groupby(["run", "frame"]).ngroups / area
    found = exchanged(_pairs(table), density, np.zeros(2))
    if found is not None:
        raise ValueError(
            f"Labels of {name} change places: from frame {found.when} to {found.when + 1} "
            f"{found.labels} move far (by {found.moved:.3g} px, the median), and another particle "
            f"is within {found.near:.3g} px of where each was; name the column of the tracks as "
            f"tracks.columns.particle, or use false for tracks.use to track the film."
        )


def _pairs(table: pd.DataFrame) -> Iterator[tuple[int, np.ndarray, np.ndarray, np.ndarray]]:
    """Successive frames: number, positions, steps of the particles in both, all positions then."""
    for _, rows in table.groupby("run"):
        frames = dict(iter(rows.groupby("frame")))
        for t, now in frames.items():
            after = frames.get(t + 1)
            if after is None:
                continue
            both = now.merge(after, on="particle", suffixes=("", "_after"))
            start = both[["x", "y"]].to_numpy()
            step = both[["x_after", "y_after"]].to_numpy() - start
            yield int(t), start, step, after[["x", "y"]].to_numpy()


# What is written


def _finished(table: pd.DataFrame, link: Mapping[str, Any], notes: list[str]) -> pd.DataFrame:
    """Tracks as long as asked for, short gaps filled by straight lines."""
    least = link["min_length"]
    if least is not None:
        count = table.groupby("particle")["frame"].transform("size")
        notes.append(
            f"{table['particle'][count < least].nunique()} tracks are shorter than "
            f"link.min_length = {least} and were left out."
        )
        table = table[count >= least]
        if table.empty:
            raise ValueError(f"No track is as long as link.min_length = {least} frames: lower it.")
    if link["drift"] == "mean":
        raise ValueError(
            "link.drift takes the mean motion out of tracked films only: take it out of the table "
            "(trackpy.subtract_drift), or leave link.drift at none."
        )
    table = table.sort_values(["particle", "frame"], ignore_index=True)
    longest = OPEN if link["memory"] is None else link["memory"]
    same = table["particle"].diff() == 0
    gap = (table["frame"].diff() - 1).where(same, 0).astype(int)
    wide = gap > longest
    filled = int(gap[gap.between(1, longest)].sum())
    if filled:
        notes.append(
            f"{filled} positions missing in gaps of up to {longest} frames were filled by "
            f"straight lines."
        )
    if wide.any():
        notes.append(
            f"{int(wide.sum())} gaps of up to {int(gap.max())} frames were left open "
            f"(link.memory says which are filled)."
        )
    # Pieces between wide gaps are filled each by itself.
    pieces = table.assign(
        particle=((~same) | wide).cumsum(), label=table["particle"], was=table["filled"]
    )
    whole = pd.concat([gaps_filled(rows) for _, rows in pieces.groupby("run")])
    whole = whole.assign(particle=whole["label"], filled=whole["filled"] | whole["was"])
    whole = whole.sort_values(["run", "frame", "particle"])
    return checked(whole, TRACKS)


def _view(
    tracks: pd.DataFrame, diameter: float | None, film: Film | None, raws: Sequence[Raw]
) -> dict[str, list[float]]:
    """Lower corner and lengths (x, y) [px] of what was seen.

    Without a picture, what the particles reach. Of a picture, all but a margin within which nobody
    was found, which is that of the detector where config says its diameter.
    """
    low, high = (tracks[["x", "y"]].agg(f).to_numpy(float) for f in ("min", "max"))
    told = next((raw.view for raw in raws if raw.view), None)
    size = np.array(film.shape[::-1] if film else told or (0, 0), dtype=float)
    if not size.all() or (high > size - 0.5).any() or (low < -0.5).any():
        return {"origin": low.tolist(), "lengths": (high - low).tolist()}
    margin = float(min((low + 0.5).min(), (size - 0.5 - high).min()))
    if diameter is not None:
        margin = min(margin, (diameter + 1) / 2)
    return {"origin": [margin - 0.5] * 2, "lengths": (size - 2 * margin).tolist()}


def _said(raw: Raw) -> str:
    columns = ", ".join(f"{role} from {name}" for role, name in raw.columns.items())
    unit = "pixels" if raw.length is None else f"{raw.length:g} µm"
    return f"{raw.path.name} was read as a table of tracks: {columns}, positions in {unit}."


def _parameters(
    raws: Sequence[Raw], view: Mapping[str, Any], mpp: float | None, fps: float | None
) -> dict[str, Any]:
    """The settings that the report lists where it lists those of a tracking."""
    found = {
        role: {"value": name, "source": "table", "why": f"the column of {raws[0].path.name}"}
        for role, name in raws[0].columns.items()
    }
    for key, value in (("mpp", mpp), ("fps", fps)):
        if value is not None:
            found[key] = {"value": value, "source": "table", "why": "from the table or the config"}
    return found


def _summary(tracks: pd.DataFrame, features: int) -> dict[str, Any]:
    """Contents of linking.json; nobody says how far the tracks were searched."""
    table = tracks.sort_values(["particle", "frame"])
    same = (table["particle"].diff() == 0) & (table["frame"].diff() == 1)
    step = np.hypot(table["x"].diff(), table["y"].diff())[same].to_numpy()
    lengths = tracks.groupby("particle").size().to_numpy()
    edges = np.linspace(0.0, max(1.05 * step.max(initial=0.0), 1e-9), 51)
    count, bounds = np.histogram(lengths, bins=min(50, int(lengths.max())))
    seen = tracks[~tracks["filled"]]
    return {
        "n_features": features,
        "n_tracks": len(lengths),
        "n_stubs_removed": 0,
        "search_range": None,
        "memory": None,
        "displacement": {"edges": edges.tolist(), "count": np.histogram(step, edges)[0].tolist()},
        "per_frame": seen.groupby(["run", "frame"]).size().tolist(),
        "length": {"edges": bounds.tolist(), "count": count.tolist()},
        "filled": int(tracks["filled"].sum()),
        "warnings": _crowded(seen, step),
    }


def _crowded(seen: pd.DataFrame, step: np.ndarray) -> list[str]:
    """A warning where steps are as long as neighbours are apart: particles may be exchanged."""
    frames = [rows for _, rows in seen.groupby(["run", "frame"]) if len(rows) > 1][:5]
    if not frames or not len(step):
        return []
    points = [rows[["x", "y"]].to_numpy() for rows in frames]
    near = float(np.median(np.concatenate([cKDTree(p).query(p, 2)[0][:, 1] for p in points])))
    long = float(np.mean(step > 0.5 * near))
    if long < 0.01:
        return []
    return [
        f"{100 * long:.1f} % of the steps are longer than half the distance between neighbours "
        f"({near:.2f} px): particles may be mistaken for one another."
    ]
