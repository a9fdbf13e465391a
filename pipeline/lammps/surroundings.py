"""What surrounds the particles, and attraction, in the potential file: beside `lammps.forms`.

Forms in the notation of the closures:

    bath       crowded: gamma = 2 / (1 + exp(-rate + power ln V/V0)), c^2 = conductance T_b T
               active: gamma = friction, g^2 = noise
               brownian: gamma = 2 / dt, m = dt
    flow       of the bath's medium over one window of data: u = sum_k c_k(t) prod_a x_a^p_ka
    external   walls: sum_walls s_w(d_w) (1 - d_w/reach)^2
               field: a tensor spline
    pair_energy    s(r) (1 - r^2/h^2)^taper
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from torch import Tensor

from pipeline.closures.bath import Active, Brownian, Crowded, Uniform
from pipeline.closures.external import Field, Walls
from pipeline.closures.pair_energy import SplinePairEnergy
from pipeline.forcing import SampleFlow
from pipeline.lammps.forms import entries, mirrored, named
from pipeline.lammps.potential import Potential
from pipeline.lammps.tabulate import Domain


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
    numbers = {
        "axes": np.array(closure.axes) + 1,
        "low": [closure.low[axis] for axis in closure.axes],
        "high": [closure.high[axis] for axis in closure.axes],
        "reach": closure.reach,
        "coefficients": closure.T0 * closure.coefficients,
    }
    return named("external", {"kind": "walls"}, numbers)


@entries.register
def _(closure: Field, domain: Domain) -> Potential:
    sides = zip("xyz", closure.low, closure.high, strict=False)
    axes = {axis: (low, high, closure.intervals) for axis, low, high in sides}
    numbers = {**axes, "coefficients": closure.T0 * closure.coefficients}
    return named("external", {"kind": "field"}, numbers)


@entries.register
def _(closure: SplinePairEnergy, domain: Domain) -> Potential:
    numbers = {"taper": 2, "coefficients": mirrored(closure.T0 * closure.coefficients)}
    return named("pair_energy", {"kind": "splines"}, numbers)
