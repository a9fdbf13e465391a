"""Settings of detection and linking, estimated from the video where they are not given.

Size and polarity come from the Laplacian-of-Gaussian response, separation from the distances
between its maxima, the diameter from subpixel positions, minmass from the masses of features that
are maxima too, and the search range and memory from matching neighbouring frames.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from pipeline.errors import InputError
from pipeline.files import read_json, reading
from pipeline.video import spots
from pipeline.video.detect import Detection, detection, locate
from pipeline.video.frames import Video
from pipeline.video.spots import mutual

PHASES = 20  # bins of the subpixel histogram
FLAT = 2.0  # chi^2 per degree of freedom of a histogram that counts as flat, or else
CROWD = 1.25  # features, for each that is a clear spot
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


def estimate_aperture(
    tuning: Tuning,
    given: Mapping[str, Any],
    base: int,
    images: list[np.ndarray],
    points: list[np.ndarray],
) -> None:
    """Chooses diameter and minmass: raises the diameter while positions stick to pixels.

    Args:
        base: odd diameter that the size of the spots suggests [px].
        images: sampled frames. points: (K, 2) positions (y, x) of the clear spots in each [px].

    Raises:
        InputError: if the detector sees none of the clear spots.
    """
    tried: list[tuple[int, int, float]] = []
    chosen: dict[str, Any] = {}
    known = tuning.parameters
    for diameter in (base,) if given.get("diameter") else range(base, base + 9, 2):
        trial = Detection(
            diameter, 0.0, known["separation"], known["percentile"], known["polarity"] == "dark"
        )
        found = [locate(image, trial) for image in images]
        masses, sizes, positions = [], [], []
        for table, maxima in zip(found, points, strict=True):
            here = table[["y", "x"]].to_numpy()
            _, j = spots.mutual(maxima, here, known["separation"])
            masses.append(table["mass"].to_numpy()[j])
            sizes.append(table["size"].to_numpy()[j])
            positions.append(here[j])
        count, unevenness = _phase(np.concatenate(positions))
        matched = sum(map(len, masses))
        tried.append((diameter, matched, unevenness))
        if matched < 0.98 * tried[0][1]:
            break
        mass = np.concatenate([table["mass"].to_numpy() for table in found])
        chosen = {"diameter": diameter, "phase": count, "unevenness": unevenness, "mass": mass}
        chosen |= {"matched": np.concatenate(masses), "size": np.concatenate(sizes)}
        if unevenness <= UNEVEN:
            break
    _take_diameter(tuning, given, chosen, tried)


def _take_diameter(
    tuning: Tuning,
    given: Mapping[str, Any],
    chosen: dict[str, Any],
    tried: list[tuple[int, int, float]],
) -> None:
    if not len(chosen["matched"]):
        raise InputError(
            "no particles found: spots stand out of the noise, but none is seen by the detector; "
            "give detect.diameter and detect.separation"
        )
    uneven = chosen["unevenness"]
    tuning.take(
        "diameter",
        given,
        chosen["diameter"],
        f"From the size of the spots ({tried[0][0]} px), raised while positions cling to pixels "
        f"and at least 98 % of the particles are still found (their subpixel histogram is uneven "
        f"by {100 * uneven:.0f} %).",
    )
    _take_minmass(tuning, given, chosen)
    tuning.evidence.update(
        diameter_tried=np.array(tried),
        subpixel=chosen["phase"],
        mass=histogram(chosen["mass"]),
        mass_matched=histogram(chosen["matched"]),
        size=histogram(chosen["size"]),
    )
    if uneven > 1.5 * UNEVEN:
        tuning.warnings.append(
            f"positions cling to pixels (subpixel histogram uneven by {100 * uneven:.0f} %): "
            "steps much below a pixel are unreliable; use a higher magnification."
        )


def _take_minmass(tuning: Tuning, given: Mapping[str, Any], chosen: dict[str, Any]) -> None:
    low = float(np.percentile(chosen["matched"], 1))
    ranked = np.sort(chosen["mass"])[::-1]
    # Noise has no lower end to its mass: it must not outnumber what is clearly there.
    beyond = int(CROWD * len(chosen["matched"]))
    bound = float(ranked[beyond]) if beyond < len(ranked) else 0.0
    why = f"0.8 of the 1st percentile ({low:.4g}) of the masses of clear spots"
    if bound > 0.8 * low:
        why += f", and so large ({bound:.4g}) that at most a fifth of what is found are others"
    tuning.take("minmass", given, float(f"{max(0.8 * low, bound):.4g}"), f"{why}.")
    if bound > low and given.get("minmass") is None:
        tuning.warnings.append(
            "faint spots cannot be told from noise: some particles may be missed and some noise "
            "found; look at the overlay, and give detect.minmass or record with more light."
        )


def histogram(values: np.ndarray, bins: int = 60) -> np.ndarray:
    """(bins, 2) centres and counts, up to the 99.9th percentile."""
    count, edges = np.histogram(values, bins, (float(values.min()), np.percentile(values, 99.9)))
    return np.stack([(edges[1:] + edges[:-1]) / 2, count], axis=1)


def estimate_motion(
    tuning: Tuning, given: Mapping[str, Any], triples: list[list[np.ndarray]], near: float
) -> None:
    """Chooses search_range and memory.

    Args:
        triples: for each place of the video, (K, 2) positions in up to three successive frames.
        near: median distance between neighbours [px].
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
    least = min(near / 3, float(tuning.parameters["diameter"]))
    estimate = round(float(np.clip(1.5 * quantile, least, 0.5 * near)), 2)
    taken = tuning.take(
        "search_range",
        given,
        estimate,
        f"1.5 times the 99th percentile of the displacements ({quantile:.2f} px), but at least "
        f"{least:.2f} px, so that rare fast particles are followed, and at most half the distance "
        f"between neighbours ({near:.2f} px).",
    )
    share = gone / later if later else 0.0
    tuning.take(
        "memory",
        given,
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


class Tuning(NamedTuple):
    """Every setting with where it came from.

    Fields:
        parameters: diameter, polarity, minmass, separation, percentile, search_range, memory,
            min_length; px, frames, grey levels.
        source: "config" or "estimated" for each. why: a sentence for each.
        evidence: arrays behind the estimates. warnings: sentences.
    """

    parameters: dict[str, Any]
    source: dict[str, str]
    why: dict[str, str]
    evidence: dict[str, np.ndarray]
    warnings: list[str]

    def take(self, name: str, given: Mapping[str, Any], estimate: Any, why: str) -> Any:
        """Records `given[name]` or else the estimate, and returns what was taken."""
        chosen = given.get(name)
        self.source[name] = "estimated" if chosen is None else "config"
        self.why[name] = why if chosen is None else f"Given; the estimate was {estimate}."
        self.parameters[name] = estimate if chosen is None else chosen
        return self.parameters[name]


def as_json(tuning: Tuning) -> dict[str, Any]:
    """The contents of tuning.json: parameters (value, source, why), evidence as lists, warnings."""
    return {
        "parameters": {
            name: {"value": value, "source": tuning.source[name], "why": tuning.why[name]}
            for name, value in tuning.parameters.items()
        },
        "evidence": {name: np.asarray(a).tolist() for name, a in tuning.evidence.items()},
        "warnings": tuning.warnings,
    }


KNOWN = "a list of tracking settings"


def parameters(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The settings in tuning.json, name -> value.

    Raises:
        InputError: naming the file, if it is damaged.
    """
    with reading(path, KNOWN):
        return {n: entry["value"] for n, entry in read_json(path, KNOWN)["parameters"].items()}


def checksums(path: str | os.PathLike[str]) -> dict[str, str]:
    """SHA-256 of the files that tuning.json was made from, by path."""
    with reading(path, KNOWN):
        return {str(name): str(value) for name, value in read_json(path, KNOWN)["inputs"].items()}


# The largest that each may be, as a share of the smaller side of the frame.
SHARES = {"diameter": 1 / 3, "separation": 1.0, "search_range": 1.0}


def check_fits(given: Mapping[str, Any], shape: tuple[int, int]) -> None:
    """Refuses settings that a frame (H, W) is too small for.

    Raises:
        InputError: naming the setting, its bound and its value.
    """
    for name, share in SHARES.items():
        bound = share * min(shape)
        if (value := given.get(name)) is not None and value > bound:
            section = "link" if name == "search_range" else "detect"
            raise InputError(
                f"{section}.{name} must be at most {bound:g} pixels, {share:.2g} of the smaller "
                f"side of the frames ({shape[1]} x {shape[0]}), got {value:g}: leave it out to "
                f"have it estimated."
            )


def tune(videos: list[Video], given: Mapping[str, Any]) -> Tuning:
    """Settings for these runs, from a few frames of the first, the middle and the last.

    Args:
        given: settings that are not None are taken as they are; the rest builds on them.

    Raises:
        InputError: if there is nothing in the frames that could be a particle.
    """
    check_fits(given, videos[0].shape)
    tuning = Tuning({}, {}, {}, {}, [])
    triples = [[video[t] for t in three] for video, three in _places(videos)]
    images = [triple[0] for triple in triples]
    if not any(np.ptp(image) for image in images):
        raise InputError("no particles found: every pixel of the sampled frames is alike")
    scale = _polarity(tuning, given, images)
    dark = tuning.parameters["polarity"] == "dark"
    maxima = [spots.blobs(image, scale, dark) for image in images]
    points, heights = [m[0] for m in maxima], np.concatenate([m[1] for m in maxima])
    gaps = np.concatenate([spots.nearest(p) for p in points])
    if not len(gaps):
        raise InputError(
            f"no particles found in {len(images)} sampled frames: no spots of any size stand out "
            "of the noise; check the video, its channel and its contrast"
        )
    near = float(np.median(gaps))
    tuning.evidence.update(blob_height=histogram(heights), neighbour_distance=histogram(gaps))
    tuning.take("percentile", given, 50, "Half of the pixels at most belong to the ground.")
    base = given.get("diameter") or 2 * max(1, round(1.6 * scale)) + 1
    tuning.take(
        "separation",
        given,
        round(min(0.65 * near, base + 1.0), 2),
        f"0.65 of the median distance between neighbours, {near:.2f} px, and no more than the "
        "diameter + 1: particles that touch are still told apart.",
    )
    estimate_aperture(tuning, given, base, images, points)
    estimate_motion(tuning, given, [_positions(tuning, triple) for triple in triples], near)
    shortest = min(int(video.seen.sum()) for video in videos)
    tuning.take(
        "min_length",
        given,
        max(2, min(5, shortest // 5)),
        f"Five frames, or a fifth of the shortest run ({shortest} frames) if that is less.",
    )
    return tuning


def _places(videos: list[Video]) -> list[tuple[Video, list[int]]]:
    """Up to three times three successive frames: first run's start, middle of the middle run, last
    run's end. Frames that show no particles are passed over, and gaps where that can be."""
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


def _positions(tuning: Tuning, triple: list[np.ndarray]) -> list[np.ndarray]:
    settings = detection(tuning.parameters)
    return [locate(image, settings)[["y", "x"]].to_numpy() for image in triple]


def _polarity(tuning: Tuning, given: Mapping[str, Any], images: list[np.ndarray]) -> float:
    """Chooses the polarity; returns the scale [px] of the spots."""
    curve = spots.scale_curve(images[::2])
    scale, skewness = float(curve.scale[curve.best]), float(curve.skewness[curve.best])
    tuning.take(
        "polarity",
        given,
        "dark" if skewness < 0 else "bright",
        f"The response to blobs of {scale:.1f} px has skewness {skewness:.2f}: its sign tells "
        "bright spots from dark ones.",
    )
    tuning.evidence.update(scale=curve.scale, strength=curve.strength, skewness=curve.skewness)
    if not curve.interior:
        tuning.warnings.append(
            f"no spot size stands out (the response is greatest at {scale:.1f} px, the end of the "
            "range tried): give detect.diameter."
        )
    if abs(skewness) < 0.2 and given.get("polarity") is None:
        tuning.warnings.append(
            f"bright and dark spots are nearly alike (skewness {skewness:.2f}): look at the "
            "overlay, and give detect.polarity if the wrong ones were found."
        )
    return scale
