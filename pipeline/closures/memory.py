"""Memory closures: friction against a medium that depends on the past, by modes of finite life.

The generalised Langevin equation of a particle in a medium at velocity u,

    m dv = ... - int_0^t K(t - s) (v(s) - u(s)) ds dt + f dt,        K(t) = sum_k c_k exp(-t/tau_k)

is one without memory in more variables (Ferrario and Grigolini, J. Math. Phys. 20, 2567 (1979);
Ceriotti, Bussi and Parrinello, J. Chem. Theory Comput. 6, 1170 (2010)). Mode k of a particle is
the elongation x of a spring of stiffness c to a point that the medium carries and that creeps in
it, Maxwell's element:

    dx = (v - u) dt - x/tau dt + sqrt(2 k_B T_b / (c tau)) dW        f = -c x

Its energy c x^2/2 is part of E. The coupling of x and v is antisymmetric, a part of L. The creep
is a part of M: x loses c x^2/tau to the heat of the bath, T_b dS_b, and its noise belongs to the
mobility 1/(c tau), so that L grad S = 0 and M grad E = 0 hold with the entries of the bath. With x
eliminated, noise and kernel are tied, <f(0) f(t)> = k_B T_b K(t) (Kubo, Rep. Prog. Phys. 29, 255
(1966)). The spring pulls at the medium as much as at the particle: its impulse is the bath's.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn

from pipeline.closures.splines import Scales
from pipeline.errors import InputError

MOST = 4  # modes of a particle


class Memory(Protocol):
    """K modes of every particle, all particles alike; units of m = k_B = 1.

    ``stored`` says whether what modes take up comes back out of an energy of theirs, see `Active`;
    ``bonds`` whether they are those of the bonds of a solid, see `Bonds`.
    """

    stored: bool
    bonds: bool
    log_time: Tensor  # (K,) ln tau

    def time(self) -> Tensor:
        """tau (K,) in which a mode forgets [time]."""

    def stiffness(self) -> Tensor:
        """c (K,), what the kernel starts with [1 / time^2]."""

    def variance(self) -> Tensor:
        """<f^2> (K,) per component of the force of a mode on a particle at rest."""

    def temperature(self) -> Tensor:
        """T_b, a scalar; where it is not one of the medium, a name for <f^2> / c."""

    def set(self, time: Tensor, stiffness: Tensor, variance: Tensor, temperature: float) -> None:
        """Takes what was found, (K,) each."""


class Maxwell(nn.Module):
    """<f^2> = c T_b: kernel and noise of a medium in equilibrium.

    Args:
        scales: T0, the temperature of the medium unless it is set.
        modes: K.
    """

    stored = True
    bonds = False
    log_time: Tensor
    log_stiffness: Tensor
    log_T: Tensor

    def __init__(self, scales: Scales, modes: int = 1) -> None:
        super().__init__()
        _check(modes)
        self.register_buffer("log_time", torch.zeros(modes))
        self.register_buffer("log_stiffness", torch.full((modes,), -5.0))
        self.register_buffer("log_T", torch.tensor(scales.temperature).log())

    def time(self) -> Tensor:
        return self.log_time.exp()

    def stiffness(self) -> Tensor:
        return self.log_stiffness.exp()

    def variance(self) -> Tensor:
        return self.stiffness() * self.temperature()

    def temperature(self) -> Tensor:
        return self.log_T.exp()

    @torch.no_grad()
    def set(self, time: Tensor, stiffness: Tensor, variance: Tensor, temperature: float) -> None:
        """See `Memory`; the variance is that of stiffness and temperature."""
        self.log_time.copy_(time.log())
        self.log_stiffness.copy_(stiffness.log())
        self.log_T.fill_(temperature).log_()


class Bonds(Maxwell):
    """The same beside every bond of a solid, of stiffness c times the weight of the bond.

        dx = (v_ij . e_ij) dt - x/tau dt + sqrt(2 k_B T / (c tau)) dW        force -c x e_ij on i

    The heat of the creep is that of the two ends, not of a medium: `pipeline.dynamics.bond_modes`.
    """

    bonds = True


class Active(nn.Module):
    """c >= 0 and <f^2> each by itself: a force that lasts and need not be paid for by friction.

    No fluctuation-dissipation theorem is claimed. Such a mode stores no energy: the work of its
    force is done by whatever drives it, as that of jets of air, or of a swimmer's own.

    Args:
        scales: not needed.
        modes: K.
    """

    stored = False
    bonds = False
    log_time: Tensor
    linear: Tensor
    log_variance: Tensor

    def __init__(self, scales: Scales, modes: int = 1) -> None:
        super().__init__()
        _check(modes)
        self.register_buffer("log_time", torch.zeros(modes))
        self.register_buffer("linear", torch.zeros(modes))
        self.register_buffer("log_variance", torch.full((modes,), -5.0))

    def time(self) -> Tensor:
        return self.log_time.exp()

    def stiffness(self) -> Tensor:
        return self.linear

    def variance(self) -> Tensor:
        return self.log_variance.exp()

    def temperature(self) -> Tensor:
        return (self.variance().sum() / self.linear.sum().clamp_min(1e-30)).clamp_max(1e30)

    @torch.no_grad()
    def set(self, time: Tensor, stiffness: Tensor, variance: Tensor, temperature: float) -> None:
        """See `Memory`; the temperature has no meaning here."""
        self.log_time.copy_(time.log())
        self.linear.copy_(stiffness)
        self.log_variance.copy_(variance.log())


def _check(modes: int) -> None:
    if not 1 <= modes <= MOST:
        raise InputError(f"A memory has 1 to {MOST} modes, got {modes}: leave it out for none.")


KINDS = {"maxwell": Maxwell, "active": Active, "bonds": Bonds}
