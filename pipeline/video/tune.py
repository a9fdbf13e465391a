"""Settings of detection and linking, estimated from the video where they are not given.

Size and polarity come from the Laplacian-of-Gaussian response, separation from the distances
between its maxima, the diameter from subpixel positions, minmass from the masses of features that
are maxima too, and the search range and memory from matching neighbouring frames.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from pipeline.video import aperture, motion, spots
from pipeline.video.detect import Detection, locate
from pipeline.video.frames import Video
from pipeline.video.link import Linking


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


def detection(parameters: Mapping[str, Any]) -> Detection:
    """What detect.features needs, out of Tuning.parameters."""
    return Detection(
        int(parameters["diameter"]),
        float(parameters["minmass"]),
        float(parameters["separation"]),
        float(parameters["percentile"]),
        parameters["polarity"] == "dark",
    )


def linking(parameters: Mapping[str, Any], remove_drift: bool = False) -> Linking:
    """What link.link needs, out of Tuning.parameters."""
    return Linking(
        float(parameters["search_range"]),
        int(parameters["memory"]),
        int(parameters["min_length"]),
        remove_drift=remove_drift,
    )


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


def tune(videos: list[Video], given: Mapping[str, Any]) -> Tuning:
    """Settings for these runs, from a few frames of the first, the middle and the last.

    Args:
        given: settings that are not None are taken as they are; the rest builds on them.

    Raises:
        ValueError: if there is nothing in the frames that could be a particle.
    """
    tuning = Tuning({}, {}, {}, {}, [])
    triples = [list(video.frames(t, t + 3)) for video, t in _places(videos)]
    images = [triple[0] for triple in triples]
    if not any(np.ptp(image) for image in images):
        raise ValueError("no particles found: every pixel of the sampled frames is alike")
    scale = _polarity(tuning, given, images)
    dark = tuning.parameters["polarity"] == "dark"
    maxima = [spots.blobs(image, scale, dark) for image in images]
    points, heights = [m[0] for m in maxima], np.concatenate([m[1] for m in maxima])
    gaps = np.concatenate([spots.nearest(p) for p in points])
    if not len(gaps):
        raise ValueError(
            f"no particles found in {len(images)} sampled frames: no spots of any size stand out "
            "of the noise; check the video, its channel and its contrast"
        )
    near = float(np.median(gaps))
    tuning.evidence.update(
        blob_height=aperture.histogram(heights), neighbour_distance=aperture.histogram(gaps)
    )
    tuning.take("percentile", given, 50, "Half of the pixels at most belong to the ground.")
    base = given.get("diameter") or 2 * max(1, round(1.6 * scale)) + 1
    tuning.take(
        "separation",
        given,
        round(min(0.65 * near, base + 1.0), 2),
        f"0.65 of the median distance between neighbours, {near:.2f} px, and no more than the "
        "diameter + 1: particles that touch are still told apart.",
    )
    aperture.estimate(tuning, given, base, images, points)
    motion.estimate(tuning, given, [_positions(tuning, triple) for triple in triples], near)
    shortest = min(map(len, videos))
    tuning.take(
        "min_length",
        given,
        max(2, min(5, shortest // 5)),
        f"Five frames, or a fifth of the shortest run ({shortest} frames) if that is less.",
    )
    return tuning


def _places(videos: list[Video]) -> list[tuple[Video, int]]:
    """Up to three (video, frame): first run's start, middle of the middle run, last run's end."""
    middle = videos[len(videos) // 2]
    chosen = [
        (videos[0], 0),
        (middle, max(0, len(middle) // 2 - 1)),
        (videos[-1], max(0, len(videos[-1]) - 3)),
    ]
    return [c for k, c in enumerate(chosen) if c not in chosen[:k]]


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
