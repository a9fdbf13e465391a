"""How each closure stands in the potential file: its words and numbers.

Everything of one variable becomes a cubic spline on equal intervals of [0, h], everything of two a
table (`pipeline.lammps.tabulate`), with the weights of the network for exact values beyond it. What
is a spline already keeps its coefficients.

    volume     exp(s(r)) (1 - r^2/h^2)^taper, and the self weight
    friction   separable: ln a^2 = g0(r) + g1(r) ln T_ij + ln taper V_i V_j
               product: a^2 = level f(r, T_i)^2 f(r, T_j)^2 taper V_i V_j, f a table
               none: a = b = c = 0
    energy     exponentials: sum_k exp(log_c_k + alpha_k S - beta_k ln V/V0)
               network: a table over S and ln V
    strain     green or paper, and the bonds of one undeformed configuration: the file is then for
               this solid alone, in the notation of `pipeline.closures.reference`
    bath       crowded: gamma = 2 / (1 + exp(-rate + power ln V/V0)), c^2 = conductance T_b T
               active: gamma = friction, g^2 = noise
               brownian: gamma = 2 / dt, m = dt
    flow       of the bath's medium over one window of data: u = sum_k c_k(t) prod_a x_a^p_ka
    external   walls: sum_walls s_w(d_w) (1 - d_w/reach)^2
               field: a tensor spline
               walls_field: their sum
    pair_energy    s(r) (1 - r^2/h^2)^taper
"""

from __future__ import annotations

import functools
from functools import singledispatch
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from torch import Tensor

