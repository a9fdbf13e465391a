"""External forces on particles: what a trajectory says of them, in reduced units."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from pipeline.errors import InputError
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
