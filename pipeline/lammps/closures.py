"""Closures as entries of a potential file.

Everything of one variable becomes a cubic spline on equal intervals of [0, h] (`grid`), everything
of two a table (`tables`). What is a spline already keeps its coefficients.

    volume     exp(s(r)) (1 - r^2/h^2)^taper, and the self weight
    friction   separable: ln a^2 = g0(r) + g1(r) ln T_ij + taper + ln V_i V_j
    energy     exponentials: sum_k exp(log_c_k + alpha_k S - beta_k ln V/V0)
"""

from __future__ import annotations

from functools import singledispatch
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pipeline.closures.energy import ExponentialEnergy, IdealGasEnergy
from pipeline.closures.friction import SplineFriction
from pipeline.closures.volume import SplineVolume
from pipeline.lammps.potential import Potential


def array(x: Tensor | Any) -> np.ndarray:
    """Plain float64 numbers."""
    return torch.as_tensor(x).detach().cpu().to(torch.float64).numpy()


def mirrored(coefficients: Tensor) -> np.ndarray:
    """B-spline coefficients (..., K + 1) with the one left of zero, which `splines` mirrors."""
    return array(torch.cat((coefficients[..., 1:2], coefficients), -1))


@singledispatch
def entries(closure: Any, h: float) -> Potential:
    """The words and numbers that stand for a closure of range ``h``, in float64.

    Raises:
        ValueError: if this kind of closure has no form in the file.
    """
    raise ValueError(f"{type(closure).__name__} cannot be written to a potential file.")


@entries.register
def _(closure: SplineVolume, h: float) -> Potential:
    coefficients = mirrored(closure.coefficients) + closure.level
    return volume(coefficients, 2, closure.self_weight())


def volume(coefficients: np.ndarray, taper: int, self_weight: Tensor | float) -> Potential:
    """w(r) = exp(s(r)) (1 - r^2/h^2)^taper with the spline coefficients of s."""
    numbers = {"taper": taper, "coefficients": coefficients, "self": self_weight}
    return _named("volume", {}, numbers)


@entries.register
def _(closure: SplineFriction, h: float) -> Potential:
    # B-splines sum to one: a constant added to all coefficients is added to the spline.
    constants = np.stack((array(closure.level), array(closure.power)))  # (2, 3, 1)
    numbers = {
        "coefficients": mirrored(closure.coefficients) + constants,
        "taper": 2,
        "volume_factor": float(closure.volume_factor),
        "temperature": array(closure.T0),
        "volume": array(closure.V0),
    }
    return _named("friction", {"kind": "separable"}, numbers)


@entries.register
def _(closure: ExponentialEnergy, h: float) -> Potential:
    alpha, beta = closure.exponents()
    log_c = closure.log_c + torch.log(closure.T0)
    numbers = {"log_c": log_c, "alpha": alpha, "beta": beta, "volume": closure.V0}
    return _named("energy", {"kind": "exponentials"}, numbers)


@entries.register
def _(closure: IdealGasEnergy, h: float) -> Potential:
    numbers = {
        "log_c": np.log(closure.C * closure.T0),
        "alpha": 1.0 / closure.C,
        "beta": closure.beta,
        "volume": closure.V0,
    }
    return _named("energy", {"kind": "exponentials"}, numbers)


def _named(closure: str, words: dict[str, str], numbers: dict[str, Any]) -> Potential:
    return Potential(
        {f"{closure}.{name}": word for name, word in words.items()},
        {f"{closure}.{name}": array(value).ravel() for name, value in numbers.items()},
    )
