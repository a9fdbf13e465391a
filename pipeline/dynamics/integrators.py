"""Semi-implicit Euler for the stochastic particle dynamics, with the random numbers passed in."""

from __future__ import annotations

from torch import Tensor

from pipeline.state import Rates, State


def semi_implicit_euler(state: State, increment: Rates, dt: float) -> State:
    """v' = v + dv, r' = r + v' dt, S' = S + dS (paper, appendix C, before eq. 14's likelihood).

    Weak and strong order 1 in dt for the drift; the noise is additive to the increments, so that
    the same function serves the deterministic and the stochastic system.

    Args:
        state: r (N, D), v (N, D), S (N,) at time t.
        increment: dv (N, D) and dS (N,) over the step: drift times dt plus fluctuation.
        dt: length of the step [time].
    """
    v = state.v + increment.dv
    return State(r=state.r + v * dt, v=v, S=state.S + increment.dS)


def increment(drift: Rates, fluctuation: Rates | None, dt: float) -> Rates:
    """Drift (rates) times dt, plus the fluctuation (already an increment) where there is one."""
    dv, dS = drift.dv * dt, drift.dS * dt
    if fluctuation is None:
        return Rates(dv, dS)
    return Rates(dv + fluctuation.dv, dS + fluctuation.dS)


def kinetic_energy(v: Tensor, m: float | Tensor = 1.0) -> Tensor:
    """1/2 m sum v^2 of velocities (N, D): a scalar."""
    return 0.5 * m * (v * v).sum()
