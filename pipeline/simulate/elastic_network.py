"""A triangular lattice of springs at a temperature: a solid whose moduli are known.

Newton's equations with springs of stiffness k and rest length 1, and along every spring friction
-gamma (v_ij . e_ij) e_ij with the noise that keeps it at T: momentum is kept. One step is one of
velocity Verlet and then, spring after spring, the exact solution of friction and noise for the
relative velocity of its ends (Shardlow, SIAM J. Sci. Comput. 24, 1267 (2003), in the form of Lowe,
Europhys. Lett. 47, 145 (1999)). Springs without a common end are taken at once.

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
    random, body = np.random.default_rng(seed), lattice(network.columns, network.rows)
    count = len(body.places)
    r, v = body.places.copy(), random.normal(0.0, np.sqrt(network.temperature), (count, 2))
    v -= v.mean(axis=0)
    walk = _Walk(network, body, random)
    force = walk.force(*body.springs(r))
    position, velocity = np.empty((2, network.frames, count, 2))
    for frame in tqdm(
        range(-network.relaxation, network.frames), desc="shaking", unit="frame", mininterval=1
    ):
        if frame >= 0:
            position[frame], velocity[frame] = r, v
        for _ in range(network.substeps):
            r, v, force = walk.step(r, v, force)
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
        },
        extra={},
        reference=body.places,
    )


class _Walk:
    """Steps of ``dt / substeps``."""

    def __init__(self, network: ElasticNetwork, body: Lattice, random: np.random.Generator):
        self.body, self.random, self.k = body, random, network.stiffness
        self.h = network.dt / network.substeps
        # Friction of a relative velocity has the reduced mass 1 / 2.
        self.kept = np.exp(-2 * network.damping * self.h)
        self.noise = np.sqrt(2 * network.temperature * (1 - self.kept**2))
        springs = np.arange(len(body.i))
        ends = (np.concatenate([body.i, body.j]), np.concatenate([springs, springs]))
        sides = np.repeat([1.0, -1.0], len(springs))
        self.sum = sparse.csr_matrix((sides, ends))

    def step(
        self, r: np.ndarray, v: np.ndarray, force: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Positions, velocities and forces (N, 2) after a step, from those before it."""
        v = v + 0.5 * self.h * force
        r = r + self.h * v
        e, length = self.body.springs(r)
        force = self.force(e, length)
        return r, self.bath(e, v + 0.5 * self.h * force), force

    def force(self, e: np.ndarray, length: np.ndarray) -> np.ndarray:
        return self.sum @ (self.k * (1.0 - length)[:, None] * e)

    def bath(self, e: np.ndarray, v: np.ndarray) -> np.ndarray:
        for springs in self.body.apart:
            i, j, along = self.body.i[springs], self.body.j[springs], e[springs]
            before = ((v[i] - v[j]) * along).sum(axis=1)
            after = self.kept * before + self.noise * self.random.normal(size=len(springs))
            kick = 0.5 * (after - before)[:, None] * along
            v[i] += kick
            v[j] -= kick
        return v
