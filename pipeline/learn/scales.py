"""What is measured before training: temperature, noise and first scales, and a model to start from.

The likelihood barely determines the temperature, so the mean T of the model is held at the measured
kinetic one, T0 = var v per component, mean flow and localisation noise taken off. This is exact in
equilibrium. Where the system is driven, T0 is the kinetic temperature of the motion relative to the
flow fitted to each snapshot: an anchor of the scale by convention, which says how strong
fluctuations are and not that the system is in equilibrium.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from pipeline.dynamics.limits import Limits
from pipeline.errors import InputError
from pipeline.learn.latent import Latent
from pipeline.learn.settings import Training
from pipeline.learn.snapshots import Batch, Sample, Snapshots
from pipeline.metriplectic.model import Metriplectic, build
from pipeline.metriplectic.presets import Closures, preset
from pipeline.pairs import State
from pipeline.trajectory import fluctuation

# Smallest share of a variance that is believed to be motion: the error is told within 1 %.
FLOOR = 0.01
COLDEST = 1e-8  # T0 of data without any fluctuation [a^2 / dt^2]


class Measured(NamedTuple):
    """Scales in reduced units (length a, time dt)."""

    temperature: float  # T0, variance of v per component, flow and noise removed [a^2 / dt^2]
    velocity_variance: float  # the same with the noise left in
    flow_variance: float  # variance of the flow that was removed, per component
    noise: float  # 2 sigma^2, the part due to localisation; see `Noise.error`
    acceleration: float  # rms of v' - v, external force removed, per component [a / dt]
    change: float  # variance of v' - v per component
    unexplained: float  # the same with 6 sigma^2 of localisation taken off
    neighbours: float  # mean number within the cutoff
    thermal_period: float | None = None  # of thermal motion, if it oscillates [dt]


class Noise(NamedTuple):
    """What the velocities hold that is not the model's, and the anchor."""

    sigma: float  # localisation error [a]
    # Variance of the positions that a step holds; where they are averages of a path, which shortens
    # steps, less than sigma^2 and maybe negative [a^2].
    error: float
    floor: float  # numerical, so that an isolated particle has a finite score
    temperature: float  # T0
    clean: float  # fraction of var(v' - v) that is not localisation error
    treatment: str  # corrected | covariance | none, see the setting localisation
    # 95 % interval of `error`.
    error_range: tuple[float, float] | None = None
    # 95 % interval of the temperature of Brownian motion, where steps told it with the error.
    bath_range: tuple[float, float] | None = None
    step: float = 1.0  # of a rollout, in steps of training
    shake: float = 0.0  # error put on the inputs alone, see `errors_in_variables.with_noise` [a]
    pace: float = 1.0  # at which it is to be taken off [1 / dt]
    share: float = 1.0  # of the noise of a step that its velocities show, see `shown`

    def estimated(self, temperature: np.ndarray, error: np.ndarray) -> Noise:
        """With what the steps of Brownian motion tell of both, each with its interval (3,)."""
        value, low, high = error.tolist()
        own = (float(temperature[1]), float(temperature[2]))
        return self._replace(error=value, error_range=(low, high), bath_range=own)

    @property
    def corrected(self) -> bool:
        """Whether a simulated localisation error takes the bias off."""
        return self.treatment == "corrected" and self.sigma > 0

    @property
    def known(self) -> float:
        """6 sigma^2 / dt^2, the error of a second difference, where it is added to variances."""
        return 6 * self.sigma**2 if self.treatment == "covariance" else 0.0


def shown(span: int) -> float:
    """Share of the noise of a step of ``span`` snapshots that differences of positions show.

    They are means of the velocity over a snapshot interval. White forces of 2 Gamma T per unit of
    time change such means, span intervals apart, by a variance of 2 Gamma T (span - 1/3): what
    acts within an interval counts in part (Pedersen et al., Phys. Rev. E 94, 062401 (2016);
    Brueckner, Ronceray and Broedersz, Phys. Rev. Lett. 125, 058103 (2020)). Taken for the whole
    noise, it would make friction too small by a third at span 1.
    """
    return 1.0 - 1.0 / (3.0 * span)


def with_noise(measured: Measured, shake: float, pace: float) -> Measured:
    """The scales of inputs with noise ``shake`` injected, see `errors_in_variables.with_noise`.

    Its part in v' - v is -(pace^2 + pace) eps(t) + pace eps(t-1), in v it is eps(t) - eps(t-1).
    """
    asked = ((pace**2 + pace) ** 2 + pace**2) * shake**2
    change = measured.change + asked
    return measured._replace(
        velocity_variance=measured.velocity_variance + 2 * shake**2,
        acceleration=change**0.5,
        change=change,
        unexplained=measured.unexplained + asked,
    )


