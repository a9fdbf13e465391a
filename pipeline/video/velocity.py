"""Velocities of tracked particles, the localisation error, and whether one exceeds the other.

Differences of high order read the localisation error of motion that is smooth from frame to frame;
the steeper the forces, the higher the order that leaves them behind. A particle that diffuses is
not smooth: its steps are independent, and differences of any order take most of them for error. The
covariances of its steps tell the two apart: see `pipeline.regime`, which also says which it is.
Blur along the path while the shutter is open is looked for and named; positions that cling to the
pixels are the matter of `pipeline.video.subpixel`.
"""

from __future__ import annotations

from math import comb
from typing import NamedTuple

import numpy as np

from pipeline import regime as regimes
from pipeline.slots import again, each
from pipeline.trajectory import deviations, variance

LAGS = (1, 2, 3, 5)
ORDERS = (4, 6, 8, 10, 12)  # of differences
SMOOTH = 0.02  # of the error, a fall that is not worth a higher order
FEWEST = 100  # differences
NUMERALS = {4: "fourth", 6: "sixth", 8: "eighth", 10: "tenth", 12: "twelfth"}


class Localisation(NamedTuple):
    """Error of a measured position, from high differences.

    Fields:
        sigma: (D,) standard deviation per component [length].
        order: of the differences; snapshots: how many were used.
        warnings: sentences; empty where the estimate can be trusted.
    """

    sigma: np.ndarray
    order: int
    snapshots: int
    warnings: list[str]


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


def _successive(present: np.ndarray, run: np.ndarray, count: int) -> np.ndarray:
    """(T - count + 1, M) True where `count` successive rows are present in one run."""
    rows = len(present) - count + 1
    if rows <= 0:
        return np.zeros((0, present.shape[1]), bool)
    whole = np.all([present[k : k + rows] for k in range(count)], axis=0)
    return whole & (run[:rows] == run[count - 1 :])[:, None]


def localisation_error(position: np.ndarray, present: np.ndarray, run: np.ndarray) -> Localisation:
    """sigma = sqrt(<(D_n x)^2> / C(2n, n)) of the n-th difference D_n, per component.

    White localisation error has <(D_n x)^2> = C(2n, n) sigma^2, 70 sigma^2 at n = 4, and motion
    adds to that: forces that change within tau frames a part that falls as tau^(-2 n). The order is
    raised from 4 to at most 12, until this lowers the estimate by no more than chance or 2 %.
    Differences beyond six robust standard deviations (mislinked particles) are left out. Leave
    gap-filled snapshots out of `present`.

    Args:
        position: (T, M, D) [length]. present: (T, M) bool. run: (T,).
    """
    found = _by_difference(position, present, run, ORDERS[0])
    for order in ORDERS[1:]:
        higher = _by_difference(position, present, run, order)
        if higher.snapshots < FEWEST:
            break
        fall = 1 - np.sqrt((higher.sigma**2).mean() / max((found.sigma**2).mean(), 1e-300))
        if fall <= max(SMOOTH, higher.snapshots**-0.5):
            break
        found = higher
    return found


def _by_difference(
    position: np.ndarray, present: np.ndarray, run: np.ndarray, order: int
) -> Localisation:
    """See `localisation_error`; NaN where fewer than FEWEST differences of this order are there."""
    whole = _successive(present, run, order + 1)
    if whole.sum() < FEWEST:
        said = [
            f"only {int(whole.sum())} stretches of {order + 1} successive frames: too few "
            f"({FEWEST}) to measure the localisation error."
        ]
        return Localisation(np.full(position.shape[2], np.nan), order, int(whole.sum()), said)
    differences = np.diff(position, n=order, axis=0)[whole]
    spread = 1.4826 * np.median(np.abs(differences), axis=0)
    kept = (np.abs(differences) <= 6 * spread).all(axis=1)
    sigma = np.sqrt(np.mean(differences[kept] ** 2, axis=0) / comb(2 * order, order))
    said = []
    if 1 - kept.mean() > 0.01:
        said.append(
            f"{100 * (1 - kept.mean()):.1f} % of the stretches of {order + 1} frames jump six "
            "times farther than is usual: particles are mistaken for one another, or a few differ "
            "much."
        )
    return Localisation(sigma, order, int(kept.sum()), said)


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
        interval: (D, 2) its 95 % interval [length], NaN where it was not asked for.
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
    sigma, interval = error.sigma, np.full((len(error.sigma), 2), np.nan)
    method = f"{NUMERALS[error.order]} differences of the tracks"
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
