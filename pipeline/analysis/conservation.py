"""What the laws say about a rollout: first law, momentum balance, second law.

A driven rollout conserves neither energy nor momentum: what the driven particles put in is taken
off first. Drifts are relative to the kinetic energy, since the internal energy has an arbitrary
offset. Entropy is that of the particles and of a medium in equilibrium together. At rest their sum
S_t does not grow: the probability of a state goes with exp(S_t / k_B), and each of f quadratic
degrees of freedom takes x^2 / 2 k_B from it, with a variance of k_B^2 / 2. Between two moments S_t
changes by sqrt(f) k_B by chance: D of a particle's velocity, D at most of its place (what it has of
a solid's, a liquid has less), and D of each mode of a memory.
"""

from __future__ import annotations

import os
from typing import NamedTuple

import numpy as np

from pipeline.errors import InputError
from pipeline.hdf5 import opened

GROUP = "observables"


NEEDED = ("time", "energy", "kinetic", "entropy", "work", "momentum", "impulse", "temperature")
Z = 2.0  # standard errors that chance is allowed


def stopped(path: str | os.PathLike[str]) -> str:
    """Why a rollout file ends early, "" where it does not.

    Raises:
        InputError: if the file is damaged or holds no observables.
    """
    with opened(path, "a rollout") as file:
        if GROUP not in file:
            raise InputError(f"{path} holds no group {GROUP}: it is not a rollout of this project.")
        return str(file[GROUP].attrs["stopped"])


class Balance(NamedTuple):
    """What is left along a rollout after accounting for the driving."""

    time: np.ndarray  # (T,) since the start [time]
    energy: np.ndarray  # (T,) E - E(0) - W over the mean kinetic energy, E of one moment
    momentum: np.ndarray  # (T,) |P - P(0) - J| over N m v_rms
    entropy: np.ndarray  # (T,) S - S(0) per particle, with that of a medium in equilibrium [k_B]
    work: np.ndarray  # (T,) W over the mean kinetic energy
    impulse: np.ndarray  # (T,) |J| over N m v_rms
    chance: float  # by which that entropy may fall: 0 without a medium

    @property
    def rate(self) -> float:
        """Slope of a straight line through the energy balance [1 / time]."""
        return float(np.polyfit(self.time, self.energy, 1)[0])

    @property
    def drift(self) -> float:
        """How far that line goes over the rollout, in mean kinetic energies.

        It tells a loss from the bounded swing of frame-long steps.
        """
        if len(self.time) < 3:
            return 0.0
        return abs(self.rate) * float(self.time[-1])


def balance(observables: dict[str, np.ndarray], modes: int = 0) -> Balance:
    """The laws of a rollout, snapshot by snapshot; NaN where nothing moves.

    Args:
        observables: time, energy, kinetic, entropy, work, temperature (T,), momentum, impulse
            (T, D) of a rollout, in reduced units (k_B = m = 1). With half_kick (T,), if it is
            there, energy is that of one moment: velocities are half a step behind positions.
            With bath_entropy (T,), NaN where it is not one, entropy is that of both.
        modes: of a memory that each particle has.

    Raises:
        InputError: if an observable is missing.
    """
    absent = [name for name in NEEDED if name not in observables]
    if absent:
        raise InputError(f"The rollout lacks the observables {', '.join(absent)}.")
    kinetic = float(np.nanmean(observables["kinetic"]))
    temperature = float(np.nanmean(observables["temperature"]))
    dimension = observables["momentum"].shape[1]
    # Equipartition backwards: kinetic = D N T / 2, so N m v_rms = N sqrt(D T) with m = 1.
    particles = 2 * kinetic / (dimension * temperature) if temperature > 0 else np.nan
    thermal = particles * np.sqrt(dimension * temperature)
    since = {name: observables[name] - observables[name][0] for name in NEEDED}
    if "half_kick" in observables:
        kick = observables["half_kick"]
        since["energy"] = since["energy"] + kick - kick[0]
    left = np.linalg.norm(since["momentum"] - since["impulse"], axis=1)
    entropy, chance = total_entropy(observables), 0.0
    if entropy is not observables["entropy"] and particles > 0:
        chance = Z * float(np.sqrt(dimension * (2 + modes) / particles))
    return Balance(
        since["time"],
        _over(since["energy"] - since["work"], kinetic),
        _over(left, thermal),
        _over(entropy - entropy[0], particles),
        _over(since["work"], kinetic),
        _over(np.linalg.norm(since["impulse"], axis=1), thermal),
        chance,
    )


def total_entropy(observables: dict[str, np.ndarray]) -> np.ndarray:
    """(T,) of the particles, with what a medium in equilibrium gained [k_B]."""
    entropy, gained = observables["entropy"], observables.get("bath_entropy")
    return entropy if gained is None or np.isnan(gained).all() else entropy + gained


def conservation(observables: dict[str, np.ndarray]) -> dict[str, float]:
    """Drifts and entropy production of a rollout as plain numbers.

    Args:
        observables: time, energy, kinetic, entropy, work (T,), momentum, impulse (T, D),
            temperature (T,), in reduced units (k_B = m = 1).

    Returns:
        energy_drift: largest |E(t) - E(0) - W(t)| over the mean kinetic energy, see `balance`.
        energy_drift_rate: slope of that balance over the mean kinetic energy [1 / time].
        work: W at the end over the mean kinetic energy.
        momentum_drift: largest |P(t) - P(0) - J(t)| over N m v_rms.
        impulse: largest |J(t)| on the same scale.
        entropy_production: (S(end) - S(0)) per particle and unit of time [k_B / time], S with that
            of a medium in equilibrium.
        entropy_decreases: fraction of the steps in which S fell; with k_B > 0 single steps may.
        steps: number of steps.

    Raises:
        InputError: if an observable is missing or there are fewer than two snapshots.
    """
    left = balance(observables)
    if len(left.time) < 2:
        raise InputError(f"The rollout has {len(left.time)} snapshots and needs at least 2.")
    return {
        "energy_drift": float(np.abs(left.energy).max()),
        "energy_drift_rate": left.rate,
        "work": float(left.work[-1]),
        "momentum_drift": float(left.momentum.max()),
        "impulse": float(left.impulse.max()),
        "entropy_production": float(left.entropy[-1] / left.time[-1]),
        "entropy_decreases": float(np.mean(np.diff(total_entropy(observables)) < 0)),
        "steps": float(len(left.time) - 1),
    }


def _over(value: np.ndarray, scale: float) -> np.ndarray:
    """Ratio, NaN where the scale vanishes (a gas at rest has no kinetic energy to compare with)."""
    return value / scale if scale > 0 else np.full_like(value, np.nan)
