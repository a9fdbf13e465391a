"""Tracks in pixels and frames to a trajectory in physical units."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from pipeline import tables
from pipeline.errors import InputError
from pipeline.trajectory import Box, Trajectory, band, edge_band
from pipeline.units import Scale
from pipeline.video import clock, subpixel
from pipeline.video.arrangement import arrangement
from pipeline.video.drifting import drifting
from pipeline.video.edges import Faces, faces, shut
from pipeline.video.frames import example_shape
from pipeline.video.misplaced import misplaced
from pipeline.video.parameters import parameters
from pipeline.video.shaken import shaken
from pipeline.video.stuck import stuck
from pipeline.video.unfilled import unfilled
from pipeline.video.velocity import backward_difference, resolution

MANY = 1_500_000  # entries of arrays that tell the noise: to a part in a thousand
PARTS = 8  # of a longer film
SHORTEST = 50  # snapshots of a part
STAY = 2.0  # labels over particles in a frame below which broken tracks alone make new ones
UNEVEN = 0.1  # of the steps, which may be longer than one interval without a word on the report


NARROW = 1.0  # cutoffs: the narrowest band that holds the neighbours of those inside


class View(NamedTuple):
    """What the camera saw, and how much of its edge is driven."""

    shape: tuple[int, int]  # (H, W) px of the corrected video
    margin: float  # px, from the image edge inwards, where particles cannot be detected
    cutoff: float  # h in mean neighbour distances
    edge_band: float | None  # width of the driven band in cutoffs; None: by the regime
    edge: str = "auto"  # auto, open or closed, see `faces`
    # Least and greatest (x, y) [px] by which pictures were moved to lie on the first one.
    moved: tuple[tuple[float, float], tuple[float, float]] = ((0.0, 0.0), (0.0, 0.0))
    corner: tuple[float, float] = (0.0, 0.0)  # (x, y) [px] of the first pixel that is seen


def assemble(
    tracks: pd.DataFrame,
    view: View,
    scale: Scale,
    attributes: dict[str, Any],
    seen: Sequence[np.ndarray] | None = None,
) -> Trajectory:
    """The trajectory of tracked particles: velocities, masks, localisation error, units.

    Velocities are backward differences over the time that passed; a snapshot whose predecessor is
    absent has none and is marked absent. Where pictures were moved (registration, drift taken out),
    only the region counts that was seen all along. Positions are measured from the first pixel's
    centre, y pointing down as in the video. Brightness (mass) and size [px] of the spots come along
    as extras, 0 where absent.

    Args:
        tracks: table of `pipeline.tables.PLACED`.
        view: field of view and edge band.
        scale: physical size of a pixel and a frame.
        attributes: must hold dataset and synthetic; the rest is measured here.
        seen: for each run, the ticks of the frames that show particles; None: every number.

    Raises:
        InputError: if nothing was seen all along, or the edge band leaves no free particle.
    """
    length, interval = scale.length[0], scale.time[0]
    tracked = tables.packed(tracks, None if seen is None else [clock.ticks(some) for some in seen])
    del tracks  # which is gone here where the caller holds it no longer
    tracked, clinging = _evened(tracked)
    box = _field_of_view(view)
    velocity, known = _moving(tracked, box, view)
    where = tracked.position, tracked.present, tracked.run
    edge = faces(*where, box, view.edge, tracked.occupant)
    measured = _measured(tracked, scale, view)
    driven, edge, narrow = _driven(tracked.position, known, box, view, edge, measured)
    measured["warnings"] += narrow
    # Who vanishes in the middle, out of focus or bleached, is gone, whatever the edges are.
    stays = len(tracked.particle) < STAY * float(np.median(tracked.present.sum(axis=1)))
    measured["warnings"] += clinging
    note = {**attributes, **measured, "edge": {**edge._asdict(), "stays": bool(stays)}}
    # In place: these are the large arrays of a long film.
    for array, factor in ((tracked.position, length), (velocity, length / interval)):
        array *= factor
    for array in (tracked.filled, tracked.mass, tracked.size):
        array *= known
    return Trajectory(
        position=tracked.position,
        velocity=velocity,
        present=known,
        driven=driven,
        time=tracked.frame * interval,
        run=tracked.run,
        particle=tracked.particle,
        species=np.full(len(tracked.particle), -1, np.int32),
        box=box._replace(lengths=box.lengths * length, origin=box.origin * length),
        attributes=note,
        extra={"filled": tracked.filled, "mass": tracked.mass, "size": tracked.size},
        occupant=tracked.occupant,
    )


def _moving(tracked: tables.Packed, box: Box, view: View) -> tuple[np.ndarray, np.ndarray]:
    """(T, M, 2) velocities [px per frame] and (T, M) bool where they are known: in the box."""
    step = np.where(np.diff(tracked.run) == 0, np.diff(tracked.frame), 1)
    velocity, known = backward_difference(tracked.position, tracked.present, tracked.run, step)
    if np.any(view.moved):
        known &= _inside(tracked.position, box)
        velocity[~known] = 0.0
    return velocity, known


def _evened(tracked: tables.Packed) -> tuple[tables.Packed, list[str]]:
    """Tracks whose positions do not cling to the pixels, and a warning where they did."""
    position, seen = tracked.position, tracked.present & ~tracked.filled
    rows, _ = looked_at(np.zeros(len(seen), int), seen.shape[1])
    held = None if tracked.occupant is None else tracked.occupant[rows]
    found = subpixel.harmonics(position[rows], seen[rows], held)
    rms = float(subpixel.clinging(found).max())
    if rms <= subpixel.LOCKED:
        return tracked, []
    if rms > subpixel.MOST:
        return tracked, [
            f"positions are alike within the pixel, by {rms:.2f} px rms, more than methods err: "
            "particles sit on a lattice of the pixels, or places were rounded."
        ]
    for t in range(len(position)):
        position[t] = subpixel.evened(position[t], found)
    said = (
        f"positions clung to the pixels, by {rms:.3f} px rms: their places within the pixel were "
        "made even, which takes most of this error out; better raise detect.diameter, or use a "
        "higher magnification."
    )
    return tracked._replace(position=position), [said]


def _driven(
    position: np.ndarray,
    known: np.ndarray,
    box: Box,
    view: View,
    edge: Faces,
    measured: Mapping[str, Any],
) -> tuple[np.ndarray, Faces, list[str]]:
    """(T, M) who is led at the edge of an open view, the edge, and a warning.

    Where a band that was not asked for would leave nobody free it is made narrower, and then the
    edge is shut if nobody was seen to cross it.
    """
    if edge.closed and known.any():
        return np.zeros_like(known), edge, []
    usual = edge_band(view.edge_band, measured)
    widths = (usual,) if view.edge_band is not None else (usual, NARROW)
    for width in widths:
        driven = known & band(position, known, box, view.cutoff, width)
        if (known & ~driven).any():
            return driven, edge, [] if width == usual else [_narrower(usual, width)]
    if view.edge_band is None and (edge := shut(edge)).closed:
        return np.zeros_like(known), edge, []
    raise InputError(
        f"The driven band at the edge ({widths[-1]:g} cutoffs wide) leaves no free "
        f"particle in a field of view of {view.shape[1]} x {view.shape[0]} px: use a larger "
        f"field of view, lower trajectory.edge_band or graph.cutoff, or, where nobody enters "
        f"or leaves, set trajectory.edge: closed ({edge.why})."
    )


def _narrower(usual: float, width: float) -> str:
    return (
        f"the particles are few and far apart, so that a band of {usual:g} cutoffs at the edge "
        f"would leave none free: it is {width:g} wide, and forces on those next to it lack "
        "neighbours of neighbours."
    )


def _measured(tracked: tables.Packed, scale: Scale, view: View) -> dict[str, Any]:
    """Attributes of the trajectory: units, and how exact positions and velocities are."""
    length, length_unit = scale.length
    interval, time_unit = scale.time
    seen = tracked.present & ~tracked.filled
    # Differences of several frames are of frames one tick apart.
    apart = (np.diff(tracked.run) != 0) | (np.diff(tracked.frame) != 1)
    stretch = np.concatenate([[0], np.cumsum(apart)])
    rows, stretch = looked_at(stretch, seen.shape[1])
    held = None if tracked.occupant is None else tracked.occupant[rows]
    found = resolution(tracked.position[rows], seen[rows], stretch, held)
    sigma = float(np.sqrt(np.mean(found.sigma**2)))
    known = np.isfinite(found.interval).all()
    interval_px = {"localisation_interval_px": found.interval.tolist()} if known else {}
    return {
        "length_unit": length_unit,
        "time_unit": time_unit,
        "dt": interval,
        "velocity": "backward difference",
        "localisation_error": sigma * length if np.isfinite(sigma) else 0.0,
        "localisation_error_px": found.sigma.tolist(),
        "localisation_method": found.method,
        **interval_px,
        **found.motion.attributes(length, interval),
        "velocity_signal_to_noise": float(found.noise.signal_to_noise),
        "velocity_lags": found.noise.lags.tolist(),
        "velocity_autocorrelation": found.noise.autocorrelation_corrected.tolist(),
        "mpp": scale.mpp,
        "fps": scale.fps,
        "noticed": [*_region_said(view), *_uneven_said(tracked)],
        "warnings": [
            *_region_said(view),
            *found.warnings,
            *stuck(tracked.position[rows], seen[rows], stretch, held),
            *misplaced(tracked.position[rows], seen[rows], stretch, held, tracked.frame[rows]),
            *arrangement(tracked.position[rows], seen[rows]),
            *shaken(tracked.position[rows], seen[rows], stretch, held),
            *drifting(tracked.position[rows], seen[rows], stretch, held),
            *unfilled(tracked.position[rows], seen[rows], _field_of_view(view)),
        ],
    }


def looked_at(stretch: np.ndarray, columns: int) -> tuple[slice | np.ndarray, np.ndarray]:
    """Snapshots that tell the noise of a film, and the stretch that each of them is of.

    All of them, or, of more than MANY entries, parts of that many, evenly spread in time.

    Args:
        stretch: (T,) label of the uninterrupted stretch of each snapshot.
        columns: of the arrays.
    """
    length = max(MANY // columns // PARTS, SHORTEST)
    if length * PARTS >= len(stretch):
        return slice(None), stretch
    starts = np.linspace(0, len(stretch) - length, PARTS).astype(int)
    rows = np.add.outer(starts, np.arange(length))
    # Steps from one part to the next are none.
    turn = np.diff(stretch[rows], axis=1, prepend=-1) != 0
    return rows.ravel(), np.cumsum(turn.ravel())


def view(
    frames: str | os.PathLike[str],
    tuning: str | os.PathLike[str],
    band: tuple[float, float | None, str],
    moved: tuple[tuple[float, float], tuple[float, float]] = ((0.0, 0.0), (0.0, 0.0)),
) -> View:
    """The field of view of a film: particles are detected up to half of one from its edge.

    Args:
        frames: tracking.h5. tuning: tuning.json.
        band: reach h, width of the driven band and kind of edge, see `View`.
        moved: what `moved` gives.
    """
    margin = (parameters(tuning).diameter + 1) / 2
    return View(example_shape(frames), margin, *band, moved=moved)


def moved(
    seen: Mapping[str, Any], linking: Mapping[str, Any]
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Least and greatest (x, y) [px] by which pictures were moved, by registration and by linking.

    Args:
        seen: contents of survey.json. linking: contents of linking.json.
    """
    runs = np.array([run["moved"] for run in seen["runs"]])
    drifts = np.array([*linking["moved"].values(), [[0.0, 0.0], [0.0, 0.0]]])
    (x0, y0), (x1, y1) = (
        runs[:, 0].min(axis=0) + drifts[:, 0].min(axis=0),
        runs[:, 1].max(axis=0) + drifts[:, 1].max(axis=0),
    )
    return (x0, y0), (x1, y1)