from pipeline.closures.bath import Active, Brownian, Crowded, Uniform
from pipeline.closures.energy import ExponentialEnergy, IdealGasEnergy, NetworkEnergy, PaperEnergy
from pipeline.closures.external import Field, Walls, WallsField
from pipeline.closures.friction import (
    NetworkFriction,
    NoFriction,
    RevengaFriction,
    SplineFriction,
)
from pipeline.closures.jets import Monotone, Perceptron
from pipeline.closures.pair_energy import SplinePairEnergy
from pipeline.closures.reference import Reference
from pipeline.closures.strain import GreenStrain, PaperStrain
from pipeline.closures.volume import LucyVolume, NetworkVolume, PaperVolume, SplineVolume
from pipeline.errors import InputError
from pipeline.forcing import SampleFlow
from pipeline.lammps.potential import Potential
from pipeline.lammps.tabulate import EXACT, Axis, Domain, line, sheet


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

    Raises:
        InputError: if this kind of closure has no form in the file.
    """
    raise InputError(f"{type(closure).__name__} cannot be written to a potential file.")


@entries.register
def _(closure: SplineVolume, domain: Domain) -> Potential:
    coefficients = mirrored(closure.coefficients) + closure.level
    return volume(coefficients, 2, closure.self_weight())


@entries.register
def _(closure: LucyVolume, domain: Domain) -> Potential:
    # B-splines sum to one: a constant added to all coefficients is added to the spline.
    return volume(np.log(array(closure.norm)) + _lucy(), 3, closure.self_weight())


@functools.cache
def _lucy() -> np.ndarray:
    """ln of (1 + 3x)(1 - x)^3 over (1 - x^2)^3 at x = r/h."""
    return line(lambda x: np.log1p(3.0 * x) - 3.0 * np.log1p(x), 1.0, EXACT)


@functools.cache
def _revenga() -> np.ndarray:
    """ln of (1 - x)^2 over (1 - x^2)^2 at x = r/h."""
    return line(lambda x: -2.0 * np.log1p(x), 1.0, EXACT)


def volume(coefficients: np.ndarray, taper: int, self_weight: Tensor | float) -> Potential:
    """w(r) = exp(s(r)) (1 - r^2/h^2)^taper with the spline coefficients of s."""
    numbers = {"taper": taper, "coefficients": coefficients, "self": self_weight}
    return named("volume", {}, numbers)


@entries.register
def _(closure: SplineFriction, domain: Domain) -> Potential:
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

    shape = np.log(array(closure.norm)) + _revenga()
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


@entries.register
def _(closure: NoFriction, domain: Domain) -> Potential:
    return named("friction", {"kind": "none"}, {})


def named(closure: str, words: dict[str, str], numbers: dict[str, Any]) -> Potential:
    """Entries whose names begin with that of the closure."""
    return Potential(
        {f"{closure}.{name}": word for name, word in words.items()},
        {f"{closure}.{name}": array(value).ravel() for name, value in numbers.items()},
    )


def weights(network: Perceptron | Monotone) -> dict[str, Any]:
    """Weights and biases by name, those of a monotone network as they enter its sums."""
    values = {name: value for name, value in network.state_dict().items() if name != "signs"}
    if isinstance(network, Monotone):
        first = network.input.weight
        signed = torch.where(network.signs == 0, first, first.abs() * network.signs)
        values["input.weight"] = signed
        for name in ("hidden.weight", "output.weight"):
            values[name] = values[name].abs()
    return values


def prefixed(prefix: str, values: dict[str, Any]) -> dict[str, Any]:
    return {f"{prefix}.{name}": value for name, value in values.items()}


@entries.register
def _(closure: NetworkVolume, domain: Domain) -> Potential:
    def exponent(r: np.ndarray) -> np.ndarray:
        x = torch.from_numpy(r / domain.h)[:, None]
        return array(closure.network(x * x)[:, 0] + closure.level)

    return volume(line(exponent, domain.h), 2, closure.self_weight())


@entries.register
def _(closure: PaperVolume, domain: Domain) -> Potential:
    def exponent(r: np.ndarray) -> np.ndarray:
        return array(closure.network(torch.from_numpy(r / domain.h)[:, None])[:, 0])

    return volume(line(exponent, domain.h), 1, closure.self_weight())


@entries.register
def _(closure: NetworkFriction, domain: Domain) -> Potential:
    """Tables of the three networks over r and ln(T / T0)."""
    T0 = float(closure.T0)
    networks = [cast(Perceptron, network) for network in closure.networks]

    def values(r: np.ndarray, log_T: np.ndarray) -> np.ndarray:
        inputs = torch.from_numpy(np.stack((r / domain.h, np.exp(log_T)), 1))
        return array(torch.cat([network(inputs) for network in networks], 1))

    low, high = np.log(np.array(domain.T) / T0)
    axes = Axis(0.0, domain.h, 32), Axis(float(low), float(high), 8)
    table, (r, T) = sheet(values, axes, 3, ((0, 0), (0, 1)))
    numbers = {
        "table": table,
        "r": (r.low, r.high, r.intervals),
        "log_T": (T.low, T.high, T.intervals),
        "level": closure.level,
        "taper": 2 if closure.taper else 0,
        "volume_factor": float(closure.volume_factor),
        "temperature": T0,
        "volume": closure.V0,
    }
    for k, network in enumerate(networks):
        numbers |= prefixed(f"network.{k}", weights(network))
    return named("friction", {"kind": "product"}, numbers)


@entries.register
def _(closure: NetworkEnergy, domain: Domain) -> Potential:
    scales = (closure.S0, float(closure.V0), float(closure.T0))
    return _energy(closure.network, scales, domain)


@entries.register
def _(closure: PaperEnergy, domain: Domain) -> Potential:
    return _energy(closure.network, (1.0, 1.0, 1.0), domain)


def _energy(network: Monotone, scales: tuple[float, float, float], domain: Domain) -> Potential:
    """Table of U = T0 network(S / S0, V / V0) over S and ln(V / V0), smooth enough for U_SS."""
    S0, V0, T0 = scales

    def values(S: np.ndarray, log_V: np.ndarray) -> np.ndarray:
        inputs: Tensor = torch.from_numpy(np.stack((S / S0, np.exp(log_V)), 1))
        return T0 * array(network.jet(inputs, (0,)).value[:, 0])

    low, high = np.log(np.array(domain.V) / V0)
    axes = Axis(*domain.S, 8), Axis(float(low), float(high), 8)
    table, (S, V) = sheet(values, axes, 5, ((0, 0), (1, 0), (0, 1), (2, 0)))
    numbers = {
        "table": table,
        "S": (S.low, S.high, S.intervals),
        "log_V": (V.low, V.high, V.intervals),
        "scales": scales,
        **prefixed("network", weights(network)),
    }
    return named("energy", {"kind": "network"}, numbers)


def bonds(reference: Reference) -> Potential:
    """The undeformed configuration; row i of a system has the tag i + 1."""
    ends = np.stack([array(k) + 1 for k in (reference.bonds.i, reference.bonds.j)], 1)
    numbers = {
        "bonds": ends,
        "r0": reference.r0,
        "weight": reference.weight,
        "inverse": reference.inverse,
    }
    return named("solid", {}, numbers)


@entries.register
def _(closure: GreenStrain, domain: Domain) -> Potential:
    logs = {"c": closure.log_c, "bulk": closure.log_b, "zigzag": closure.log_s}
    moduli = {name: array(closure.T0) * np.exp(array(log)) for name, log in logs.items()}
    return named(
        "strain", {"kind": "green"}, {name: np.atleast_1d(x) for name, x in moduli.items()}
    )


@entries.register
def _(closure: PaperStrain, domain: Domain) -> Potential:
    numbers = {
        **prefixed("bond", weights(closure.strain)),
        **prefixed("energy", weights(closure.network)),
    }
    return named("strain", {"kind": "paper"}, numbers)


@entries.register
def _(closure: Uniform, domain: Domain) -> Potential:
    return _bath(closure, 0.0, 1.0)


@entries.register
def _(closure: Crowded, domain: Domain) -> Potential:
    return _bath(closure, closure.power, closure.V0)


def _bath(closure: Uniform, power: Tensor | float, volume: Tensor | float) -> Potential:
    numbers = {
        "temperature": closure.temperature(),
        "rate": closure.raw_rate,
        "power": power,
        "volume": volume,
        "conductance": closure.kappa,
    }
    return named("bath", {"kind": "crowded", "flow": "rest"}, numbers)


@entries.register
def _(closure: Active, domain: Domain) -> Potential:
    noise = closure.log_g2.exp()
    numbers = {"friction": noise / closure.temperature(), "noise": noise}
    return named("bath", {"kind": "active", "flow": "rest"}, numbers)


@entries.register
def _(closure: Brownian, domain: Domain) -> Potential:
    words = {"kind": "brownian", "flow": "rest"}
    return named("bath", words, {"temperature": closure.temperature()})


class Stream(NamedTuple):
    """The motion of a bath's medium along a run."""

    flow: SampleFlow
    begin: float  # time of step 0 [dt]


