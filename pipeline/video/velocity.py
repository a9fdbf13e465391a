"""Velocities of tracked particles, the localisation error, and whether one exceeds the other.

Differences of many orders tell the localisation error from the motion of particles with inertia,
see `pipeline.localisation`. The steps of one that diffuses are independent, and differences
of any order take most of them for error. Their covariances tell the two apart: see
`pipeline.regime`, which also says which it is.
Blur along the path while the shutter is open is looked for and named; positions that cling to the
pixels are the matter of `pipeline.video.subpixel`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pipeline import regime as regimes
from pipeline.localisation import localisation_error
from pipeline.slots import again, each
from pipeline.trajectory import deviations, variance

LAGS = (1, 2, 3, 5)


class VelocityNoise(NamedTuple):
    """Velocity against its noise floor.

    Fields:
        variance: (D,) measured variance about the mean of each snapshot [length^2 / time^2].
        floor: (D,) 2 sigma^2 / dt^2, the part that localisation error makes.
        signal_to_noise: (variance - floor) / floor, over components; inf for exact positions.
        lags: (L,) [frames]; autocorrelation: (L,) of the measured velocity.
        autocorrelation_corrected: (L,) of the motion, noise removed at lag 1 and in the norm.
        warnings: sentences.
    """

    variance: np.ndarray
    floor: np.ndarray
    signal_to_noise: float
    lags: np.ndarray
    autocorrelation: np.ndarray
    autocorrelation_corrected: np.ndarray
    warnings: list[str]


def backward_difference(
    position: np.ndarray, present: np.ndarray, run: np.ndarray, dt: float | np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """v[t] = (r[t] - r[t-1]) / dt, what v' = v + dv, r' = r + v' dt makes of positions.

    Args:
        position: (T, M, D) [length]. present: (T, M) bool. run: (T,). dt: frame interval [time], or
            (T - 1,) the intervals between snapshots that follow each other.

    Returns:
        velocity (T, M, D) [length / time], 0 where unknown; present (T, M), False also where the
        predecessor is absent or belongs to another run.
    """
    known = np.zeros_like(present)
    known[1:] = present[1:] & present[:-1] & (run[1:] == run[:-1])[:, None]
    velocity = np.zeros_like(position)
    step = np.subtract(position[1:], position[:-1], out=velocity[1:])
    step /= np.reshape(dt, (-1, 1, 1))
    velocity[~known] = 0.0
    return velocity, known


def velocity_noise(
    position: np.ndarray,
    present: np.ndarray,
    run: np.ndarray,
    dt: float,
    sigma: np.ndarray,
    occupant: np.ndarray | None = None,
) -> VelocityNoise:
    """Variance of the velocity against the floor 2 sigma^2 / dt^2, and its autocorrelation.

    Args:
        position: (T, M, D) [length]. present: (T, M). run: (T,). sigma: (D,) [length].
        occupant: (T, M) who holds a column, see `pipeline.slots`.
    """
    velocity, known = backward_difference(position, present, run, dt)
    deviation, spread = deviations(velocity, known), variance(velocity, known)
    floor = 2 * np.asarray(sigma) ** 2 / dt**2
    products = []
    for lag in LAGS:
        both = again(known, run, lag, occupant)
        product = (deviation[lag:] * deviation[:-lag]).sum(2)
        products.append(product[both].mean() if both.any() else np.nan)
    correlation = np.array(products)
    motion = (spread - floor).sum()
    corrected = correlation + np.where(np.array(LAGS) == 1, floor.sum() / 2, 0.0)
    ratio = float(motion / floor.sum()) if floor.sum() != 0 else np.inf
    corrected = corrected / motion if motion > 0 else np.full(len(LAGS), np.nan)
    return VelocityNoise(
        spread,
        floor,
        ratio,
        np.array(LAGS),
        correlation / max(spread.sum(), 1e-300),
        corrected,
        _warnings(ratio, corrected),
    )


def _warnings(ratio: float, corrected: np.ndarray) -> list[str]:
    if np.isnan(ratio):
        return ["the localisation error is unknown, and so is how much of the velocity is noise."]
    said = []
    if ratio < 1.0:
        said.append(
            f"the velocity is mostly localisation error (signal to noise {ratio:.2f}, at least 1 "
            "is needed): learned forces and friction would be wrong."
        )
    if not corrected[1] >= regimes.INERTIAL:
        said.append(
            f"the velocity forgets itself within two frames (autocorrelation {corrected[1]:.2f} at "
            f"lag 2, at least {regimes.INERTIAL:g} is needed): it is not resolved at this frame "
            "rate, and a model with inertia cannot be learned from it; record faster."
        )
    return said


WILD = 0.4  # share of the squared velocity that one track in twenty may hold


class Resolution(NamedTuple):
    """What the frame rate makes of the motion.

    Fields:
        sigma: (D,) localisation error per component [length], NaN where unknown.
        interval: (D, 2) its 95 % interval [length], NaN where it is not told.
        method: how it was found, in words.
        motion: the regime and D [length^2 / frame], with their numbers.
        noise: of the velocity, with this error.
        warnings: sentences.
    """

    sigma: np.ndarray
    interval: np.ndarray
    method: str
    motion: regimes.Motion
    noise: VelocityNoise
    warnings: list[str]


def resolution(
    position: np.ndarray,
    present: np.ndarray,
    run: np.ndarray,
    occupant: np.ndarray | None = None,
) -> Resolution:
    """Localisation error and velocity noise of tracks, by the estimator that their motion asks for.

    Args:
        position: (T, M, D) [length]. present: (T, M) bool, gaps filled left out. run: (T,).
        occupant: (T, M) who holds a column, see `pipeline.slots`.
    """
    error = localisation_error(position, present, run)
    said = [
        *error.warnings,
        *_wild(position, present, run, occupant),
    ]
    sigma, interval, method = error.sigma, error.interval, error.method
    try:
        motion = regimes.motion(regimes.covariances(position, present, run, occupant=occupant))
    except ValueError as few:
        # Where no track is long enough to tell, nothing is claimed against the data.
        unknown = regimes.Regime("unknown", str(few), np.full(3, np.nan), np.zeros(0))
        motion = regimes.Motion(unknown, None, 0.0, 0.0)
    if motion.fit is not None:
        sigma = np.sqrt(motion.fit.variance[:, 0])
        interval = np.sqrt(motion.fit.variance[:, 1:])
        method = "the covariances of displacements, those at longer lags telling motion from error"
    noise = velocity_noise(position, present, run, 1.0, sigma, occupant)
    overdamped = motion.regime.name == "overdamped"
    said += _alike(motion) if overdamped else noise.warnings
    if overdamped and noise.signal_to_noise < 1:
        said += noise.warnings[:1]
    return Resolution(sigma, interval, method, motion, noise, said)


def _alike(motion: regimes.Motion) -> list[str]:
    """A warning where steps of an overdamped film are alike: see `pipeline.regime.likeness`."""
    first, second = motion.first, motion.second
    if second > 0:
        long = regimes.stride(motion.regime.covariance, motion.diffusion[0])
        steps = f", and learns from steps of {long} frames" if long > 1 else ""
        return [
            f"steps two frames apart are alike (by {second:.3f} of their variance), which motion "
            "in a liquid does not make: a codec or a camera that averages frames does, or a "
            "current. The errors of the positions are correlated then, and the diffusion "
            "coefficient is the sum over lags, which a model of this film is told"
            f"{steps}. Record without compression and noise reduction."
        ]
    if first > 1.1 * regimes.EXPOSED:
        return [
            f"successive steps correlate by {first:.2f} of their variance, more than the "
            f"{regimes.EXPOSED:.2f} that an open shutter can leave, and later ones do not: the "
            "velocity lives for part of a frame; record faster."
        ]
    if first > 0:
        return [
            f"successive steps are alike (by {first:.3f} of their variance, and later ones are "
            f"not): the shutter was open for at least {100 * first / regimes.EXPOSED:.0f} % of the "
            "frame interval, and blurs particles along their path. This hides the error of the "
            "positions, which is not white then; the diffusion coefficient does not suffer. "
            "Shorten the exposure."
        ]
    return []


def _wild(
    position: np.ndarray, present: np.ndarray, run: np.ndarray, occupant: np.ndarray | None
) -> list[str]:
    """A warning where a few tracks hold most of the motion: seldom particles.

    Of equal particles in thermal motion the fastest twentieth holds some 7 % of it; of mixtures,
    and of particles partly out of focus, up to some 30 %.
    """
    velocity, known = backward_difference(position, present, run, 1.0)
    square = each((deviations(velocity, known) ** 2).sum(axis=2), occupant)
    top = np.sort(square)[::-1][: max(1, len(square) // 20)]
    share = float(top.sum() / square.sum()) if square.sum() > 0 else 0.0
    if len(square) < 100 or share <= WILD:
        return []
    return [
        f"one track in twenty holds {100 * share:.0f} % of all motion ({100 * WILD:.0f} % is "
        "the bound): look at the rings for some that lie on walls, dust or empty ground, and keep "
        "them out (video.crop, detect.minmass)."
    ]
