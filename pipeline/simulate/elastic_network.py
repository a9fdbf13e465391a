"""A triangular lattice of springs at a temperature: a solid whose moduli are known.

Newton's equations with springs of stiffness k and rest length 1, and along every spring friction
-gamma (v_ij . e_ij) e_ij with the noise that keeps it at T: momentum is kept. One step is one of
velocity Verlet and then, spring after spring, the exact solution of friction and noise for the
relative velocity of its ends (Shardlow, SIAM J. Sci. Comput. 24, 1267 (2003), in the form of Lowe,
Europhys. Lett. 47, 145 (1999)). Springs without a common end are taken at once.

Beside a spring there may be Maxwell's elements, springs of stiffness k_m in series with a dashpot
that lets go within tau_m. Each holds an elongation x of its own, along the spring between its ends,

    dx = (v_ij . e_ij) dt - x / tau_m dt + sqrt(2 k_B T / (k_m tau_m)) dW,     force -k_m x e_ij,

whose noise keeps <x^2> = k_B T / k_m. A step moves it by half of the change of length, its creep
and noise exactly, and the other half.

At small strains the lattice is isotropic, with the shear modulus sqrt(3) k / 4 and the bulk modulus
sqrt(3) k / 2 (Hoover, Ashurst and Olness, J. Chem. Phys. 60, 4043 (1974)).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import sparse
from tqdm import tqdm

from pipeline.simulate.replicated import ElasticNetwork
from pipeline.trajectory import Box, Trajectory

STEPS = ((1, 0), (0, 1), (-1, 1))  # columns and rows to the neighbours of a node, one way each


class Lattice(NamedTuple):
    """Nodes and springs in a periodic box."""

    places: np.ndarray  # (N, 2) at rest
    sides: np.ndarray  # (2,) of the box
    i: np.ndarray  # (M,) one end of each spring
    j: np.ndarray  # (M,) the other
    apart: list[np.ndarray]  # springs in sets of which none share an end

    def springs(self, r: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Directions from j to i (M, 2) and lengths (M,)."""
        d = r[self.i] - r[self.j]
        d -= self.sides * np.round(d / self.sides)
        length = np.sqrt((d * d).sum(axis=1))
        return d / length[:, None], length


def lattice(columns: int, rows: int) -> Lattice:
    """Nodes at distance 1 in a box of ``columns`` x ``rows`` sqrt(3) / 2."""
    y, x = (k.ravel() for k in np.mgrid[:rows, :columns])
    places = np.stack([x + 0.5 * (y % 2) + 0.25, (y + 0.5) * np.sqrt(0.75)], axis=1)
    ends = []
    for across, up in STEPS:
        # Every second row is shifted by half a spring.
        aside = x + across + (up * (y % 2))
        ends.append(aside % columns + columns * ((y + up) % rows))
    i = np.tile(np.arange(columns * rows), len(STEPS))
    j = np.concatenate(ends)
    return Lattice(places, np.array([columns, rows * np.sqrt(0.75)]), i, j, _apart(i, j))


def _apart(i: np.ndarray, j: np.ndarray) -> list[np.ndarray]:
    """Springs in sets of which none share an end: each takes the first in which it is alone."""
    taken: list[set[int]] = [set() for _ in range(int(max(i.max(), j.max())) + 1)]
    chosen = np.empty(len(i), dtype=int)
    for spring, (a, b) in enumerate(zip(i.tolist(), j.tolist(), strict=True)):
        k = 0
        while k in taken[a] or k in taken[b]:
            k += 1
        chosen[spring] = k
        taken[a].add(k)
        taken[b].add(k)
    return [np.flatnonzero(chosen == k) for k in range(chosen.max() + 1)]


