"""What the latents of the particles turned out to be, beside what is known of the particles."""

from __future__ import annotations

from typing import Any

import numpy as np

from pipeline.learn.latent import Latent
from pipeline.trajectory import Trajectory

Group = dict[str, Any]


def histogram(values: np.ndarray) -> Group:
    """Edges and counts in 60 bins."""
    count, edges = np.histogram(values, bins=60)
    return {"edges": edges, "count": count}


def entropy_group(S: np.ndarray, true: np.ndarray | None) -> Group:
    """Learned entropies (n,), and where the true ones are known how these go with them."""
    group = histogram(S)
    if true is not None and S.std() > 0:
        group["correlation_entropy"] = np.corrcoef(S, true)[0, 1]
    return group


def latent_groups(latent: Latent, traits: dict[str, np.ndarray]) -> dict[str, Group]:
    """Groups ``latent`` (z) and ``strength`` (s) with their correlations with traits.

    A strong correlation means that the latent stands for what kind of particle it is.

    Args:
        latent: frozen.
        traits: mass, size, species (N,) each, in the order of the labels; NaN where unknown.
    """
    z = latent.z.detach().cpu().double().numpy()
    groups = {"latent": _group("z", z, latent, latent.trained.cpu().numpy(), traits)}
    if latent.strong:
        # Edge particles are met as neighbours only and less well known: show the scored ones.
        shown = (latent.met & latent.trained).cpu().numpy()
        log_s = latent.centred().detach().cpu().double().numpy()
        groups["strength"] = _group("s", np.exp(log_s), latent, shown, traits)
    return groups


def _group(
    name: str, values: np.ndarray, latent: Latent, known: np.ndarray, traits: dict[str, np.ndarray]
) -> Group:
    x = values[known]
    group: Group = {**histogram(x), "particle": latent.labels.cpu().numpy()[known], name: x}
    for trait, of_all in traits.items():
        y = np.asarray(of_all, dtype=float)[known]
        good = np.isfinite(y)
        if good.sum() > 2 and y[good].std() > 0 and x[good].std() > 0:
            group[trait] = y
            group[f"correlation_{trait}"] = np.corrcoef(y[good], x[good])[0, 1]
    return group


def traits(trajectory: Trajectory) -> dict[str, np.ndarray]:
    """Properties of the particles that a latent may turn out to stand for, NaN where unknown."""
    known = trajectory.present.any(axis=0)
    found = {"species": np.where(trajectory.species >= 0, trajectory.species, np.nan)}
    for name in ("mass", "size"):
        if name in trajectory.extra:
            value = np.where(trajectory.present, trajectory.extra[name], 0.0).sum(axis=0)
            count = np.maximum(trajectory.present.sum(axis=0), 1)
            found[name] = np.where(known, value / count, np.nan)
    return found
