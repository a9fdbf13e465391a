"""Products of short vectors."""

from __future__ import annotations

from torch import Tensor


def dot(x: Tensor, y: Tensor) -> Tensor:
    """x.y (P,) of two (P, D) fields, component by component: twice as fast as a short sum."""
    first, *others = (a * b for a, b in zip(x.unbind(1), y.unbind(1), strict=True))
    for product in others:
        first = first + product
    return first
