"""What was learned, as curves and grids for the report: learned.h5."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import torch
from torch import Tensor

from pipeline.closures.friction import Amplitudes
from pipeline.closures.volume import weighted
from pipeline.files import whole
from pipeline.learn.carried import Group, entropy_group, histogram, latent_groups
from pipeline.learn.elastic import elastic_groups
from pipeline.learn.latent import Latent
from pipeline.learn.snapshots import Snapshots
from pipeline.metriplectic.drift import pressure_force
from pipeline.metriplectic.model import Metriplectic
from pipeline.metriplectic.pair_tensor import pair_tensor
from pipeline.metriplectic.thermo import Dynamics, sides
from pipeline.pairs import State


class Samples:
    """The trained model evaluated on some training snapshots."""

    def __init__(
        self, model: Metriplectic, latent: Latent, snapshots: Snapshots, times: np.ndarray
    ) -> None:
        times = times[np.unique(np.linspace(0, len(times) - 1, 10).astype(int))]
        self.model, self.batch = model, snapshots.batch(times)
        batch = self.batch
        S = model.entropy(State(batch.r, batch.v, batch.v[:, 0]), batch.pairs)
        self.S = S + latent(batch.particle)
        self.dynamics: Dynamics = model.dynamics(
            State(batch.r, batch.v, self.S),
            batch.pairs,
            batch.reference,
            strength=latent.strength(batch.particle),
        )
        self.rows, self.strength = batch.mask, latent.strength(batch.particle)
        true = snapshots.true_entropy
        self.true_S = None if true is None else true[batch.snapshot.numpy(), batch.particle.numpy()]

    @property
    def pairs_within(self) -> Tensor:
        """(P,) bool, pairs both of whose ends are scored."""
        pairs = self.dynamics.pairs
        return self.rows[pairs.i] & self.rows[pairs.j]


def kernel(samples: Samples) -> Group:
    """w(r) and w'(r) from the closest pair seen to the cutoff."""
    r = _distances(samples)
    found = samples.model.volume(samples.model.radial(r))
    zero = torch.as_tensor(samples.model.volume.self_weight()).reshape(1)
    return {"r": r, "w": found.w, "dw": found.dwdr, "self_weight": zero}


def binned(samples: Samples) -> tuple[Group, Group]:
    """Mean pair force along e_ij and pair friction K / T of the pairs in bins of r.

    The friction's ``value`` is the eigenvalue along e_ij, ``across`` the one across.
    """
    d, model, within = samples.dynamics, samples.model, samples.pairs_within
    i, j = sides(d.pairs, d.thermo)
    bare = model.volume(model.radial(d.pairs.r))
    force = pressure_force(weighted(bare, samples.strength, *d.pairs[:2]), i, j)[within]
    D = d.v_ij.shape[1]
    K = pair_tensor(d.amplitudes.a2, d.amplitudes.b2, D)
    theta = 0.5 * (i.theta + j.theta)
    along, across = (theta * (K.lateral + K.axial))[within], (theta * K.lateral)[within]
    r = d.pairs.r[within].double().numpy()
    edges = np.linspace(r.min(), model.cutoff, 41)
    place = np.clip(np.digitize(r, edges) - 1, 0, 39)
    count = np.bincount(place, minlength=40)
    kept = count >= 3
    means = [
        (np.bincount(place, x.double().numpy(), 40) / np.maximum(count, 1))[kept]
        for x in (torch.from_numpy(r), force, along, across)
    ]
    bins = {"r": means[0], "count": count[kept]}
    return {**bins, "value": means[1]}, {**bins, "value": means[2], "across": means[3]}


def amplitudes(samples: Samples) -> Group:
    """a^2, b^2, c^2 against r at the mean temperature and volume."""
    r, model, thermo = _distances(samples), samples.model, samples.dynamics.thermo
    T, V = (x[samples.rows].mean().expand(len(r)) for x in (thermo.T, thermo.V))
    found: Amplitudes = model.friction(model.radial(r), T, T, V * V).value
    return {"r": r, **found._asdict(), "T": T[:1]}


def energy(samples: Samples) -> Group:
    """Equation of state on a grid a little wider than the data, and where the data are."""
    S, V = samples.S[samples.rows], samples.dynamics.thermo.V[samples.rows]
    grid_S, grid_V = (torch.linspace(*_wider(x), 60, dtype=x.dtype) for x in (S, V))
    mesh_S, mesh_V = torch.meshgrid(grid_S, grid_V, indexing="ij")
    found = samples.model.energy_closure(mesh_S.reshape(-1), mesh_V.reshape(-1))
    fields = {name: getattr(found, name).reshape(60, 60) for name in ("U", "T", "P")}
    few = slice(None, None, max(1, len(S) // 2000))
    T = samples.dynamics.thermo.T[samples.rows]
    points = {"samples_S": S[few], "samples_V": V[few], "samples_T": T[few]}
    return {"S": grid_S, "V": grid_V, **fields, **points}


@torch.no_grad()
def inspect(
    model: Metriplectic,
    latent: Latent,
    snapshots: Snapshots,
    times: np.ndarray,
    traits: dict[str, np.ndarray],
) -> dict[str, Group]:
    """All groups of learned.h5, in reduced units (length a, time dt, m = k_B = 1)."""
    samples = Samples(model, latent, snapshots, times)
    force, friction = binned(samples)
    T = samples.dynamics.thermo.T[samples.rows].numpy()
    true = None if samples.true_S is None else samples.true_S[samples.rows.numpy()]
    return {
        "kernel": kernel(samples),
        "pair_force": force,
        "pair_friction": friction,
        "friction": amplitudes(samples),
        "energy": energy(samples),
        "temperature": histogram(T),
        "entropy": entropy_group(samples.S[samples.rows].numpy(), true),
        **elastic_groups(model, samples.batch),
        **latent_groups(latent, traits),
    }


UNITS = "reduced: length a, time dt, mass m, k_B = 1"


def write(path: Path, groups: dict[str, Group]) -> None:
    """Writes learned.h5; the file appears whole or not at all."""
    with whole(path) as partial, h5py.File(partial, "w") as file:
        file.attrs["units"] = UNITS
        for name, group in groups.items():
            for key, value in group.items():
                array = value.numpy() if isinstance(value, Tensor) else np.asarray(value)
                file[f"{name}/{key}"] = array
            file[name].attrs["units"] = UNITS


def _distances(samples: Samples) -> Tensor:
    r = samples.dynamics.pairs.r
    return torch.linspace(float(r.min()), samples.model.cutoff, 200, dtype=r.dtype)


def _wider(x: Tensor) -> tuple[float, float]:
    low, high = float(x.min()), float(x.max())
    margin = 0.1 * max(high - low, 1e-6 * abs(high) + 1e-12)
    return low - margin if low < 0 else max(low - margin, 0.5 * low), high + margin