def simulate(network: ElasticNetwork, seed: int) -> Trajectory:
    """One run from the lattice at rest with thermal velocities, after its relaxation.

    Args:
        network: what is simulated.
        seed: of the velocities and of the noise.

    Returns:
        all nodes in units "1", with measured velocities; reference their places at rest.
    """
    walk = Walk(network, np.random.default_rng(seed))
    body, count = walk.body, len(walk.r)
    position, velocity = np.empty((2, network.frames, count, 2))
    for frame in tqdm(
        range(-network.relaxation, network.frames), desc="shaking", unit="frame", mininterval=1
    ):
        if frame >= 0:
            position[frame], velocity[frame] = walk.r, walk.v
        walk.advance()
    return Trajectory(
        position=position,
        velocity=velocity,
        present=np.ones((network.frames, count), dtype=bool),
        driven=np.zeros((network.frames, count), dtype=bool),
        time=network.dt * np.arange(network.frames),
        run=np.zeros(network.frames, dtype=np.int32),
        particle=np.arange(count),
        species=np.zeros(count, dtype=np.int32),
        box=Box(body.sides, (True, True), np.zeros(2)),
        attributes={
            "dataset": "elastic_network",
            "length_unit": "1",
            "time_unit": "1",
            "dt": network.dt,
            "velocity": "measured",
            "localisation_error": 0.0,
            "synthetic": True,
            "moduli": {"shear": network.shear_modulus, "bulk": network.bulk_modulus},
            "relaxing_moduli": network.relaxing_moduli,
        },
        extra={},
        reference=body.places,
    )


class Walk:
    """The lattice in motion, by steps of ``dt / substeps``; branches begin in equilibrium.

    Args:
        network: what is simulated.
        random: of the velocities at first, and of the noise.
    """

    def __init__(self, network: ElasticNetwork, random: np.random.Generator) -> None:
        self.network, self.random = network, random
        self.body = lattice(network.columns, network.rows)
        self.h, T = network.dt / network.substeps, network.temperature
        # Friction of a relative velocity has the reduced mass 1 / 2.
        self.kept = np.exp(-2 * network.damping * self.h)
        self.noise = np.sqrt(2 * T * (1 - self.kept**2))
        self.soft = np.array([branch.stiffness for branch in network.branches])[:, None]
        self.left = np.exp([-self.h / branch.time for branch in network.branches])[:, None]
        springs = np.arange(len(self.body.i))
        ends = np.concatenate([self.body.i, self.body.j]), np.tile(springs, 2)
        self.sum = sparse.csr_matrix((np.repeat([1.0, -1.0], len(springs)), ends))
        self.r = self.body.places.copy()
        self.v = random.normal(0.0, np.sqrt(T), self.r.shape)
        self.v -= self.v.mean(axis=0)
        e, self.length = self.body.springs(self.r)
        # Elongations of the branches.
        self.x = np.sqrt(T / self.soft) * random.normal(size=(len(self.soft), len(springs)))
        self.f = self.force(e)

    def advance(self) -> None:
        """To the next snapshot."""
        for _ in range(self.network.substeps):
            self.step()

    def step(self) -> None:
        """Of velocity Verlet, and of friction and noise."""
        v = self.v + 0.5 * self.h * self.f
        self.r = self.r + self.h * v
        e, length = self.body.springs(self.r)
        self.creep(length - self.length)
        self.length = length
        self.f = self.force(e)
        self.v = self.bath(e, v + 0.5 * self.h * self.f)

    def creep(self, longer: np.ndarray) -> None:
        """Moves the branches on, of springs that have grown by ``longer`` (M,)."""
        noise = np.sqrt((1 - self.left**2) * self.network.temperature / self.soft)
        half = self.x + 0.5 * longer
        kicked = self.left * half + noise * self.random.normal(size=half.shape)
        self.x = kicked + 0.5 * longer

    def force(self, e: np.ndarray) -> np.ndarray:
        """Of springs along e (M, 2) and of their branches (N, 2)."""
        along = self.network.stiffness * (1.0 - self.length) - (self.soft * self.x).sum(axis=0)
        return self.sum @ (along[:, None] * e)

    def bath(self, e: np.ndarray, v: np.ndarray) -> np.ndarray:
        for springs in self.body.apart:
            i, j, along = self.body.i[springs], self.body.j[springs], e[springs]
            before = ((v[i] - v[j]) * along).sum(axis=1)
            after = self.kept * before + self.noise * self.random.normal(size=len(springs))
            kick = 0.5 * (after - before)[:, None] * along
            v[i] += kick
            v[j] -= kick
        return v