def from_truth(truth: Trajectory, view: View, scale: Scale, dataset: str) -> Trajectory:
    """The trajectory perfect tracking would have made of the true positions, same field of view.

    Args:
        truth: simulated trajectory in px and frames of the video's coordinates.
    """
    corner = np.array([view.shape[1], view.shape[0]]) - 0.5 - view.margin
    inside = ((truth.position > view.margin - 0.5) & (truth.position < corner)).all(axis=2)
    row, column = np.nonzero(inside)
    table = pd.DataFrame({"frame": row, "particle": truth.particle[column], "run": 0})
    table["x"], table["y"] = truth.position[row, column].T
    table = table.assign(filled=False, mass=1.0, size=1.0, ecc=0.0, signal=1.0, ep=0.0)
    exact = assemble(table, view, scale, {"dataset": dataset, "synthetic": True})
    # Differences read the motion itself here: these positions have no error.
    exact.attributes.update(localisation_error=0.0, localisation_error_px=[0.0, 0.0], warnings=[])
    index = np.searchsorted(truth.particle, exact.particle)
    species, extra = truth.species[index], {"filled": exact.extra["filled"]}
    return exact._replace(species=species, extra=extra)


def _field_of_view(view: View) -> Box:
    """The region seen in every picture, as the first one has it.

    What a picture moved by s shows of the first lies between -s and its size - s.

    Raises:
        InputError: if there is none.
    """
    low, high = np.array(view.moved[0]), np.array(view.moved[1])
    size = np.array([view.shape[1], view.shape[0]], dtype=float)
    lengths = size - 2 * view.margin - (high - low)
    if (lengths <= 0).any():
        raise InputError(
            f"pictures drift by up to {high[0] - low[0]:.0f} px in x and {high[1] - low[1]:.0f} px "
            f"in y of {size[0]:.0f} x {size[1]:.0f} px: nothing is seen all along; use fewer "
            "frames (video.frames), or leave the drift in (video.registration, link.drift)"
        )
    return Box(lengths, (False, False), np.array(view.corner) + view.margin - 0.5 - low)


def _inside(position: np.ndarray, box: Box) -> np.ndarray:
    """(T, M) bool: positions in the box."""
    return ((position >= box.origin) & (position <= box.origin + box.lengths)).all(axis=2)


def _uneven_said(tracked: tables.Packed) -> list[str]:
    """A sentence where many steps from frame to frame are of other lengths than one interval."""
    step = np.diff(tracked.frame)[np.diff(tracked.run) == 0]
    apart = int((step != 1).sum())
    if apart <= UNEVEN * len(step):
        return []
    return [
        f"{apart} of {len(step)} steps from frame to frame are longer than one interval: "
        f"velocities and statistics use the true times, and models are trained on the other "
        f"{len(step) - apart} steps alone."
    ]


def _region_said(view: View) -> list[str]:
    if not np.any(view.moved):
        return []
    box, (height, width) = _field_of_view(view), view.shape
    return [
        f"pictures were moved by up to {np.abs(view.moved).max():.1f} px to lie on the first one: "
        f"only the region seen all along counts, {box.lengths[0]:.0f} x {box.lengths[1]:.0f} of "
        f"{width} x {height} px."
    ]
