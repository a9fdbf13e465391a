"""A model to start from, its scales taken from the data so that the first loss is sane."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch

from pipeline.dynamics.limits import Limits
from pipeline.learn.anchor import Measured
from pipeline.learn.latent import Latent
from pipeline.learn.snapshots import Batch, Snapshots
from pipeline.metriplectic.model import Metriplectic, build
from pipeline.metriplectic.settings import PRESETS
from pipeline.pairs import State

SHARE = 0.5  # of the velocity change given to forces at the start, and to noise
SOLID_SHARE = 0.01  # the same of pressure in a solid, whose strain energy is to hold it
EXPANSION = 1e-3  # beta of its heat
SOFT = 0.05  # modulus that a solid starts with [m / dt^2], below what a step resolves


def model_settings(
    snapshots: Snapshots, times: np.ndarray, measured: Measured, settings: dict[str, Any]
) -> dict[str, Any]:
    """Settings of a model whose forces and noise each explain half of the velocity change.

    Args:
        snapshots: the data in reduced units.
        times: training snapshots, a few of which are looked at.
        measured: temperature and velocity change.
        settings: of the training.

    Returns:
        what `pipeline.metriplectic.model.build` takes.
    """
    closures = copy.deepcopy(PRESETS[settings["closures"]])
    closures["friction"].update(level=1.0, conductivity=1.0)
    closures["friction"]["volume_factor"] = settings["volume_factor"]
    closures["energy"]["heat_capacity"] = settings["heat_capacity"]
    solid = snapshots.reference is not None and settings["strain"] != "none"
    if solid:
        closures["strain"] = {"kind": settings["strain"]}
    scales = {
        "dimension": snapshots.dimension,
        "cutoff": snapshots.cutoff,
        "temperature": measured.temperature,
        "volume": 1.0,
        "closures": closures,
    }
    few = times[np.unique(np.linspace(0, len(times) - 1, 5).astype(int))]
    batch = snapshots.batch(few)
    scales["volume"] = float(_evaluate(scales, batch, still=True)[0])
    _, force, noise = _evaluate(scales, batch, still=True)
    # Not so much that friction reverses a velocity within a step.
    wanted = min(SHARE * measured.unexplained, 2 * measured.temperature)
    closures["friction"]["level"] = wanted / noise
    closures["friction"]["conductivity"] = closures["friction"]["level"]
    if closures["energy"]["kind"] == "exponentials":
        share = SOLID_SHARE if solid else SHARE
        closures["energy"]["expansion"] = EXPANSION if snapshots.reference is not None else None
        closures["energy"]["stiffness"] = share * measured.unexplained**0.5 / force
    if solid and settings["strain"] == "green":
        pace = max(1.0, settings["rollout_substeps"] / 2)
        closures["strain"]["stiffness"] = SOFT * pace**2 / measured.temperature
    return scales


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
def seen(
    model: Metriplectic, latent: Latent, snapshots: Snapshots, times: np.ndarray
) -> tuple[Limits, float]:
    """Ranges of the state over training snapshots, and the mean temperature."""
    times = times[np.unique(np.linspace(0, len(times) - 1, 20).astype(int))]
    lows, highs, means = [], [], []
    for t in times:
        batch = snapshots.batch(np.array([t]))
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
