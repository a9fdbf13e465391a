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

from pipeline.errors import InputError
from pipeline.files import natural
from pipeline.imported import several_tables
from pipeline.imported import track_units as units
from pipeline.imported.raw_tracks import Raw
from pipeline.imported.settings import Asked
from pipeline.imported.track_checks import check_tracks
from pipeline.tables import TRACKS, checked
from pipeline.trajectory import Trajectory
from pipeline.units import Scale
from pipeline.video.assembly import View, assemble
from pipeline.video.frames import Video
from pipeline.video.gaps import gaps_filled
from pipeline.video.settings import Link
from pipeline.video.tally import summary_of_tracks

OPEN = 3  # frames; longer gaps stay open where nothing is said


class Shown(NamedTuple):
    """A run of the film: where its frames lie in the file, and on which clock.

    Fields:
        name: of the film. first: number of its first frame in the file.
        tick: (T,) number of each frame on the clock of the run, -1 for those that show nothing.
    """

    name: str
    first: int
    tick: np.ndarray


class Film(NamedTuple):
    """The films beside the tables: frames (H, W) after correction, in runs; and their rate."""

    shape: tuple[int, int]
    runs: tuple[Shown, ...]
    fps: float | None = None

    @property
    def names(self) -> list[str]:
        """Of the films, each once."""
        return list(dict.fromkeys(run.name for run in self.runs))


def film_of(videos: Sequence[Video], fps: float | None) -> Film:
    """The film of some runs that were opened.

    Args:
        fps: frames per second of their clock, None where nobody has said.
    """
    shown = (
        Shown(video.source.name, video.first, np.where(video.seen, video.number, -1))
        for video in videos
    )
    return Film(videos[0].shape, tuple(shown), fps)


class Tracked(NamedTuple):
    """What is written in place of the stages of tracking.

    Fields:
        tracks: table of `pipeline.tables.TRACKS`.
        linking: contents of linking.json. tuning: contents of tuning.json.
    """

    tracks: pd.DataFrame
    linking: dict[str, Any]
    tuning: dict[str, Any]


def convert(raws: Sequence[Raw], settings: Asked, film: Film | None) -> Tracked:
    """Tracks of all runs, their summary, and how they were read.

    Args:
        raws: tables, each a run; one with a column ``run`` may hold several.
        settings: of the video, of detection and linking, and of the tables.
        film: beside the tables, None where there is none.

    Raises:
        InputError: a table contradicts itself, its film or the settings, or does not say enough.
    """
    video = settings.video
    notes: list[str] = []
    mpp = units.scale("mpp", video.mpp, [raw.mpp for raw in raws], notes)
    intervals = [raw.interval or units.interval(raw) for raw in raws]
    rates = [1 / dt if dt else None for dt in intervals]
    fps = units.scale("fps", (film.fps if film else None) or video.fps, rates, notes)
    mpp = units.pixel(raws, mpp, film is not None, notes)
    units.unused(raws, notes)
    order = _order(raws, film)
    parts = []
    read = [units.rows(raw, fps, mpp, notes) for raw in order]
    several_tables.refuse_twins(read, order)
    several_tables.refuse_parts(read, order)
    several_tables.continued(read, order, notes)
    for number, (raw, table) in enumerate(zip(order, read, strict=True)):
        table = _corrected(table, raw, settings, notes)
        if film is None:
            table = _span(table, video.frames, raw)
            parts.append(table.assign(run=number) if len(raws) > 1 else table)
        else:
            parts += _on_film(table, film, number, raw, notes)
    table = _labelled(parts)
    if film is not None:
        _check_places(table, film, order)
    name = ", ".join(raw.path.name for raw in raws)
    notes += check_tracks(table, name)
    tracks = _finished(table, settings.link, film, notes)
    view = _view(tracks, settings.detect.diameter, film, raws)
    said = [_said(raw) for raw in order]
    tuning = {
        "parameters": _parameters(order, mpp, fps),
        "evidence": {},
        "warnings": [*said, *notes],
        "scale": {"mpp": mpp, "fps": fps},
        "view": view,
        "tables": [raw.path.name for raw in order],
    }
    return Tracked(tracks, summary_of_tracks(tracks, len(table)), tuning)


def trajectory(
    tracks: pd.DataFrame,
    tuning: Mapping[str, Any],
    band: tuple[float, float | None, str],
    dataset: str,
    seen: Sequence[np.ndarray] | None,
) -> Trajectory:
    """The trajectory of what `convert` made of tables.

    Args:
        tracks: table of `pipeline.tables.TRACKS`. tuning: contents of tuning.json.
        band: reach h, width of the driven band and kind of edge, see `View`.
        dataset: its name.
        seen: ticks of each run of the film beside the tables, None where there is none.
    """
    reach, note = tuning["view"], {"dataset": dataset, "synthetic": False}
    note |= {"tables": tuning["tables"]}
    view = View(tuple(reach["shape"]), reach["margin"], *band, corner=tuple(reach["corner"]))
    return assemble(tracks, view, Scale(**tuning["scale"]), note, seen)


