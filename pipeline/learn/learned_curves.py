"""What was learned, as curves and grids for the report: learned.h5."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from pipeline import slots
from pipeline.arrays import store, stretches
from pipeline.closures.external import External
from pipeline.closures.friction import Amplitudes
from pipeline.hdf5 import written
from pipeline.learn.elasticity import elastic_groups
from pipeline.learn.latent import Latent
from pipeline.learn.snapshots import Sample
from pipeline.metriplectic.model import Metriplectic
from pipeline.metriplectic.pair_tensor import pair_tensor
from pipeline.metriplectic.thermo import Dynamics, sides
from pipeline.pairs import State
from pipeline.trajectory import Trajectory

Group = dict[str, Any]
BINS = 40  # of pair distances
FEWEST = 20  # pairs in a bin that an exponent is fitted to
ENOUGH = 10_000  # particles that curves are averaged over


def histogram(values: np.ndarray) -> Group:
    """Edges and counts in 60 bins."""
    count, edges = np.histogram(values.astype(float), bins=60)
    return {"edges": edges, "count": count}


def latent_groups(latent: Latent, traits: dict[str, np.ndarray]) -> dict[str, Group]:
    """Groups ``latent`` (z) and ``strength`` (s) with their correlations with traits.

    A strong correlation means that the latent stands for what kind of particle it is.

    Args:
        latent: frozen.
        traits: mass, size, species (N,) each, in the order of the labels; NaN where unknown.
    """
    z = latent.z.detach().cpu().double().numpy()
    groups = {"latent": _group("z", z, latent, latent.scored.cpu().numpy(), traits)}
    if latent.strong:
        # Edge particles are met as neighbours only and less well known: show the scored ones.
        shown = (latent.present & latent.scored).cpu().numpy()
        log_s = latent.centred().detach().cpu().double().numpy()
        groups["strength"] = _group("s", np.exp(log_s), latent, shown, traits)
    return groups


def _group(
    name: str, values: np.ndarray, latent: Latent, known: np.ndarray, traits: dict[str, np.ndarray]
) -> Group:
    x = values[known]
    group: Group = {**histogram(x), "particle": latent.labels.cpu().numpy()[known], name: x}
    for trait, of_all in traits.items():
        y = np.asarray(of_all, dtype=float)[known]
        good = np.isfinite(y)
        if good.sum() > 2 and y[good].std() > 0 and x[good].std() > 0:
            group[trait] = y
            group[f"correlation_{trait}"] = np.corrcoef(y[good], x[good])[0, 1]
    return group


def traits(trajectory: Trajectory) -> dict[str, np.ndarray]:
    """Properties of the particles that a latent may turn out to stand for, NaN where unknown."""
    who, N = trajectory.occupant, len(trajectory.particle)
    count = slots.each(trajectory.present, who, N)
    found = {"species": np.where(trajectory.species >= 0, trajectory.species, np.nan)}
    for name in ("mass", "size"):
        if name in trajectory.extra:
            total = np.zeros(N)
            for some in stretches(trajectory.present.shape, float):
                value = np.where(trajectory.present[some], trajectory.extra[name][some], 0.0)
                total += slots.each(value, None if who is None else who[some], N)
            found[name] = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return found


ACROSS = 41  # places on each line through an external potential
MAP = 60  # places along each side of its map


def surrounding_groups(samples: Samples) -> dict[str, Group]:
    """What does not come from U and the friction of pairs: groups only where the model has them.

    ``bath``: mean friction rate gamma and half the variance per time g2 of its noise; temperature
    T_b and diffusion coefficient T_b / (m gamma) of a particle alone, unless it is active;
    brownian and active (0 or 1). ``pair_energy``: psi(r). ``external``: Phi on a grid over the
    data, in 2D; ``external_x`` and so on: Phi along a line through the middle, relative to there.
    """
    model, batch, found = samples.model, samples.batch, samples.dynamics.bath
    groups: dict[str, Group] = {}
    if found is not None and model.bath is not None:
        rate, g2 = found.rate[samples.rows].mean(), found.contact.g2[samples.rows].mean()
        values = {"rate": rate, "g2": g2}
        if not model.bath.active:
            values |= {"T": found.T, "diffusion": found.T / (model.m * rate)}
        groups["bath"] = {name: value.reshape(1) for name, value in values.items()}
        for name in ("brownian", "active"):
            groups["bath"][name] = np.array([int(getattr(model.bath, name))])
    if model.pair_energy is not None:
        r = _distances(samples)[::5]
        groups["pair_energy"] = {"r": r, "psi": model.pair_energy(model.radial(r)).psi}
    if model.external is not None:
        groups |= _external_groups(model.external, batch.r)
    return groups


def _external_groups(external: External, r: Tensor) -> dict[str, Group]:
    """The external potential where particles r (n, D) were."""
    low, high = r.min(0).values, r.max(0).values
    middle = 0.5 * (low + high)
    groups: dict[str, Group] = {}
    for axis, name in enumerate("xyz"[: r.shape[1]]):
        at = torch.linspace(float(low[axis]), float(high[axis]), ACROSS, dtype=r.dtype)
        places = middle.repeat(ACROSS, 1)
        places[:, axis] = at
        phi = external(places).phi - external(middle[None]).phi
        groups[f"external_{name}"] = {"at": at, "phi": phi}
    if r.shape[1] == 2:
        x, y = (
            torch.linspace(float(a), float(b), MAP, dtype=r.dtype)
            for a, b in zip(low, high, strict=True)
        )
        phi = external(torch.cartesian_prod(x, y)).phi - external(middle[None]).phi
        groups["external"] = {"x": x, "y": y, "phi": phi.reshape(MAP, MAP)}
    return groups


class Samples:
    """The trained model evaluated on some training snapshots, more of them where each shows few."""

    def __init__(self, model: Metriplectic, latent: Latent, sample: Sample) -> None:
        each = len(sample.batch(1).r)
        self.model, self.batch = model, sample.batch(max(10, ENOUGH // each))
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
        true = sample.snapshots.true_entropy
        self.true_S = None if true is None else true[batch.snapshot.numpy(), batch.particle.numpy()]

    def entropy(self) -> float:
        """Mean of the particles that are scored."""
        return float(self.S[self.rows].detach().mean())

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
    force = d.pressure[within]
    D = d.v_ij.shape[1]
    K = pair_tensor(d.amplitudes.a2, d.amplitudes.b2, D)
    theta = 0.5 * (i.theta + j.theta)
    along, across = (theta * (K.lateral + K.axial))[within], (theta * K.lateral)[within]
    r = d.pairs.r[within].double()
    edges = torch.linspace(float(r.min()), model.cutoff, BINS + 1, dtype=torch.float64)
    place = (torch.bucketize(r, edges, right=True) - 1).clamp(0, BINS - 1)
    count = torch.bincount(place, minlength=BINS)
    kept = count >= 3

    def mean(x: Tensor) -> Tensor:
        total = torch.zeros(BINS, dtype=torch.float64).index_add(0, place, x.double())
        return (total / count.clamp(min=1))[kept]

    bins = {"r": mean(r), "count": count[kept]}
    return (
        {**bins, "value": mean(force)},
        {**bins, "value": mean(along), "across": mean(across)},
    )


STRONG = 0.1  # of the greatest force: as far out an exponent is fitted


class Power(NamedTuple):
    """The power law nearest to a force."""

    value: Tensor  # (1,) exponent
    between: tuple[float, float]  # distances


def power(force: Group) -> Power | None:
    """Slope of ln f over ln r where pairs push, weighted by their number and their force squared.

    A force is known at a distance as its pairs are many, and the error of its logarithm goes with
    1/f. None where fewer than five bins push in a row.

    Args:
        force: of `binned`.
    """
    r, f, count = force["r"], force["value"], force["count"]
    shown = f.detach() * (count >= FEWEST)
    top = int(shown.argmax())
    weak = (shown[top:] < STRONG * shown.max()).nonzero()
    end = top + int(weak[0]) if len(weak) else len(f)
    if end - top < 5 or not bool(shown[top] > 0):
        return None
    x, y = r[top:end].log(), f[top:end].log()
    w = count[top:end] * f[top:end].detach().square()
    x = x - (w * x).sum() / w.sum()
    slope = (w * x * y).sum() / (w * x * x).sum()
    return Power(slope.reshape(1), (float(r[top]), float(r[end - 1])))


def amplitudes(samples: Samples) -> Group:
    """a^2, b^2, c^2 against r at the mean temperature and volume."""
    r, model, thermo = _distances(samples), samples.model, samples.dynamics.thermo
    T, V = (x[samples.rows].mean().expand(len(r)) for x in (thermo.T, thermo.V))
    found: Amplitudes = model.friction(model.radial(r), T, T, V * V).value
    return {"r": r, **found._asdict(), "T": T[:1]}


def entropies(samples: Samples) -> Group:
    """Learned entropies, whose they are and when, and the true ones where they are known."""
    rows, thermo = samples.rows, samples.dynamics.thermo
    S = samples.S[rows].numpy()
    group = histogram(S) | {"S": S, "V": thermo.V[rows], "T": thermo.T[rows]}
    group |= {name: getattr(samples.batch, name)[rows] for name in ("particle", "snapshot")}
    if samples.true_S is not None:
        true = group["true"] = samples.true_S[rows.numpy()]
        if S.std() > 0:
            group["correlation_entropy"] = np.corrcoef(S, true)[0, 1]
    return group


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
    sample: Sample,
    traits: dict[str, np.ndarray],
) -> dict[str, Group]:
    """All groups of learned.h5, in reduced units (length a, time dt, m = k_B = 1)."""
    samples = Samples(model, latent, sample)
    force, friction = binned(samples)
    T = samples.dynamics.thermo.T[samples.rows].numpy()
    return {
        "kernel": kernel(samples),
        "pair_force": force,
        "pair_friction": friction,
        "friction": amplitudes(samples),
        "energy": energy(samples),
        "temperature": histogram(T),
        "entropy": entropies(samples),
        **surrounding_groups(samples),
        **elastic_groups(model, samples.batch, samples.entropy()),
        **latent_groups(latent, traits),
    }


UNITS = "reduced: length a, time dt, mass m, k_B = 1"


def write(path: Path, groups: dict[str, Group]) -> None:
    """Writes learned.h5; the file appears whole or not at all."""
    with written(path) as file:
        file.attrs["units"] = UNITS
        for name, group in groups.items():
            for key, value in group.items():
                array = value.detach().numpy() if isinstance(value, Tensor) else np.asarray(value)
                store(file, f"{name}/{key}", array)
            file[name].attrs["units"] = UNITS


def _distances(samples: Samples) -> Tensor:
    r = samples.dynamics.pairs.r
    return torch.linspace(float(r.min()), samples.model.cutoff, 200, dtype=r.dtype)


def _wider(x: Tensor) -> tuple[float, float]:
    low, high = float(x.min()), float(x.max())
    margin = 0.1 * max(high - low, 1e-6 * abs(high) + 1e-12)
    return low - margin if low < 0 else max(low - margin, 0.5 * low), high + margin
