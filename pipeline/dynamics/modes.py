"""The modes of a memory in a rollout: what every particle carries of them, and their step.

Positions and velocities take the step they always take, with the force f of the modes as one from
outside. In the frame of the medium a mode is a spring (`pipeline.closures.memory`), and is moved
as positions are: half of the way, its creep and the noise of that exactly, the other half,

    x* = x + d/2,    x** = e x* + sqrt((1 - e^2) T_b / c) xi,    x' = x** + d/2,    e = exp(-dt/tau)

with d = r' - r - u dt. For a particle by itself, with the friction of a bath or without, <v^2> and
c <x^2> / m are then T_b / m over 1 - C dt^2 / 4 m, C the sum of all c: the factor of leapfrog in a
trap (`pipeline.dynamics.integrators`). Written for f = -c x it serves modes without stiffness, too.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from pipeline.closures.memory import Memory
from pipeline.dynamics.accounts import Account, FromBath
from pipeline.metriplectic.noise import pair_normals
from pipeline.pairs import State

NOBODY = 2**32 - 1  # tags from here downwards are no particle's: the noise of a mode has one each


class Modes:
    """Forces of the modes on all particles of a window.

    Args:
        memory: of the model, in float64.
        count: N particles.
        dimension: D.
    """

    def __init__(self, memory: Memory, count: int, dimension: int) -> None:
        self.memory, self.stored = memory, memory.stored
        self.c, self.variance = memory.stiffness()[:, None], memory.variance()[:, None]
        self.f = torch.zeros((count, len(self.c), dimension), dtype=torch.float64)
        self.met = np.zeros(count, dtype=bool)  # who has modes already

    def enter(self, who: np.ndarray, seed: int, step: int) -> None:
        """Modes in equilibrium, f of variance `variance`, for those of ``who`` that have none."""
        new = who[~self.met[who]]
        K = len(self.c)
        self.f[new] = self.variance.sqrt() * self._normal(new, seed, step, NOBODY - K)
        self.met[new] = True

    def force(self, who: np.ndarray) -> Tensor:
        """Force (n, D) on particles ``who`` (n,)."""
        return self.f[who].sum(1)

    def energy(self, who: np.ndarray) -> float:
        """f^2 / 2 c of all modes that store one."""
        return float((self.f[who].square() / (2 * self.c)).sum()) if self.stored else 0.0

    def half_kick(self, who: np.ndarray, v: Tensor, dt: float) -> float:
        """See `Law.half_kick`: of forces that an energy belongs to."""
        return float(0.5 * dt * (self.force(who) * v).sum()) if self.stored else 0.0

    def step(
        self,
        who: np.ndarray,
        states: tuple[State, State],
        flow: Tensor | None,
        dt: float,
        draw: tuple[int, int],
    ) -> Account:
        """Moves the modes of ``who`` (n,) on, and tells what the medium gave in the step.

        The impulse is f dt. Of modes with an energy the heat is what it changed by, less what the
        way d gave it by the mean of the forces at both ends; with `half_kick` the account then
        closes to round-off. Of others the medium does the work f dt . (v + v') / 2.

        Args:
            who: particles present.
            states: before and after the step.
            flow: (n, D) velocity of the medium, None where it rests.
            dt: length of the step.
            draw: seed and number of the step.
        """
        before, after = states
        f = self.f[who]
        moved = after.r - before.r
        carried = torch.zeros_like(moved) if flow is None else flow * dt
        keep = torch.exp(-dt / self.memory.time())[:, None]
        half = 0.5 * self.c * (moved - carried)[:, None]
        noise = ((1 - keep**2) * self.variance).sqrt() * self._normal(who, *draw, NOBODY)
        self.f[who] = new = keep * (f - half) + noise - half
        impulse = f.sum(1) * dt
        if not self.stored:
            work = float((impulse * (before.v + after.v)).sum() / 2)
            total = impulse.sum(0)
            return Account(work, total, FromBath(0.0, work, total, 0.0))
        mean = 0.5 * (f + new).sum(1)
        stored = float(((new.square() - f.square()) / (2 * self.c)).sum())
        heat = stored + float((mean * (moved - carried)).sum())
        work = float((mean * carried).sum())
        total = impulse.sum(0)
        share = FromBath(heat, work, total, heat / float(self.memory.temperature()))
        return Account(heat + work, total, share)

    def _normal(self, who: np.ndarray, seed: int, step: int, last: int) -> Tensor:
        """(n, K, D) normals that depend on nothing but seed, step and particle."""
        tags = (who + 1).astype(np.int64)
        D = self.f.shape[2]
        drawn = [
            pair_normals(seed, step, tags, np.full_like(tags, last - k))[:D].T
            for k in range(len(self.c))
        ]
        return torch.from_numpy(np.stack(drawn, axis=1))