def target(T0: float, gamma: Tensor, force: Tensor) -> Tensor:
    """Temperature of the anchor (scalar): T0 (1 - gamma dt / 2) (1 - <F^2> dt^2 / 4 m T0).

    dt is the step of the rollouts, as everywhere below.

    T0 is the variance of velocities one dt apart, which explicit steps at temperature T keep
    at T / (1 - gamma dt / 2) for friction and, in leapfrog, at T / (1 - (omega dt / 2)^2) for
    springs, whose <F^2> is m omega^2 T.

    Args:
        T0: measured.
        gamma: friction rate times dt, scalar.
        force: (n, D) conservative forces times dt [a m / time].
    """
    springs = force.square().mean() / (4 * T0)
    return T0 * (1 - gamma.clamp(0.0, 1.0) / 2) * (1 - springs.clamp(0.0, 0.5))


def measure(sample: Sample, error: float) -> Measured:
    """Scales of the training block.

    Args:
        sample: of the data in reduced units; at most 200 snapshots are read.
        error: variance of the positions per component [a^2], 0 where velocities are exact.
    """
    thermal, flow, count, change, pairs, particles = 0.0, 0.0, 0, [], 0, 0
    for batch in sample.each(200):
        rows = batch.mask.cpu().numpy()
        r, v = (x.double().cpu().numpy()[rows] for x in (batch.r, batch.v))
        disordered, ordered = fluctuation(r, v)
        thermal, flow, count = thermal + disordered, flow + ordered, count + r.size
        change.append(batch.change()[batch.mask].double().square().mean())
        pairs, particles = pairs + len(batch.pairs.i), particles + len(batch.r)
    variance, noise = thermal / count, 2 * error
    moved = float(torch.stack(change).mean())
    return Measured(
        temperature=max(variance - noise, FLOOR * variance, COLDEST),
        velocity_variance=variance,
        flow_variance=flow / count,
        noise=noise,
        acceleration=moved**0.5,
        change=moved,
        unexplained=max(moved - 6 * error, FLOOR * moved),
        neighbours=2 * pairs / particles,
    )


SHARE = 0.5  # of the velocity change given to forces at the start, and to noise
SOLID_SHARE = 0.01  # the same of pressure in a solid, whose strain energy is to hold it
EXPANSION = 1e-3  # beta of its heat
FAINT = 1e-7  # the same where there are no entropies
SOFT = 0.05  # modulus that a solid starts with [m / dt^2], below what a step resolves


def model_settings(sample: Sample, measured: Measured, settings: Training) -> dict[str, Any]:
    """Settings of a model whose forces and noise each explain half of the velocity change.

    Args:
        sample: of the data in reduced units, a few of which are looked at.
        measured: temperature and velocity change.
        settings: of the training.

    Returns:
        what `pipeline.metriplectic.model.build` takes.
    """
    snapshots = sample.snapshots
    closures = preset(settings.closures)
    closures["friction"].update(level=1.0, conductivity=1.0)
    closures["friction"]["volume_factor"] = settings.volume_factor
    closures["energy"]["heat_capacity"] = settings.heat_capacity
    solid = snapshots.reference is not None and settings.strain != "none"
    if solid:
        closures["strain"] = {"kind": settings.strain}
    scales = {
        "dimension": snapshots.dimension,
        "cutoff": snapshots.cutoff,
        "temperature": measured.temperature,
        "volume": 1.0,
        "closures": closures,
    }
    batch = sample.batch(5)
    scales["volume"] = float(_evaluate(scales, batch, still=True)[0])
    _, force, noise = _evaluate(scales, batch, still=True)
    # Not so much that friction reverses a velocity within a step.
    wanted = min(SHARE * measured.unexplained, 2 * measured.temperature)
    closures["friction"]["level"] = wanted / noise
    closures["friction"]["conductivity"] = closures["friction"]["level"]
    if closures["energy"]["kind"] == "exponentials":
        share = SOLID_SHARE if solid else SHARE
        closures["energy"]["expansion"] = EXPANSION if snapshots.reference is not None else None
        if settings.entropy == "none":
            # A pair potential to begin with: pressure of heat would depend on the volume.
            closures["energy"] |= {"expansion": FAINT, "cold": 1}
        closures["energy"]["stiffness"] = share * measured.unexplained**0.5 / force
    if solid and settings.strain == "green":
        pace = max(1.0, settings.rollout_substeps / 2)
        closures["strain"]["stiffness"] = SOFT * pace**2 / measured.temperature
    closures.update(_surroundings(snapshots, settings))
    if not settings.pair_friction:
        closures["friction"] = {"kind": "none"}
    if settings.entropy == "none":
        closures["teacher"] = {"kind": "uniform"}
    return scales


