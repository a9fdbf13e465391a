"""The metriplectic model: closures put together into drift, noise and covariance (paper, eq. 4)."""

from __future__ import annotations

import copy
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from pipeline.closures import energy, friction, splines, teacher, volume
from pipeline.closures.friction import Amplitudes
from pipeline.closures.splines import Radial, Scales
from pipeline.metriplectic import drift, noise
from pipeline.metriplectic.noise import Covariance, Increments
from pipeline.metriplectic.pair_tensor import PairTensor, pair_tensor
from pipeline.metriplectic.thermo import Thermo, inverse_volume, sides, thermodynamics
from pipeline.pairs import Pairs
from pipeline.state import Rates, State


class Dynamics(NamedTuple):
    """Everything deterministic that one evaluation of the model yields."""

    pairs: Pairs
    v_ij: Tensor  # (P, D) relative velocities
    thermo: Thermo  # (N,) fields
    amplitudes: Amplitudes  # (P,) squared noise amplitudes
    thermal: Tensor  # (N,) sum_j (q_ij/4 + c_ij^2)
    drift: Rates  # dv/dt (N, D), dS/dt (N,)


CLOSURES = {
    "volume": volume.KINDS,
    "energy": energy.KINDS,
    "friction": friction.KINDS,
    "teacher": teacher.KINDS,
}


class Metriplectic(nn.Module):
    """dx = (L grad E + M grad S + k_B div M) dt + dx~ for x = (r, v, S) of every particle.

    A thin wrapper: it owns the closures and the constants and calls pure functions. Nothing here
    or below differentiates: closures return their derivatives.

    Args:
        settings: plain values that rebuild the model, see `build`.
    """

    log_k_B: Tensor
    log_m: Tensor

    def __init__(self, settings: dict[str, Any]) -> None:
        super().__init__()
        self._settings = copy.deepcopy(settings)
        self.scales = Scales(
            int(settings["dimension"]),
            float(settings["cutoff"]),
            float(settings.get("temperature", 1.0)),
            float(settings.get("volume", 1.0)),
            int(settings.get("intervals", 20)),
        )
        self.volume = _closure("volume", settings, self.scales)
        self.energy_closure = _closure("energy", settings, self.scales)
        self.friction = _closure("friction", settings, self.scales)
        self.teacher = _closure("teacher", settings, self.scales)
        for name in ("log_k_B", "log_m"):
            if settings.get("trainable_constants", False):
                self.register_parameter(name, nn.Parameter(torch.tensor(0.0)))
            else:
                self.register_buffer(name, torch.tensor(0.0))

    @property
    def k_B(self) -> Tensor:
        """Boltzmann's constant, 1 in the model's units."""
        return torch.exp(self.log_k_B)

    @property
    def m(self) -> Tensor:
        """Mass of a particle, 1 in the model's units."""
        return torch.exp(self.log_m)

    @property
    def cutoff(self) -> float:
        """Range h of every pair interaction."""
        return self.scales.cutoff

    def settings(self) -> dict[str, Any]:
        """Plain values from which `build` makes the same model (state dict apart)."""
        return copy.deepcopy(self._settings)

    def radial(self, r: Tensor) -> Radial:
        """Spline basis at pair distances r (P,): may be computed once per snapshot and kept."""
        return splines.radial(r, self.scales.cutoff, self.scales.intervals)

    def dynamics(
        self,
        state: State,
        pairs: Pairs,
        force: Tensor | None = None,
        radial: Radial | None = None,
    ) -> Dynamics:
        """Thermodynamic fields, amplitudes and drift at a state (paper, A.3).

        Args:
            state: positions, velocities and entropies.
            pairs: pairs closer than the cutoff.
            force: (N, D) external force on each particle, e.g. the Taylor-Green body force.
            radial: spline basis at the pair distances, if already computed.
        """
        k_B, m = self.k_B, self.m
        radial = self.radial(pairs.r) if radial is None else radial
        v_ij = pairs.difference(state.v)
        kernel = self.volume(radial)
        d = inverse_volume(pairs, kernel, self.volume.self_weight())
        thermo = thermodynamics(self.energy_closure, d, state.S)
        i, j = sides(pairs, thermo)
        f = self.friction(radial, i.T, j.T, i.V * j.V)
        total = drift.balance(pairs, v_ij, kernel, f, drift.Ends(i, j), k_B)
        dv = total.force if force is None else total.force + force
        dS = drift.heat(total, thermo, k_B, m) / thermo.T
        return Dynamics(pairs, v_ij, thermo, f.value, total.thermal, Rates(dv / m, dS))

    def covariance(self, dynamics: Dynamics) -> Covariance:
        """Covariance of each particle's noise per unit time (paper, C.1)."""
        d = dynamics
        constants = (self.k_B, self.m, d.thermo.T)
        return noise.marginal_covariance(d.pairs, d.v_ij, self._tensor(d), d.thermal, constants)

    def fluctuation(self, dynamics: Dynamics, increments: Increments) -> Rates:
        """dv, dS of the noise for given Wiener increments (paper, eq. 7)."""
        d = dynamics
        constants = (self.k_B, self.m, d.thermo.T)
        return noise.fluctuation(
            d.pairs, d.v_ij, self._tensor(d), d.amplitudes.c2, increments, constants
        )

    def energy(self, state: State, dynamics: Dynamics) -> Tensor:
        """Total energy sum_i (m v_i^2 / 2 + U_i); U has an arbitrary offset."""
        return 0.5 * self.m * state.v.square().sum() + dynamics.thermo.U.sum()

    def entropy(self, state: State, pairs: Pairs, radial: Radial | None = None) -> Tensor:
        """The teacher's entropy (N,) from positions and velocities; ignores state.S."""
        radial = self.radial(pairs.r) if radial is None else radial
        return self.teacher(pairs, radial, pairs.difference(state.v))

    def roughness(self) -> Tensor | float:
        """Smoothness penalty of all closures; zero where they are not splines."""
        return self.volume.roughness() + self.friction.roughness() + self.teacher.roughness()

    def _tensor(self, d: Dynamics) -> PairTensor:
        return pair_tensor(d.amplitudes.a2, d.amplitudes.b2, self.scales.dimension)


