"""One look through every film before anything is estimated from it.

It finds what later stages must not take for a picture of particles (frames that are flat, repeated,
unlike their neighbours or full of invalid pixels), where one film is really several (cuts, jumps of
the stage, long gaps), on which clock its frames fall, and how films are indexed.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from pipeline.errors import InputError
from pipeline.video import clock, doubts, drawings, parts, same_scene
from pipeline.video.films import FilmReader
from pipeline.video.frames import TOLERANCE, Part, Video, check_scale, measure, reader, single
from pipeline.video.metadata_text import image_times
from pipeline.video.preprocess import Correction
from pipeline.video.readers import Reader
from pipeline.video.scenes import FLAT, MIXED, REPEATED, SEEN, Verdict, judged, look, noticed
from pipeline.video.sequences import Source
from pipeline.video.settings import Reading
from pipeline.video.sources import runs

SHORTEST = 5  # frames that make a run, where a film holds several
MEANS = ("are the mean of the one before and the one after", "a program made them")
SOME = 9  # frames
SQUARE = 0.02  # by which the sides of a pixel may differ


class Survey(NamedTuple):
    """The runs of a data set, and what was noticed about them.

    Fields:
        videos: one for each run, in order.
        warnings: sentences.
        fps: frames per second of the clock, None where nobody has said.
    """

    videos: list[Video]
    warnings: list[str]
    fps: float | None


def open_all(folder: str | os.PathLike[str], settings: Reading) -> list[Video]:
    """The runs of `survey`."""
    return survey(folder, settings).videos


def survey(folder: str | os.PathLike[str], settings: Reading) -> Survey:
    """Looks through every film of a folder.

    Args:
        folder: holds the videos.
        settings: how they are read and corrected.

    Raises:
        InputError: no video, a damaged one, one that holds several, runs that differ in size or
            rate, frames on no clock, or a scale that contradicts what the file states.
    """
    found = [_runs(source, settings) for source in runs(Path(folder))]
    videos = [video for film, _, _ in found for video in film.runs]
    for video in videos:
        check_scale(video, settings.mpp, settings.fps)
        measure(video, settings.flicker, settings.registration)
    _refuse_differences(videos, [ticks for _, ticks, _ in found])
    _refuse_copies(videos)
    said = [sentence for _, ticks, more in found for sentence in (*ticks.warnings, *more)]
    if len(found) > 1:
        films = [film for film, _, _ in found]
        shared = parts.overlaps(films)
        said += parts.said(films, shared)
        said += same_scene.said(films, {overlap.pair for overlap in shared})
        said += [
            f"the run {video.source.name} has {len(video)} frames: are these of the experiment, or "
            "dark and flat ones that should lie elsewhere?"
            for video in videos
            if len(video) < SHORTEST
        ]
    return Survey(videos, said, _rate(settings.fps, [ticks for _, ticks, _ in found]))


def _rate(given: float | None, clocks: list[clock.Clock]) -> float | None:
    """Ticks per second; the film's rate may be given where a tick is longer than its interval."""
    raised = {ticks.raised for ticks in clocks if given and ticks.timed}
    nominal = {given * ticks.interval / ticks.raised for ticks in clocks if given and ticks.timed}
    if given and len(raised) == 1 and all(abs(ratio - 1) < clock.DRIFT for ratio in nominal):
        return given / raised.pop()
    return given


def _refuse_differences(videos: list[Video], clocks: list[clock.Clock]) -> None:
    shapes = {video.shape for video in videos}
    if len(shapes) > 1:
        sizes = ", ".join(f"{v.source.name}: {v.shape[1]} x {v.shape[0]} px" for v in videos)
        raise InputError(
            f"The runs of one data set must have frames of one size, got {sizes}: give "
            f"each size a data set of its own under data/."
        )
    for key, unit in (("mpp", "um per px"), ("fps", "frames per second")):
        stated = [getattr(v, key) for v in videos if v.source.kind != "film" and getattr(v, key)]
        if stated and max(stated) > (1 + TOLERANCE) * min(stated):
            raise InputError(
                f"The runs of one data set must have one scale, and their files state from "
                f"{min(stated):.4g} to {max(stated):.4g} {unit}: give each a data set of its own "
                f"under data/."
            )
    intervals = [ticks.interval for ticks in clocks if ticks.timed]
    if intervals and max(intervals) > (1 + clock.DRIFT) * min(intervals):
        each = dict.fromkeys(f"{interval:.4g} s" for interval in intervals)
        raise InputError(
            f"The runs of one data set must have one frame rate, got intervals of "
            f"{', '.join(each)}: give each a data set of its own under data/."
        )