# The film


def _order(raws: Sequence[Raw], film: Film | None) -> list[Raw]:
    """Tables in the order of the films that they belong to, known by how their names begin."""
    ordered = sorted(raws, key=lambda raw: natural(raw.path.name))
    if film is None or len(raws) == len(film.names) == 1:
        return ordered
    if len(raws) == 1 and "run" in raws[0].table:
        return ordered
    found = [[raw for raw in raws if raw.path.name.startswith(name)] for name in film.names]
    if len(raws) != len(film.names) or any(len(these) != 1 for these in found):
        raise InputError(
            f"Which of the tables {', '.join(raw.path.name for raw in ordered)} belongs to which "
            f"of the films {', '.join(film.names)}? Give each film one table, whose name begins "
            f"with that of its film."
        )
    return [these[0] for these in found]


def _corrected(table: pd.DataFrame, raw: Raw, settings: Asked, notes: list[str]) -> pd.DataFrame:
    """Pixel aspect and crop as the film's frames had them."""
    video = settings.video
    if video.registration:
        raise InputError(
            f"video.registration moves the film under the tracks of {raw.path.name}: leave it off, "
            f"or take the drift out before tracking."
        )
    if settings.tracks.corrected:
        return table
    table = table.assign(y=table["y"] * video.pixel_aspect)
    if crop := video.crop:
        x0, y0, x1, y1 = crop
        inside = table["x"].between(x0 - 0.5, x1 - 0.5) & table["y"].between(y0 - 0.5, y1 - 0.5)
        if not inside.all():
            notes.append(f"{int((~inside).sum())} of {len(table)} rows lie outside video.crop.")
        table = _some(table[inside], raw)
        table = table.assign(x=table["x"] - x0, y=table["y"] - y0)
    return table


def _some(table: pd.DataFrame, raw: Raw) -> pd.DataFrame:
    if table.empty:
        raise InputError(
            f"No row of {raw.path.name} lies in video.crop and video.frames: correct them."
        )
    return table


def _span(table: pd.DataFrame, span: Sequence[int] | None, raw: Raw) -> pd.DataFrame:
    """Frames of config's span, the first of them number 0."""
    if not span:
        return table
    inside = (table["frame"] >= span[0]) & (table["frame"] < span[1])
    table = _some(table[inside], raw)
    return table.assign(frame=table["frame"] - span[0])


def _on_film(
    table: pd.DataFrame, film: Film, number: int, raw: Raw, notes: list[str]
) -> Iterator[pd.DataFrame]:
    """The rows of each run of a film, on its clock.

    Frames counted from 1 are counted from 0: the last of them is one more than the film has.
    """
    for name in film.names if "run" in raw.table else [film.names[number]]:
        runs = [run for run in film.runs if run.name == name]
        rows = table[table["run"] == film.names.index(name)] if "run" in raw.table else table
        if rows.empty:
            continue
        count = max(run.first + len(run.tick) for run in runs)
        low, high = int(rows["frame"].min()), int(rows["frame"].max())
        if low >= 1 and high == count:
            notes.append(
                f"Frames of {raw.path.name} are counted from 1, for {name} has {count} of them."
            )
            rows = rows.assign(frame=rows["frame"] - 1)
        elif high >= count and runs[0].first == 0:
            raise InputError(
                f"{raw.path.name} has a frame {high} and its film {name} {count} frames, counted "
                f"from 0: is it the table of another film, or are these times "
                f"(tracks.columns.frame)?"
            )
        yield from (_ticked(rows, run, film.runs.index(run), raw, notes) for run in runs)


def _ticked(rows: pd.DataFrame, run: Shown, index: int, raw: Raw, notes: list[str]) -> pd.DataFrame:
    """The rows of one run, those of frames that show nothing left out."""
    t = rows["frame"] - run.first
    rows, t = rows[t.between(0, len(run.tick) - 1)], t[t.between(0, len(run.tick) - 1)]
    tick = run.tick[t.to_numpy(int)]
    if (tick < 0).any():
        notes.append(
            f"{int((tick < 0).sum())} rows of {raw.path.name} are of frames of {run.name} that "
            f"repeat another or show nothing: they were left out."
        )
    return rows.assign(frame=tick, run=index)[tick >= 0]


