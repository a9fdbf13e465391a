"""Settings of detection and linking, estimated from the video where they are not given.

Size and polarity come from the Laplacian-of-Gaussian response, separation from the distances
between its maxima, the diameter from subpixel positions, minmass from the masses of features that
are maxima too, and the search range and memory from matching neighbouring frames.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from pipeline.errors import InputError
from pipeline.video import doubts, overlap, shapes, spots
from pipeline.video.detect import locate
from pipeline.video.frames import Video
from pipeline.video.parameters import NOTHING, Detection, Given, Tuning, check_fits
from pipeline.video.persistence import put_aside, warn_of_chance
from pipeline.video.polarity import choose
from pipeline.video.spots import mutual

PHASES = 20  # bins of the subpixel histogram
FLAT = 2.0  # chi^2 per degree of freedom of a histogram that counts as flat, or else
CROWD = 1.25  # features, for each that is a clear spot
BRIEF = 0.25  # of the longest run: shorter ones are not asked
GLARING = 5.0  # times as bright as the others: other things, perhaps
ALONE = 20.0  # times as bright: the others are taken for grain
RARE = 0.1  # of all spots at most, where it is asked whether they are the only ones
SEEN = 0.97  # of the relative motion of neighbours: less is worth a word
UNEVEN = 0.1  # relative unevenness that is harmless, however many particles make it significant


def _phase(found: np.ndarray) -> tuple[np.ndarray, float]:
    """Histogram of the subpixel parts of positions, and its unevenness beyond chance.

    The unevenness is the relative standard deviation over bins with that of counting taken out; 0
    where chi^2 per degree of freedom is below FLAT.
    """
    count = np.histogram(found % 1.0, PHASES, (0.0, 1.0))[0]
    expected = max(count.mean(), 1e-12)
    chi2 = ((count - expected) ** 2 / expected).sum() / (PHASES - 1)
    return count, float(np.sqrt((chi2 - 1) / expected)) if chi2 > FLAT else 0.0


class Found(NamedTuple):
    """What one diameter finds in the sampled frames.

    Fields:
        diameter: [px]. phase, unevenness: of the subpixel parts of positions, see `_phase`.
        mass: of all features. matched, size: mass and size of those that are clear spots.
    """

    diameter: int
    phase: np.ndarray
    unevenness: float
    mass: np.ndarray
    matched: np.ndarray
    size: np.ndarray


def _found(images: list[np.ndarray], points: list[np.ndarray], trial: Detection) -> Found:
    tables = [locate(image, trial) for image in images]
    masses, sizes, positions = [], [], []
    for table, maxima in zip(tables, points, strict=True):
        here = table[["y", "x"]].to_numpy()
        _, j = spots.mutual(maxima, here, trial.separation)
        masses.append(table["mass"].to_numpy()[j])
        sizes.append(table["size"].to_numpy()[j])
        positions.append(here[j])
    mass = np.concatenate([table["mass"].to_numpy() for table in tables])
    phase = _phase(np.concatenate(positions))
    return Found(trial.diameter, *phase, mass, np.concatenate(masses), np.concatenate(sizes))


def estimate_aperture(
    tuning: Tuning, least: Detection, images: list[np.ndarray], points: list[np.ndarray]
) -> tuple[Detection, bool]:
    """Chooses diameter and minmass: raises the diameter while positions stick to pixels.

    Returns them, and whether some of what is found may be noise.

    Args:
        least: its odd diameter is what the size of the spots suggests [px]; without minmass.
        images: sampled frames. points: (K, 2) positions (y, x) of the clear spots in each [px].

    Raises:
        InputError: if the detector sees none of the clear spots.
    """
    base, tried = least.diameter, []
    chosen: Found | None = None
    for diameter in (base,) if tuning.given.diameter else range(base, base + 9, 2):
        found = _found(images, points, least._replace(diameter=diameter))
        tried.append((diameter, len(found.matched), found.unevenness))
        if len(found.matched) < 0.98 * tried[0][1]:
            break
        chosen = found
        if found.unevenness <= UNEVEN:
            break
    assert chosen is not None  # the first is as good as itself
    if not len(chosen.matched):
        raise InputError(
            "no particles found: spots stand out of the noise, but none is seen by the detector; "
            "give detect.diameter and detect.separation"
        )
    diameter = tuning.take(
        "diameter",
        chosen.diameter,
        f"From the size of the spots ({base} px), raised while positions cling to pixels "
        f"and at least 98 % of the particles are still found (their subpixel histogram is uneven "
        f"by {100 * chosen.unevenness:.0f} %).",
    )
    minmass, doubtful = _take_minmass(tuning, chosen)
    tuning.evidence.update(
        diameter_tried=np.array(tried),
        subpixel=chosen.phase,
        mass=histogram(chosen.mass),
        mass_matched=histogram(chosen.matched),
        size=histogram(chosen.size),
    )
    if chosen.unevenness > 1.5 * UNEVEN:
        tuning.warnings.append(
            f"positions cling to pixels (subpixel histogram uneven by "
            f"{100 * chosen.unevenness:.0f} %): "
            "steps much below a pixel are unreliable; use a higher magnification."
        )
    return least._replace(diameter=diameter, minmass=minmass), doubtful


def _masses(found: Found) -> tuple[float, float]:
    """The least mass of clear spots, and one that noise exceeds where it is more.

    Noise has no lower end to its mass: it must not outnumber what is clearly there.
    """
    ranked = np.sort(found.mass)[::-1]
    beyond = int(CROWD * len(found.matched))
    bound = float(ranked[beyond]) if beyond < len(ranked) else 0.0
    return float(np.percentile(found.matched, 1)), bound


def _take_minmass(tuning: Tuning, found: Found) -> tuple[float, bool]:
    """The minmass, and whether noise is about as bright: then some of it may be found."""
    low, bound = _masses(found)
    why = f"0.8 of the 1st percentile ({low:.4g}) of the masses of clear spots"
    if bound > 0.8 * low:
        why += f", and so large ({bound:.4g}) that at most a fifth of what is found are others"
    doubtful = bound > low and tuning.given.minmass is None
    return tuning.take("minmass", float(f"{max(0.8 * low, bound):.4g}"), f"{why}."), doubtful


Maxima = list[tuple[np.ndarray, np.ndarray]]  # positions (K, 2) [px] and heights (K,) by frame


def _told(tuning: Tuning, maxima: Maxima, images: list[np.ndarray], trial: Detection) -> Maxima:
    """The maxima, or the few that stand out far where the others are lost in noise."""
    between = spots.outstanding([height for _, height in maxima])
    if between is None:
        return maxima
    found = _found(images, [place for place, _ in maxima], trial)
    low, bound = _masses(found)
    few = [(place[height > between], height[height > between]) for place, height in maxima]
    heights, count = np.concatenate([height for _, height in maxima]), sum(len(p) for p, _ in few)
    times = float(np.median(heights[heights > between]) / np.median(heights[heights <= between]))
    told = f"some {count / len(few):.0f} spots a frame are {times:.2g} times brighter than all "
    rare = count < RARE * len(heights)
    if bound > low or (rare and times > ALONE):
        tuning.warnings.append(
            f"{told}others, which are taken for noise and the grain of the ground: if they are "
            "particles, too, give detect.minmass."
        )
        return few
    if rare and times > GLARING and count < len(found.matched):
        least = np.sqrt(np.multiply(*np.sort(found.matched)[::-1][count - 1 : count + 1]))
        tuning.warnings.append(
            f"{told}others: if they alone are particles, and the others the grain of the ground, "
            f"give detect.minmass: {least:.3g}."
        )
    return maxima


def histogram(values: np.ndarray, bins: int = 60) -> np.ndarray:
    """(bins, 2) centres and counts, up to the 99.9th percentile."""
    count, edges = np.histogram(values, bins, (float(values.min()), np.percentile(values, 99.9)))
    return np.stack([(edges[1:] + edges[:-1]) / 2, count], axis=1)


def estimate_motion(
    tuning: Tuning, triples: list[list[np.ndarray]], near: float, diameter: int
) -> None:
    """Chooses search_range and memory.

    Args:
        triples: for each place of the video, (K, 2) positions in up to three successive frames.
        near: median distance between neighbours [px]. diameter: of the detection [px].
    """
    steps, later, gone = [], 0, 0
    for triple in triples:
        for first, second in pairwise(triple):
            i, j = mutual(first, second, 0.5 * near)
            steps.append(np.linalg.norm(second[j] - first[i], axis=1))
        if len(triple) == 3:
            missed, seen = _dropped(triple, 0.5 * near)
            gone, later = gone + missed, later + seen
    step = np.concatenate(steps)
    quantile = float(np.percentile(step, 99)) if len(step) else 0.0
    least = min(near / 3, float(diameter))
    estimate = round(float(np.clip(1.5 * quantile, least, 0.5 * near)), 2)
    taken = tuning.take(
        "search_range",
        estimate,
        f"1.5 times the 99th percentile of the displacements ({quantile:.2f} px), but at least "
        f"{least:.2f} px, so that rare fast particles are followed, and at most half the distance "
        f"between neighbours ({near:.2f} px).",
    )
    share = gone / later if later else 0.0
    tuning.take(
        "memory",
        _memory(share),
        f"{100 * share:.2g} % of the particles are missed in a frame and seen again in the next.",
    )
    count, edges = np.histogram(step, 50, (0.0, 0.5 * near))
    tuning.evidence["displacement"] = np.stack([(edges[1:] + edges[:-1]) / 2, count], axis=1)
    tuning.evidence["count"] = np.array([len(triple[0]) for triple in triples])
    if 1.5 * quantile > 0.5 * near:
        tuning.warnings.append(
            f"particles move up to {quantile:.2f} px a frame, much of the {near:.2f} px to their "
            f"neighbours (search_range = {taken:g} px): some will be mistaken for one another; "
            "record faster."
        )


def _dropped(triple: list[np.ndarray], reach: float) -> tuple[int, int]:
    """Particles seen in the first and third frame, and those of them missed in the second."""
    first, second, third = triple
    i, _ = mutual(first, third, reach)
    between, _ = mutual(first, second, reach)
    missed = int((~np.isin(i, between)).sum())
    return missed, len(i)


def _memory(share: float) -> int:
    """Frames to wait so that fewer than 1 in 10 000 losses outlast it, 2 or 3.

    Not below 2 however few are missed in the frames looked at: in thousands of frames every
    particle is missed once, and a track that breaks inside the view is a particle lost.
    """
    if share >= 1:
        return 3
    wait = np.ceil(np.log(1e-4) / np.log(share)) - 1 if share > 0 else 0
    return int(np.clip(wait, 2, 3))


def tune(videos: list[Video], given: Given = NOTHING) -> Tuning:
    """Settings for these runs, from a few frames of the first, the middle and the last.

    Args:
        given: taken as it is; the rest builds on it.

    Raises:
        InputError: if there is nothing in the frames that could be a particle.
    """
    check_fits(given, videos[0].shape)
    tuning = Tuning(given)
    triples = [[video[t] for t in three] for video, three in _places(videos)]
    images = [triple[0] for triple in triples]
    if not any(np.ptp(image) for image in images):
        raise InputError("no particles found: every pixel of the sampled frames is alike")
    scale, polarity = choose(tuning, images)
    dark = polarity == "dark"
    tuning.warnings.extend(doubts.levels(images, dark))
    base = given.diameter or 2 * max(1, round(1.6 * scale)) + 1
    maxima = [spots.blobs(image, scale, dark) for image in images]
    if tuning.given.minmass is None:
        tuning.warnings.extend(doubts.dimmer([spots.fainter(i, scale, dark) for i in images]))
        maxima = _told(tuning, maxima, images, Detection(base, 0.0, base + 1.0, 50, dark))
    points, heights = [m[0] for m in maxima], np.concatenate([m[1] for m in maxima])
    gaps = np.concatenate([spots.nearest(p) for p in points])
    if not len(gaps):
        raise InputError(
            f"no particles found in {len(images)} sampled frames: fewer than 2 spots of any size "
            "stand out of the noise in each; check the video, its channel and its contrast, or "
            "crop it to where particles are (video.crop)"
        )
    near = float(np.median(gaps))
    tuning.evidence.update(blob_height=histogram(heights), neighbour_distance=histogram(gaps))
    percentile = tuning.take("percentile", 50, "Half of the pixels at most belong to the ground.")
    separation = tuning.take(
        "separation",
        round(min(0.65 * near, base + 1.0), 2),
        f"0.65 of the median distance between neighbours, {near:.2f} px, and no more than the "
        "diameter + 1: particles that touch are still told apart.",
    )
    least = Detection(base, 0.0, separation, percentile, dark, given.smoothing)
    settings, doubtful = estimate_aperture(tuning, least, images, points)
    found = [[locate(image, settings) for image in triple] for triple in triples]
    if given.minmass is None:
        shape = images[0].shape
        settings, found, near = put_aside(tuning, settings, found, near, shape, doubtful)
    if given.smoothing is not None:
        tuning.take("smoothing", settings.diameter, "")
    _look_at_overlap(tuning, settings, images[len(images) // 2], scale, base)
    positions = [[table[["y", "x"]].to_numpy() for table in triple] for triple in found]
    firsts = [places[0] for places in positions]
    tuning.warnings.extend(shapes.warnings(images, firsts, settings, scale))
    warn_of_chance(tuning, positions, near, images[0].shape)
    estimate_motion(tuning, positions, near, settings.diameter)
    shortest = min(int(video.seen.sum()) for video in videos)
    tuning.take(
        "min_length",
        max(2, min(5, shortest // 5)),
        f"Five frames, or a fifth of the shortest run ({shortest} frames) if that is less.",
    )
    return tuning


def _places(videos: list[Video]) -> list[tuple[Video, list[int]]]:
    """Up to three times three successive frames: first run's start, middle of the middle run, last
    run's end. Frames that show no particles are passed over, and gaps where that can be; so are
    runs much shorter than another, such as a title."""
    longest = max(int(video.seen.sum()) for video in videos)
    videos = [video for video in videos if video.seen.sum() >= BRIEF * longest]
    middle = videos[len(videos) // 2]
    found: list[tuple[Video, list[int]]] = []
    for video, part in ((videos[0], 0.0), (middle, 0.5), (videos[-1], 1.0)):
        shown = np.flatnonzero(video.seen)
        starts = np.arange(max(len(shown) - 2, 1))
        if len(shown) >= 3:
            span = video.number[shown[2:]] - video.number[shown[:-2]]
            starts = starts[span == span.min()]
        wanted = max(0, len(shown) // 2 - 1) if part == 0.5 else part * (len(shown) - 3)
        start = int(starts[np.abs(starts - wanted).argmin()])
        place = (video, shown[start : start + 3].tolist())
        if place not in found:
            found.append(place)
    return found


def _look_at_overlap(
    tuning: Tuning, settings: Detection, image: np.ndarray, scale: float, base: int
) -> None:
    """A warning where neighbours are seen to move less against each other than they do.

    Args:
        base: diameter that the size of the spots suggests [px].
    """
    points = _positions(image, settings)
    found = overlap.gain(points, scale, settings, image.shape)
    if found is None or found > SEEN:
        return
    less = settings._replace(smoothing=base)
    better = overlap.gain(points, scale, less, image.shape) if base < settings.diameter else None
    remedy = (
        f"detect.smoothing: {base} leaves about {100 * (1 - better):.0f} %, and makes positions "
        "a tenth noisier"
        if better is not None and better > found and tuning.given.smoothing is None
        else "a higher magnification helps"
    )
    tuning.warnings.append(
        f"neighbours are seen to move against each other by about {100 * (1 - found):.0f} % less "
        "than they do, for their light overlaps (told by drawing spots at the places found): "
        f"forces and friction at contact come out too small; {remedy}."
    )


def _positions(image: np.ndarray, settings: Detection) -> np.ndarray:
    return locate(image, settings)[["y", "x"]].to_numpy()
