"""Inertial or overdamped, the localisation error and D: what the covariances of steps say.

With u_t = r_(t+1) - r_t, relative to the mean motion, C_k = < u_t . u_(t+k) > per component is

    C_0 = V_0 + 2 sigma^2,     C_1 = V_1 - sigma^2,     C_k = V_k from lag 2 on,

V_k of the motion and sigma a white error of the positions (Vestergaard, Blainey and Flyvbjerg,
Phys. Rev. E 89, 022726 (2014)). C_0 + 2 C_1 and all lags from 2 on are therefore free of it, and

    memory = 3 C_2 / (C_0 + 2 C_1)

is 1 in free flight, 0 for independent steps, below 0 for particles that are pushed back, whatever
the error. In a liquid the velocity correlation is 2 D delta(t) - sum_i w_i exp(-t / tau_i) with
w_i >= 0 (reversible overdamped motion relaxes monotonically), so that

    V_k = 2 D dt delta_k0 - sum_i w_i int int exp(-|t - t'| / tau_i) dt dt'

over two intervals k apart. Non-negative least squares of D, sigma^2 and w on all lags tells the
error from the back-push of neighbours, which it extrapolates from lags 2, 3, ... to lags 1 and 0.
A push that relaxes within a frame looks exactly like error: the value assumes tau >= dt, the
interval allows tau >= 0.7 dt. How well a small error can be told at all is a matter of counting,
d(sigma^2) = 2 D dt / sqrt(number of steps) at best.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import nnls

from pipeline.errors import InputError
from pipeline.slots import again, each
from pipeline.trajectory import mean_flow

LONGEST = 12  # lags of the fit
# Relaxation times tau [intervals] that a value is fitted with, and those its interval allows.
TIMES, ALLOWED = np.geomspace(1.0, 100.0, 10), np.geomspace(0.7, 100.0, 11)
# The same of parts of a step that are found again in the next, and of slow motion beside them.
HANDED_ON, SLOW = np.array([0.5, 1.0]), np.array([10.0, 30.0, 100.0])
SAMPLES = 200  # of the bootstrap
INERTIAL = 0.25  # memory surely above: a velocity that decays by exp(-1) an interval has 0.29
OVERDAMPED = 0.2  # memory surely below: one that decays by exp(-1.3); between the two, unknown
EXPOSED = 1 / 6  # largest C_1 / (C_0 + 2 C_1) that an exposure as long as the interval leaves
FEWEST = 100  # products of steps that a covariance rests on
SHORT = 0.4  # of 2 D t, the most that averaging may take from the variance of a step learned from
FLOW = 3.0  # times chance, from where a smooth flow is taken out


class Covariances(NamedTuple):
    """Sums over time of u_t u_(t+k) of each particle, per component, and how many they are."""

    total: np.ndarray  # (N, K + 1, D) [length^2]
    pairs: np.ndarray  # (N, K + 1)

    @property
    def value(self) -> np.ndarray:
        """(K + 1, D) C_k [length^2]."""
        return self.total.sum(axis=0) / self.pairs.sum(axis=0)[:, None]

    def resampled(self, samples: int = SAMPLES, seed: int = 0) -> np.ndarray:
        """(samples, K + 1, D) C_k of particles drawn with replacement."""
        units = len(self.pairs)
        generator = np.random.default_rng(seed)
        weight = generator.multinomial(units, np.full(units, 1 / units), size=samples).astype(float)
        total = np.tensordot(weight, self.total, axes=1)
        return total / np.maximum(weight @ self.pairs, 1e-12)[..., None]


class Fit(NamedTuple):
    """D and sigma^2.

    Fields:
        diffusion: (3,) D of a particle alone and its 95 % interval [length^2 / interval].
        variance: (D, 3) sigma^2 of each component and its interval [length^2].
    """

    diffusion: np.ndarray
    variance: np.ndarray


class Regime(NamedTuple):
    """name: inertial, overdamped or unknown; why: the sentence.

    Fields:
        memory: (3,) 3 C_2 / (C_0 + 2 C_1) and its 95 % interval, NaN where nothing moves.
        covariance: (K + 1,) C_k over the components [length^2].
    """

    name: str
    why: str
    memory: np.ndarray
    covariance: np.ndarray


class Motion(NamedTuple):
    """All that the steps tell: the regime; D and sigma^2, None where the velocity is resolved.

    first, second: what makes steps alike at lags 1 and 2, see `likeness`.
    """

    regime: Regime
    fit: Fit | None
    first: float
    second: float

    @property
    def diffusion(self) -> np.ndarray:
        """(3,) D and its interval [length^2 / interval], NaN unless overdamped."""
        known = self.fit is not None and self.regime.name == "overdamped"
        return self.fit.diffusion if self.fit and known else np.full(3, np.nan)

    def attributes(self, length: float, interval: float) -> dict[str, Any]:
        """What a trajectory says of it, in its own units."""
        numbers = {
            "regime_memory": self.regime.memory,
            "step_covariance": self.regime.covariance * length**2,
            "diffusion": self.diffusion * length**2 / interval,
        }
        if self.regime.name == "overdamped" and self.first + self.second > 0:
            numbers["steps_alike"] = np.array([self.first, self.second])
        return {
            "velocity_resolved": self.fit is None,
            "regime": self.regime.name,
            "regime_why": self.regime.why,
            **{name: x.tolist() for name, x in numbers.items() if np.isfinite(x).all()},
        }


def covariances(
    position: np.ndarray,
    present: np.ndarray,
    run: np.ndarray,
    longest: int = LONGEST,
    occupant: np.ndarray | None = None,
) -> Covariances:
    """C_k of tracks with gaps, relative to the mean motion of each snapshot.

    A smooth flow is taken out as well where it is more than chance makes of independent steps.
    What a fit takes of the fluctuation is given back.

    Args:
        position: (T, M, D) [length]. present: (T, M) bool, gaps filled left out. run: (T,).
        longest: lags up to this, fewer where the tracks are short.
        occupant: (T, M) who holds a column, see `pipeline.slots`.

    Raises:
        InputError: if fewer than 100 pairs of successive steps are there.
    """
    known = present[1:] & present[:-1] & (run[1:] == run[:-1])[:, None]
    step = np.where(known[..., None], np.diff(position, axis=0), 0.0)
    # At the middle of a step, which knows nothing of the errors at its ends.
    step = _fluctuation((position[1:] + position[:-1]) / 2, step, known)
    holder = None if occupant is None else occupant[1:]
    particles = None if occupant is None else int(occupant.max()) + 1
    total, count = [], []
    for k in range(min(longest, len(step) - 1) + 1):
        a, b = slice(0, len(step) - k), slice(k, None)
        both = again(known, run[1:], k, holder)
        if both.sum() < FEWEST:
            break
        own = None if holder is None else holder[a]
        total.append(each(step[a] * step[b] * both[..., None], own, particles))
        count.append(each(both, own, particles))
    if len(total) < 3:
        raise InputError(
            f"Fewer than {FEWEST} pairs of steps two frames apart were followed: too few to tell "
            "how particles move; link longer tracks or record more frames."
        )
    kept = count[0] > 0
    return Covariances(np.stack(total, axis=1)[kept], np.stack(count, axis=1)[kept].astype(float))


def _fluctuation(place: np.ndarray, step: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Steps (T, N, D) without mean motion or flow, as large as if nothing had been fitted."""
    seen = [t for t in range(len(step)) if known[t].sum() > 1]
    some = seen[:: max(1, len(seen) // 50)]
    flow = chance = 0.0
    for t in some:
        here = known[t]
        field, spent = mean_flow(place[t, here], step[t, here])
        spread = ((step[t, here] - step[t, here].mean(axis=0)) ** 2).sum()
        flow += ((field - field.mean(axis=0)) ** 2).sum()
        chance += spread * (spent - 1) / here.sum()
    left = np.zeros_like(step)
    for t in seen:
        here = known[t]
        field, spent = step[t, here].mean(axis=0), 1
        if flow > FLOW * chance > 0:
            field, spent = mean_flow(place[t, here], step[t, here])
        left[t, here] = (step[t, here] - field) / np.sqrt(1 - spent / here.sum())
    return left


def classified(found: Covariances) -> Regime:
    """Which regime the lags that no white error reaches belong to.

    Overdamped: the memory is below 0.2 with certainty, and no longer lag is positive. Inertial: it
    is above 0.25 with certainty. Anything else cannot be told.
    """
    value, samples = found.value.mean(axis=1), found.resampled().mean(axis=2)
    base = samples[:, 0] + 2 * samples[:, 1]
    if not np.percentile(base, 2.5) > 0.01 * value[0]:
        why = (
            "the particles do not move beyond the error of their positions, so nothing tells "
            "inertia from friction"
        )
        return Regime("unknown", why, np.full(3, np.nan), value)
    estimate = 3 * value[2] / (value[0] + 2 * value[1])
    low, high = np.percentile(3 * samples[:, 2] / base, [2.5, 97.5])
    memory = np.array([estimate, low, high])
    said = (
        f"memory {estimate:.2f}, {low:.2f} to {high:.2f}; 1 in free flight, 0 for steps that know "
        "nothing of each other"
    )
    later = 3 * np.percentile(samples[:, 2:] / base[:, None], 0.1, axis=0)
    if low > INERTIAL:
        return Regime("inertial", f"the velocity outlives the frame ({said})", memory, value)
    slow = bool((later > OVERDAMPED).any())
    if high < OVERDAMPED and not slow:
        why = f"the velocity is forgotten within a frame ({said})"
        return Regime("overdamped", why, memory, value)
    if slow and high < OVERDAMPED:
        said += "; longer lags are positive, as of oscillations or of a drive"
    return Regime("unknown", f"the steps lie between the regimes ({said})", memory, value)


def motion(found: Covariances) -> Motion:
    """The regime, and D and sigma^2 by the fit that it and the first lags ask for."""
    kind = classified(found)
    if kind.memory[0] >= INERTIAL:
        return Motion(kind, None, 0.0, 0.0)
    first, second = likeness(found) if np.isfinite(kind.memory[0]) else (0.0, 0.0)
    fit = fit_handed_on if second > 0 else fit_shutter if first > 0 else fit_pushed_back
    return Motion(kind, fit(found), first, second)


def overlap(k: int, tau: np.ndarray) -> np.ndarray:
    """int int exp(-|t - t'| / tau) over two unit intervals k apart."""
    decay = np.exp(-1 / tau)
    if k == 0:
        return 2 * tau * (1 - tau * (1 - decay))
    return tau**2 * (1 - decay) ** 2 * np.exp(-(k - 1) / tau)


def beyond(covariance: np.ndarray, diffusion: float, steps: int) -> float:
    """What the variance of ``steps`` intervals has beyond 2 D t, as a variance of positions.

    It is their error sigma^2 where that is white, less what averaging takes: negative where
    positions are averages of a path, and a step so much shorter.

    Args:
        covariance: (K + 1,) C_k [length^2].
        diffusion: D [length^2 / interval].
    """
    later = np.arange(1, min(steps, len(covariance)))
    whole = steps * covariance[0] + 2 * ((steps - later) * covariance[later]).sum()
    return float(whole / 2 - diffusion * steps)


def stride(covariance: np.ndarray, diffusion: float) -> int:
    """The least number of intervals over which averaging takes at most SHORT of 2 D t."""
    for steps in range(1, len(covariance)):
        if -beyond(covariance, diffusion, steps) <= SHORT * diffusion * steps:
            return steps
    return len(covariance)


def fit_pushed_back(found: Covariances) -> Fit:
    """D and sigma^2 of particles that are pushed back by others, where longer lags show it."""
    if np.percentile(found.resampled().mean(axis=2)[:, 2:].sum(axis=1), 97.5) >= 0:
        nothing = np.zeros((len(found.value), 0))
        return _fit(found, nothing, nothing, 0)
    best, allowed = (
        -np.stack([overlap(k, times) for k in range(len(found.value))])
        for times in (TIMES, ALLOWED)
    )
    return _fit(found, best, allowed, 0)


def fit_handed_on(found: Covariances) -> Fit:
    """D and sigma^2 where a part of each step is found again in the next few.

    Of a velocity that lives for about a frame, or of a camera or codec that averages frames: a step
    is handed on with weights rho^k, which add up, so that D is half the sum of C_k over all lags.
    Slower motion, a flow, is no diffusion.
    """
    lag = np.arange(len(found.value))
    decay = np.exp(-1 / HANDED_ON)
    columns = decay ** lag[:, None] * (1 - decay) / (1 + decay)
    slow = np.stack([overlap(k, SLOW) for k in range(len(lag))])
    design = np.concatenate([columns, slow], axis=1)
    return _fit(found, design, design, len(HANDED_ON))


def fit_shutter(found: Covariances) -> Fit:
    """D of particles blurred along their path, half of C_0 + 2 C_1, which no shutter changes.

    Of the error only a bound can be told: the blur is at most that of a shutter that never closes.
    """
    value, samples = found.value, found.resampled()
    base, bases = (
        c[..., 0, :].mean(axis=-1) + 2 * c[..., 1, :].mean(axis=-1) for c in (value, samples)
    )
    most = np.maximum(EXPOSED * base - value[1], 0.0)
    bound = np.stack([np.zeros_like(most), np.zeros_like(most), most], axis=1)
    return Fit(_interval(base / 2, bases / 2), bound)


def _fit(found: Covariances, best: np.ndarray, allowed: np.ndarray, diffusive: int) -> Fit:
    """Non-negative least squares of 2 D, sigma^2 and weights of further columns on all lags.

    Args:
        best: (K + 1, M) columns for the value. allowed: the same for its interval.
        diffusive: how many of the first columns add to 2 D.
    """
    value, samples = found.value, found.resampled()
    mean, means = value.mean(axis=1), samples.mean(axis=2)
    spread = np.cov(means.T)
    # Few particles do not tell all covariances between lags.
    spread = 0.8 * spread + 0.2 * np.diag(np.diag(spread))
    weight = np.linalg.cholesky(np.linalg.inv(spread)).T

    def fits(columns: np.ndarray, curves: np.ndarray) -> np.ndarray:
        own = np.zeros((len(mean), 2))
        own[0, 0], own[0, 1], own[1, 1] = 1.0, 2.0, -1.0
        scaled = weight @ np.concatenate([own, columns], axis=1)
        norm = np.linalg.norm(scaled, axis=0)
        p = np.array([nnls(scaled / norm, weight @ c)[0] / norm for c in curves])
        return np.stack([(p[:, 0] + p[:, 2 : 2 + diffusive].sum(axis=1)) / 2, p[:, 1]])

    (D,), (error,) = fits(best, mean[None])
    others, errors = fits(allowed, means)
    # The components share the motion, and differ in their error.
    apart, apart_too = value[1] - mean[1], samples[:, 1] - means[:, 1, None]
    variance = np.maximum(error - apart, 0.0)
    scatter = np.maximum(errors[:, None] - apart_too, 0.0)
    return Fit(
        _interval(D, others),
        np.stack([_interval(variance[k], scatter[:, k]) for k in range(len(variance))]),
    )


def _interval(value: float, others: np.ndarray) -> np.ndarray:
    """(3,) a value, and the 95 % interval of the others, which holds it."""
    low, high = np.percentile(others, [2.5, 97.5])
    return np.array([value, min(low, value), max(high, value)])


def likeness(found: Covariances) -> tuple[float, float]:
    """C_1 and C_2 over C_0 + 2 C_1, each 0 where it is not positive with certainty.

    In a liquid nothing makes steps alike but how they were taken: a shutter that is open for the
    share e of the interval leaves e / 6 at lag 1 (Savin and Doyle, Biophys. J. 88, 623 (2005)),
    less the error of the positions, and nothing at lag 2.
    """
    samples, value = found.resampled().mean(axis=2), found.value.mean(axis=1)
    base = value[0] + 2 * value[1]
    sure = np.percentile(samples[:, 1:3], 0.5, axis=0) > 0
    first, second = np.where(sure, value[1:3] / base, 0.0)
    return float(first), float(second)
