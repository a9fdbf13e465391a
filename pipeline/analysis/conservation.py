"""What the laws say about a rollout: first law, momentum balance, second law.

A driven rollout conserves neither energy nor momentum: what the driven particles put in is taken
off first. Drifts are relative to the kinetic energy, since the internal energy has an arbitrary
offset.
"""

from __future__ import annotations

import os

import h5py
import numpy as np

from pipeline.errors import InputError
from pipeline.files import reading

GROUP = "observables"


def read(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """The observables of a rollout file, (T,) or (T, D) each, and its attribute ``stopped``.

    Raises:
        InputError: if the file is damaged or holds no observables.
    """
    with reading(path, "a rollout"), h5py.File(path, "r") as file:
        group = _observables(file)
        return {name: group[name][:] for name in group}


def stopped(path: str | os.PathLike[str]) -> str:
    """Why a rollout file ends early, "" where it does not.

    Raises:
        InputError: if the file is damaged or holds no observables.
    """
    with reading(path, "a rollout"), h5py.File(path, "r") as file:
        return str(_observables(file).attrs["stopped"])


def _observables(file: h5py.File) -> h5py.Group:
    if GROUP not in file:
        raise InputError(
            f"{file.filename} holds no group {GROUP}: it is not a rollout of this project."
        )
    return file[GROUP]


def conservation(observables: dict[str, np.ndarray]) -> dict[str, float]:
    """Drifts and entropy production of a rollout as plain numbers.

    Args:
        observables: time, energy, kinetic, entropy, work (T,), momentum, impulse (T, D),
            temperature (T,), as `read` gives them, in reduced units (k_B = m = 1).

    Returns:
        energy_drift: largest |E(t) - E(0) - W(t)| over the mean kinetic energy.
        energy_drift_rate: slope of that balance over the mean kinetic energy [1 / time].
        work: W at the end over the mean kinetic energy.
        momentum_drift: largest |P(t) - P(0) - J(t)| over N m v_rms.
        impulse: largest |J(t)| on the same scale.
        entropy_production: (S(end) - S(0)) per particle and unit of time [k_B / time].
        entropy_decreases: fraction of the steps in which S fell; with k_B > 0 single steps may.
        steps: number of steps.

    Raises:
        ValueError: if an observable is missing or there are fewer than two snapshots.
    """
    needed = ("time", "energy", "kinetic", "entropy", "work", "momentum", "impulse", "temperature")
    absent = [name for name in needed if name not in observables]
    if absent:
        raise ValueError(f"The rollout lacks the observables {', '.join(absent)}.")
    time = observables["time"]
    if len(time) < 2:
        raise ValueError(f"The rollout has {len(time)} snapshots and needs at least 2.")
    kinetic = float(np.mean(observables["kinetic"]))
    dimension = observables["momentum"].shape[1]
    # Equipartition backwards: kinetic = D N T / 2, so N m v_rms = N sqrt(D T) with m = 1.
    temperature = float(np.mean(observables["temperature"]))
    particles = 2 * kinetic / (dimension * temperature) if temperature > 0 else np.nan
    momentum_scale = particles * np.sqrt(dimension * temperature)
    energy = observables["energy"] - observables["energy"][0]
    energy = energy - (observables["work"] - observables["work"][0])
    impulse = observables["impulse"] - observables["impulse"][0]
    momentum = observables["momentum"] - observables["momentum"][0] - impulse
    entropy = observables["entropy"]
    span = time[-1] - time[0]
    return {
        "energy_drift": _over(np.abs(energy).max(), kinetic),
        "energy_drift_rate": _over(np.polyfit(time, energy, 1)[0], kinetic),
        "work": _over(observables["work"][-1] - observables["work"][0], kinetic),
        "momentum_drift": _over(np.linalg.norm(momentum, axis=1).max(), momentum_scale),
        "impulse": _over(np.linalg.norm(impulse, axis=1).max(), momentum_scale),
        "entropy_production": _over(entropy[-1] - entropy[0], particles * span),
        "entropy_decreases": float(np.mean(np.diff(entropy) < 0)),
        "steps": float(len(time) - 1),
    }


def _over(value: float, scale: float) -> float:
    """Ratio, NaN where the scale vanishes (a gas at rest has no kinetic energy to compare with)."""
    return float(value / scale) if scale > 0 else float("nan")