DAMPING = 0.1  # friction rate of a bath at the start [1 / dt]
COOLING = 0.05  # rate at which heat goes to an inertial bath [1 / dt]
REACH = 1.5  # of walls [cutoffs], at most a quarter of the box


def _surroundings(snapshots: Snapshots, settings: Training) -> Closures:
    """Bath, external potential and pair energy that the settings ask for.

    Raises:
        InputError: if an external potential is asked for where no axis has ends.
    """
    found: Closures = {}
    if settings.bath == "brownian":
        found["bath"] = {"kind": "brownian"}
    elif settings.bath == "active":
        found["bath"] = {"kind": "active"}
    elif settings.bath != "none":
        conductance = COOLING * settings.heat_capacity
        found["bath"] = {"kind": settings.bath, "rate": DAMPING, "conductance": conductance}
    if settings.external != "none":
        found["external"] = _external(snapshots, settings.external)
    if settings.pair_energy != "none":
        found["pair_energy"] = {"kind": settings.pair_energy}
    return found


def _external(snapshots: Snapshots, kind: str) -> dict[str, Any]:
    ends = [axis for axis, repeats in enumerate(snapshots.periodic) if not repeats]
    if not ends or (kind != "walls" and len(ends) < snapshots.dimension):
        raise InputError(
            f"An external potential ({kind}) needs axes with ends, and {len(ends)} of "
            f"{snapshots.dimension} have some: set train.external to none for a periodic box."
        )
    options: dict[str, Any] = {"kind": kind, "low": snapshots.low, "high": snapshots.high}
    if kind != "field":
        sides = [snapshots.high[axis] - snapshots.low[axis] for axis in ends]
        options |= {"axes": ends, "reach": min(REACH * snapshots.cutoff, *(s / 4 for s in sides))}
    return {**options, **{name: list(options[name]) for name in ("low", "high")}}


@torch.no_grad()
def _evaluate(scales: dict[str, Any], batch: Batch, still: bool) -> tuple[float, float, float]:
    """Mean volume, rms force and mean noise variance per component at S = 0 and v = 0."""
    torch.manual_seed(0)
    model = build(scales).to(batch.r.device, batch.r.dtype)
    v = torch.zeros_like(batch.v) if still else batch.v
    state = State(batch.r, v, torch.zeros_like(v[:, 0]))
    dynamics = model.dynamics(state, batch.pairs, batch.reference)
    trace = model.covariance(dynamics).vv.diagonal(dim1=1, dim2=2)
    return (
        float(dynamics.thermo.V[batch.mask].mean()),
        float(dynamics.drift.dv[batch.mask].square().mean().sqrt()),
        float(trace[batch.mask].mean()),
    )


@torch.no_grad()
def seen(model: Metriplectic, latent: Latent, sample: Sample) -> tuple[Limits, float]:
    """Ranges of the state over training snapshots, and the mean temperature."""
    lows, highs, means = [], [], []
    for batch in sample.each(20):
        S = model.entropy(State(batch.r, batch.v, batch.v[:, 0]), batch.pairs)
        state = State(batch.r, batch.v, S + latent(batch.particle))
        strength = latent.strength(batch.particle)
        thermo = model.dynamics(state, batch.pairs, batch.reference, strength=strength).thermo
        rows = batch.mask
        columns = torch.stack((state.S, thermo.V, thermo.T, batch.v.square().sum(1)), 1)[rows]
        lows.append(columns.amin(0))
        highs.append(columns.amax(0))
        means.append(torch.stack((thermo.T, thermo.T / thermo.dTdS), 1)[rows].mean(0))
    low, high = torch.stack(lows).amin(0).tolist(), torch.stack(highs).amax(0).tolist()
    ranges = [(a, b) for a, b in zip(low[:3], high[:3], strict=True)]
    T, heat_capacity = torch.stack(means).mean(0).tolist()
    return Limits(ranges[0], ranges[1], ranges[2], high[3] ** 0.5, heat_capacity), T