def _closure(name: str, settings: dict[str, Any], scales: Scales) -> nn.Module:
    options = dict(settings["closures"][name])
    kind = options.pop("kind")
    if kind not in CLOSURES[name]:
        raise ValueError(
            f"Unknown kind of {name} closure {kind!r}: choose one of {sorted(CLOSURES[name])}."
        )
    return CLOSURES[name][kind](scales, **options)


PRESETS: dict[str, dict[str, dict[str, Any]]] = {
    "splines": {
        "volume": {"kind": "splines"},
        "energy": {"kind": "exponentials"},
        "friction": {"kind": "splines"},
        "teacher": {"kind": "splines"},
    },
    "network": {name: {"kind": "network"} for name in CLOSURES},
    "ideal_gas": {
        "volume": {"kind": "lucy"},
        "energy": {"kind": "ideal_gas"},
        "friction": {"kind": "revenga"},
        "teacher": {"kind": "uniform"},
    },
}


def build(settings: dict[str, Any]) -> Metriplectic:
    """Model from plain settings (the contents of model.yaml).

    Keys:
        dimension: D, 2 or 3.
        cutoff: h [length].
        closures: kind and options of volume, energy, friction and teacher, as in `PRESETS`; or
            the name of a preset.
        temperature: T0, measured velocity variance per component [default 1].
        volume: V0, about the volume per particle [default 1].
        intervals: spline intervals between 0 and h [default 20].
        trainable_constants: whether k_B and m are learned, as in the paper [default false].

    Raises:
        ValueError: on an unknown kind, or a scale that is not positive.
    """
    settings = copy.deepcopy(settings)
    if isinstance(settings.get("closures", "splines"), str):
        name = settings.get("closures", "splines")
        if name not in PRESETS:
            raise ValueError(f"Unknown closures {name!r}: choose one of {sorted(PRESETS)}.")
        settings["closures"] = copy.deepcopy(PRESETS[name])
    if settings["dimension"] not in (2, 3):
        raise ValueError(f"The dimension must be 2 or 3, got {settings['dimension']}.")
    for name in ("cutoff", "temperature", "volume"):
        if not settings.get(name, 1.0) > 0.0:
            raise ValueError(f"The {name} must be positive, got {settings[name]}.")
    return Metriplectic(settings)
