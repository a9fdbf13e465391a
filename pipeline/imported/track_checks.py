"""Whether the tracks of a table contradict themselves."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pandas as pd

from pipeline.errors import InputError
from pipeline.imported.labels import exchanged
from pipeline.units import neighbour_distance
from pipeline.video.persistence import by_chance
from pipeline.video.spots import nearest

MISLABELLED = 0.05  # of the labels of a frame, which may change places in a tracking
MISTAKEN = 0.005  # of all steps, likewise
EMPTY = 100  # frames for each that holds a particle: more are no count of frames
EXCHANGED = 3.0  # times as far as those of frames, by which steps of particles are no steps
ASTRAY = 100.0  # times the range of nine of ten positions, beyond which one is none
JUMP = 20.0  # median steps; one longer than this and than the distance of neighbours is a jump
LOOKED_AT = 20  # frames, of which it is asked whether particles are seen again
GOES_ON = 0.3  # correlation of a step with the one before
NEAR = 4  # frames, within which a particle is looked for where it was


def check_tracks(table: pd.DataFrame, name: str) -> list[str]:
    """Every particle once in a frame, several times in all, and the same one all along.

    Returns warnings: a few labels that change places are mistakes of a tracking, many are no labels
    of particles.
    """
    double = table.duplicated(["particle", "frame", "run"])
    if double.any():
        row = table[double].iloc[0]
        raise InputError(
            f"Particle {int(row['particle'])} of {name} is in frame {int(row['frame'])} more than "
            f"once ({int(double.sum())} such rows): tracks that divide or merge, or several films "
            f"in one table; give each branch a label, each film a table."
        )
    count = table.groupby("particle").size()
    if len(count) > 1 and count.max() == 1:
        raise InputError(
            f"No particle of {name} is in more than one frame: its labels number rows; name the "
            f"column of the tracks as tracks.columns.particle."
        )
    if table["frame"].nunique() < 2:
        raise InputError(f"{name} holds one frame, and motion needs 2 or more.")
    _refuse_sparse(table, name)
    _refuse_astray(table, name)
    _refuse_turned(table, name)
    return _mistaken(table, name) + _by_chance(table, name)


def _by_chance(table: pd.DataFrame, name: str) -> list[str]:
    """A word on particles that find no nearer a partner in the next frame than strangers would, and
    whose steps do not go on: links between them are those of chance.

    A flow in which steps go on may be followed though they are long.
    """
    corner = table[["x", "y"]].min().to_numpy()
    shape = tuple((table[["x", "y"]].max().to_numpy() - corner + 1).tolist())
    pairs = [
        pair
        for _, rows in table.groupby("run")
        for pair in pairwise([part for _, part in rows.groupby("frame")])
        if np.diff([part["frame"].iloc[0] for part in pair]) == 1
    ]
    places = [
        [part[["x", "y"]].to_numpy(float) - corner for part in pair]
        for pair in pairs[:: max(1, len(pairs) // LOOKED_AT)]
    ]
    gaps = np.concatenate([nearest(pair[0]) for pair in places] or [np.zeros(0)])
    if not len(gaps):
        return []
    near = float(np.median(gaps))
    found = by_chance(places, 0.5 * near, shape)
    if found is None or _goes_on(table):
        return []
    return [
        f"{found.words(f'particles of {name}', f'{near:.3g}')}: they were linked farther than "
        f"their density allows, and tracks are those of chance; record faster."
    ]


def _goes_on(table: pd.DataFrame) -> bool:
    """Whether steps of particles are like the ones before."""
    rows = table.sort_values(["run", "particle", "frame"])
    places = rows[["y", "x"]].to_numpy()
    follows = (rows["particle"].to_numpy()[1:] == rows["particle"].to_numpy()[:-1]) & (
        np.diff(rows["frame"].to_numpy()) == 1
    )
    step = np.diff(places, axis=0)
    both = follows[1:] & follows[:-1]
    size = float((step[1:][both] ** 2).sum() + (step[:-1][both] ** 2).sum()) / 2
    return bool(size and float((step[1:][both] * step[:-1][both]).sum()) > GOES_ON * size)


def _mistaken(table: pd.DataFrame, name: str) -> list[str]:
    """Sentences on labels that change places, or on steps that are none.

    Raises:
        InputError: labels change places too often for the mistakes of a tracking.
    """
    area = max(float(np.ptp(table["x"]) * np.ptp(table["y"])), 1e-12)
    density = len(table) / table.groupby(["run", "frame"]).ngroups / area
    found = exchanged(_successive(table), density, np.zeros(2))
    if found is None:
        return _jumps(table, name, neighbour_distance(density, 2)) + _coarse(table, name)
    said = (
        f"Labels of {name} change places: from frame {found.when} to {found.when + 1} "
        f"{found.labels} move far (by {found.moved:.3g} px, the median), and another particle "
        f"is within {found.near:.3g} px of where each was"
    )
    if found.total > 2 and (found.share > MISLABELLED or found.rate > MISTAKEN):
        raise InputError(
            f"{said}; name the column of the tracks as tracks.columns.particle, or use false for "
            f"tracks.use to track the film."
        )
    return [f"{said} ({found.total} such steps in all): particles were mistaken for one another."]


def _refuse_sparse(table: pd.DataFrame, name: str) -> None:
    """Refuses numbers of frames that are no count: most of them empty, or none beside another."""
    span = int(np.ptp(table["frame"])) + 1
    if span > EMPTY * table["frame"].nunique():
        raise InputError(
            f"The frames of {name} go from {int(table['frame'].min())} to "
            f"{int(table['frame'].max())} and {table['frame'].nunique()} of these {span} hold "
            f"particles: number them 0, 1, 2, ..., or name the right column as "
            f"tracks.columns.frame."
        )
    apart = table.sort_values(["particle", "frame"])[["particle", "frame"]].diff()
    steps = apart.loc[apart["particle"] == 0, "frame"]
    if len(steps) and not (steps == 1).any():
        raise InputError(
            f"No particle of {name} is in two successive frames, the shortest step is "
            f"{int(steps.min())} frames: number the frames 0, 1, 2, ... and give their own rate as "
            f"video.fps."
        )


def _refuse_astray(table: pd.DataFrame, name: str) -> None:
    """Refuses positions that are none, such as 1e30: the field of view would reach there."""
    for axis in ("x", "y"):
        low, middle, high = np.percentile(table[axis], (5, 50, 95))
        far = (table[axis] - middle).abs() > ASTRAY * (high - low)
        if high > low and far.any():
            row = table[far].iloc[0]
            raise InputError(
                f"Particle {int(row['particle'])} of {name} is at {axis} = {row[axis]:.6g} px in "
                f"frame {int(row['frame'])}, where nine of ten are from {low:.5g} to {high:.5g} "
                f"({int(far.sum())} such rows): take them away."
            )


def _refuse_turned(table: pd.DataFrame, name: str) -> None:
    """Refuses frames and particles in each other's place: where one particle is at successive
    times is nearer to each other than where one frame has its particles."""

    def step(label: str, number: str) -> float:
        rows = table.sort_values(["run", label, number])[["run", label, number, "x", "y"]].diff()
        near = (rows["run"] == 0) & (rows[label] == 0) & (rows[number] == 1)
        length = np.hypot(rows.loc[near, "x"], rows.loc[near, "y"])
        return float(np.median(length)) if near.any() else np.nan

    steps, others = step("particle", "frame"), step("frame", "particle")
    if steps > EXCHANGED * others:
        raise InputError(
            f"Particles of {name} move by {steps:.3g} px from frame to frame (the median), and "
            f"those of one frame are {others:.3g} px from each other: particle and frame seem to "
            f"stand in each other's column; name them as tracks.columns.particle and .frame."
        )


def _jumps(table: pd.DataFrame, name: str, spacing: float) -> list[str]:
    """A word on steps that are none: a label used again, or numbers that stand for no position.

    Raises:
        InputError: nobody moves, or particles jump to and from one and the same place.
    """
    rows = table.sort_values(["run", "particle", "frame"], ignore_index=True)
    apart = rows[["run", "particle", "frame", "x", "y"]].diff()
    follows = (apart["run"] == 0) & (apart["particle"] == 0) & (apart["frame"] <= NEAR)
    length = pd.Series(np.hypot(apart["x"], apart["y"])).where(follows)
    usual = float(length[apart["frame"] == 1].median())
    if not (length > 0).any():
        raise InputError(f"No particle of {name} ever moves: is it one frame, written many times?")
    far = (length > max(JUMP * usual, spacing)).to_numpy()
    if not far.any():
        return []
    ends = rows[far | np.append(far[1:], False)]
    place = ends.groupby(["x", "y"]).size()
    nowhere = place[[count > 1 or (x == y and x in (0, -1)) for (x, y), count in place.items()]]
    if len(nowhere):
        x, y = nowhere.index[0]
        raise InputError(
            f"Particles of {name} jump to ({x:.6g}, {y:.6g}) and back ({int(nowhere.iloc[0])} "
            f"rows): these numbers seem to stand for no position; take such rows away."
        )
    row = int(np.argmax(far))
    return [
        f"Particles of {name} jump {int(far.sum())} times, the first, {rows['particle'][row]}, by "
        f"{length[row]:.3g} px to frame {rows['frame'][row]}, where the median step is "
        f"{usual:.3g} px: labels used again for others, or positions that are wrong?"
    ]


def _coarse(table: pd.DataFrame, name: str) -> list[str]:
    """A word on positions that are whole pixels."""
    places = table[["x", "y"]].to_numpy()
    if (places != np.round(places)).any():
        return []
    return [f"All positions of {name} are whole pixels: steps of less than one are lost."]


def _successive(table: pd.DataFrame) -> Iterator[tuple[int, np.ndarray, np.ndarray, np.ndarray]]:
    """Successive frames: number, positions, steps of the particles in both, all positions then."""
    for _, rows in table.groupby("run"):
        edges = rows.sort_values("frame", ignore_index=True)
        frame, start = np.unique(edges["frame"].to_numpy(int), return_index=True)
        parts = np.split(edges[["particle", "x", "y"]].to_numpy(float), start[1:])
        for k in np.flatnonzero(np.diff(frame) == 1).tolist():
            now, after = parts[k], parts[k + 1]
            _, here, there = np.intersect1d(now[:, 0], after[:, 0], return_indices=True)
            yield int(frame[k]), now[here, 1:], after[there, 1:] - now[here, 1:], after[:, 1:]
