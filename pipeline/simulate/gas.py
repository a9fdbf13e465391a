"""What defines the ideal gas of the paper (G.1.1), its law and its flow.

Smoothed dissipative particle dynamics of Espanol and Revenga, Phys. Rev. E 67, 026705 (2003): the
model of this package with analytic closures.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from pipeline.metriplectic.model import Metriplectic, build
from pipeline.space import Space, lees_edwards, periodic
from pipeline.units import ReducedUnits, neighbour_distance


class IdealGas(NamedTuple):
    """What defines the gas and its flow; lengths and times in those of the box, k_B = m = 1."""

    particles: int = 500
    length: float = 1.0  # side L of the periodic box
    cutoff: float = 0.2  # h
    dt: float = 5e-4
    viscosity: float = 0.1  # shear viscosity eta of the friction
    bulk_viscosity: float = 0.1  # zeta
    conductivity: float = 0.1  # kappa
    atoms: float = 10.0  # N_p per particle, heat capacity 3 N_p / 2
    temperature: float = 1.0  # T0
    force: dict[str, Any] | None = None  # taylor_green: amplitude f0, periods per axis and box
    shear_rate: float = 0.0  # Lees-Edwards, flow in x, gradient in y
    relaxation: int = 1000  # steps under force and shear before the record
    frames: int = 2300  # recorded, one per step

    @property
    def units(self) -> ReducedUnits:
        """Reduced units of the model."""
        density = self.particles / self.length**3
        return ReducedUnits(neighbour_distance(density, 3), self.dt)

    @property
    def space(self) -> Space:
        """The box in reduced units."""
        sides = [self.length / self.units.length] * 3
        return (
            lees_edwards(sides, self.shear_rate * self.dt) if self.shear_rate else periodic(sides)
        )


def model(gas: IdealGas) -> Metriplectic:
    """The law of the gas in reduced units; S = 0 at T0 and the mean volume per particle."""
    a, dt = gas.units
    transport = {"eta": gas.viscosity, "zeta": gas.bulk_viscosity, "kappa": gas.conductivity}
    settings = {
        "dimension": 3,
        "cutoff": gas.cutoff / a,
        "temperature": gas.temperature * (dt / a) ** 2,
        "volume": (gas.length / a) ** 3 / gas.particles,
        "closures": {
            "volume": {"kind": "lucy"},
            "energy": {"kind": "ideal_gas", "atoms": gas.atoms},
            "friction": {
                "kind": "revenga",
                **{name: value * a * dt for name, value in transport.items()},
            },
            "teacher": {"kind": "uniform"},
        },
    }
    return build(settings).double().requires_grad_(False)


def attributes(gas: IdealGas) -> dict[str, Any]:
    """What a trajectory of the gas says of itself, the flow included."""
    flow: dict[str, Any] = {}
    if gas.force is not None:
        periods = [2 * math.pi / gas.length * float(k) for k in gas.force["periods"]]
        kind, amplitude = gas.force["kind"], float(gas.force["amplitude"])
        flow["force"] = {"kind": kind, "amplitude": amplitude, "wave": periods}
    if gas.shear_rate:
        flow["shear_rate"] = gas.shear_rate
    return {
        "dataset": "ideal_gas",
        "length_unit": "1",
        "time_unit": "1",
        "dt": gas.dt,
        "velocity": "measured",
        "localisation_error": 0.0,
        "synthetic": True,
        "unwrapped": True,
        **flow,
    }
