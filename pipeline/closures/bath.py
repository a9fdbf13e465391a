"""Bath closures: what each particle exchanges with the medium around it, at temperature T_b.

One more partner for every particle, the limit of a pair with one of infinite mass and heat
capacity: friction against a medium at rest or in flow, and heat. There is no direction e, so the
tensor of the noise is g^2 I:

    m dv_i   = -(g_i^2 / T_b) (v_i - u_i) dt + sqrt(2 k_B) g_i dW_i        gamma = g^2 / (m T_b)
    T_i dS_i = c_i^2 (1/T_i - 1/T_b) dt + k_B div M + sqrt(2 k_B) c_i dV_i

g may depend on positions, through the volume, but not on temperatures: the heat of this friction
goes to the bath alone, and div M then has no term in v.

The same formulas hold for a medium that feeds motion, as the air of an air table does: gamma < 0
with g^2 > 0 is a bath at a negative temperature. Energy is then accounted as ever, and the ratio of
noise to friction is no temperature of anything: no fluctuation-dissipation theorem is claimed.
"""

from __future__ import annotations

import math
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn

from pipeline.closures.splines import Scales
from pipeline.errors import InputError

MOST = 2.0  # greatest friction rate per step: gamma dt = 2 is Brownian dynamics


class Contact(NamedTuple):
    """Squared amplitudes of the exchange of N particles with the bath."""

    g2: Tensor  # (N,) of momentum [m^2 length^2 / time^3 / k_B]
    c2: Tensor  # (N,) of heat
    c2_in_T: Tensor  # (N,) dc^2/dT_i


class Bath(Protocol):
    """V_i, T_i -> g^2, c^2 >= 0 and dc^2/dT, and the temperature T_b of the medium.

    ``brownian`` says that the step itself sets friction and mass, see `Brownian`; ``active`` that
    friction and noise are independent of each other, see `Active`.
    """

    brownian: bool
    active: bool

    def __call__(self, V: Tensor, T: Tensor) -> Contact: ...

    def temperature(self) -> Tensor: ...

    def start(self, rate: float, noise: float) -> None:
        """Sets friction and noise to what was measured, within bounds they can be learned from.

        Args:
            rate: gamma [1/time].
            noise: variance of the velocity change of a step of length one, per component.
        """

    def roughness(self) -> Tensor | float: ...


class Uniform(nn.Module):
    """gamma = 2 / (1 + exp(-x)) per step of training, the same for all; c^2 = kappa T_b T_i.

    The rate stays within (0, 2/dt), the range in which one step serves ballistic, damped and
    overdamped motion. kappa is a conductance: c^2 (1/T_i - 1/T_b) = kappa (T_b - T_i).

    Args:
        scales: T0, the temperature of the bath at the start.
        rate: gamma at the start [1/time], below 2.
        conductance: kappa, not learned, for what is observed hardly depends on it [k_B / time].
    """

    kappa: Tensor
    brownian = False
    active = False

    def __init__(self, scales: Scales, rate: float = 0.1, conductance: float = 0.0) -> None:
        super().__init__()
        if not 0.0 < rate < MOST:
            raise InputError(
                f"The friction rate of a bath must be between 0 and {MOST:g} per step, got "
                f"{rate:g}: take the kind brownian for motion that forgets faster."
            )
        self.raw_rate = nn.Parameter(torch.tensor(math.log(rate / (MOST - rate))))
        self.log_T = nn.Parameter(torch.tensor(scales.temperature).log())
        self.register_buffer("kappa", torch.tensor(conductance))

    def temperature(self) -> Tensor:
        return torch.exp(self.log_T)

    @torch.no_grad()
    def start(self, rate: float, noise: float) -> None:
        """See `Bath`; the temperature stays as it is, and sets the noise."""
        rate = min(max(rate, 0.01), 0.95 * MOST)
        self.raw_rate.fill_(math.log(rate / (MOST - rate)))

    @torch.no_grad()
    def hold(self, rate: float) -> None:
        """Sets the friction [1/time] to what is known, and leaves it there."""
        self.start(rate, 0.0)
        self.raw_rate.requires_grad_(False)

    def forward(self, V: Tensor, T: Tensor) -> Contact:
        T_b = self.temperature()
        slope = self.kappa * T_b * torch.ones_like(T)
        return Contact(self.rate(V) * T_b, slope * T, slope)

    def rate(self, V: Tensor) -> Tensor:
        """gamma (N,) of a particle of unit mass [1/time]."""
        return MOST * torch.sigmoid(self.raw_rate) * torch.ones_like(V)

    def roughness(self) -> Tensor | float:
        return 0.0


