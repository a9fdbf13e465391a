"""The error of a measured position, told from motion by differences of many orders.

White errors of the positions give the n-th difference of a track the variance M_n sigma^2, with
M_n = C(2n, n) the mean of u^n over all frequencies, u = 4 sin^2(omega / 2). Motion gives its own
spectrum. Particles with inertia that a medium and neighbours kick by white forces, N per frame,
show in second differences of the positions, which average the path over two frames,

    S(omega) = N (1 - u / 6) (1 + k_1 / u + k_2 / u^2 + ...)

where 1 - u / 6 is that average and the series the answer of the springs and frictions around them,
which is small at the fast end. Of the n-th difference both together make

    <(D_n x)^2> = sigma^2 M_n + sum_k A_k (M_(n-2-k) - M_(n-1-k) / 6),

linear in sigma^2 and the A_k: generalised least squares over the orders tells them apart. Smooth
forces that change within some frames add to the lowest orders alone, the more the steeper they are:
where no number of terms describes all orders, the lowest are left out.

The variance of an error that is not white is that of its part which changes from frame to frame.
"""

from __future__ import annotations

from itertools import product
from math import comb
from typing import NamedTuple

import numpy as np
from scipy import stats

from pipeline.trajectory import Trajectory

LOWEST = (4, 6, 8, 10, 12)  # orders from which on differences are described
HIGHEST = (14, 12, 10, 8, 6)  # the last order, the first of these that tracks are long enough for
TERMS = (0, 1, 2, 3)  # A_k
SHARE = 0.2  # of the windows of the lowest order that those of the highest must leave
FEWEST = 100  # windows
BLOCKS = 60  # of snapshots, whose scatter is the error of the means
ROUNDS = 2  # of the spectrum that weighs the orders
JUMPS = 0.002  # per frame of a track, from which on they are said
FAR = 6.0  # robust standard deviations of a difference, beyond which particles are mistaken


class Localisation(NamedTuple):
    """Error of a measured position.

    Fields:
        sigma: (D,) standard deviation per component [length], NaN where it cannot be told.
        interval: (D, 2) its 95 % interval, NaN where one order alone told it.
        method: how it was found, in words.
        order: lowest of the differences in the likeliest description.
        windows: how many of each order were used.
        warnings: sentences; empty where the estimate can be trusted.
    """

    sigma: np.ndarray
    interval: np.ndarray
    method: str
    order: int
    windows: int
    warnings: list[str]


class Described(NamedTuple):
    """sigma^2 (D,) with its standard error (D,)."""

    variance: np.ndarray
    error: np.ndarray
    order: int  # the lowest described
    information: float  # Akaike's, an order left out counted as a term that fits it


def localisation_error(position: np.ndarray, present: np.ndarray, run: np.ndarray) -> Localisation:
    """sigma from differences of the orders 4 to 14.

    How many terms, and from which order on, Akaike's criterion weighs. Tracks too short for that
    leave the order 4 alone, motion included. Windows with a difference beyond six robust standard
    deviations (mislinked particles) are left out. Leave gap-filled snapshots out of ``present``.

    Args:
        position: (T, M, D) [length]. present: (T, M) bool. run: (T,).
    """
    D, lowest = position.shape[2], LOWEST[0]
    count = int(successive(present, run, lowest + 1).sum())
    nothing = np.full(D, np.nan)
    if count < FEWEST:
        said = [
            f"only {count} stretches of {lowest + 1} successive frames: too few ({FEWEST}) to "
            "measure the localisation error."
        ]
        return Localisation(nothing, np.full((D, 2), np.nan), METHOD, lowest, count, said)
    last = _last(present, run, count)
    orders = np.arange(lowest, last + 1, 2)
    squares, time, mistaken = _squares(position, present, run, orders)
    said = []
    if mistaken > JUMPS * (last + 1):
        said.append(
            f"{100 * mistaken:.1f} % of the stretches of {last + 1} frames jump six times farther "
            "than is usual: particles are mistaken for one another, or a few differ much."
        )
    if last == lowest:
        sigma = np.sqrt(squares.mean(axis=0)[:, 0])
        unknown = np.full((D, 2), np.nan)
        return Localisation(sigma, unknown, ALONE, lowest, len(squares), said)
    if not squares.any():
        return Localisation(np.zeros(D), np.zeros((D, 2)), METHOD, lowest, len(squares), said)
    best = described(squares, time, orders)
    half = stats.norm.ppf(0.975) * best.error
    ends = np.stack([best.variance - half, best.variance + half], axis=1)
    sigma, interval = (np.sqrt(np.maximum(x, 0.0)) for x in (best.variance, ends))
    return Localisation(sigma, interval, METHOD, best.order, len(squares), said)


METHOD = "differences of many orders of the tracks, which tell white errors from motion"
ALONE = "fourth differences of the tracks"


