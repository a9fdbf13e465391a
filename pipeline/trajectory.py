"""The trajectory: what every later stage works on; `pipeline.h5md` keeps it on disk."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from itertools import combinations_with_replacement
from typing import Any, NamedTuple

import numpy as np

from pipeline import slots
from pipeline.errors import InputError
from pipeline.schema import Section, key
from pipeline.space import Space, lees_edwards, periodic
from pipeline.units import neighbour_distance


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

    def number_density(self) -> float:
        """Mean number of present particles per area or volume of the box [1 / length^D].

        Of a solid, that of the undeformed body: the box is what it sweeps through. Its bounds
        are widened by the half of a particle spacing that lies outside the outermost ones.
        """
        if self.reference is None:
            return float(self.present.sum(axis=1).mean()) / self.box.volume
        count, dimension = self.reference.shape
        per_side = count ** (1 / dimension)
        extent = np.ptp(self.reference, axis=0) * per_side / (per_side - 1)
        return count / float(np.prod(extent))

    def successive(self) -> np.ndarray:
        """(T - 1,) bool: snapshot t + 1 follows t by one interval in the same run."""
        step = np.diff(self.time)
        return (np.diff(self.run) == 0) & (np.abs(step - self.dt) < 1e-3 * self.dt)

    def stretches(self) -> list[slice]:
        """Slices of successive snapshots; several videos are several stretches."""
        cuts = (np.flatnonzero(~self.successive()) + 1).tolist()
        return [slice(a, b) for a, b in itertools.pairwise([0, *cuts, len(self.time)])]

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


class Split(Section):
    """Blocks of the snapshots, contiguous in time."""

    train: float = key(
        "Fractions of the snapshots, or from 1 on their numbers, contiguous in time; the test "
        "block is the rest and is never looked at in training.",
        default=0.375,
        unit="a fraction below 1 or a number of snapshots",
        above=0,
        most=1e9,
    )
    validation: float = key(
        "",
        default=0.125,
        unit="a fraction below 1 or a number of snapshots",
        above=0,
        most=1e9,
    )

    def contradictions(self) -> Iterator[str]:
        """No room for the test block."""
        shares = [part for part in (self.train, self.validation) if part < 1]
        if len(shares) == 2 and sum(shares) >= 1:
            yield (
                f"split.train + split.validation must leave room for the test block (sum below 1), "
                f"got {sum(shares):g}."
            )


def blocks(trajectory: Trajectory, train: float, validation: float) -> dict[str, slice]:
    """Contiguous blocks of time for training, validation and test; never shuffled frames.

    Where a video is so short that the fractions would leave a block without a step, validation
    gets two snapshots, and training and test half of the rest each: see `too_short`.

    Args:
        trajectory: the whole data set.
        train: the snapshots used for training, from the first one on: a fraction of all, or, from
            1 on, their number.
        validation: the same of those that follow; the test block is the rest.

    Raises:
        InputError: if a block would still be shorter than two snapshots.
    """
    count, start = len(trajectory.time), _first(trajectory)
    first, second = _cuts(count, train, validation)
    if too_short(trajectory, train, validation):
        first = start + (count - start - 1) // 2
        second = first + 2
    parts = {
        "train": slice(0, first),
        "validation": slice(first, second),
        "test": slice(second, count),
    }
    if min(first - start, count - second) < 2:
        raise InputError(
            f"The video has {count} snapshots, {count - start} of them with velocities, and at "
            f"least 6 of these are needed, two each to train, to validate and to test: record "
            f"more frames, or link with a larger search_range or memory."
        )
    return parts


def too_short(trajectory: Trajectory, train: float, validation: float) -> bool:
    """Whether these fractions would leave one of the three blocks without a step."""
    count, start = len(trajectory.time), _first(trajectory)
    first, second = _cuts(count, train, validation)
    return min(first - start, second - first, count - second) < 2


def _cuts(count: int, train: float, validation: float) -> tuple[int, int]:
    """First snapshots of the validation and the test block, of ``count`` in all."""
    first = train if train >= 1 else count * train
    return round(first), round(first + (validation if validation >= 1 else count * validation))


def _first(trajectory: Trajectory) -> int:
    """The first snapshot with a velocity: the first frame of a video has none."""
    return int(trajectory.present.any(axis=1).argmax())


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


BEFORE = "temperature_before"  # attribute of a window: see `window`


def rows(trajectory: Trajectory, block: slice, frames: int | None = None) -> slice:
    """The part of the test block on which models are rolled out and everything is measured.

    A rollout needs particles that can be followed from its first snapshot to its last. Where
    tracks are short the window is shortened until at least half of the particles that are free
    in its first snapshot are free throughout.

    Args:
        trajectory: the whole data set.
        block: the test block.
        frames: longest window wanted; None takes the block.

    Raises:
        InputError: if no two successive snapshots share a free particle.
    """
    stop = min(block.stop, block.start + (frames or block.stop))
    breaks = np.flatnonzero(~trajectory.successive()[block.start : stop - 1])
    stop = block.start + int(breaks[0]) + 1 if len(breaks) else stop
    surviving = np.logical_and.accumulate(trajectory.free[block.start : stop]).sum(axis=1)
    if surviving[0] == 0 or len(surviving) < 2 or surviving[1] == 0:
        raise InputError(
            "No particle is free and tracked over two successive snapshots at the start of the "
            "test block: check the linking (search_range, memory) or lower trajectory.edge_band."
        )
    enough = np.flatnonzero(surviving >= 0.5 * surviving[0])
    return slice(block.start, block.start + max(int(enough[-1]) + 1, 2))


def judged(trajectory: Trajectory, split: Split, frames: int | None) -> slice:
    """The snapshots of the evaluation window, see `rows`."""
    return rows(trajectory, blocks(trajectory, split.train, split.validation)["test"], frames)


def window(trajectory: Trajectory, split: Split, frames: int | None) -> Trajectory:
    """The evaluation window of a data set, with a column for each of its particles.

    Its attribute ``temperature_before`` says how hot they were up to it [length^2 / time^2].

    Args:
        trajectory: the whole data set.
        split: into blocks.
        frames: see `rows`.
    """
    judging = judged(trajectory, split, frames)
    part = trajectory.followed(judging)
    known = temperature(trajectory.window(slice(0, judging.start)))
    return part._replace(attributes={**part.attributes, BEFORE: known})


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


def temperature(trajectory: Trajectory) -> float:
    """Kinetic temperature: variance of v per component, flow and localisation error taken off.

    Returns:
        T [length^2 / time^2] of the free particles, mass 1; 0 where error is all there is, and
        where there are none.
    """
    times = np.linspace(0, len(trajectory.time) - 1, min(len(trajectory.time), MOST))
    total, count = 0.0, 0
    for t in np.unique(times.astype(int)):
        free = trajectory.free[t]
        if free.any():
            total += fluctuation(trajectory.position[t, free], trajectory.velocity[t, free])[0]
            count += trajectory.dimension * int(free.sum())
    sigma = float(trajectory.attributes["localisation_error"])
    known = trajectory.attributes["velocity"] == "measured"
    error = 0.0 if known else 2 * (sigma / trajectory.dt) ** 2
    return max(total / max(count, 1) - error, 0.0)
