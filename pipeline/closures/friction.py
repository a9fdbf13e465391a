"""Friction closures: squared noise amplitudes a^2, b^2, c^2 of a pair (paper, section 5.2.3).

Splines and networks are learned; that of smoothed dissipative particle dynamics is analytic. The
equations need only squares; the noise alone takes their root.
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple, Protocol, cast

import torch
from torch import Tensor, nn

from pipeline.closures import splines
from pipeline.closures.jets import Perceptron
from pipeline.closures.splines import Radial, Scales
from pipeline.closures.volume import lucy_norm
from pipeline.errors import InputError


class Amplitudes(NamedTuple):
    """Squared amplitudes of P pairs, or their derivatives in a temperature."""

    a2: Tensor  # (P,) traceless part: shear friction
    b2: Tensor  # (P,) trace part: bulk friction
    c2: Tensor  # (P,) heat conduction


class Friction(NamedTuple):
    """Squared amplitudes of P pairs and their derivatives in the two temperatures."""

    value: Amplitudes
    in_T_i: Amplitudes
    in_T_j: Amplitudes


def from_rows(value: Tensor, in_T_i: Tensor, in_T_j: Tensor) -> Friction:
    """Friction from (3, P) tensors with rows a, b, c."""
    return Friction(*(Amplitudes(*x.unbind()) for x in (value, in_T_i, in_T_j)))


class Means(NamedTuple):
    """Symmetric logarithmic means of two temperatures, one row per amplitude (a, b, c).

    a and b take the harmonic mean 2 T_i T_j / (T_i + T_j), c the geometric one: the means of
    Espanol and Revenga (2003), for which friction coefficients do not depend on temperature.
    """

    value: Tensor  # (3, P)
    in_T_i: Tensor  # (3, P)
    in_T_j: Tensor  # (3, P)


def log_means(T_i: Tensor, T_j: Tensor, T0: Tensor | float) -> Means:
    """Logarithms of the mean temperatures over T0, with derivatives in T_i and T_j."""
    total, product = T_i + T_j, T_i * T_j / (T0 * T0)
    harmonic = torch.log(2.0 * product * T0 / total)
    geometric = 0.5 * torch.log(product)
    h_i, h_j = T_j / (T_i * total), T_i / (T_j * total)
    return Means(
        torch.stack((harmonic, harmonic, geometric)),
        torch.stack((h_i, h_i, 0.5 / T_i)),
        torch.stack((h_j, h_j, 0.5 / T_j)),
    )


class Closure(Protocol):
    """r, T_i, T_j, V_i V_j -> a^2, b^2, c^2 >= 0, symmetric in i and j, and their T derivatives.

    A closure may use the volumes because the noise acts on v and S only: at fixed positions
    volumes are constants, and div M has no term from them.
    """

    startable: ClassVar[bool]  # whether a model with it can start from a regression

    def __call__(self, radial: Radial, T_i: Tensor, T_j: Tensor, VV: Tensor) -> Friction: ...

    def roughness(self) -> Tensor | float: ...

    def start(self, r: Tensor, a2: Tensor, b2: Tensor) -> bool:
        """Takes on a^2 / T and b^2 / T (G,) at distances r (G,); False where it has no curves."""

    def amplify(self, momentum: Tensor | float = 0.0, heat: Tensor | float = 0.0) -> None:
        """Adds to ln a^2 and ln b^2, and to ln c^2, where it can."""


class Fixed(nn.Module):
    """What starts where its settings say."""

    startable: ClassVar[bool] = False

    def start(self, r: Tensor, a2: Tensor, b2: Tensor) -> bool:
        """Nothing is changed."""
        return False

    def amplify(self, momentum: Tensor | float = 0.0, heat: Tensor | float = 0.0) -> None:
        """Nothing is changed."""

    def roughness(self) -> float:
        """No curve is penalised."""
        return 0.0


class RevengaFriction(Fixed):
    """Friction of smoothed dissipative particle dynamics (Espanol and Revenga 2003).

    With F = -w'(r)/r of Lucy's kernel and X = F V_i V_j T_i T_j / (T_i + T_j):

        a^2 = 4 f_T X,  b^2 = (2 D f_N + (4 - 2 D) f_T) X,  c^2 = 2 kappa T_i T_j F V_i V_j
        f_T = (D + 2) eta / D - zeta,  f_N = (D + 2) (zeta + (1 - 2/D) eta)

    so that the drift is -f_T F V_i V_j v_ij - f_N F V_i V_j (e.v_ij) e, which in the continuum is
    a fluid of shear viscosity eta, bulk viscosity zeta and conductivity kappa in D dimensions.

    Raises:
        InputError: if zeta > (D + 2) eta / D, where a^2 would be negative.
    """

    def __init__(
        self, scales: Scales, eta: float = 0.1, zeta: float = 0.1, kappa: float = 0.1
    ) -> None:
        super().__init__()
        d, self.h = scales.dimension, scales.cutoff
        f_T, f_N = (d + 2) * eta / d - zeta, (d + 2) * (zeta + (1.0 - 2.0 / d) * eta)
        if f_T < 0.0:
            raise InputError(
                f"The bulk viscosity zeta must not exceed (D + 2) eta / D = {(d + 2) * eta / d:g}, "
                f"got {zeta:g}: lower zeta or raise eta."
            )
        self.norm = 12.0 * lucy_norm(scales) / self.h**2
        self.a, self.b, self.c = 4.0 * f_T, 2.0 * d * f_N + (4.0 - 2.0 * d) * f_T, 2.0 * kappa

    def forward(self, radial: Radial, T_i: Tensor, T_j: Tensor, VV: Tensor) -> Friction:
        F = self.norm * (1.0 - radial.r / self.h).clamp(min=0.0).square() * VV
        t_i = T_i / (T_i + T_j)
        t_j = 1.0 - t_i
        X, X_i, X_j = F * T_i * t_j, F * t_j * t_j, F * t_i * t_i
        c = self.c * F
        return Friction(
            Amplitudes(self.a * X, self.b * X, c * T_i * T_j),
            Amplitudes(self.a * X_i, self.b * X_i, c * T_j),
            Amplitudes(self.a * X_j, self.b * X_j, c * T_i),
        )


def levels(T0: float, friction: float, conductivity: float) -> Tensor:
    """a^2, b^2, c^2 (3, 1) that give a pair this friction coefficient and conductance at T0."""
    return torch.tensor([[2.0 * T0 * friction], [2.0 * T0 * friction], [T0 * T0 * conductivity]])


class SplineFriction(nn.Module):
    """ln a^2 = level + g0(r) + (p + g1(r)) ln T_ij + ln taper [+ ln V_i V_j], same for b, c.

    g0, g1 are cubic splines; T_ij the symmetric mean of `log_means`; p = 1 (a, b) or 2 (c) makes
    g1 = 0 a temperature-independent friction coefficient and conductivity.

    Args:
        scales: T0, V0, range.
        level: pair friction coefficient at contact at the start [mass / time].
        conductivity: pair heat conductance at contact at the start [k_B / time].
        volume_factor: whether the amplitudes carry V_i V_j, as in smoothed
            dissipative particle dynamics (Espanol and Revenga, Phys. Rev. E 67, 026705 (2003)).
    """

    startable: ClassVar[bool] = True
    level: Tensor
    power: Tensor
    T0: Tensor
    V0: Tensor

    def __init__(
        self,
        scales: Scales,
        level: float = 0.1,
        conductivity: float = 0.1,
        volume_factor: bool = True,
    ) -> None:
        super().__init__()
        T0, self.h = scales.temperature, scales.cutoff
        size = (2, 3, scales.intervals + 2)
        self.coefficients = nn.Parameter(torch.zeros(size))  # g0 and g1 of a, b, c
        self.register_buffer("level", levels(T0, level, conductivity).log())
        self.register_buffer("power", torch.tensor([[1.0], [1.0], [2.0]]))
        self.register_buffer("T0", torch.tensor(T0))
        self.register_buffer("V0", torch.tensor(scales.volume))
        self.volume_factor = volume_factor

    def forward(self, radial: Radial, T_i: Tensor, T_j: Tensor, VV: Tensor) -> Friction:
        mean = log_means(T_i, T_j, self.T0)
        factor, _ = splines.taper(radial.r, self.h)
        if self.volume_factor:
            factor = factor * VV / self.V0.square()
        g0, g1 = (self.coefficients.flatten(0, 1) @ radial.basis).unflatten(0, (2, 3))
        power = self.power + g1
        value = torch.exp(self.level + g0 + power * mean.value) * factor
        slope = value * power
        return from_rows(value, slope * mean.in_T_i, slope * mean.in_T_j)

    def roughness(self) -> Tensor:
        return splines.roughness(self.coefficients)

    def start(self, r: Tensor, a2: Tensor, b2: Tensor) -> bool:
        """Splines g0 through the amplitudes at T0."""
        taper = splines.taper(r, self.h)[0]
        intervals = self.coefficients.shape[-1] - 2
        for k, target in enumerate((a2, b2)):
            level = torch.log(target * float(self.T0) / taper) - float(self.level[k])
            fitted = splines.fit(r, level, self.h, intervals)
            self.coefficients.data[0, k] = fitted.to(self.coefficients.dtype)
        return True

    def amplify(self, momentum: Tensor | float = 0.0, heat: Tensor | float = 0.0) -> None:
        self.coefficients.data[0, :2] += momentum
        self.coefficients.data[0, 2] += heat


class NetworkFriction(Fixed):
    """a = MLP(r/h, T_i) MLP(r/h, T_j), one network per amplitude: the paper's form, squared.

    ``scaled`` puts inputs and outputs in units of T0 and of the starting levels, ``taper`` makes
    the amplitudes vanish at h, ``volume_factor`` multiplies by V_i V_j; the paper has none of it.
    """

    level: Tensor
    T0: Tensor
    V0: Tensor

    def __init__(
        self,
        scales: Scales,
        width: int = 50,
        level: float = 0.1,
        conductivity: float = 0.1,
        scaled: bool = True,
        taper: bool = True,
        volume_factor: bool = True,
    ) -> None:
        super().__init__()
        self.h, T0 = scales.cutoff, scales.temperature if scaled else 1.0
        networks = [Perceptron(2, width, 1) for _ in range(3)]
        start = levels(T0, level, conductivity) if scaled else torch.ones(3, 1)
        with torch.no_grad():
            for network in networks:
                network.output.weight.mul_(0.3)
                network.output.bias.fill_(1.0)
        self.networks = nn.ModuleList(networks)
        self.register_buffer("level", start)
        self.register_buffer("T0", torch.tensor(T0))
        self.register_buffer("V0", torch.tensor(scales.volume))
        self.taper, self.volume_factor = taper, volume_factor

    def forward(self, radial: Radial, T_i: Tensor, T_j: Tensor, VV: Tensor) -> Friction:
        factor = torch.ones_like(radial.r)
        if self.taper:
            factor = splines.taper(radial.r, self.h)[0]
        if self.volume_factor:
            factor = factor * VV / self.V0.square()
        x = radial.r / self.h
        sides = [torch.stack((x, T / self.T0), 1) for T in (T_i, T_j)]
        networks = (cast(Perceptron, network) for network in self.networks)
        jets = [network.jet(torch.cat(sides), (1,)) for network in networks]
        value = torch.stack([jet.value[:, 0] for jet in jets])
        slope = torch.stack([jet.first[0][:, 0] for jet in jets]) / self.T0
        (f_i, f_j), (df_i, df_j) = value.chunk(2, 1), slope.chunk(2, 1)
        a, scale = f_i * f_j, self.level * factor
        twice = 2.0 * a * scale
        return from_rows(a * a * scale, twice * df_i * f_j, twice * f_i * df_j)


class NoFriction(Fixed):
    """a = b = c = 0: particles that exchange momentum with the bath alone."""

    startable: ClassVar[bool] = True

    def __init__(self, scales: Scales) -> None:
        super().__init__()

    def forward(self, radial: Radial, T_i: Tensor, T_j: Tensor, VV: Tensor) -> Friction:
        return from_rows(*torch.zeros((3, 3, len(T_i)), dtype=T_i.dtype, device=T_i.device))


KINDS = {
    "splines": SplineFriction,
    "network": NetworkFriction,
    "revenga": RevengaFriction,
    "none": NoFriction,
}
