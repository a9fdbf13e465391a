"""What acts on particles from outside, in reduced units: forces, and the flow of a medium."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from pipeline.errors import InputError
from pipeline.trajectory import Trajectory
from pipeline.units import ReducedUnits


class TaylorGreen(NamedTuple):
    """f0 (cos ax sin by sin cz, sin ax cos by sin cz, sin ax sin by cos cz), per unit mass.

    The body force that drives vortices (Taylor and Green 1937). With a = b = c it is the gradient
    of a potential and stirs nothing.
    """

    amplitude: float  # f0 [length / time^2]
    wave: tuple[float, ...]  # wave number per axis [1 / length]

    def __call__(self, r: Tensor) -> Tensor:
        """Acceleration (n, D) at positions r (n, D)."""
        phase = r * torch.as_tensor(self.wave, dtype=r.dtype, device=r.device)
        sin, cos = torch.sin(phase).unbind(1), torch.cos(phase).unbind(1)
        columns = []
        for axis in range(len(sin)):
            factors = [*sin[:axis], cos[axis], *sin[axis + 1 :]]
            columns.append(torch.stack(factors).prod(0))
        return self.amplitude * torch.stack(columns, 1)


KINDS = {"taylor_green": TaylorGreen}


def external(attributes: dict[str, Any], units: ReducedUnits) -> TaylorGreen | None:
    """The force that a trajectory's attribute ``force`` names, in reduced units; None without.

    Args:
        attributes: of the trajectory; ``force`` holds ``kind``, ``amplitude`` [length / time^2]
            and ``wave`` [1 / length].
        units: reduced units in those of the trajectory.

    Raises:
        InputError: if there is no force of that kind.
    """
    given = attributes.get("force")
    if given is None:
        return None
    if given["kind"] not in KINDS:
        raise InputError(
            f"There is no external force {given['kind']!r}: choose from {', '.join(KINDS)}."
        )
    return KINDS[given["kind"]](
        float(given["amplitude"]) * units.time**2 / units.length,
        tuple(float(k) * units.length for k in given["wave"]),
    )


@dataclasses.dataclass(frozen=True)
class SampleFlow:
    """A polynomial flow of each snapshot, linear in time between them.

    For particles that a liquid carries along: it flows as they do on average.
    """

    time: np.ndarray  # (T,) [dt]
    powers: np.ndarray  # (K, D) exponents of the monomials
    coefficients: np.ndarray  # (T, K, D) [a / dt]
    centre: np.ndarray  # (D,) [a]
    half: np.ndarray  # (D,) [a], half of the box

    def __call__(self, r: Tensor, time: float) -> Tensor:
        """Velocity (n, D) of the medium at r (n, D)."""
        later = int(np.clip(np.searchsorted(self.time, time), 1, len(self.time) - 1))
        before, after = self.time[later - 1], self.time[later]
        share = float(np.clip((time - before) / (after - before), 0.0, 1.0))
        now = (1 - share) * self.coefficients[later - 1] + share * self.coefficients[later]
        return self._columns(r) @ torch.as_tensor(now, dtype=r.dtype, device=r.device)

    def _columns(self, r: Tensor) -> Tensor:
        centre, half = (torch.as_tensor(x).to(r) for x in (self.centre, self.half))
        x = (r - centre) / half
        return torch.stack([(x ** torch.as_tensor(p).to(r)).prod(1) for p in self.powers], 1)


def sample_flow(trajectory: Trajectory, units: ReducedUnits) -> SampleFlow:
    """The flow of the free particles of every snapshot, a polynomial of at most third degree.

    Of lower degree where there are fewer than ten particles per coefficient on average.

    Raises:
        InputError: in a periodic box, where such a flow has no place.
    """
    if any(trajectory.box.periodic):
        raise InputError(
            "The flow of the sample (train.bath_flow: sample) needs a box without periodic axes, "
            f"got periodic {trajectory.box.periodic}: take train.bath_flow: rest."
        )
    D, free = trajectory.dimension, trajectory.free
    every = [p for p in itertools.product(range(4), repeat=D) if sum(p) <= 3]
    degree = next(
        d
        for d in (3, 2, 1, 0)
        if d == 0 or free.sum(1).mean() >= 10 * sum(sum(p) <= d for p in every)
    )
    powers = np.array([p for p in every if sum(p) <= degree], dtype=float)
    half = trajectory.box.lengths / (2 * units.length)
    centre = trajectory.box.origin / units.length + half
    empty = np.zeros((len(trajectory.time), len(powers), D))
    order = np.argsort(trajectory.time)
    made = SampleFlow(trajectory.time[order] / units.time, powers, empty, centre, half)
    if not (np.diff(made.time) > 0).all():
        raise InputError(
            "The flow of the sample (train.bath_flow: sample) needs runs that do not overlap in "
            "time: take train.bath_flow: rest, or one run."
        )
    for some, part in trajectory.blocks():
        for t in np.flatnonzero(part.free.sum(1) >= len(powers)):
            r = torch.from_numpy(part.position[t, part.free[t]] / units.length)
            v = part.velocity[t, part.free[t]] / units.velocity
            empty[some.start + t] = np.linalg.lstsq(made._columns(r).numpy(), v, rcond=None)[0]
    return dataclasses.replace(made, coefficients=empty[order])
