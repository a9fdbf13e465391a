"""Whether spots are brighter or darker than the ground, and of which size, by a few frames."""

from __future__ import annotations

import numpy as np

from pipeline.video import spots
from pipeline.video.parameters import Tuning


def choose(tuning: Tuning, images: list[np.ndarray]) -> tuple[float, str]:
    """Chooses the polarity of a few frames; returns the scale [px] of the spots, and it."""
    curve, level = spots.scale_curves(images[::2])
    if spots.overshone(images[::2], curve, level):
        curve = level
        tuning.warnings.append(
            "a glow, a vignette or something large outshines the spots: size and polarity were "
            "judged by the parts of the picture that are alike; look at the overlay."
        )
    tuning.evidence.update(scale=curve.scale, strength=curve.strength, skewness=curve.skewness)
    if not curve.interior and (few := spots.sparse(images[::2], curve.scale)):
        scale, dark = few
        why = f"Spots of {scale:.1f} px stand out from the ground, few as they are."
        return scale, tuning.take("polarity", "dark" if dark else "bright", why)
    best = spots.typical(images[::2], curve)
    scale, skewness = float(curve.scale[best]), float(curve.skewness[best])
    taken = tuning.take(
        "polarity",
        "dark" if skewness < 0 else "bright",
        f"The response to blobs of {scale:.1f} px has skewness {skewness:.2f}: its sign tells "
        "bright spots from dark ones.",
    )
    if not curve.interior:
        tuning.warnings.append(
            f"no spot size stands out (the response is greatest at {scale:.1f} px, the end of the "
            "range tried): give detect.diameter."
        )
    if abs(skewness) < 0.2 and tuning.given.polarity is None:
        tuning.warnings.append(
            f"bright and dark spots are nearly alike (skewness {skewness:.2f}): look at the "
            "overlay, and give detect.polarity if the wrong ones were found."
        )
    return scale, taken
