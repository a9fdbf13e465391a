"""A survey of films in files: what opens its runs again, and what was found about them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from pipeline.arrays import store
from pipeline.errors import InputError
from pipeline.files import write_json
from pipeline.hdf5 import opened, written
from pipeline.video.film_index import FilmIndex
from pipeline.video.frames import Video
from pipeline.video.settings import Reading
from pipeline.video.sources import runs
from pipeline.video.survey import Survey, correction_of, part_of


def write(path: str | os.PathLike[str], summary: str | os.PathLike[str], found: Survey) -> None:
    """Keeps a survey: `path` (HDF5) opens the runs again, `summary` (JSON) says what was found."""
    with written(path) as file:
        for k, video in enumerate(found.videos):
            group = file.create_group(f"run{k}")
            group["span"] = (video.first, video.first + video.length)
            store(group, "number", video.number)
            store(group, "seen", video.seen)
            # Not an attribute: those may hold 64 kB, and a sequence has any number of images.
            group["paths"] = [str(path) for path in video.source.paths]
            for name in ("gain", "shift"):
                if (values := getattr(video.correction, name)) is not None:
                    store(group, name, values)
            if video.bounds is not None:
                group["bounds"] = video.bounds
            _write_index(file, group, video)
    write_json(
        summary,
        {
            "fps": found.fps,
            "runs": [_described(video) for video in found.videos],
            "warnings": found.warnings,
        },
    )


def _write_index(file: h5py.File, group: h5py.Group, video: Video) -> None:
    """The index of a film, once for all runs of it."""
    if video.index is None:
        return
    name = "films/" + str(video.source.paths[0]).replace("/", "|")
    if name not in file:
        for field, values in video.index._asdict().items():
            store(file, f"{name}/{field}", values)
    group.attrs["film"] = name


def _described(video: Video) -> dict[str, Any]:
    moved = video.correction.shift
    low, high = (np.zeros(2),) * 2 if moved is None else (moved.min(axis=0), moved.max(axis=0))
    return {
        "name": video.source.name,
        "frames": [video.first, video.first + video.length],
        "left_out": int((~video.seen).sum()),
        # (x, y), as everywhere behind the pictures.
        "moved": [low[::-1].tolist(), high[::-1].tolist()],
    }


def ticks(path: str | os.PathLike[str]) -> list[np.ndarray]:
    """For each run of a survey, the ticks at which there is a frame that shows particles."""
    with opened(path, "a survey of a film") as file:
        kept = [_kept(file, name)[2] for name in _runs_in(file)]
        return [values["number"][values["seen"]] for values in kept]


def _runs_in(file: h5py.File) -> list[str]:
    """Names of the runs in a survey."""
    count = sum(name.startswith("run") for name in file)
    if count == 0:
        raise InputError("it holds no run")
    return [f"run{k}" for k in range(count)]


def read(
    path: str | os.PathLike[str], folder: str | os.PathLike[str], settings: Reading
) -> list[Video]:
    """The runs of a survey that `write` kept, without looking through the films again.

    Args:
        folder, settings: as they were for `survey.survey`.

    Raises:
        InputError: if the videos are others than those that were looked through.
    """
    here = {tuple(map(str, source.paths)): source for source in runs(Path(folder))}
    videos = []
    with opened(path, "a survey of a film") as file:
        kept = [_kept(file, name) for name in _runs_in(file)]
    for paths, index, values in kept:
        source = here.get(paths)
        if source is None:
            raise InputError(f"{folder} holds other videos than {path} was made from")
        correction = correction_of(settings)._replace(
            gain=values.get("gain"), shift=values.get("shift")
        )
        start, stop = map(int, values["span"])
        video = Video(source, part_of(settings), correction, (start, stop), index)
        video.number, video.seen = values["number"], values["seen"]
        video.bounds = tuple(values["bounds"]) if "bounds" in values else None
        videos.append(video)
    return videos


def _kept(
    file: h5py.File, name: str
) -> tuple[tuple[str, ...], FilmIndex | None, dict[str, np.ndarray]]:
    """Paths, index and arrays of one run in a survey."""
    group, index = file[name], None
    if "film" in group.attrs:
        stored = file[group.attrs["film"]]
        index = FilmIndex(*(stored[field][()] for field in FilmIndex._fields))
    values = {key: node[:] for key, node in group.items() if key != "paths"}
    start, stop = map(int, values["span"])
    for key in ("number", "seen", "gain", "shift"):
        if key in values and len(values[key]) != stop - start:
            raise InputError(f"{key} of {name} has {len(values[key])} rows and not {stop - start}")
    number, seen = values["number"], values["seen"]
    if (
        number.dtype.kind != "i"
        or seen.dtype != bool
        or (np.diff(number[seen], prepend=-1) < 1).any()
    ):
        raise InputError(f"the frames of {name} are not in order")
    return tuple(group["paths"].asstr()[:]), index, values