class Crowded(Uniform):
    """As `Uniform`, with x - p ln(V_i / V0) for x: friction that grows (p > 0) where it is dense.

    Args:
        scales: T0, V0.
        rate: gamma at V0 at the start [1/time].
        conductance: see `Uniform`.
    """

    V0: Tensor

    def __init__(self, scales: Scales, rate: float = 0.1, conductance: float = 0.0) -> None:
        super().__init__(scales, rate, conductance)
        self.power = nn.Parameter(torch.tensor(0.0))
        self.register_buffer("V0", torch.tensor(scales.volume))

    def rate(self, V: Tensor) -> Tensor:
        return MOST * torch.sigmoid(self.raw_rate - self.power * torch.log(V / self.V0))

    def roughness(self) -> Tensor:
        return self.power.square()


class Active(nn.Module):
    """g^2 > 0 and gamma = g^2 / T0 + x, the same for all particles; x is not learned.

    Nothing says that the medium is in equilibrium: where x < 0 it feeds motion, on balance at the
    rate -2 x of the kinetic energy at T0, and gamma may be negative. T_b = g^2 / (m gamma) is a
    name for their ratio, no temperature. Entropies are not exchanged.

    Args:
        scales: T0; g^2 starts as that of friction ``rate`` at T0.
        rate: gamma at the start [1/time], between 0 and 2.
    """

    T0: Tensor
    net: Tensor
    brownian = False
    active = True

    def __init__(self, scales: Scales, rate: float = 1e-3) -> None:
        super().__init__()
        if not 0.0 < rate < MOST:
            raise InputError(
                f"The friction rate of an active bath must start between 0 and {MOST:g} per step, "
                f"got {rate:g}: leave the bath out where there is none."
            )
        self.log_g2 = nn.Parameter(torch.tensor(rate * scales.temperature).log())
        self.register_buffer("T0", torch.tensor(scales.temperature))
        self.register_buffer("net", torch.tensor(0.0))

    def temperature(self) -> Tensor:
        return self.log_g2.exp() / self._rate()

    @torch.no_grad()
    def start(self, rate: float, noise: float) -> None:
        """See `Bath`; rate - noise / 2 T0 is x, what the medium takes on balance."""
        self.log_g2.fill_(math.log(0.5 * noise))
        self.net.fill_(rate - 0.5 * noise / float(self.T0))

    def _rate(self) -> Tensor:
        """gamma, within +-2 and kept off zero, where T_b has a pole."""
        rate = (self.log_g2.exp() / self.T0 + self.net).clamp(-MOST, MOST)
        return torch.where(rate.abs() < 1e-9, torch.full_like(rate, 1e-9), rate)

    def forward(self, V: Tensor, T: Tensor) -> Contact:
        zero = torch.zeros_like(T)
        return Contact(self.log_g2.exp() * torch.ones_like(V), zero, zero)

    def roughness(self) -> float:
        return 0.0


class Brownian(nn.Module):
    """gamma = 2 / dt whatever the step dt: velocities are forgotten within it.

    The step then is r' = r + F dt^2 / 2m + noise of variance T_b dt^2 / m, Brownian dynamics with
    D = T_b dt / 2m. The mass is as fictitious as the friction: one in training, where dt = 1, and
    m dt in a step of another length (`Metriplectic.at_step`), which leaves T_b and D as they are.
    Entropies are not exchanged.

    Args:
        scales: T0, the temperature at the start; D is half of it, in units of length^2 / time.
    """

    brownian = True
    active = False

    def __init__(self, scales: Scales) -> None:
        super().__init__()
        self.log_T = nn.Parameter(torch.tensor(scales.temperature).log())

    def temperature(self) -> Tensor:
        return torch.exp(self.log_T)

    @torch.no_grad()
    def start(self, rate: float, noise: float) -> None:
        """See `Bath`; the rate is that of the step, and the residual 2 v' has the noise 4 T_b."""
        self.log_T.fill_(math.log(noise / 4))

    def forward(self, V: Tensor, T: Tensor) -> Contact:
        # gamma = g^2 / (m T_b) is 2 / dt where m is dt.
        zero = torch.zeros_like(T)
        return Contact(MOST * self.temperature() * torch.ones_like(V), zero, zero)

    def roughness(self) -> float:
        return 0.0


KINDS = {"uniform": Uniform, "crowded": Crowded, "active": Active, "brownian": Brownian}
