"""Squared noise amplitudes of a pair, and the mean temperatures they are functions of."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Amplitudes(NamedTuple):
    """Squared amplitudes of P pairs, or their derivatives in a temperature."""

    a2: Tensor  # (P,) traceless part: shear friction
    b2: Tensor  # (P,) trace part: bulk friction
    c2: Tensor  # (P,) heat conduction


class Friction(NamedTuple):
    """Squared amplitudes of P pairs and their derivatives in the two temperatures."""

    value: Amplitudes
    in_T_i: Amplitudes
    in_T_j: Amplitudes


def from_rows(value: Tensor, in_T_i: Tensor, in_T_j: Tensor) -> Friction:
    """Friction from (3, P) tensors with rows a, b, c."""
    return Friction(*(Amplitudes(*x.unbind()) for x in (value, in_T_i, in_T_j)))


class Means(NamedTuple):
    """Symmetric logarithmic means of two temperatures, one row per amplitude (a, b, c).

    a and b take the harmonic mean 2 T_i T_j / (T_i + T_j), c the geometric one: the means of
    Espanol and Revenga (2003), for which friction coefficients do not depend on temperature.
    """

    value: Tensor  # (3, P)
    in_T_i: Tensor  # (3, P)
    in_T_j: Tensor  # (3, P)


def log_means(T_i: Tensor, T_j: Tensor, T0: Tensor | float) -> Means:
    """Logarithms of the mean temperatures over T0, with derivatives in T_i and T_j."""
    total, product = T_i + T_j, T_i * T_j / (T0 * T0)
    harmonic = torch.log(2.0 * product * T0 / total)
    geometric = 0.5 * torch.log(product)
    h_i, h_j = T_j / (T_i * total), T_i / (T_j * total)
    return Means(
        torch.stack((harmonic, harmonic, geometric)),
        torch.stack((h_i, h_i, 0.5 / T_i)),
        torch.stack((h_j, h_j, 0.5 / T_j)),
    )
