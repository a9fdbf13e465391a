"""Network closures as entries of a potential file: tables, and the weights for exact values."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from pipeline.closures.energy import NetworkEnergy, PaperEnergy
from pipeline.closures.friction import NetworkFriction
from pipeline.closures.jets import Monotone, Perceptron
from pipeline.closures.volume import NetworkVolume, PaperVolume
from pipeline.lammps.closures import array, entries, named, volume
from pipeline.lammps.potential import Potential
from pipeline.lammps.tables import Axis, Domain, line, sheet


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