def described(squares: np.ndarray, time: np.ndarray, orders: np.ndarray) -> Described:
    """See `localisation_error`.

    Args:
        squares: (W, D, K) of differences of each window, over M_n.
        time: (W,) snapshot in which each begins, in order.
        orders: (K,).
    """
    value, scatter = squares.mean(axis=0), _scatter(squares, time)
    found = []
    for lowest, terms in product(LOWEST, TERMS):
        kept = orders >= lowest
        if terms + 2 <= kept.sum():
            means = value[:, kept], scatter[:, kept], len(squares)
            fit = _fit(*means, orders[kept], terms)
            found.append(
                fit._replace(information=fit.information + 2 * fit.variance.size * (~kept).sum())
            )
    least = value.min(axis=1)
    # Motion adds to every difference: an error above one of them describes nothing.
    possible = [x for x in found if (x.variance <= least + 2 * x.error).all()]
    best = _averaged(possible or found)
    return best._replace(variance=np.minimum(best.variance, least))


def _averaged(found: list[Described]) -> Described:
    """Over descriptions, by their Akaike weights; that they differ is part of the error (Burnham
    and Anderson, Model selection and multimodel inference (2002), 4.3)."""
    information = np.array([x.information for x in found])
    weight = np.exp(-(information - information.min()) / 2)
    weight = (weight / weight.sum())[:, None]
    variance, error = (
        np.array([getattr(x, name) for x in found]) for name in ("variance", "error")
    )
    mean = (weight * variance).sum(axis=0)
    spread = np.sqrt((weight * (error**2 + (variance - mean) ** 2)).sum(axis=0))
    return found[int(weight.argmax())]._replace(variance=mean, error=spread)


def design(orders: np.ndarray, terms: int) -> np.ndarray:
    """(K, 1 + terms) what sigma^2 and each A_k make of <(D_n x)^2> / M_n."""

    def mean(n: int) -> int:
        return comb(2 * n, n)

    rows = [
        [1.0, *((mean(n - 2 - k) - mean(n - 1 - k) / 6) / mean(n) for k in range(terms))]
        for n in orders.tolist()
    ]
    return np.array(rows)


def _scatter(squares: np.ndarray, time: np.ndarray) -> np.ndarray:
    """(D, K) variance of the means of windows, from blocks of time; 0 of a single one."""
    seen, snapshot = np.unique(time, return_inverse=True)
    block = snapshot * min(BLOCKS, len(seen)) // len(seen)
    share = np.bincount(block) / len(block)
    if len(share) < 2:
        return np.zeros(squares.shape[1:])
    first = np.searchsorted(block, np.arange(len(share)))
    parts = np.add.reduceat(squares, first, axis=0) / len(block)
    off = parts - share[:, None, None] * squares.mean(axis=0)
    return (off**2).sum(axis=0) * len(share) / (len(share) - 1)


def _fit(
    value: np.ndarray, scatter: np.ndarray, count: int, orders: np.ndarray, terms: int
) -> Described:
    """Generalised least squares: means described by white errors and ``terms`` of motion.

    Args:
        value, scatter: (D, K) means and their variance, of ``count`` windows.
    """
    X, D, top = design(orders, terms), value.shape[0], value[:, -1].mean()
    covariance = _covariance(orders, top)
    for _ in range(ROUNDS):
        white = np.linalg.inv(np.linalg.cholesky(covariance))
        theta = np.linalg.lstsq(white @ X, white @ value.T, rcond=None)[0]
        covariance = _covariance(orders, top, theta.mean(axis=1))
    # What lasts, and particles that are not alike, add to the chance of independent windows.
    chance = max(float((scatter / np.diagonal(covariance)).mean()), 1 / count)
    white = np.linalg.inv(np.linalg.cholesky(covariance))
    A = white @ X
    normal = np.linalg.inv(A.T @ A)
    theta = normal @ A.T @ white @ value.T
    chi2 = float(np.sum((white @ (value.T - X @ theta)) ** 2)) / chance
    beyond = max(1.0, chi2 / (D * (len(orders) - 1 - terms)))
    error = np.full(D, np.sqrt(beyond * chance * normal[0, 0]))
    return Described(theta[0], error, int(orders[0]), chi2 + 2 * D * (1 + terms))


FREQUENCIES = 4 * np.sin(np.pi * (np.arange(400) + 0.5) / 800) ** 2  # u


def _covariance(orders: np.ndarray, top: float, theta: np.ndarray | None = None) -> np.ndarray:
    """(K, K) of the means of squared differences, but for the number of windows.

    Of a normal process with the spectrum S(omega) it is 2 <u^(n + m) S^2> / M_n M_m.

    Args:
        orders: (K,). top: mean square of the highest, the first guess of S.
        theta: (1 + terms,) sigma^2 and A_k; S is held above half of ``top``.
    """
    u, S = FREQUENCIES, np.full(len(FREQUENCIES), top)
    if theta is not None:
        motion = sum(A * u ** (-2.0 - k) for k, A in enumerate(theta[1:]))
        S = np.maximum(theta[0] + (1 - u / 6) * motion, 0.5 * top)
    powers = u ** orders[:, None] * S / np.array([[comb(2 * n, n)] for n in orders.tolist()])
    return 2 * powers @ powers.T / len(u)


