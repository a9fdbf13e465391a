"""Bonds of a solid that remember, in a rollout: their elongations, forces, creep and its heat.

Mode k of a bond, of stiffness c_k times the weight of the bond, is moved as positions are: half of
the change of length d, its creep and the noise of that exactly, the other half,

    x* = x + d/2,    x** = e x* + sqrt((1 - e^2) T / (c tau lambda)) xi,    x' = x** + d/2

with e = exp(-lambda dt). Between creeps the bond is a spring whose rest length is another one, so
that steps err as leapfrog does. The creep changes its energy by c (x**^2 - x*^2) / 2, and the two
ends lose that heat, half each. In the space of (x, S_i, S_j) it is the way u = (1, -c x / 2 T_i,
-c x / 2 T_j), along which energy does not change, with M = T u u^T / (c tau), 1/T the mean of 1/T_i
and 1/T_j, so that M grad E = 0, the drift of x is -x/tau, and, from the divergence of M,

    lambda = (1 - T_i T_j / (T_i + T_j)^2 (1/C_i + 1/C_j)) / tau

with the heat capacities C of the ends: less than 1/tau by a part in 2 C.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from pipeline.closures.memory import Memory
from pipeline.closures.reference import Reference
from pipeline.dynamics.modes import NOBODY
from pipeline.metriplectic.noise import pair_normals
from pipeline.metriplectic.thermo import warmed
from pipeline.pairs import Pairs, geometry, sum_even, sum_odd


class Heat(NamedTuple):
    """Of the particles (N,)."""

    T: Tensor  # temperature
    dTdS: Tensor  # T / C

    def after(self, dS: Tensor) -> Heat:
        """Later by dS (N,), heat capacities unchanged."""
        growth = torch.exp(dS * self.dTdS / self.T)
        return Heat(self.T * growth, self.dTdS * growth)


class BondModes:
    """Elongations x (K, M) of the K modes of M bonds.

    Args:
        memory: of the model, in float64.
        reference: undeformed bonds; all of their particles are present.
    """

    def __init__(self, memory: Memory, reference: Reference) -> None:
        self.memory, self.reference = memory, reference
        self.c = memory.stiffness()[:, None] * reference.relative_weight
        self.x: Tensor | None = None

    def enter(self, seed: int, step: int) -> None:
        """Elongations in equilibrium, <x^2> = T / c, unless there are some already."""
        if self.x is None:
            spread = (self.memory.temperature() / self.c).sqrt()
            self.x = spread * self._normal(seed, step, NOBODY - len(self.c))

    def force(self, r: Tensor) -> Tensor:
        """Force (N, D) on the particles at r (N, D)."""
        bonds = self._bonds(r)
        return sum_odd(bonds, self._along()[:, None] * bonds.e)

    def energy(self) -> float:
        """c x^2 / 2 of all modes."""
        return float((0.5 * self.c * self._x().square()).sum())

    def step(
        self, r: tuple[Tensor, Tensor], heat: Heat, dt: float, draw: tuple[int, int]
    ) -> Tensor:
        """Moves the modes on; entropies (N,) that their creep brings.

        Args:
            r: positions (N, D) before and after the step.
            heat: of the particles after it.
            dt: length of the step.
            draw: seed and number of the step.
        """
        before, bonds = self._bonds(r[0]), self._bonds(r[1])
        half = 0.5 * (bonds.r - before.r)
        rate, variance = self._creep(heat)
        keep = torch.exp(-rate * dt)
        start = self._x() + half
        noise = ((1 - keep**2) * variance).sqrt() * self._normal(*draw, NOBODY)
        crept = keep * start + noise
        self.x = crept + half
        gained = (0.5 * self.c * (crept.square() - start.square())).sum(0)
        return warmed(-0.5 * sum_even(bonds, gained), heat.T, heat.dTdS)

    def _creep(self, heat: Heat) -> tuple[Tensor, Tensor]:
        """lambda and <x^2> in equilibrium (K, M)."""
        bonds, tau = self.reference.bonds, self.memory.time()[:, None]
        (T_i, C_i), (T_j, C_j) = (
            (heat.T[end], (heat.T / heat.dTdS)[end]) for end in (bonds.i, bonds.j)
        )
        unlike = T_i * T_j / (T_i + T_j).square()
        slower = 1 - unlike * (1 / C_i + 1 / C_j)
        T = 2 * T_i * T_j / (T_i + T_j)
        return slower / tau, T / (self.c * slower)

    def _along(self) -> Tensor:
        """(M,) force of each bond along itself, that of repulsion positive."""
        return -(self.c * self._x()).sum(0)

    def _x(self) -> Tensor:
        assert self.x is not None
        return self.x

    def _bonds(self, r: Tensor) -> Pairs:
        bonds = self.reference.bonds
        return geometry(r, bonds.i, bonds.j, self.reference.space)

    def _normal(self, seed: int, step: int, last: int) -> Tensor:
        """(K, M) normals that depend on nothing but seed, step and bond."""
        tags = np.arange(1, self.c.shape[1] + 1)
        drawn = [
            pair_normals(seed, step, tags, np.full_like(tags, last - k))[0]
            for k in range(len(self.c))
        ]
        return torch.from_numpy(np.stack(drawn))
