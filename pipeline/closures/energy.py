"""Energy closures: the equation of state U(S, V) with its derivatives (paper, eq. 6)."""

from __future__ import annotations

import math
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from pipeline.closures.jets import Monotone
from pipeline.closures.splines import Scales
from pipeline.errors import InputError


class Caloric(NamedTuple):
    """Equation of state at N particles: dU = T dS - P dV."""

    U: Tensor  # (N,) internal energy [m length^2 / time^2]
    T: Tensor  # (N,) temperature U_S > 0
    P: Tensor  # (N,) pressure -U_V >= 0
    dTdS: Tensor  # (N,) U_SS > 0; the heat capacity is C = T / (dT/dS)


class Energy(Protocol):
    """S, V -> U, T, P, dT/dS, jointly convex, increasing in S and decreasing in V."""

    def __call__(self, S: Tensor, V: Tensor) -> Caloric: ...


def exponential_sum(S: Tensor, log_V: Tensor, log_c: Tensor, alpha: Tensor, beta: Tensor) -> Tensor:
    """Terms c_k exp(alpha_k S - beta_k ln V) (N, K) of an exponential-sum energy."""
    return torch.exp(log_c + S[:, None] * alpha - log_V[:, None] * beta)


class ExponentialEnergy(nn.Module):
    """U = T0 sum_k c_k exp(alpha_k S - beta_k ln(V/V0)), with alpha, beta, c > 0.

    The exponent is convex in (S, V) and exp is convex and increasing, so U is jointly convex,
    increasing in S and decreasing in V whatever the parameters. One term is the ideal gas; a term
    with alpha = 0, beta = 1 is the pair potential c T0 V0 w(r) exactly. The heat capacity stays
    between the smallest and the largest 1/alpha_k, so temperature never saturates or runs away as
    it can in a network.

    The first ``thermal`` terms have alpha > 0; the ``cold`` ones alpha = 0 and carry elastic
    energy without heat. Pressure is never negative, as in the paper: pairs attract only where
    the kernel grows with distance, and a well deeper than the energy at h is out of reach.

    Args:
        scales: T0, V0.
        thermal: number of terms that depend on entropy, at least 1.
        cold: number of terms that do not.
        heat_capacity: C at the start [k_B].
        stiffness: c of the first cold term at the start [T0]; each further one starts a factor
            e^5 lower, so that the model begins near a pair potential (equal ones made a known
            pair force twice as hard to find).
        expansion: beta of the thermal terms at the start; None takes 2 / D, an ideal gas. Heat
            pushes with pressure beta C T / V, which in a solid may be far above what its bonds
            hold.
    """

    T0: Tensor
    V0: Tensor

    def __init__(
        self,
        scales: Scales,
        thermal: int = 2,
        cold: int = 2,
        heat_capacity: float = 10.0,
        stiffness: float = 1.0,
        expansion: float | None = None,
    ) -> None:
        super().__init__()
        if thermal < 1:
            raise InputError(
                f"energy needs at least 1 thermal term to have a temperature, got {thermal}."
            )
        self.thermal = thermal
        spread = torch.linspace(-0.5, 0.5, thermal) if thermal > 1 else torch.zeros(1)
        log_alpha = spread - math.log(heat_capacity)
        log_c = -log_alpha - math.log(thermal)  # T = T0 at S = 0, V = V0
        log_c = torch.cat((log_c, math.log(stiffness) - 5.0 * torch.arange(cold)))
        hot = 2.0 / scales.dimension if expansion is None else expansion
        beta = torch.cat((torch.full((thermal,), hot), 1.0 + torch.arange(cold)))
        self.log_alpha = nn.Parameter(log_alpha)
        self.log_c = nn.Parameter(log_c)
        self.raw_beta = nn.Parameter(torch.log(torch.expm1(beta)))
        self.register_buffer("T0", torch.tensor(scales.temperature))
        self.register_buffer("V0", torch.tensor(scales.volume))

    def exponents(self) -> tuple[Tensor, Tensor]:
        """alpha (K,), zero for cold terms, and beta (K,)."""
        alpha = torch.exp(self.log_alpha)
        cold = alpha.new_zeros(len(self.log_c) - self.thermal)
        return torch.cat((alpha, cold)), softplus(self.raw_beta)

    def forward(self, S: Tensor, V: Tensor) -> Caloric:
        alpha, beta = self.exponents()
        log_V = torch.log(V / self.V0)
        term = self.T0 * exponential_sum(S, log_V, self.log_c, alpha, beta)
        return Caloric(term.sum(1), term @ alpha, (term @ beta) / V, term @ alpha.square())


class NetworkEnergy(nn.Module):
    """U = T0 CMNN(S / S0, V / V0): the paper's constrained monotonic network (appendix D).

    Starts with T near T0 at S = 0.
    """

    T0: Tensor
    V0: Tensor

    def __init__(self, scales: Scales, width: int = 50, heat_capacity: float = 10.0) -> None:
        super().__init__()
        self.S0 = heat_capacity
        self.network = Monotone((1, -1), width)
        self.register_buffer("T0", torch.tensor(scales.temperature))
        self.register_buffer("V0", torch.tensor(scales.volume))
        with torch.no_grad():
            zero = torch.zeros((1, 1))
            slope = self.network.jet(torch.cat((zero, zero + 1.0), 1), (0, 1)).first[0]
            self.network.output.weight.mul_(self.S0 / slope.item())

    def forward(self, S: Tensor, V: Tensor) -> Caloric:
        jet = self.network.jet(torch.stack((S / self.S0, V / self.V0), 1), (0, 1))
        U, U_S, U_V = (self.T0 * x[:, 0] for x in (jet.value, *jet.first))
        U_SS = self.T0 * jet.curvature
        return Caloric(U, U_S / self.S0, -U_V / self.V0, U_SS / self.S0**2)


class PaperEnergy(nn.Module):
    """U = CMNN(S, V) in the raw units of the data, as the paper trains it."""

    def __init__(self, scales: Scales, width: int = 50) -> None:
        super().__init__()
        self.network = Monotone((1, -1), width)

    def forward(self, S: Tensor, V: Tensor) -> Caloric:
        jet = self.network.jet(torch.stack((S, V), 1), (0, 1))
        U, U_S, U_V = (x[:, 0] for x in (jet.value, *jet.first))
        return Caloric(U, U_S, -U_V, jet.curvature)


class IdealGasEnergy(nn.Module):
    """U = C T0 exp(S/C) (V0/V)^(2/D), C = D N_p k_B / 2: N_p monoatomic atoms per particle.

    The paper's G.1.1 with the constants gathered so that T = T0 at S = 0, V = V0; then
    P V = N_p k_B T and U = C T.
    """

    def __init__(self, scales: Scales, atoms: float = 10.0) -> None:
        super().__init__()
        self.C, self.beta = 0.5 * scales.dimension * atoms, 2.0 / scales.dimension
        self.T0, self.V0 = scales.temperature, scales.volume

    def forward(self, S: Tensor, V: Tensor) -> Caloric:
        T = self.T0 * torch.exp(S / self.C - self.beta * torch.log(V / self.V0))
        U = self.C * T
        return Caloric(U, T, self.beta * U / V, T / self.C)


KINDS = {
    "exponentials": ExponentialEnergy,
    "network": NetworkEnergy,
    "paper": PaperEnergy,
    "ideal_gas": IdealGasEnergy,
}