def flowing(stream: Stream) -> Potential:
    """The words and numbers of a medium that flows, in place of one at rest."""
    flow, begin = stream
    numbers = {
        "time": flow.time - begin,
        "centre": flow.centre,
        "half": flow.half,
        "powers": flow.powers,
        "coefficients": flow.coefficients,
    }
    return named("flow", {}, numbers)._replace(words={"bath.flow": "polynomial"})


@entries.register
def _(closure: Walls, domain: Domain) -> Potential:
    return named("external", {"kind": "walls"}, _walls(closure))


def _walls(closure: Walls) -> dict[str, Any]:
    return {
        "axes": np.array(closure.axes) + 1,
        "low": [closure.low[axis] for axis in closure.axes],
        "high": [closure.high[axis] for axis in closure.axes],
        "reach": closure.reach,
        "coefficients": closure.T0 * closure.coefficients,
    }


@entries.register
def _(closure: Field, domain: Domain) -> Potential:
    return named("external", {"kind": "field"}, _field(closure))


def _field(closure: Field) -> dict[str, Any]:
    sides = zip("xyz", closure.low, closure.high, strict=False)
    axes = {axis: (low, high, closure.intervals) for axis, low, high in sides}
    return {**axes, "field": closure.T0 * closure.coefficients}


@entries.register
def _(closure: WallsField, domain: Domain) -> Potential:
    numbers = {**_walls(closure.walls), **_field(closure.field)}
    return named("external", {"kind": "walls_field"}, numbers)


@entries.register
def _(closure: SplinePairEnergy, domain: Domain) -> Potential:
    numbers = {"taper": 2, "coefficients": mirrored(closure.T0 * closure.coefficients)}
    return named("pair_energy", {"kind": "splines"}, numbers)
