"""Closures as entries of a potential file.

Everything of one variable becomes a cubic spline on equal intervals of [0, h] (`grid`), everything
of two a table (`tables`). What is a spline already keeps its coefficients.

    volume     exp(s(r)) (1 - r^2/h^2)^taper, and the self weight
    friction   separable: ln a^2 = g0(r) + g1(r) ln T_ij + ln taper V_i V_j
               product: a^2 = level f(r, T_i)^2 f(r, T_j)^2 taper V_i V_j, f a table
    energy     exponentials: sum_k exp(log_c_k + alpha_k S - beta_k ln V/V0)
               network: a table over S and ln V
"""

from __future__ import annotations

from functools import singledispatch
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pipeline.closures.energy import ExponentialEnergy, IdealGasEnergy
from pipeline.closures.friction import RevengaFriction, SplineFriction
from pipeline.closures.volume import LucyVolume, SplineVolume
from pipeline.lammps.potential import Potential
from pipeline.lammps.tables import Domain, line


def array(x: Tensor | Any) -> np.ndarray:
    """Plain float64 numbers."""
    if isinstance(x, Tensor):
        x = x.detach().cpu().numpy()
    return np.asarray(x, dtype=np.float64)


def mirrored(coefficients: Tensor) -> np.ndarray:
    """B-spline coefficients (..., K + 1) with the one left of zero, which `splines` mirrors."""
    return array(torch.cat((coefficients[..., 1:2], coefficients), -1))


@singledispatch
def entries(closure: Any, domain: Domain) -> Potential:
    """The words and numbers that stand for a closure, in float64.

    Those of networks are in `networks`, of solids in `solids`; import `export` to have all.

    Raises:
        ValueError: if this kind of closure has no form in the file.
    """
    raise ValueError(f"{type(closure).__name__} cannot be written to a potential file.")


@entries.register
def _(closure: SplineVolume, domain: Domain) -> Potential:
    coefficients = mirrored(closure.coefficients) + closure.level
    return volume(coefficients, 2, closure.self_weight())


@entries.register
def _(closure: LucyVolume, domain: Domain) -> Potential:
    def exponent(r: np.ndarray) -> np.ndarray:
        x = r / domain.h  # (1 + 3x)(1 - x)^3 over (1 - x^2)^3
        return np.log(closure.norm) + np.log1p(3.0 * x) - 3.0 * np.log1p(x)

    return volume(line(exponent, domain.h), 3, closure.self_weight())


def volume(coefficients: np.ndarray, taper: int, self_weight: Tensor | float) -> Potential:
    """w(r) = exp(s(r)) (1 - r^2/h^2)^taper with the spline coefficients of s."""
    numbers = {"taper": taper, "coefficients": coefficients, "self": self_weight}
    return named("volume", {}, numbers)


@entries.register
def _(closure: SplineFriction, domain: Domain) -> Potential:
    # B-splines sum to one: a constant added to all coefficients is added to the spline.
    constants = np.stack((array(closure.level), array(closure.power)))  # (2, 3, 1)
    numbers = {
        "coefficients": mirrored(closure.coefficients) + constants,
        "taper": 2,
        "volume_factor": float(closure.volume_factor),
        "temperature": array(closure.T0),
        "volume": array(closure.V0),
    }
    return named("friction", {"kind": "separable"}, numbers)


@entries.register
def _(closure: RevengaFriction, domain: Domain) -> Potential:
    """a^2 = (a/2) F(r) V_i V_j T_ij, T_ij the harmonic mean; c^2 = c F(r) V_i V_j T_ij^2."""

    def exponent(r: np.ndarray) -> np.ndarray:
        return np.log(closure.norm) - 2.0 * np.log1p(r / domain.h)  # (1 - x)^2 over (1 - x^2)^2

    shape = line(exponent, domain.h)
    factors = np.log(np.maximum([closure.a / 2.0, closure.b / 2.0, closure.c], 1e-300))
    powers = np.array([1.0, 1.0, 2.0])[:, None] * np.ones(len(shape))
    numbers = {
        "coefficients": np.concatenate((factors[:, None] + shape, powers)),
        "taper": 2,
        "volume_factor": 1.0,
        "temperature": 1.0,
        "volume": 1.0,
    }
    return named("friction", {"kind": "separable"}, numbers)


@entries.register
def _(closure: ExponentialEnergy, domain: Domain) -> Potential:
    alpha, beta = closure.exponents()
    log_c = closure.log_c + torch.log(closure.T0)
    numbers = {"log_c": log_c, "alpha": alpha, "beta": beta, "volume": closure.V0}
    return named("energy", {"kind": "exponentials"}, numbers)


@entries.register
def _(closure: IdealGasEnergy, domain: Domain) -> Potential:
    numbers = {
        "log_c": np.log(closure.C * closure.T0),
        "alpha": 1.0 / closure.C,
        "beta": closure.beta,
        "volume": closure.V0,
    }
    return named("energy", {"kind": "exponentials"}, numbers)


def named(closure: str, words: dict[str, str], numbers: dict[str, Any]) -> Potential:
    """Entries whose names begin with that of the closure."""
    return Potential(
        {f"{closure}.{name}": word for name, word in words.items()},
        {f"{closure}.{name}": array(value).ravel() for name, value in numbers.items()},
    )
