"""Diameter and minmass of the detector, from what it makes of spots that are clearly there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.video import spots
from pipeline.video.detect import Detection, locate

if TYPE_CHECKING:
    from pipeline.video.tune import Tuning

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


def estimate(
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
        ValueError: if the detector sees none of the clear spots.
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
        raise ValueError(
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
    bound = ranked[min(int(CROWD * len(chosen["matched"])), len(ranked) - 1)]
    tuning.take(
        "minmass",
        given,
        float(f"{max(0.8 * low, bound):.4g}"),
        f"0.8 of the 1st percentile ({low:.4g}) of the masses of clear spots, and so large "
        f"({bound:.4g}) that at most a fifth of what is found are others.",
    )
    if bound > low and given.get("minmass") is None:
        tuning.warnings.append(
            "faint spots cannot be told from noise: some particles may be missed and some noise "
            "found; look at the overlay, and give detect.minmass or record with more light."
        )


def histogram(values: np.ndarray, bins: int = 60) -> np.ndarray:
    """(bins, 2) centres and counts, up to the 99.9th percentile."""
    count, edges = np.histogram(values, bins, (float(values.min()), np.percentile(values, 99.9)))
    return np.stack([(edges[1:] + edges[:-1]) / 2, count], axis=1)