def _last(present: np.ndarray, run: np.ndarray, count: int) -> int:
    """The highest order that enough windows are long enough for; the lowest, if none."""
    for last in HIGHEST:
        if successive(present, run, last + 1).sum() >= max(FEWEST, SHARE * count):
            return last
    return LOWEST[0]


def _squares(
    position: np.ndarray, present: np.ndarray, run: np.ndarray, orders: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """(W, D, K) squared differences over M_n at the middles of windows, without windows that hold
    one far too large, their times (W,), and the share of those that do in the highest order, where
    forces that change within frames are no longer seen."""
    last = int(orders[-1])
    whole = successive(present, run, last + 1)
    near, mistaken = np.ones(int(whole.sum()), bool), 0.0
    columns: list[np.ndarray] = []
    for n in orders.tolist():
        first = (last - n) // 2
        found = np.diff(position, n=n, axis=0)[first : first + len(whole)]
        found = found[whole]
        usual = _usual(found)
        near, mistaken = near & usual, 1 - float(usual.mean())
        columns.append(found**2 / comb(2 * n, n))
    return np.stack(columns, axis=2)[near], np.nonzero(whole)[0][near], mistaken


def _usual(found: np.ndarray) -> np.ndarray:
    """(W,) of differences (W, D) that are within FAR robust standard deviations."""
    size = np.abs(found)
    if not len(size):
        return np.zeros(0, bool)
    return (size <= FAR * 1.4826 * np.median(size, axis=0)).all(axis=1)


def successive(present: np.ndarray, run: np.ndarray, count: int) -> np.ndarray:
    """(T - count + 1, M) True where ``count`` successive rows are present in one run."""
    rows = len(present) - count + 1
    if rows <= 0:
        return np.zeros((0, present.shape[1]), bool)
    whole = np.all([present[k : k + rows] for k in range(count)], axis=0)
    return whole & (run[:rows] == run[count - 1 :])[:, None]


COMPARED = 8  # order of the differences by which particles are compared
MOSTLY = 0.7  # of those differences that is error, for them to tell particles' errors apart


def of_particles(trajectory: Trajectory, rows: slice) -> np.ndarray:
    """(N,) variance of the error of each particle's positions over the mean of all.

    Bright spots are found better than faint ones, large ones otherwise than small ones. A particle
    has few differences, and its own mean square scatters about its variance; how far particles
    differ beyond that scatter says how much of it is believed (empirical Bayes, Efron and Morris,
    J. Am. Stat. Assoc. 70, 311 (1975)). Motion is taken for the same of all; where differences
    are more than a little of it, so are the errors.

    Args:
        trajectory: tracks, see `h5md.on_disk`; positions that were filled in do not count.
        rows: snapshots that may be looked at.
    """
    n, N, D = COMPARED, len(trajectory.particle), trajectory.dimension
    total, count = np.zeros(N), np.zeros(N)
    filled = {name: x for name, x in trajectory.extra.items() if name == "filled"}
    bare = trajectory._replace(extra=filled)
    for some in trajectory.portions(rows):
        part = bare.window(slice(some.start, min(some.stop + n, rows.stop)))
        who, square = _own(part, n)
        total += np.bincount(who, square, N)
        count += np.bincount(who, minlength=N)
    known, error = count > 0, float(trajectory.attributes["localisation_error"])
    if count.sum() < FEWEST or error**2 * count.sum() < MOSTLY * total.sum():
        return np.ones(N)
    ratio = np.ones(N)
    ratio[known] = total[known] / count[known] * count.sum() / total.sum()
    # Of white errors, windows that overlap allowed for; see `_covariance`.
    chance = 2 * comb(4 * n, 2 * n) / comb(2 * n, n) ** 2 / (D * np.maximum(count, 1))
    weight = count / count.sum()
    differ = float((weight * ((ratio - 1) ** 2 - chance)).sum())
    differ = max(differ, 0.0)
    return 1 + (ratio - 1) * differ / (differ + chance)


def _own(part: Trajectory, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Particle (W,) and mean squared n-th difference over M_n (W,) of every window of some
    snapshots."""
    rows = max(len(part.time) - n, 0)
    known = part.present & ~np.asarray(part.extra.get("filled", np.zeros_like(part.present)), bool)
    stretch = np.concatenate([[0], np.cumsum(~part.successive())])
    whole = successive(known, stretch, n + 1)
    who = np.broadcast_to(np.arange(known.shape[1]), known.shape)
    if part.occupant is not None:
        who = part.occupant
        whole &= np.all([who[k : k + rows] == who[:rows] for k in range(1, n + 1)], axis=0)
    found = np.diff(part.position, n=n, axis=0)[whole]
    near = _usual(found)
    return who[:rows][whole][near], (found[near] ** 2).mean(axis=1) / comb(2 * n, n)
