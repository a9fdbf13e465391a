"""XML of TrackMate (sessions, exported tracks), of Icy and of the tracking challenge."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from defusedxml import ElementTree

from pipeline.errors import InputError
from pipeline.imported.packed import opened
from pipeline.imported.raw_tracks import LENGTHS, TIMES, Raw
from pipeline.imported.raw_tracks import unit as unit_of

PREDICTED = "2"  # type of a detection of Icy that its tracker only supposed: nothing was seen


def read(path: Path, chosen: Mapping[str, str | int]) -> Raw:
    """The tracks of a file; those that were filtered away are left out.

    Entities and document types are refused by the parser: text cannot grow by them.

    Args:
        chosen: columns that were named, which XML does not have.

    Raises:
        InputError: it holds no tracks, or pixels that are not square.
    """
    with opened(path) as file:
        return _session(path, file)


def _session(path: Path, file: Any) -> Raw:
    spots: list[tuple[str, Any, Any, Any, Any]] = []
    links: list[tuple[str, str, str]] = []
    simple: list[tuple[int, Any, Any, Any, Any]] = []
    kept: set[str] | None = None
    facts: dict[str, dict[str, str]] = {}
    track, particle = "", -1
    for event, node in ElementTree.iterparse(file, events=("start", "end"), forbid_dtd=True):
        get = node.get
        if event == "start":
            if node.tag in ("Model", "ImageData", "Tracks"):
                facts[node.tag] = dict(node.attrib)
            elif node.tag == "Track":
                track = get("TRACK_ID", "")
            elif node.tag == "FilteredTracks":
                kept = set()
            elif node.tag in ("particle", "track"):  # of TrackMate and the challenge, of Icy
                particle += 1
            continue
        if node.tag == "Spot":
            place = (get("POSITION_X"), get("POSITION_Y"), get("POSITION_Z"))
            spots.append((get("ID", ""), get("FRAME"), *place))
        elif node.tag == "Edge":
            links.append((get("SPOT_SOURCE_ID", ""), get("SPOT_TARGET_ID", ""), track))
        elif node.tag == "TrackID" and kept is not None:
            kept.add(get("TRACK_ID", ""))
        elif node.tag == "detection" and get("type") != PREDICTED:
            simple.append((particle, get("t"), get("x"), get("y"), get("z")))
        if node.tag in ("SpotsInFrame", "Track", "particle", "track", "Spot", "Edge", "detection"):
            node.clear()
    names = ["particle", "frame", "x", "y", "z"]
    if simple:
        table = pd.DataFrame(simple, columns=names)
        told = facts.get("Tracks", {})
        return _with_facts(path, table, told.get("spaceUnits"), told.get("timeUnits"), told, {})
    member = {spot: track for a, b, track in links for spot in (a, b)}
    rows = [(member[s[0]], *s[1:]) for s in spots if s[0] in member]
    rows = [row for row in rows if kept is None or row[0] in kept]
    model, image = facts.get("Model", {}), facts.get("ImageData", {})
    table = pd.DataFrame(rows, columns=names)
    return _with_facts(path, table, model.get("spatialunits"), model.get("timeunits"), {}, image)


def _with_facts(
    path: Path,
    table: pd.DataFrame,
    length: str | None,
    time: str | None,
    tracks: Mapping[str, str],
    image: Mapping[str, str],
) -> Raw:
    if table.empty:
        raise InputError(f"{path.name} holds no tracks: were they filtered away, or never linked?")
    table = table.apply(pd.to_numeric, errors="coerce")
    unit = unit_of(length, LENGTHS, "length", path)
    seconds = unit_of(time, TIMES, "time", path)
    every = image.get("timeinterval") or tracks.get("frameInterval")
    wide, high = (image.get(key) for key in ("width", "height"))
    pixel = image.get("pixelwidth")
    if pixel and image.get("pixelheight") not in (None, pixel):
        raise InputError(
            f"{path.name} gives pixels of {pixel} x {image['pixelheight']}: only square ones can "
            f"be used."
        )
    return Raw(
        path,
        table,
        {"particle": "TRACK_ID", "frame": "FRAME", "x": "POSITION_X", "y": "POSITION_Y"},
        length=unit,
        mpp=float(pixel) * unit if pixel and unit else None,
        interval=float(every) * seconds if every and seconds else None,
        view=(int(wide), int(high)) if wide and high and int(wide) * int(high) > 0 else None,
    )
