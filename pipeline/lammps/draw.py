"""Latents of new particles from the laws in a potential file."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pipeline.lammps.potential import Potential


class Latents(NamedTuple):
    """What particles carry unseen, see `pipeline.learn.latent`."""

    z: np.ndarray  # (N,) entropy offsets [k_B]
    strength: np.ndarray | None  # (N,) factors s_i of the kernel; None where all are alike


def draw(potential: Potential, count: int, seed: int) -> Latents:
    """Latents of ``count`` new particles, as those met in training are distributed.

    Raises:
        ValueError: if the file is of a model that was not trained and has no laws.
    """
    if "law.entropy" not in potential.numbers:
        raise ValueError("The potential holds no law of latents: export a trained model.")
    rng = np.random.default_rng(seed)
    z, log_s = (
        _inverted(potential.numbers[f"law.{name}"], rng.random(count))
        for name in ("entropy", "log_strength")
    )
    return Latents(z, np.exp(log_s) if potential.numbers["strong"][0] else None)


def _inverted(quantiles: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Values at cumulative probabilities u (N,), from quantiles at equal steps of them."""
    return np.interp(u, np.linspace(0.0, 1.0, len(quantiles)), quantiles)
