"""Analytic friction: smoothed dissipative particle dynamics, nothing learned."""

from __future__ import annotations

from torch import Tensor, nn

from pipeline.closures.amplitudes import Amplitudes, Friction
from pipeline.closures.splines import Radial, Scales
from pipeline.closures.volume import lucy_norm


class RevengaFriction(nn.Module):
    """Friction of smoothed dissipative particle dynamics (Espanol and Revenga 2003).

    With F = -w'(r)/r of Lucy's kernel and X = F V_i V_j T_i T_j / (T_i + T_j):

        a^2 = 4 f_T X,  b^2 = (2 D f_N + (4 - 2 D) f_T) X,  c^2 = 2 kappa T_i T_j F V_i V_j
        f_T = (D + 2) eta / D - zeta,  f_N = (D + 2) (zeta + (1 - 2/D) eta)

    so that the drift is -f_T F V_i V_j v_ij - f_N F V_i V_j (e.v_ij) e, which in the continuum is
    a fluid of shear viscosity eta, bulk viscosity zeta and conductivity kappa in D dimensions.

    Raises:
        ValueError: if zeta > (D + 2) eta / D, where a^2 would be negative.
    """

    def __init__(
        self, scales: Scales, eta: float = 0.1, zeta: float = 0.1, kappa: float = 0.1
    ) -> None:
        super().__init__()
        d, self.h = scales.dimension, scales.cutoff
        f_T, f_N = (d + 2) * eta / d - zeta, (d + 2) * (zeta + (1.0 - 2.0 / d) * eta)
        if f_T < 0.0:
            raise ValueError(
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

    def roughness(self) -> float:
        return 0.0
