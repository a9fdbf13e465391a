"""How large a model's rearrangements are beside the experiment's: one ratio with its interval."""

from __future__ import annotations

import numpy as np

from pipeline.analysis.uncertainty import draws, percentiles, ratio, resampled

Sums = tuple[np.ndarray, np.ndarray]  # numerator and denominator (U, K) per patch


def amplitude(experiment: Sums, rollouts: list[Sums]) -> tuple[float, float, float]:
    """Ratio of two curves, the geometric mean over their points, with its 95 % interval.

    Args:
        experiment: sums of the curve of the experiment, per patch of particles.
        rollouts: the same of every rollout; their curves are averaged.

    Returns:
        value, low, high. Patches are drawn anew in experiment and rollouts together, where they
        have the same, and so are the rollouts; points that either side lacks are left out.
    """
    whole, made, good = _curves(experiment, rollouts)
    if not good.any():
        return (float("nan"),) * 3
    samples = np.stack([resampled(*sums)[:, good] for sums in rollouts], axis=1)  # (B, R, K)
    weight = draws(len(rollouts), seed=1) / len(rollouts)
    drawn = np.einsum("br,brk->bk", weight, samples)
    low, high = percentiles(_level(drawn, resampled(*experiment)[:, good]))
    return float(_level(made.mean(axis=0)[good], whole[good])), float(low), float(high)


def compared(experiment: Sums, rollouts: list[Sums]) -> tuple[int, int]:
    """At how many points of the curve of the experiment the two are compared, and of how many: a
    rollout that stopped early lacks the later ones."""
    whole, _, good = _curves(experiment, rollouts)
    return int(good.sum()), int((whole > 0).sum())


def _curves(experiment: Sums, rollouts: list[Sums]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of the experiment (K,) and of the rollouts (R, K), and the points (K,) that all have."""
    whole = ratio(*(x.sum(axis=0) for x in experiment))
    made = np.stack([ratio(*(x.sum(axis=0) for x in sums)) for sums in rollouts])
    return whole, made, (whole > 0) & np.isfinite(made).all(axis=0) & (made > 0).all(axis=0)


def _level(model: np.ndarray, experiment: np.ndarray) -> np.ndarray:
    return np.exp(np.log(model / experiment).mean(axis=-1))
