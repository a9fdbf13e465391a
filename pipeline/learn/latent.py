"""What a particle carries unseen: an entropy S_i(t) = teacher + z_i, and a strength s_i."""

from __future__ import annotations

import numpy as np
import torch
from scipy.spatial import cKDTree
from torch import Tensor, nn

from pipeline.trajectory import Trajectory


class Latent(nn.Module):
    """Two numbers per particle label, learned with the model and frozen afterwards.

    The teacher sees one snapshot and cannot know the heat a particle carries from the past; z can.
    Nor can one kernel serve particles of several sizes: s_i makes it s_i s_j w(r_ij), symmetric,
    so that every law holds as before. Without it, distances that differ because sizes differ look
    like displacements that cause no force, and the learned repulsion is several times too soft.
    Particles met in training keep their numbers on later blocks of time; any other particle draws
    them from the learned laws, z from N(0, spread^2) and ln s likewise.

    Three sets of particles, each within the one before:

        labels     all of the trajectory, N of them
        present    seen in the training block, if only as neighbours of others: they have an s
        scored     the loss has rows about them: they have a z

    Args:
        labels: (N,) integers.
        scored: (N,) bool.
        present: (N,) bool; None where all particles are of one strength, and no s is learned.
    """

    labels: Tensor
    scored: Tensor
    present: Tensor

    def __init__(
        self, labels: np.ndarray, scored: np.ndarray, present: np.ndarray | None = None
    ) -> None:
        super().__init__()
        self.strong = present is not None
        self.register_buffer("labels", torch.as_tensor(labels, dtype=torch.int64))
        self.register_buffer("scored", torch.as_tensor(scored, dtype=torch.bool))
        found = np.zeros(len(labels), dtype=bool) if present is None else present
        self.register_buffer("present", torch.as_tensor(found, dtype=torch.bool))
        self.z = nn.Parameter(torch.zeros(len(labels)))
        self.log_s = nn.Parameter(torch.zeros(len(labels)), requires_grad=self.strong)

    def forward(self, particle: Tensor) -> Tensor:
        """z of the given indices into ``labels``; zero for particles never scored."""
        return (self.z * self.scored)[particle]

    def centred(self) -> Tensor:
        """(N,) ln s with mean zero over those present (the mean belongs to w), else zero."""
        if not self.strong:
            return torch.zeros_like(self.log_s)
        return (self.log_s - self.log_s[self.present].mean()) * self.present

    def strength(self, particle: Tensor) -> Tensor | None:
        """s of the given indices into ``labels``; None where all are of one strength."""
        return torch.exp(self.centred())[particle] if self.strong else None

    def spread(self) -> Tensor:
        """Standard deviation of the learned law of z: a scalar."""
        z = self.z[self.scored]
        return z.std(correction=0) if z.numel() else z.new_zeros(())

    def penalty(self, scale: float, rows: int) -> Tensor:
        """Normal prior of width ``scale`` on every z, shared among the ``rows`` of the loss."""
        return 0.5 * ((self.z * self.scored) / scale).square().sum() / rows

    def strength_penalty(self, scale: float, rows: int) -> Tensor:
        """Normal prior of width ``scale`` on every ln s, shared among the ``rows`` of the loss."""
        return 0.5 * (self.centred() / scale).square().sum() / rows


def assign(
    labels: np.ndarray, known: np.ndarray, z: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Latents of a set of particles for a rollout.

    Args:
        labels: (N,) labels of the particles to serve.
        known: (K,) labels met in training.
        z: (K,) their latents.
        seed: of the generator that draws the others.

    Returns:
        (N,) latents and (N,) bool, which of them were known.
    """
    order = np.argsort(known)
    place = np.clip(np.searchsorted(known[order], labels), 0, max(len(known) - 1, 0))
    found = known[order][place] == labels if len(known) else np.zeros(len(labels), dtype=bool)
    drawn = np.random.default_rng(seed).normal(size=len(labels)) * (z.std() if len(z) else 0.0)
    return np.where(found, z[order][place] if len(known) else 0.0, drawn), found


def alike(values: np.ndarray, known: np.ndarray, window: Trajectory) -> np.ndarray:
    """(N,) values with those of unknown particles taken from the known one nearest in mass.

    A strength stands for what kind of particle it is, and so does the brightness of its spot. A
    wrong kind drawn for a particle in a dense packing makes it overlap with its neighbours.

    Args:
        values: (N,) latents, drawn where not ``known``.
        known: (N,) bool.
        window: its extra ``mass`` (T, N) is the brightness; without it values stay as drawn.
    """
    if "mass" not in window.extra or not known.any() or known.all():
        return values
    count = np.maximum(window.present.sum(axis=0), 1)
    mass = np.where(window.present, window.extra["mass"], 0.0).sum(axis=0) / count
    _, nearest = cKDTree(mass[known, None]).query(mass[:, None])
    return np.where(known, values, values[known][nearest])
