"""The trajectory: what every later stage works on; `pipeline.h5md` keeps it on disk."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from itertools import combinations_with_replacement
from typing import Any, NamedTuple

import numpy as np

from pipeline import slots
from pipeline.arrays import release, stretches
from pipeline.space import Space, lees_edwards, periodic
from pipeline.units import neighbour_distance

BLOCK = 2**21  # bytes of the positions that are looked at together in a film left in its file


class Box(NamedTuple):
    """The box of a trajectory; on open axes, the field of view."""

    lengths: np.ndarray  # (D,) [length]
    periodic: tuple[bool, ...]  # (D,)
    origin: np.ndarray  # (D,) lower corner [length]

    @property
    def volume(self) -> float:
        """Area or volume [length^D]."""
        return float(np.prod(self.lengths))

    @property
    def space(self) -> Space:
        """Its axes as a space at rest."""
        return periodic([float(length) for length in self.lengths], self.periodic)


class Trajectory(NamedTuple):
    """T snapshots of N particles in D dimensions, some of them absent, some of them driven.

    Arrays have a column per particle (M = N), or, where particles come and go, M slots that they
    hold one after another, see `pipeline.slots`; `followed` gives every particle its own again.
    Positions, velocities, extras and occupants may be `arrays.Stored`, see `h5md.on_disk`: then
    take a `window`, or `blocks`, before anything else.
    Positions of absent particles are finite but meaningless: mask with ``present``. The velocity
    of tracked data is the backward difference (r[t] - r[t-1]) / dt, which is what the
    integrator v' = v + dv, r' = r + v' dt makes of it.
    """

    position: np.ndarray  # (T, M, D) [length]
    velocity: np.ndarray  # (T, M, D) [length / time]
    present: np.ndarray  # (T, M) bool
    driven: np.ndarray  # (T, M) bool: neighbours, but out of loss and statistics
    time: np.ndarray  # (T,) [time]
    run: np.ndarray  # (T,) int32, which video
    particle: np.ndarray  # (N,) int64 labels
    species: np.ndarray  # (N,) int32, -1 where unknown
    box: Box
    attributes: dict[str, Any]  # JSON-able; always the keys of h5md.REQUIRED
    extra: dict[str, np.ndarray]  # (T, M) each, e.g. entropy, filled
    # (N, D) positions of the undeformed solid [length]; None for anything that is no solid
    reference: np.ndarray | None = None
    occupant: np.ndarray | None = None  # (T, M) int32, who holds a slot when; None: M = N

    @property
    def dt(self) -> float:
        """Snapshot interval [time]."""
        return float(self.attributes["dt"])

    @property
    def dimension(self) -> int:
        return self.position.shape[2]

    @property
    def space(self) -> Space:
        """The geometry it lives in, in its own units; sheared where ``shear_rate`` says so."""
        rate = float(self.attributes.get("shear_rate", 0.0))
        if rate:
            return lees_edwards([float(length) for length in self.box.lengths], rate)
        return self.box.space

    @property
    def free(self) -> np.ndarray:
        """(T, M) present and not driven: what loss and statistics are about."""
        return self.present & ~self.driven

    @property
    def closed(self) -> bool:
        """Whether nobody enters or leaves: who is not seen for a while is there all the same."""
        edge = self.attributes.get("edge", {})
        return bool(edge.get("closed", False) and edge.get("stays", True))

    @property
    def passing(self) -> bool:
        """Whether these are tracks of particles with inertia, which others join and leave."""
        known = self.attributes
        tracked = known.get("regime") == "inertial" and known["velocity"] == "backward difference"
        return tracked and not self.closed and self.reference is None

    @property
    def lasting(self) -> np.ndarray:
        """(T, M) free from the first snapshot up to this one, which must follow one another.

        In a closed container nobody who was seen at first is ever gone, whatever a tracker missed.
        """
        if self.closed:
            return np.broadcast_to(self.free[0] & ~self.driven.any(axis=0), self.present.shape)
        return np.logical_and.accumulate(self.free, axis=0)

    def number_density(self) -> float:
        """Mean number of present particles per area or volume of the box [1 / length^D].

        Of a solid, that of the undeformed body: where an axis ends the box is what it sweeps
        through, and its bounds are widened by the half of a particle spacing that lies outside the
        outermost ones.
        """
        if self.reference is None:
            return float(self.present.sum(axis=1).mean()) / self.box.volume
        count, dimension = self.reference.shape
        per_side = count ** (1 / dimension)
        extent = np.ptp(self.reference, axis=0) * per_side / (per_side - 1)
        return count / float(np.where(self.box.periodic, self.box.lengths, extent).prod())

    def successive(self) -> np.ndarray:
        """(T - 1,) bool: snapshot t + 1 follows t by one interval in the same run."""
        step = np.diff(self.time)
        return (np.diff(self.run) == 0) & (np.abs(step - self.dt) < 1e-3 * self.dt)

    def stretches(self) -> list[slice]:
        """Slices of successive snapshots; several videos are several stretches."""
        cuts = (np.flatnonzero(~self.successive()) + 1).tolist()
        return [slice(a, b) for a, b in itertools.pairwise([0, *cuts, len(self.time)])]

    def noting(self, **attributes: Any) -> Trajectory:
        """The same with further attributes, or others."""
        return self._replace(attributes={**self.attributes, **attributes})

    def window(self, rows: slice | np.ndarray) -> Trajectory:
        """The snapshots in ``rows``, a slice or indices, all columns kept."""
        return self._replace(
            position=self.position[rows],
            velocity=self.velocity[rows],
            present=self.present[rows],
            driven=self.driven[rows],
            time=self.time[rows],
            run=self.run[rows],
            extra={name: value[rows] for name, value in self.extra.items()},
            occupant=None if self.occupant is None else self.occupant[rows],
        )

    def portions(self, rows: slice = slice(None)) -> Iterator[slice]:
        """Of the snapshots in ``rows``, those that are looked at together."""
        first, last, _ = rows.indices(len(self.time))
        shape = last - first, *self.position.shape[1:]
        for part in stretches(shape, self.position.dtype, BLOCK):
            yield slice(first + part.start, first + part.stop)

    def blocks(
        self, rows: slice = slice(None), after: int = 0
    ) -> Iterator[tuple[slice, Trajectory]]:
        """The snapshots in ``rows`` a few at a time, without extras: what is to be read of a long
        film that `h5md.on_disk` left in its file.

        Args:
            after: so many more come with each block, as far as there are any.
        """
        bare = self._replace(extra={})
        for some in self.portions(rows):
            block = bare.window(slice(some.start, some.stop + after))
            yield some, block
            release(block.position, block.velocity)

    def followed(
        self, rows: slice | np.ndarray = slice(None), labels: np.ndarray | None = None
    ) -> Trajectory:
        """The snapshots in ``rows`` with a column for each particle that is present in them.

        For stretches through which particles are followed: its size is their number times that of
        the snapshots. Columns that are particles' own already are all kept.

        Args:
            labels: of the particles to have a column instead.
        """
        part = self.window(rows)
        if part.occupant is None:
            return part
        if labels is None:
            who = np.flatnonzero(slots.ever(part.present, len(self.particle), part.occupant))
        else:
            who = np.flatnonzero(np.isin(self.particle, labels))
        column = np.full(len(self.particle) + 1, -1)  # the last is nobody's
        column[who] = np.arange(len(who))
        row, slot = np.nonzero(column[part.occupant] >= 0)
        place = column[part.occupant[row, slot]]

        def spread(values: np.ndarray) -> np.ndarray:
            out = np.zeros((len(part.time), len(who), *values.shape[2:]), values.dtype)
            out[row, place] = values[row, slot]
            return out

        known = spread(np.ones(part.present.shape, bool))
        return part._replace(
            position=slots.held(spread(part.position), known),
            velocity=spread(part.velocity),
            present=spread(part.present),
            driven=spread(part.driven),
            particle=self.particle[who],
            species=self.species[who],
            extra={name: spread(value) for name, value in part.extra.items()},
            occupant=None,
        )

    def own_columns(self) -> None:
        """Raises ValueError where particles share columns, and are not to: see `followed`."""
        if self.occupant is not None:
            raise ValueError("Particles share columns: take Trajectory.followed first.")

    def order(self, t: int) -> np.ndarray:
        """Columns of the particles present at t, in the order of the particles."""
        here = np.flatnonzero(self.present[t])
        return here if self.occupant is None else here[np.argsort(self.occupant[t, here])]

    def again(self, known: np.ndarray, lag: int = 1) -> np.ndarray:
        """(T - lag, M) bool: known (T, M) of a particle at t and at t + lag rows, in one run."""
        return slots.again(known, self.run, lag, self.occupant)


def band(
    position: np.ndarray, present: np.ndarray, box: Box, cutoff: float, cutoffs: float
) -> np.ndarray:
    """(T, N) bool: positions nearer than ``cutoffs`` cutoffs to an open face of the box.

    Args:
        position: (T, N, D) [length].
        present: (T, N), who is counted for the density.
        box: field of view; its periodic axes have no faces.
        cutoff: h in mean neighbour distances.
        cutoffs: width of the band.
    """
    density = present.sum(axis=1).mean() / box.volume
    width = cutoffs * cutoff * neighbour_distance(density, position.shape[2])
    low, high = box.origin + width, box.origin + box.lengths - width
    outside = (position < low) | (position > high)
    return (outside & ~np.array(box.periodic)).any(axis=2)


WIDE, NARROW = 2.0, 1.0  # driven bands [cutoffs]: of volumes, and of forces of pairs alone


def edge_band(asked: float | None, known: Mapping[str, Any]) -> float:
    """Width of the driven band in cutoffs: as asked for, or else as wide as forces need it.

    A volume at the cutoff depends on neighbours another cutoff away; in overdamped films the forces
    learned are those of pairs, which know of nobody else.

    Args:
        asked: setting `trajectory.edge_band`.
        known: attributes of the trajectory.
    """
    if asked is not None:
        return asked
    return NARROW if known.get("regime") == "overdamped" else WIDE


def evenly(rows: np.ndarray, count: int) -> np.ndarray:
    """At most ``count`` of the rows (T,), evenly spread, the first and the last among them."""
    if len(rows) <= count:
        return rows
    return rows[np.unique(np.linspace(0, len(rows) - 1, count).astype(int))]


def deviations(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """(T, N, D) values less the mean of each snapshot over those known (T, N), 0 for the others.

    As large as if no mean had been taken off: n values about their own mean are too near to it.
    """
    count = known.sum(axis=1)
    mean = np.einsum("tnd,tn->td", values, known) / np.maximum(count, 1)[:, None]
    larger = np.sqrt(count / np.maximum(count - 1, 1))[:, None, None]
    return np.where(known[..., None], larger * (values - mean[:, None]), 0.0)


def variance(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """(D,) variance of (T, N, D) values about the mean of each snapshot.

    What all particles do together, carried by the stage or by a current, is no fluctuation, even
    where it changes from frame to frame: about the mean over all snapshots it would count as one.
    """
    count = known.sum(axis=1)
    return (deviations(values, known) ** 2).sum(axis=(0, 1)) / max(count[count > 1].sum(), 1)


MOST = 200  # snapshots looked at, evenly spread


def monomials(r: np.ndarray, degree: int) -> np.ndarray:
    """(n, k) all products of coordinates of r (n, D) up to the total degree, centred and scaled."""
    x = (r - r.mean(axis=0)) / np.maximum(np.ptp(r, axis=0), 1e-12)
    columns = [np.ones(len(x))]
    for power in range(1, degree + 1):
        for axes in combinations_with_replacement(range(x.shape[1]), power):
            columns.append(np.prod(x[:, axes], axis=1))
    return np.stack(columns, axis=1)


def mean_flow(r: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, int]:
    """Polynomial flow (n, D) fitted to one snapshot, and the number of coefficients spent.

    Cubic where there are at least ten particles per coefficient, of lower degree where not. A
    field fitted over the whole view is used rather than an average over neighbours, since the
    velocities of neighbours in a dense system are themselves correlated by sound.
    """
    for degree in (3, 2, 1, 0):
        basis = monomials(r, degree)
        if len(r) >= 10 * basis.shape[1] or degree == 0:
            break
    coefficients, *_ = np.linalg.lstsq(basis, v, rcond=None)
    return basis @ coefficients, basis.shape[1]


def fluctuation(r: np.ndarray, v: np.ndarray) -> tuple[float, float]:
    """Sums of squares (v - flow)^2, as if no coefficient had been fitted, and (flow - mean)^2."""
    field, spent = mean_flow(r, v)
    freedom = max(len(r) - spent, 1) / max(len(r), 1)
    flow = float(((field - field.mean(axis=0)) ** 2).sum())
    return float(((v - field) ** 2).sum()) / freedom, flow


def temperature(trajectory: Trajectory, before: int | None = None) -> float:
    """Kinetic temperature: variance of v per component, flow and localisation error taken off.

    Args:
        before: of the snapshots before this one; None takes all.

    Returns:
        T [length^2 / time^2] of the free particles, mass 1; 0 where error is all there is, and
        where there are none.
    """
    total, count = 0.0, 0
    some = trajectory.window(evenly(np.arange(len(trajectory.time))[:before], MOST))
    for free, r, v in zip(some.free, some.position, some.velocity, strict=True):
        if free.any():
            total += fluctuation(r[free], v[free])[0]
            count += trajectory.dimension * int(free.sum())
    sigma = float(trajectory.attributes["localisation_error"])
    known = trajectory.attributes["velocity"] == "measured"
    error = 0.0 if known else 2 * (sigma / trajectory.dt) ** 2
    return max(total / max(count, 1) - error, 0.0)
