"""How sure a learned curve is: 95 % bands from curvature and from blocks of time.

Let g_t be the gradient of the likelihood of snapshot t in the parameters. If the model is right,
H = sum_t g_t g_t^T (with the curvature P of the penalties) is the Fisher information, and a curve
c(theta) has the covariance J H^-1 J^T, J = dc/dtheta (the delta method). If snapshots know of each
other, or the model is wrong, the spread of sums of J H^-1 g_t over blocks of time says more
(Huber's sandwich). The larger of the two is taken at every point. What is known with an error of
its own before the likelihood is looked at, such as the error of the positions, moves the optimum by
-H^-1 times the change of the gradient, and the curve with it: that is added.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from pipeline.errors import InputError
from pipeline.learn.data import Transition, Transitions
from pipeline.learn.elasticity import moduli
from pipeline.learn.learned_curves import (
    Group,
    Samples,
    binned,
    power,
    surrounding_groups,
)
from pipeline.learn.order import Order
from pipeline.metriplectic.model import Metriplectic

MOST = 300  # snapshots that bands are from
FEWEST = 20  # the same, since blocks of time are made of them
CROWD = 20  # particles in each part of a snapshot, at least
BLOCKS = 20  # of successive snapshots
Z = 1.96  # half width of a 95 % band in standard deviations


class Information(NamedTuple):
    """What some snapshots say of p parameters."""

    scores: Tensor  # (m, p) g_t, in order of time, of whole snapshots or of parts of them
    blocks: np.ndarray  # (m,) the block of each
    share: float  # of the snapshots that the model was trained on
    prior: Tensor  # (p, p) curvature of the penalties
    snapshots: int  # looked at
    fisher: Tensor | None = None  # (p, p) of the data, where it is known without the scores
    # (p,) change of the gradient of all data for one standard deviation of what is known before.
    before: Tensor | None = None

    def inverse(self) -> Tensor:
        """H^-1 (p, p), the bias of an inverse of few outer products taken off.

        Raises:
            InputError: if there are too few snapshots for so many parameters.
        """
        H = (self._products() if self.fisher is None else self.fisher) + self.prior
        scale = H.diagonal().clamp(min=1e-300).rsqrt()
        unit = scale[:, None] * H * scale[None, :]
        # What neither data nor penalty say leaves the curve unmoved within the data.
        return scale[:, None] * torch.linalg.pinv(unit, rtol=1e-9, hermitian=True) * scale[None, :]

    def _products(self) -> Tensor:
        m, p = self.scores.shape
        if m < p + 10:
            raise InputError(
                f"Bands for {p} parameters need at least {p + 10} snapshots to train on, got {m}: "
                "record more frames."
            )
        return (self.scores.T @ self.scores) / self.share * ((m - p - 1) / m)


def choose_snapshots(times: np.ndarray, count: int, order: Order) -> tuple[np.ndarray, np.ndarray]:
    """At most ``count`` of the snapshots, in stretches of the film; and the stretch of each."""
    label = order.blocks(times, BLOCKS)
    blocks = [times[label == b] for b in np.unique(label)]
    each = max(1, count // len(blocks))
    kept = [block[:each] for block in blocks]
    return np.concatenate(kept), np.repeat(np.arange(len(kept)), [len(x) for x in kept])


def parts(snapshots: int, particles: int) -> int:
    """Into how many parts a snapshot is cut, so that few snapshots give scores enough.

    Noise is that of particles and pairs of neighbours: of parts with many particles in each it is
    as good as independent.

    Args:
        snapshots: looked at.
        particles: that count, in each of them.
    """
    return max(1, min(-(-MOST // max(snapshots, 1)), particles // CROWD))


def _cut(item: Transition, count: int) -> list[Tensor]:
    """The rows that count, in strips of equal numbers along the first axis."""
    rows = item.now.mask.nonzero()[:, 0]
    return list(rows[item.now.r[rows, 0].argsort()].tensor_split(count))


def information(
    likelihood: Callable[[Transition, int], Tensor],
    snapshots: Transitions,
    times: np.ndarray,
    parameters: Sequence[nn.Parameter],
    penalty: Callable[[], Tensor],
    count: int,
    strips: int = 1,
) -> Information:
    """Scores of some snapshots and the curvature of the penalty.

    Args:
        likelihood: negative log-likelihood (n,) of the particles of a snapshot; the number is that
            of the snapshot.
        snapshots: the data.
        times: those trained on.
        parameters: with respect to which.
        penalty: what training added to the sum over all ``times``.
        count: of snapshots looked at, at most.
        strips: into which each is cut, see `parts`.
    """
    chosen, blocks = choose_snapshots(times, count, snapshots.snapshots.order)
    rows = []
    for k, t in enumerate(chosen):
        item = snapshots[[int(t)]]
        own = likelihood(item, k)
        for strip in _cut(item, strips):
            gradient = torch.autograd.grad(
                own[strip].sum(), parameters, retain_graph=True, allow_unused=True
            )
            rows.append(flat(gradient, parameters))
    share, prior = len(chosen) / len(times), second_derivatives(penalty(), parameters)
    blocks = np.repeat(blocks, strips)
    return Information(torch.stack(rows), blocks, share, prior, len(chosen))


Block = tuple[list[nn.Parameter], Information]  # parameters, and what is known of them


def affordable(model: Metriplectic, count: int, friction: bool = False) -> list[list[nn.Parameter]]:
    """The parameters that ``count`` scores suffice for: of all closures at once, or of forces and
    friction apart, of which the ones move the mean of a step and the other its noise.

    What is known of a mean and of a variance is independent.

    Args:
        friction: whether those of friction alone are asked for.
    """
    forces = (model.volume, model.energy_closure, model.pair_energy, model.external, model.bath)
    parts: list[Any] = [part for part in (*forces, model.strain) if part is not None]

    def trained(*closures: Any) -> list[nn.Parameter]:
        return [p for closure in closures for p in closure.parameters() if p.requires_grad]

    def suffices(parameters: list[nn.Parameter]) -> bool:
        return bool(parameters) and sum(p.numel() for p in parameters) + 10 <= count // 2

    whole = trained(*parts, model.friction)
    apart = [trained(*parts)] * (not friction) + [trained(model.friction)]
    blocks = [whole] if suffices(whole) and not friction else apart
    return [block for block in blocks if suffices(block)]


def split(known: Information, sizes: Sequence[int]) -> list[Information]:
    """Of blocks of the parameters, taken to be independent."""
    columns = np.split(np.arange(sum(sizes)), np.cumsum(sizes)[:-1])
    return [
        known._replace(
            scores=known.scores[:, own],
            prior=known.prior[own][:, own],
            before=None if known.before is None else known.before[own],
        )
        for own in columns
    ]


def add(
    groups: dict[str, Group],
    samples: Samples,
    known: Sequence[Block],
    friction: bool,
) -> None:
    """Puts ``low`` and ``high`` beside the values of every curve and number.

    Args:
        groups: of learned.h5.
        samples: evaluated with gradients.
        known: of blocks of parameters that are independent.
        friction: whether there is one of pairs.
    """
    force, dissipation = binned(samples)
    curves = {("pair_force", ""): force["value"]}
    if friction:
        curves["pair_friction", ""] = dissipation["value"]
        curves["pair_friction", "_across"] = dissipation["across"]
    for group, values in surrounding_groups(samples).items():
        for name in ("phi", "psi", "rate", "g2", "T", "diffusion"):
            if name in values and values[name].dim() == 1:
                curves[group, f"_{name}"] = values[name]
    if "strain" in groups and samples.batch.reference is not None:
        shear, bulk = moduli(samples.model, samples.batch.reference, samples.entropy())[:, None]
        curves |= {("strain", "_shear_modulus"): shear, ("strain", "_bulk_modulus"): bulk}
    steep = power(force)
    if steep is not None:
        curves["pair_force", "_exponent"] = steep.value
        groups["pair_force"]["exponent"] = steep.value.detach()
        groups["pair_force"]["exponent_range"] = np.array(steep.between)
    for (group, name), curve in curves.items():
        squares = [deviation(one, curve, parameters) ** 2 for parameters, one in known]
        half = Z * np.sqrt(np.sum(squares, axis=0))
        value = curve.detach().cpu().numpy()
        groups[group][f"low{name}"] = value - half
        groups[group][f"high{name}"] = value + half


def deviation(known: Information, curve: Tensor, parameters: Sequence[nn.Parameter]) -> np.ndarray:
    """(k,) standard deviation of a curve (k,) that depends on the parameters."""
    rows = [
        flat(
            torch.autograd.grad(point, parameters, retain_graph=True, allow_unused=True), parameters
        )
        for point in curve
    ]
    through = torch.stack(rows) @ known.inverse()
    curvature = (through * torch.stack(rows)).sum(1)
    moved = known.scores @ through.T
    sums = torch.stack([moved[known.blocks == b].sum(0) for b in np.unique(known.blocks)])
    count = len(sums)
    spread = (sums - sums.mean(0)).square().sum(0) * count / max(count - 1, 1) / known.share
    more = 0.0 if known.before is None else (through @ known.before).square()
    return (torch.maximum(curvature, spread).clamp(min=0.0) + more).sqrt().numpy()


def change(
    likelihoods: Sequence[Callable[[Transition, int], Tensor]],
    snapshots: Transitions,
    times: np.ndarray,
    parameters: Sequence[nn.Parameter],
    count: int,
) -> Tensor:
    """(p,) gradient of the second likelihood less that of the first, over all ``times``.

    Args:
        likelihoods, snapshots, times, parameters, count: see `information`.
    """
    chosen, _ = choose_snapshots(times, count, snapshots.snapshots.order)
    sums = []
    for likelihood in likelihoods:
        parts = [
            torch.autograd.grad(
                likelihood(snapshots[[int(t)]], k).sum(), parameters, allow_unused=True
            )
            for k, t in enumerate(chosen)
        ]
        sums.append(torch.stack([flat(part, parameters) for part in parts]).sum(0))
    return (sums[1] - sums[0]) * len(times) / len(chosen)


def flat(gradient: Sequence[Tensor | None], parameters: Sequence[nn.Parameter]) -> Tensor:
    parts = [
        torch.zeros_like(p) if g is None else g for g, p in zip(gradient, parameters, strict=True)
    ]
    return torch.cat([x.detach().flatten() for x in parts]).double().cpu()


def second_derivatives(penalty: Tensor, parameters: Sequence[nn.Parameter]) -> Tensor:
    """Of a scalar that is quadratic in most parameters, (p, p) float64."""
    size = sum(p.numel() for p in parameters)
    if not penalty.requires_grad:
        return torch.zeros((size, size), dtype=torch.float64)
    first = torch.autograd.grad(penalty, parameters, create_graph=True, allow_unused=True)
    rows = []
    for gradient, p in zip(first, parameters, strict=True):
        for k in range(p.numel()):
            if gradient is None or not gradient.requires_grad:
                rows.append(torch.zeros(size, dtype=torch.float64))
                continue
            second = torch.autograd.grad(
                gradient.flatten()[k], parameters, retain_graph=True, allow_unused=True
            )
            rows.append(flat(second, parameters))
    return torch.stack(rows)
