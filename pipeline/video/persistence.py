"""Which spots are seen again in the next frame: particles are, and the noise of a camera is not."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd

from pipeline.video.parameters import Detection, Tuning
from pipeline.video.spots import mutual, nearest

CLASSES = 6  # of brightness, of as many spots each
ENOUGH = 20  # spots in a class
FOLLOWED = 0.5  # persistence of the brightest, below which nothing can be told by it, and of all,
MISSED = 0.15  # with more than this share not seen again: particles cannot be followed
CLOSE = 0.75  # of it, that other classes of particles have where noise is about as bright
CHANCE = 0.4  # of it, that only noise falls below

Tables = list[list[pd.DataFrame]]  # y, x [px] and mass of spots in successive frames, by place


class Persisting(NamedTuple):
    """Spots told from noise by what becomes of them.

    Fields:
        minmass: of the dimmest class that persists, its least mass [grey levels].
        lost: share of the dimmer spots that are not seen again; lost_bright: of the brightest.
    """

    minmass: float
    lost: float
    lost_bright: float


def persisting(
    triples: Tables, reach: float, shape: tuple[int, ...], close: float = CLOSE
) -> Persisting | None:
    """From which mass on spots persist; None where all do, few are there or none can be followed.

    Persistence is 1 - (share not seen again within reach) / (share that would be if the next frame
    held strangers), for in a crowd many find a partner by chance. Strangers are the spots of the
    next frame mirrored: as many, and as far apart.

    Args:
        triples: for each place of the video, what is found in up to three successive frames: y, x
            [px] and mass. reach: [px]. shape: (H, W) of the frames.
        close: of the persistence of the brightest, that particles have at least.
    """
    pairs = [pair for triple in triples for pair in pairwise(triple)]
    if not pairs:
        return None
    mass = np.concatenate([first["mass"].to_numpy() for first, _ in pairs])
    if len(mass) < CLASSES * ENOUGH:
        return None
    order = np.argsort(-mass)
    shares = [_lost(_places(one), _places(other), reach, shape) for one, other in pairs]
    lost, strange = np.concatenate(shares)[order].T
    classes = np.array_split(np.arange(len(mass)), CLASSES)
    persistence = [1 - lost[k].mean() / max(strange[k].mean(), 1e-12) for k in classes]
    dim = [p < close * persistence[0] for p in persistence]
    if persistence[0] < FOLLOWED or not any(dim):
        return None
    first = dim.index(True)
    about = np.concatenate(classes[first - 1 : first + 1])
    start = max(int(about[_split(lost[about])]), int(classes[first][0]))
    least = float(mass[order][start - 1])
    return Persisting(least, float(lost[start:].mean()), float(lost[classes[0]].mean()))


def _split(lost: np.ndarray) -> int:
    """Where shares (K,) of one level end and those of another begin, by least squares."""
    before = np.arange(1, len(lost))
    after, sums = len(lost) - before, np.cumsum(lost)
    levels = sums[:-1] / before - (sums[-1] - sums[:-1]) / after
    return int(np.argmax(levels**2 * before * after)) + 1


class Chance(NamedTuple):
    """Shares of spots that have no partner in the next frame, and that would have none in a frame
    of strangers."""

    lost: float
    strange: float

    def words(self, what: str, near: str) -> str:
        """The beginning of a sentence, of what and of the distance of neighbours in words."""
        return (
            f"{100 * self.lost:.0f} % of the {what} have no partner in the next frame within half "
            f"of the {near} px to their neighbours, and of strangers {100 * self.strange:.0f} % "
            "would have none"
        )


def by_chance(
    places: list[list[np.ndarray]], reach: float, shape: tuple[int, ...]
) -> Chance | None:
    """How often spots find a partner, where that is hardly more often than by chance; else None.

    Args:
        places: for each place, (K, 2) positions (y, x) in successive frames [px].
        reach: [px]. shape: (H, W) of the frames.
    """
    pairs = [pair for place in places for pair in pairwise(place) if min(map(len, pair))]
    shares = np.concatenate([_lost(*pair, reach, shape) for pair in pairs] or [np.zeros((0, 2))])
    if len(shares) < ENOUGH:
        return None
    found = Chance(*shares.mean(axis=0).tolist())
    followed = 1 - found.lost / max(found.strange, 1e-12) > FOLLOWED
    return None if followed or found.lost < MISSED else found


def warn_of_chance(
    tuning: Tuning, places: list[list[np.ndarray]], near: float, shape: tuple[int, ...]
) -> None:
    """A warning where spots find partners in the next frame hardly more often than by chance.

    Args:
        places, shape: see `by_chance`.
        near: distance of neighbours [px].
    """
    if (found := by_chance(places, 0.5 * near, shape)) is not None:
        tuning.warnings.append(
            f"{found.words('spots', f'{near:.2f}')}: they cannot be followed, and nothing that "
            "tracks tell means anything; record faster, or are these pairs of pictures, or noise?"
        )


def put_aside(
    tuning: Tuning,
    settings: Detection,
    found: Tables,
    near: float,
    shape: tuple[int, ...],
    doubtful: bool,
) -> tuple[Detection, Tables, float]:
    """Raises minmass to where spots are seen again in the next frame, and says what is put aside.

    Args:
        found: what these settings find. near: median distance between neighbours [px].
        doubtful: whether noise is known to be about as bright as the faintest of it.

    Returns the settings, what is found with them, and `near` anew.
    """
    said = "faint spots cannot be told from noise: "
    known = persisting(found, 0.5 * near, shape, CLOSE if doubtful else CHANCE)
    if known is None and not doubtful:
        return settings, found, near
    if known is None:
        tuning.warnings.append(
            f"{said}some particles may be missed and some noise found; look at the overlay, and "
            "give detect.minmass or record with more light."
        )
        return settings, found, near
    minmass = tuning.take(
        "minmass",
        float(f"{known.minmass:.4g}"),
        f"{100 * known.lost:.0f} % of dimmer spots are not seen again in the next frame, of the "
        f"brightest {100 * known.lost_bright:.0f} %.",
    )
    kept = [[table[table["mass"] >= minmass] for table in triple] for triple in found]
    before, after = (
        np.mean([len(table) for triple in some for table in triple]) for some in (found, kept)
    )
    tuning.warnings.append(
        f"{said}{before - after:.0f} of {before:.0f} a frame, dimmer than detect.minmass: "
        f"{minmass:g}, are put aside, for {100 * known.lost:.0f} % of them are not seen again in "
        f"the next frame (of the brightest {100 * known.lost_bright:.0f} %); if they are "
        f"particles, give detect.minmass: {settings.minmass:g} or record with more light."
    )
    gaps = [nearest(table[["y", "x"]].to_numpy()) for triple in kept for table in triple]
    return settings._replace(minmass=minmass), kept, float(np.median(np.concatenate(gaps)))


def _places(table: pd.DataFrame) -> np.ndarray:
    return table[["y", "x"]].to_numpy()


def _lost(here: np.ndarray, there: np.ndarray, reach: float, shape: tuple[int, ...]) -> np.ndarray:
    """(K, 2) whether each spot has no partner in the next frame, and how often none among
    strangers."""
    height, width = shape[0] - 1.0, shape[1] - 1.0
    mirrored = (
        there * (1, -1) + (0, width),
        there * (-1, 1) + (height, 0),
        (height, width) - there,
    )
    strangers = np.mean([_alone(here, points, reach) for points in mirrored], axis=0)
    return np.stack([_alone(here, there, reach), strangers], axis=1)


def _alone(here: np.ndarray, there: np.ndarray, reach: float) -> np.ndarray:
    alone = np.ones(len(here))
    alone[mutual(here, there, reach)[0]] = 0.0
    return alone
