"""A persistent entropy per training particle, S_i(t) = teacher + z_i."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn


class Latent(nn.Module):
    """One number z per particle label, learned with the model and frozen afterwards.

    The teacher sees one snapshot and cannot know what a particle carries from the past (heat,
    but also its species or size); z can. Particles met in training keep their z on later blocks
    of time; any other particle draws one from the learned law N(0, spread^2).

    Args:
        labels: (N,) labels of all particles of the trajectory.
        trained: (N,) bool, those that the training block scores.
    """

    labels: Tensor
    trained: Tensor

    def __init__(self, labels: np.ndarray, trained: np.ndarray) -> None:
        super().__init__()
        self.register_buffer("labels", torch.as_tensor(labels, dtype=torch.int64))
        self.register_buffer("trained", torch.as_tensor(trained, dtype=torch.bool))
        self.z = nn.Parameter(torch.zeros(len(labels)))

    def forward(self, particle: Tensor) -> Tensor:
        """z of the given indices into ``labels``; zero for particles never trained."""
        return (self.z * self.trained)[particle]

    def spread(self) -> Tensor:
        """Standard deviation of the learned law: a scalar."""
        z = self.z[self.trained]
        return z.std(correction=0) if z.numel() else z.new_zeros(())

    def penalty(self, scale: float, rows: int) -> Tensor:
        """Normal prior of width ``scale`` on every z, shared among the ``rows`` of the loss."""
        return 0.5 * ((self.z * self.trained) / scale).square().sum() / rows

    @torch.no_grad()
    def centre(self) -> Tensor:
        """Takes the mean off z and returns it: the caller gives it to the teacher."""
        mean = self.z[self.trained].mean() if bool(self.trained.any()) else self.z.new_zeros(())
        self.z[self.trained] -= mean
        return mean


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
