"""Memory of the medium: modes that make the residuals likelier, found after training.

Free beside the modes are the strength of the white noise, the friction that modes take over, and
the error of the positions (`pipeline.learn.kalman`). What was white noise to a training without
modes is in part theirs: the noise of the medium is set anew with them. How many there are, and
whether kernel and noise belong to a medium in equilibrium, the validation block says.

A likelihood alone is no memory: of steps that begin within a stride of each other most is said
several times, and a mode of next to no force that follows the velocity makes up a little for a
drift that is wrong, while what is left remembers as much as before. So a mode has to take away
most of the correlation in time of what the filter did not foresee, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from scipy.optimize import minimize

from pipeline.learn.bond_filter import BondRest
from pipeline.learn.choice import BLOCKS, ERRORS, Trial, gain
from pipeline.learn.kalman import FEWEST, Rest, StateSpace, gather, looked_at, medium_of
from pipeline.learn.snapshots import Sample

if TYPE_CHECKING:
    from pipeline.learn.learner import Learner

SLOWEST = 0.3  # of a mode's time in that of the block; what is slower is no force that is forgotten
LAGS = 10  # at which it is asked what is left of the memory
LEFT = 0.5  # of the squares of the correlations, at most, where a mode is kept
Z = 1.96  # of 95 % intervals


class Fit(NamedTuple):
    """A model of the residuals by maximum likelihood."""

    kind: str  # of the memory, "none" for none
    modes: StateSpace
    parameters: np.ndarray
    score: np.ndarray  # (t,) negative log-likelihood per particle on the validation block
    block: np.ndarray  # (t,) of time
    memory: float  # of the validation block, see `remembered`
    total: float  # negative log-likelihood of the training block [nats]


class Problem:
    """The likelihood of one training's residuals as a function of a vector of parameters.

    p, delta, the share of static bonds that the model misses, and ln sigma^2 come first, all but p
    where they are free; then ln tau and ln c of Maxwell's modes, ln tau, ln c and ln <f^2> of
    active ones.

    Args:
        rest: of the training block.
        temperature: T_b of Maxwell's modes.
        error: sigma^2 to begin with; 0 where positions are exact.
        medium: none | tied | free: whose noise is scaled, see `gather`; or bonds, of which the
            friction that belongs to it is ``rest.middle``.
    """

    def __init__(
        self, rest: Rest | BondRest, temperature: float, error: float, medium: str
    ) -> None:
        self.rest, self.T, self.error, self.medium = rest, temperature, error, medium
        self.size = float(np.nanmean(rest.residual**2))
        # Friction that belongs to the noise that is scaled; pairs have their own.
        whole = float(np.nanmean(rest.scaled)) / rest.share
        self.paid = {"none": 0.0, "bonds": 1.0}.get(medium, whole / (2 * temperature))
        # Stiffness of static bonds. They were trained without what acceleration changes within a
        # step, and to fast strain elements answer as they do.
        self.firm = float(rest.stiffness.mean()) if isinstance(rest, BondRest) else 0.0
        self.longest = np.log(SLOWEST * rest.residual.shape[1])

    def free(self, kind: str) -> bool:
        """Whether the friction of the medium is a parameter by itself.

        Maxwell's modes take no energy on average, so that what an active medium feeds into the
        motion is as it was without them: its friction changes by what its noise does.
        """
        return self.medium == "free" and kind == "active"

    def common(self, kind: str) -> list[tuple[float, tuple[float, float]]]:
        """Beginning and bounds of the parameters that need no modes."""
        low, high = -12.0, 6.0
        if self.medium in ("tied", "bonds"):
            rate = float(np.nanmean(self.rest.rate))
            low, high = np.log(0.01 / rate), np.log(1.9 / rate)
        found = [(0.0, (min(low, 0.0), max(high, 0.0)))]
        if self.free(kind):
            found.append((0.0, (-0.5, 0.5)))
        if self.firm:
            found.append((0.0, (-0.3, 0.3)))
        if self.error > 0:
            ln = float(np.log(self.error))
            found.append((ln - 1.0, (ln - 7.0, ln + 3.0)))
        return found

    def modes(self, x: np.ndarray, kind: str) -> StateSpace:
        """The parameters by name."""
        x = np.asarray(x, float)
        white, rest = float(x[0]), x[1:]
        friction, error, static = self.paid * (np.exp(white) - 1), 0.0, 0.0
        if self.free(kind):
            friction, rest = float(rest[0]), rest[1:]
        if self.firm:
            static, rest = self.firm * float(rest[0]), rest[1:]
        if self.error > 0:
            error, rest = float(np.exp(rest[0])), rest[1:]
        parts = np.exp(rest.reshape({"none": 1, "maxwell": 2, "active": 3}[kind], -1))
        if kind == "none":
            parts = np.zeros((2, 0))
        time, c = parts[:2]
        variance = parts[2] if len(parts) > 2 else c * self.T
        return StateSpace(time, c, variance, white, friction, error, static)

    def score(self, x: np.ndarray, kind: str, rest: Rest | BondRest | None = None) -> np.ndarray:
        """(T,) negative log-likelihood per particle, and (T,) particles."""
        found = (rest or self.rest).filtered(self.modes(x, kind))
        return np.stack(found[:2])

    def fit(self, kind: str, begin: list[np.ndarray]) -> tuple[np.ndarray, float]:
        """The likeliest parameters from several beginnings (3, K) of ln tau, ln c, ln <f^2>, and
        their negative log-likelihood [nats]."""
        common = self.common(kind)
        rows = {"none": 0, "maxwell": 2, "active": 3}[kind]
        best, least = np.zeros(0), np.inf
        count = 0.0  # particles, the same for all parameters
        for start in begin:
            K = start.shape[1]
            limits = [(np.log(0.3), self.longest), (-30.0, 2.0), (-40.0, 5.0)][:rows]
            bounds = [one for _, one in common] + [one for one in limits for _ in range(K)]
            x = np.concatenate([[one for one, _ in common], start[:rows].ravel()])
            x = np.clip(x, *np.array(bounds).T)

            def cost(x: np.ndarray) -> float:
                nonlocal count
                total, count = self.score(x, kind).sum(axis=1)
                return float(total / count)

            done = minimize(
                cost, x, method="L-BFGS-B", bounds=bounds, options={"maxiter": 200, "ftol": 1e-9}
            )
            if done.fun < least:
                best, least = done.x, done.fun
        return best, float(least * count)

    def beginnings(self, modes: int, before: np.ndarray | None) -> list[np.ndarray]:
        """Where to begin; with one mode more than a fit had, at (3, K) of its own."""
        one = np.log(0.3 * self.size)
        fresh = [np.array([[np.log(t)], [one - np.log(self.T)], [one]]) for t in (2.0, 12.0)]
        if modes == 1 or before is None:
            return fresh
        shift = np.array([[0.0], [-1.5], [-1.5]])
        added = [before + shift + np.array([[np.log(t)], [0.0], [0.0]]) for t in (8.0, 0.2)]
        return [np.concatenate([before, one], axis=1) for one in added]

    def intervals(self, x: np.ndarray, kind: str) -> np.ndarray:
        """Standard errors of the parameters, by curvature or scatter, whichever is wider.

        Infinite where the likelihood does not bend.
        """
        step, n = 1e-3, len(x)
        turn = np.eye(n) * step
        plus, minus = ([self.score(x + s * one, kind)[0] for one in turn] for s in (1, -1))
        slopes = (np.array(plus) - np.array(minus)) / (2 * step)  # (n, T)
        bend = np.empty((n, n))
        for a in range(n):
            for b in range(a, n):
                ends = [
                    self.score(x + s * turn[a] + r * turn[b], kind)[0].sum() * s * r
                    for s in (1, -1)
                    for r in (1, -1)
                ]
                bend[a, b] = bend[b, a] = sum(ends) / (4 * step**2)
        # Each of the interleaved sequences of a stride says most of what the others say.
        apart = np.linalg.pinv(bend, hermitian=True)
        inverse = apart * self.rest.order.span
        label = self.rest.order.blocks(np.arange(slopes.shape[1]), 2 * BLOCKS)
        blocks = np.array([slopes[:, label == b].sum(1) for b in np.unique(label)])
        scatter = apart @ np.cov(blocks.T).reshape(n, n) * len(blocks) @ apart
        spread = np.maximum(np.diag(inverse), np.diag(scatter))
        return np.where(np.diag(bend) > 0, np.sqrt(np.maximum(spread, 0.0)), np.inf)


def choose(problem: Problem, later: Rest | BondRest, kind: str) -> tuple[Fit, list[Trial]]:
    """The modes that the data support, none, one or two, and what decided.

    Supported is what makes the validation block likelier by more than twice the standard error,
    the training block by more nats than it has parameters (Akaike 1974), and takes more than half
    of the memory away that the validation block shows.

    Args:
        problem: of the training block.
        later: of the validation block.
        kind: maxwell, active, or auto: active where the validation block is likelier so by more
            than twice the standard error, else maxwell.
    """

    def fitted(kind: str, modes: int, before: np.ndarray | None) -> Fit:
        begin = [np.zeros((3, 0))] if kind == "none" else problem.beginnings(modes, before)
        x, nats = problem.fit(kind, begin)
        total, count = problem.score(x, kind, later)
        found, times = problem.modes(x, kind), np.flatnonzero(count)
        block = later.order.blocks(times, BLOCKS)
        each = total[times] / count[times]
        return Fit(kind, found, x, each, block, remembered(later, found), nats)

    trials: list[Trial] = []

    def better(old: Fit, new: Fit) -> bool:
        found, error = gain(old.score, new.score, old.block)
        # A mode that fades to nothing gains as much as rounding, and may do so in every block.
        paid = len(new.parameters) - len(old.parameters)
        earned = (old.total - new.total) / problem.rest.order.span
        kept = found > ERRORS * error and earned > paid
        if len(new.modes.time) > len(old.modes.time):
            kept = kept and new.memory < LEFT * old.memory
        said = f"{len(new.modes.time)} {new.kind} after {len(old.modes.time)} {old.kind}"
        trials.append(Trial("memory", said, found, error, kept))
        return kept

    none = fitted("none", 0, None)
    one = fitted("maxwell" if kind == "auto" else kind, 1, None)
    if kind == "auto":
        other = fitted("active", 1, None)
        one = other if better(one, other) else one
    if not better(none, one):
        return none, trials
    own = one.modes
    before = np.log(np.maximum([own.time, own.stiffness, own.variance], 1e-30))
    two = fitted(one.kind, 2, before)
    return (two if better(one, two) else one), trials


def remembered(rest: Rest | BondRest, modes: StateSpace) -> float:
    """Sum of the squares of the correlations in time of what the filter did not foresee.

    Over LAGS steps (Box and Pierce, J. Am. Stat. Assoc. 65, 1509 (1970)).
    """
    left, size = rest.filtered(modes)[2:]
    z = np.swapaxes(left / np.sqrt(size)[..., None], 0, 1)
    products = [rest.order.products(z, k) for k in range(1, min(LAGS, len(z) - 1) + 1)]
    means = [np.nanmean(x) for x in products if np.isfinite(x).any()]
    return float(np.square(means).sum())


def remember(learner: Learner, sample: Sample, validation: np.ndarray) -> dict[str, Any]:
    """Gives the trained model the modes that its residuals show, and tells of them.

    Args:
        learner: trained; its model and the noise of its medium are changed where there are modes.
        sample: of the training block.
        validation: snapshots that decide how many there are.

    Returns:
        Plain values for model.yaml: ``modes``, ``kind``, ``trials``; and where there are modes
        ``time``, ``stiffness``, ``variance`` with their 95 % intervals ``low`` and ``high``,
        ``friction`` c tau, ``error`` sigma^2, all in reduced units.
    """
    if learner.brownian or learner.noise.shake or min(len(sample.times), len(validation)) < FEWEST:
        return {"modes": 0, "kind": "none", "trials": []}
    medium, bath = medium_of(learner), learner.model.bath
    rest, later = (
        gather(learner, sample.snapshots, looked_at(sample.snapshots, times), medium)
        for times in (sample.times, validation)
    )
    T = float(bath.temperature()) if medium == "tied" else learner.noise.temperature
    problem = Problem(rest, T, max(learner.noise.error, 0.0), medium)
    fit, trials = choose(problem, later, learner.options.memory)
    if fit.kind != "none":
        install(learner, fit, T, rest)
    return described(problem, fit, trials, T)


def described(problem: Problem, fit: Fit, trials: list[Trial], T: float) -> dict[str, Any]:
    """A fit for model.yaml, see `remember`; T is the temperature of its modes."""
    told: dict[str, Any] = {"modes": len(fit.modes.time), "kind": fit.kind}
    told["trials"] = [trial._asdict() for trial in trials]
    if fit.kind == "none":
        return told
    K = len(fit.modes.time)
    error = problem.intervals(fit.parameters, fit.kind)[-len(RANGES[fit.kind]) * K :].reshape(-1, K)
    for name, spread in zip(RANGES[fit.kind], error, strict=True):
        value = getattr(fit.modes, name)
        ends = [np.exp(np.log(value) + s * np.minimum(Z * spread, 30.0)) for s in (-1, 1)]
        told[name] = {"value": value.tolist(), "low": ends[0].tolist(), "high": ends[1].tolist()}
    told["friction"] = (fit.modes.stiffness * fit.modes.time).tolist()
    return {**told, "temperature": T, "error": fit.modes.error}


RANGES = {"maxwell": ("time", "stiffness"), "active": ("time", "stiffness", "variance")}


@torch.no_grad()
def install(learner: Learner, fit: Fit, temperature: float, rest: Rest) -> None:
    """The modes of a fit, and the white noise and the friction that go with them."""
    model, modes = learner.model, fit.modes
    values = (torch.from_numpy(x) for x in modes[:3])
    model.remember(fit.kind, len(modes.time)).set(*values, temperature)
    learner.modes_error = modes.error
    factor, rate = float(np.exp(modes.white)), float(np.nanmean(rest.rate))
    medium = medium_of(learner)
    if medium == "none":
        model.friction.amplify(momentum=modes.white)
    elif medium == "tied":
        model.bath.start(rate + modes.friction, 0.0)
    else:
        whole = float(np.nanmean(rest.scaled)) / rest.share
        model.bath.start(rate + modes.friction, factor * whole)
