"""Whether a video resolves the velocity, and the localisation error that goes with the answer.

A fourth difference reads the localisation error of motion that is smooth from frame to frame. A
particle that diffuses is not smooth: its steps are independent, and the fourth difference takes
most of them for error. The covariance of successive steps is blind to independent steps and sees
the error alone: Vestergaard, Blainey and Flyvbjerg, Phys. Rev. E 89, 022726 (2014).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pipeline.video.velocity import (
    LAGS,
    VelocityNoise,
    backward_difference,
    localisation_error,
    velocity_noise,
)

RESOLVED = 0.2  # least velocity autocorrelation at lag 2
WILD = 0.4  # share of the squared velocity that one track in twenty may hold


class Resolution(NamedTuple):
    """What the frame rate makes of the motion.

    Fields:
        sigma: (D,) localisation error per component [length], NaN where unknown.
        method: how it was found, in words.
        resolved: whether the velocity outlives two frames.
        noise: of the velocity, with this error.
        warnings: sentences.
    """

    sigma: np.ndarray
    method: str
    resolved: bool
    noise: VelocityNoise
    warnings: list[str]


def resolution(position: np.ndarray, present: np.ndarray, run: np.ndarray) -> Resolution:
    """Localisation error and velocity noise of tracks, by the estimator that their motion asks for.

    Args:
        position: (T, N, D) [length]. present: (T, N) bool, gaps filled left out. run: (T,).
    """
    error = localisation_error(position, present, run)
    error = error._replace(warnings=[*error.warnings, *_wild(position, present, run)])
    noise = velocity_noise(position, present, run, 1.0, error.sigma)
    lag = LAGS.index(2)
    memory = noise.autocorrelation_corrected[lag]
    memory = memory if np.isfinite(memory) else noise.autocorrelation[lag]
    # Where no track is long enough to tell, nothing is claimed against the data.
    if not memory < RESOLVED:
        said = [*error.warnings, *noise.warnings]
        return Resolution(error.sigma, "fourth differences of the tracks", True, noise, said)
    sigma, method = error.lower, "the covariance of successive displacements"
    if not (sigma > 0).all():
        # Steps that go on into the next frame and no further hide the error from the covariance.
        sigma, method = error.sigma, "fourth differences of the tracks, an upper bound here"
    noise = velocity_noise(position, present, run, 1.0, sigma)
    return Resolution(sigma, method, False, noise, [*error.warnings, *noise.warnings])


def _wild(position: np.ndarray, present: np.ndarray, run: np.ndarray) -> list[str]:
    """A warning where a few tracks hold most of the motion: seldom particles.

    Of equal particles in thermal motion the fastest twentieth holds some 7 % of it; of mixtures,
    and of particles partly out of focus, up to some 30 %.
    """
    velocity, known = backward_difference(position, present, run, 1.0)
    mean = np.einsum("tnd,tn->td", velocity, known) / np.maximum(known.sum(1), 1)[:, None]
    square = (np.where(known[..., None], velocity - mean[:, None], 0.0) ** 2).sum(axis=(0, 2))
    top = np.sort(square)[::-1][: max(1, len(square) // 20)]
    share = float(top.sum() / square.sum()) if square.sum() > 0 else 0.0
    if len(square) < 100 or share <= WILD:
        return []
    return [
        f"one track in twenty holds {100 * share:.0f} % of all motion ({100 * WILD:.0f} % is "
        "the bound): look at the rings for some that lie on walls, dust or empty ground, and keep "
        "them out (video.crop, detect.minmass)."
    ]