def _labelled(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """All rows; labels stay what they are, unless two runs share one."""
    table = pd.concat(parts, ignore_index=True)
    if table.empty:
        raise InputError("No row of the tables is of a frame of the films: is it the right film?")
    shared = table.groupby("particle")["run"].nunique().max() > 1
    if shared:
        table["particle"] = table.groupby(["run", "particle"]).ngroup()
    return table


def _check_places(table: pd.DataFrame, film: Film, raws: Sequence[Raw]) -> None:
    """Positions lie in the picture."""
    name = ", ".join(raw.path.name for raw in raws)
    height, width = film.shape
    reach = table[["x", "y"]].agg(["min", "max"]).to_numpy(float)  # (2, 2): min, max of x, y
    size = np.array([width, height], dtype=float)
    outside = (reach[0] < -1.5) | (reach[1] > size + 0.5)
    if not outside.any():
        return
    axis = int(np.argmax(outside))
    exchanged_fit = (reach[0] > -1.5).all() and (reach[1] < size[::-1] + 0.5).all()
    hint = "are x and y exchanged (tracks.columns), is" if exchanged_fit else "is"
    raise InputError(
        f"The {'xy'[axis]} of {name} reach from {reach[0, axis]:.5g} to {reach[1, axis]:.5g} px "
        f"and the film is {width} x {height} px: {hint} the unit another (tracks.length_unit, "
        f"video.mpp), or are positions those of the corrected film (tracks.corrected)?"
    )


# What is written


def _finished(table: pd.DataFrame, link: Link, film: Film | None, notes: list[str]) -> pd.DataFrame:
    """Tracks as long as asked for, short gaps filled by straight lines on frames that there are."""
    least = link.min_length
    if least is not None:
        count = table.groupby("particle")["frame"].transform("size")
        notes.append(
            f"{table['particle'][count < least].nunique()} tracks are shorter than "
            f"link.min_length = {least} and were left out."
        )
        table = table[count >= least]
        if table.empty:
            raise InputError(f"No track is as long as link.min_length = {least} frames: lower it.")
    if link.drift == "mean":
        raise InputError(
            "link.drift takes the mean motion out of tracked films only: take it out of the table "
            "(trackpy.subtract_drift), or leave link.drift at none."
        )
    table = table.sort_values(["particle", "frame"], ignore_index=True)
    longest = OPEN if link.memory is None else link.memory
    same = table["particle"].diff() == 0
    gap = (_place(table, film).diff() - 1).where(same, 0).astype(int)
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
    whole = pd.concat(
        [
            gaps_filled(pieces[pieces["run"] == run], None if film is None else _ticks(film, run))
            for run in np.unique(pieces["run"].to_numpy(int)).tolist()
        ]
    )
    whole = whole.assign(particle=whole["label"], filled=whole["filled"] | whole["was"])
    whole = whole.sort_values(["run", "frame", "particle"])
    return checked(whole, TRACKS)


def _ticks(film: Film, run: int) -> np.ndarray:
    """(K,) ticks of the frames of a run that show particles."""
    tick = film.runs[run].tick
    return tick[tick >= 0]


def _place(table: pd.DataFrame, film: Film | None) -> pd.Series:
    """The number of each row's frame among the frames that there are."""
    if film is None:
        return table["frame"]
    place = np.zeros(len(table), dtype=np.int64)
    for run in range(len(film.runs)):
        rows = (table["run"] == run).to_numpy()
        place[rows] = np.searchsorted(_ticks(film, run), table["frame"].to_numpy()[rows])
    return pd.Series(place, table.index)


def _view(
    tracks: pd.DataFrame, diameter: float | None, film: Film | None, raws: Sequence[Raw]
) -> dict[str, Any]:
    """What was seen: shape (H, W), margin and first pixel (x, y) [px].

    Without a picture, what the particles reach. Of a picture, all but a margin within which nobody
    was found, which is that of the detector where config says its diameter.
    """
    low, high = (tracks[["x", "y"]].agg(f).to_numpy(float) for f in ("min", "max"))
    told = next((raw.view for raw in raws if raw.view), None)
    size = np.array(film.shape[::-1] if film else told or (0, 0), dtype=float)
    if not size.all() or (high > size - 0.5).any() or (low < -0.5).any():
        return {
            "shape": (high - low)[::-1].tolist(),
            "margin": 0.0,
            "corner": (low + 0.5).tolist(),
        }
    margin = float(min((low + 0.5).min(), (size - 0.5 - high).min()))
    if diameter is not None:
        margin = min(margin, (diameter + 1) / 2)
    return {"shape": size[::-1].tolist(), "margin": margin, "corner": [0.0, 0.0]}


def _said(raw: Raw) -> str:
    columns = ", ".join(f"{role} from {name}" for role, name in raw.columns.items())
    unit = "pixels" if raw.length is None else f"{raw.length:g} µm"
    return f"Tracks were read from {raw.path.name}: {columns}, positions in {unit}."


def _parameters(raws: Sequence[Raw], mpp: float | None, fps: float | None) -> dict[str, Any]:
    """The settings that the report lists where it lists those of a tracking."""
    found: dict[str, Any] = {
        role: {"value": name, "source": "table", "why": f"the column of {raws[0].path.name}"}
        for role, name in raws[0].columns.items()
    }
    for key, value in (("mpp", mpp), ("fps", fps)):
        if value is not None:
            found[key] = {"value": value, "source": "table", "why": "from the table or the config"}
    return found