def _refuse_copies(videos: list[Video]) -> None:
    """Refuses a film that lies there twice, as files of different names, formats, compression or
    channels: what changes in them is the same."""
    met: dict[tuple[int, str], Video] = {}
    changes: list[tuple[Video, np.ndarray]] = []
    for video in videos if len(videos) > 1 else []:
        shown = np.flatnonzero(video.seen)
        if len(shown) < SHORTEST:
            continue
        frames = [video[int(t)] for t in (shown[0], shown[len(shown) // 2], shown[-1])]
        digest = hashlib.sha256(b"".join(frame.tobytes() for frame in frames)).hexdigest()
        other = met.setdefault((len(video), digest), video)
        change = doubts.change(frames)
        same = (v for v, c in changes if len(v) == len(video) and _copied(c, change))
        other = next(same, other)
        changes.append((video, change))
        if other.source != video.source:
            raise InputError(
                f"{other.source.paths[0]} and {video.source.paths[0]} show the same frames, or two "
                f"channels of them: take one of the two away, or every particle counts twice."
            )


def _copied(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether changes of two films are the same in one place, and not those of one large thing."""
    if not doubts.alike(one, other):
        return False
    correlation, shift = same_scene.alike(
        *(same_scene.Changes.of(change) for change in (one, other))
    )
    return correlation > 0 and shift == (0, 0)


def check_fits(settings: Reading, shape: tuple[int, ...], path: Path) -> None:
    """Refuses settings that frames of a shape (H, W) or (H, W, channels) contradict.

    Raises:
        InputError: naming the setting, its value and the file.
    """
    channels = shape[2] if len(shape) > 2 else 1
    if settings.channel is not None and settings.channel >= channels:
        has = f"has {channels} channels" if channels > 1 else "is grey"
        raise InputError(f"video.channel is {settings.channel} and {path} {has}: leave it out.")
    width, height = shape[1], int((shape[0] - 1) * settings.pixel_aspect) + 1
    if settings.crop and (settings.crop[2] > width or settings.crop[3] > height):
        raise InputError(
            f"video.crop must lie inside the {width} x {height} pixels of {path}, got "
            f"{list(settings.crop)}."
        )
    if settings.background and settings.background > max(width, height):
        raise InputError(
            f"video.background must be at most the size of the frame, {max(width, height)} pixels "
            f"({path}), got {settings.background:g}: 3 to 5 particle diameters serve."
        )


def correction_of(settings: Reading) -> Correction:
    """How pictures are changed before anything is found in them."""
    return Correction(
        pixel_aspect=settings.pixel_aspect,
        crop=settings.crop,
        background=settings.background or 0.0,
    )


def part_of(settings: Reading) -> Part:
    """Which part of a file with channels, positions or planes is looked at."""
    return Part(settings.channel, settings.position, settings.plane)


def _runs(source: Source, settings: Reading) -> tuple[parts.Film, clock.Clock, list[str]]:
    """The runs of one film, its clock, and what was noticed."""
    part, path = part_of(settings), source.paths[0]
    opened = reader(source, part)
    check_fits(settings, opened.shape, path)
    first, stop = settings.frames or (0, None)
    seen = look(
        single(plane, part.channel, path)
        for t, plane in enumerate(_through(opened))
        if t >= first and (stop is None or t < stop)
    )
    span = (first, opened.length if stop is None else stop)
    film = Video(source, part, Correction(), span, getattr(opened, "index", None))
    found = judged(seen, film.__getitem__, int(np.prod(film.shape)), settings.repeats)
    if settings.registration:
        found.jumps.clear()
    ticks = clock.even(len(film))
    if settings.times == "file" and (stamped := _times(source, opened)) is not None:
        times, timed = stamped
        ticks = clock.ticking(times[slice(*span)], source.name, timed)
    ticks = clock.without_repeats(ticks, found.state == REPEATED, source.name)
    ticks = clock.without_repeats(ticks, found.state == MIXED, source.name, MEANS)
    ticks = clock.without_blanks(ticks, found.state == FLAT, source.name)
    said = noticed(found, seen, source.name, film.shape)
    said += _squeezed(getattr(opened, "aspect", None), settings.pixel_aspect, source.name)
    said += doubts.flicker(found, seen, settings, source.name)
    said += doubts.turns(found, seen, settings, source.name)
    said += doubts.stated(opened, settings, source.name)
    if isinstance(opened, FilmReader):
        said += opened.remarks(source.name)
    pieces = list(_pieces(found, ticks.number))
    videos = []
    for start, end in pieces:
        if len(pieces) > 1 and (found.state[start:end] == SEEN).sum() < SHORTEST:
            said.append(f"frames {start} to {end - 1} of {source.name} are too few for a run.")
            continue
        where = (first + start, first + end)
        video = Video(source, part, correction_of(settings), where, film.index)
        number = ticks.number[start:end]
        video.number = np.where(number < 0, -1, number - number[number >= 0][0])
        video.seen = (found.state[start:end] == SEEN) & (number >= 0)
        video.bounds = _bounds(film) if film.dtype.kind == "f" else None
        videos.append(video)
    if not videos:
        raise InputError(f"{path} shows nothing that lasts for {SHORTEST} frames")
    said += _pictured(videos[len(videos) // 2], opened)
    trace = seen.trace._replace(number=seen.trace.number + first)
    return parts.Film(videos, trace), ticks, said


def _pictured(video: Video, opened: Reader) -> list[str]:
    """What a few frames of a run say."""
    shown = np.flatnonzero(video.seen)
    if not len(shown):
        return []
    name, frames = video.source.name, sorted({shown[0], shown[len(shown) // 2], shown[-1]})
    pictures = [video[int(t)] for t in frames]
    said = doubts.border(pictures, name) + doubts.halves(pictures, name)
    said += doubts.streaks(pictures, name) + drawings.labels(pictures, name)
    chosen = np.linspace(0, len(shown) - 1, min(len(shown), SOME)).astype(int)
    several = [video[int(t)] for t in shown[chosen]]
    said += drawings.writing(several, name) or doubts.written(several, name)
    middle = video.first + int(frames[len(frames) // 2])
    if isinstance(opened, FilmReader):
        frame = opened.coloured(middle) if video.part.channel is None else None
    else:
        frame = next(opened.planes(middle, middle + 1))
    return said if frame is None else said + doubts.colours(frame, video.part.channel, name)


def _squeezed(stated: float | None, given: float, name: str) -> list[str]:
    """A word where the file says that pixels are not square, and config does not say it."""
    if not stated or abs(stated - 1) < SQUARE or abs(stated / given - 1) < SQUARE:
        return []
    return [
        f"{name} says that its pixels are {stated:.4g} times as high as wide, and "
        f"video.pixel_aspect is {given:g}: set it, or distances are wrong if the file is right."
    ]


def _through(opened: Reader) -> Iterator[np.ndarray]:
    """All raw frames, of a film such that its index is made on the way."""
    if isinstance(opened, FilmReader):
        yield from opened.through()
    else:
        opened.verify()
        yield from opened.planes(0, opened.length)


def _times(source: Source, opened: Reader) -> tuple[np.ndarray, bool] | None:
    """(T,) times of the frames [s] and True, or the numbers in the names of a sequence and False;
    None without any."""
    if isinstance(opened, FilmReader):
        times = opened.index.seconds
    elif source.kind == "sequence":
        times = image_times(source.paths)
        if times is None and source.numbers is not None:
            return np.array(source.numbers), False
    else:
        times = getattr(opened, "times", None)
    return None if times is None else (times, True)


def _bounds(film: Video) -> tuple[float, float]:
    """Grey levels that a picture may have: those of a few frames without single glaring pixels, and
    half as much again on either side."""
    shown = [film[int(t)] for t in np.linspace(0, len(film) - 1, 5)]
    smooth = [ndimage.median_filter(np.nan_to_num(f, posinf=0, neginf=0), 3) for f in shown]
    low, high = min(f.min() for f in smooth), max(f.max() for f in smooth)
    return float(low - (high - low) / 2), float(high + (high - low) / 2)


def _pieces(found: Verdict, number: np.ndarray) -> Iterator[tuple[int, int]]:
    """First and one-past-last frame of each run: cuts, jumps and long gaps begin a new one."""
    ticked = np.flatnonzero(number >= 0)
    after = ticked[1:][np.diff(number[ticked]) > clock.LONGEST + 1]
    return pairwise(sorted({0, *found.cuts, *found.jumps, *after.tolist(), len(number)}))
