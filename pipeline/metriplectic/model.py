"""The metriplectic model: closures put together into drift, noise and covariance (paper, eq. 4)."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from pipeline.closures import splines
from pipeline.closures.bath import Bath
from pipeline.closures.energy import Energy
from pipeline.closures.external import External
from pipeline.closures.friction import Closure as Friction
from pipeline.closures.memory import Memory
from pipeline.closures.neighbourhood import Closure as Neighbourhood
from pipeline.closures.neighbourhood import Messages, Weight
from pipeline.closures.pair_energy import Closure as PairEnergyClosure
from pipeline.closures.pair_energy import PairEnergy
from pipeline.closures.reference import Reference
from pipeline.closures.splines import Radial
from pipeline.closures.strain import Elastic, Elasticity
from pipeline.closures.teacher import Teacher
from pipeline.closures.volume import Kernel, Volume, weighted
from pipeline.metriplectic import drift, gate, noise
from pipeline.metriplectic.noise import Constants, Covariance, Increments
from pipeline.metriplectic.pair_tensor import PairTensor, pair_tensor
from pipeline.metriplectic.presets import Complete, complete
from pipeline.metriplectic.thermo import (
    BathDrift,
    Dynamics,
    Thermo,
    inverse_volume,
    sides,
    thermodynamics,
)
from pipeline.pairs import Pairs, Rates, State, sum_even


class Metriplectic(nn.Module):
    """dx = (L grad E + M grad S + k_B div M) dt + dx~ for x = (r, v, S) of every particle.

    A thin wrapper: it owns the closures and the constants and calls pure functions. Nothing here
    or below differentiates: closures return their derivatives.

    Args:
        settings: see `build`.
    """

    log_k_B: Tensor
    log_m: Tensor
    volume: Volume
    energy_closure: Energy
    friction: Friction
    teacher: Teacher
    strain: Elastic | None
    bath: Bath | None
    memory: Memory | None  # of rollouts, see `dynamics.modes` and `bond_modes`; not in `dynamics`
    external: External | None
    pair_energy: PairEnergyClosure | None
    neighbourhood: Neighbourhood | None

    def __init__(self, settings: Complete) -> None:
        super().__init__()
        self._settings, self.scales = settings, settings.scales
        self.volume = settings.closure("volume")
        self.energy_closure = settings.closure("energy")
        self.friction = settings.closure("friction")
        self.teacher = settings.closure("teacher")
        self.strain = settings.closure("strain")
        self.bath = settings.closure("bath")
        self.memory = settings.closure("memory")
        self.external = settings.closure("external")
        self.pair_energy = settings.closure("pair_energy")
        self.neighbourhood = settings.closure("neighbourhood")
        for name in ("log_k_B", "log_m"):
            if settings.trainable_constants:
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
        return copy.deepcopy(self._settings._asdict())

    def remember(self, kind: str, modes: int) -> Memory:
        """Gives every particle modes of memory, as if the model had been built with them."""
        self._settings.closures["memory"] = {"kind": kind, "modes": modes}
        self.memory = self._settings.closure("memory").to(self.log_m)
        return self.memory

    def radial(self, r: Tensor) -> Radial:
        """Spline basis at pair distances r (P,)."""
        return splines.radial(r, self.scales.cutoff, self.scales.intervals)

    def dynamics(
        self,
        state: State,
        pairs: Pairs,
        reference: Reference | None = None,
        force: Tensor | None = None,
        limit: float | None = None,
        strength: Tensor | None = None,
        flow: Tensor | None = None,
    ) -> Dynamics:
        """Thermodynamic fields, amplitudes and drift at a state (paper, A.3).

        Args:
            state: positions, velocities and entropies.
            pairs: pairs closer than the cutoff.
            reference: undeformed bonds; needed by a solid, ignored by a fluid.
            force: (N, D) external force on each particle, e.g. the Taylor-Green body force.
            limit: greatest friction rate of a pair [1/time], see `gate.saturated`; for rollouts.
            strength: (N,) factors s_i that make the kernel s_i s_j w(r_ij), and the pair energy
                s_i s_j psi(r_ij); None takes 1.
            flow: (N, D) velocity of the bath's medium at each particle; None where it rests.

        Raises:
            ValueError: if a solid is given no reference.
        """
        k_B, m = self.k_B, self.m
        elastic = self._elasticity(state, reference)
        radial, v_ij = self.radial(pairs.r), pairs.difference(state.v)
        kernel, around = self._kernel(radial, strength, pairs)
        d = inverse_volume(pairs, kernel, self.volume.self_weight())
        thermo = thermodynamics(self.energy_closure, d, state.S, elastic)
        psi = self._pair_energy(radial, strength, pairs)
        ends = i, j = drift.Ends(*sides(pairs, thermo))
        f = self.friction(radial, i.T, j.T, i.V * j.V)
        f = f if limit is None else gate.saturated(f, i, j, m, limit)
        more = [] if psi is None else [-psi.dpsidr]
        if around is not None:
            more.append(drift.neighbourhood_force(pairs, kernel, *around, ends))
        total = drift.balance(pairs, v_ij, kernel, f, ends, k_B, more)
        bath = self._bath(state.v, flow, thermo)
        total = total if bath is None else drift.with_bath(total, bath, m)
        F = total.force if elastic is None else total.force + elastic.force
        F = F if force is None else F + force
        push = None
        if self.external is not None:
            potential = self.external(state.r)
            push = -potential.gradient
            F, thermo = F + push, thermo._replace(U=thermo.U + potential.phi)
        if psi is not None:
            thermo = thermo._replace(U=thermo.U + 0.5 * sum_even(pairs, psi.psi))
        rates = Rates(F / m, drift.heat(total, thermo, k_B, m) / thermo.T)
        pairwise = (total.friction, total.conduction, total.pressure)
        return Dynamics(pairs, v_ij, thermo, f.value, total.thermal, rates, *pairwise, bath, push)

    def covariance(self, dynamics: Dynamics) -> Covariance:
        """Covariance of each particle's noise per unit time (paper, C.1)."""
        pairs, v_ij, K, constants = self._noise(dynamics)
        found = noise.marginal_covariance(pairs, v_ij, K, dynamics.thermal, constants)
        if dynamics.bath is None:
            return found
        own = (2.0 * self.k_B / self.m.square()) * dynamics.bath.contact.g2
        unit = torch.eye(v_ij.shape[1], dtype=own.dtype, device=own.device)
        return found._replace(vv=found.vv + own[:, None, None] * unit)

    def fluctuation(self, dynamics: Dynamics, increments: Increments) -> Rates:
        """dv, dS of the noise for given Wiener increments (paper, eq. 7)."""
        pairs, v_ij, K, constants = self._noise(dynamics)
        c2 = dynamics.amplitudes.c2
        rates = noise.fluctuation(pairs, v_ij, K, c2, increments, constants)
        if dynamics.bath is None:
            return rates
        own = noise.bath_fluctuation(dynamics.bath.contact, increments, self.k_B)
        return Rates(rates.dv + own.impulse / self.m, rates.dS + own.heat / dynamics.thermo.T)

    def energy(self, state: State, dynamics: Dynamics) -> Tensor:
        """Total energy sum_i (m v_i^2 / 2 + U_i); U has an arbitrary offset."""
        return 0.5 * self.m * state.v.square().sum() + dynamics.thermo.U.sum()

    def entropy(self, state: State, pairs: Pairs) -> Tensor:
        """The teacher's entropy (N,) from positions and velocities; ignores state.S."""
        return self.teacher(pairs, self.radial(pairs.r), pairs.difference(state.v))

    def roughness(self, weights: Mapping[str, float] | None = None) -> Tensor | float:
        """Smoothness penalty of all closures; zero where they are not splines.

        Args:
            weights: of closures by their names here, 1 for those not named.
        """
        total: Tensor | float = 0.0
        own = ("volume", "friction", "teacher")
        for name in (*own, "bath", "external", "pair_energy", "neighbourhood"):
            closure = getattr(self, name)
            if closure is not None:
                total = total + (weights or {}).get(name, 1.0) * closure.roughness()
        return total

    def at_step(self, dt: float) -> Metriplectic:
        """The model for steps of length ``dt``, in units of the step of training.

        Brownian motion has no mass and no friction rate of its own: m dt and 2 / dt give the same
        T_b and D in every step. Any other model is what it is.
        """
        if self.bath is None or not self.bath.brownian:
            return self
        made = copy.deepcopy(self)
        made.log_m.data.fill_(math.log(dt))
        return made

    def _pair_energy(
        self, radial: Radial, strength: Tensor | None, pairs: Pairs
    ) -> PairEnergy | None:
        if self.pair_energy is None:
            return None
        found = self.pair_energy(radial)
        if strength is None:
            return found
        product = strength[pairs.i] * strength[pairs.j]
        return PairEnergy(product * found.psi, product * found.dpsidr)

    def _kernel(
        self, radial: Radial, strength: Tensor | None, pairs: Pairs
    ) -> tuple[Kernel, tuple[Messages, Weight] | None]:
        """The kernel that volumes are made of, and what weighs it, if anything does."""
        kernel = weighted(self.volume(radial), strength, pairs.i, pairs.j)
        if self.neighbourhood is None:
            return kernel, None
        messages = self.neighbourhood(radial)
        weight = self.neighbourhood.weight(sum_even(pairs, messages.u))
        return weighted(kernel, weight.a, pairs.i, pairs.j), (messages, weight)

    def _bath(self, v: Tensor, flow: Tensor | None, thermo: Thermo) -> BathDrift | None:
        if self.bath is None:
            return None
        contact, T_b = self.bath(thermo.V, thermo.T), self.bath.temperature()
        return drift.bath_drift(contact, T_b, v, flow, thermo, (self.k_B, self.m))

    def _elasticity(self, state: State, reference: Reference | None) -> Elasticity | None:
        if self.strain is None:
            return None
        if reference is None:
            raise ValueError(
                "This model has a strain closure and needs the undeformed bonds of the solid, got "
                "no reference: pass closures.reference.reference(...)."
            )
        return self.strain(reference, reference.displacement(state.r), state.S)

    def _noise(self, d: Dynamics) -> tuple[Pairs, Tensor, PairTensor, Constants]:
        K = pair_tensor(d.amplitudes.a2, d.amplitudes.b2, self.scales.dimension)
        return d.pairs, d.v_ij, K, Constants(self.k_B, self.m, d.thermo.T)


def build(settings: Mapping[str, Any]) -> Metriplectic:
    """Model from plain settings (the contents of model.yaml); weights come by load_state_dict.

    Args:
        settings: ``dimension``, ``cutoff`` and any of the keys of `settings.DEFAULTS`.

    Raises:
        ValueError: on an unknown or missing key or kind, or a scale that is not positive.
    """
    return Metriplectic(complete(settings))
