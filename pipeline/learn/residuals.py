"""What a model leaves unexplained on snapshots that it was not fitted to: is it noise?

A model that says all there is to say leaves whitened residuals z = L^-1 (v' - mu), Sigma = L L^T,

    <z^2> = 1,     <z(t) z(t+1)> = -4 sigma^2 / Sigma,     <z_i . z_j> / D = -tr K_ij / (D Sigma)

per component: as large as its noise, white in time but for the localisation error sigma that two
steps share (and for what forces within a frame give to both, where velocities are means over it),
and correlated between neighbours by the noise of their pair alone. What errors do that go through
the forces is told by the echo of simulated ones, which successive steps share, too. A force that is
missing stays for longer than a step, a flow is shared by neighbours. No rollout is needed to see
either.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from pipeline.learn.order import Order
from pipeline.pairs import Pairs
from pipeline.trajectory import evenly

BLOCKS = 10  # of time, for standard errors
MOST = 100  # pairs of successive snapshots looked at


class Left(NamedTuple):
    """One step of one snapshot, reduced units."""

    residual: Tensor  # (n, D) v' - mu
    change: Tensor  # (n, D) v' - v, or what else a model without forces would leave
    z: Tensor  # (n, D) whitened
    echo: Tensor  # (n, D) whitened echo of simulated errors, zero where none were
    vv: Tensor  # (n,) mean variance per component
    later: Tensor  # (n,) covariance of its noise with that of the next step, but for the echo's
    shared: Tensor  # (P,) tr of the covariance that the noise of each pair gives its two ends, / D
    pairs: Pairs
    mask: Tensor  # (n,) rows that count
    next_row: Tensor  # (n,) row of the same particle one snapshot later
    place: Tensor  # (n, D) where it is
    particle: Tensor  # (n,) who it is


Test = dict[str, np.ndarray]


@torch.no_grad()
def measure(left: Callable[[int], Left], times: np.ndarray, order: Order) -> Test:
    """Tests of the residuals, each with its standard error from blocks of time.

    Args:
        left: the step of snapshot t.
        times: snapshots not trained on.
        order: of the snapshots in the film.

    Returns:
        ``chi2`` <z^2>; ``memory`` <z(t) z(t+1)> and ``neighbours`` <z_i z_j>, less what is
        expected, over <z^2>; ``explained`` share of the change; each (2,) value and error.
        ``steps``: number.
    """
    rows: dict[str, list[tuple[float, float, int]]] = {
        name: [] for name in ("chi2", "memory", "neighbours", "explained")
    }
    known = set(times.tolist())
    first = evenly(times, MOST)
    blocks = order.blocks(first, BLOCKS).tolist()
    steps: dict[int, Left] = {}  # of a snapshot and the one after, which may be looked at next
    for t, block in zip(first.tolist(), blocks, strict=True):
        steps = {k: steps.get(k) or left(k) for k in (t, t + 1) if k in known}
        now, later = steps[t], steps.get(t + 1)
        z, mask = now.z[now.mask], now.mask
        rows["chi2"].append((float(z.square().sum()), z.numel(), block))
        size = float(now.change[mask].square().sum())
        rows["explained"].append((size - float(now.residual[mask].square().sum()), size, block))
        both = mask[now.pairs.i] & mask[now.pairs.j]
        i, j = now.pairs.i[both], now.pairs.j[both]
        expected = -now.shared[both] / (now.vv[i] * now.vv[j]).sqrt()
        excess = (now.z[i] * now.z[j] - now.echo[i] * now.echo[j]).mean(1) - expected
        rows["neighbours"].append((float(excess.sum()), len(i), block))
        if later is not None:
            stays = mask & later.mask[now.next_row]
            follows = now.next_row[stays]
            own = (now.vv[stays] * later.vv[follows]).sqrt()
            products = now.z[stays] * later.z[follows] - now.echo[stays] * later.echo[follows]
            excess = products.mean(1) - now.later[stays] / own
            rows["memory"].append((float(excess.sum()), len(follows), block))
    found = {name: _ratio(np.array(sums)) for name, sums in rows.items() if sums}
    for name in {"memory", "neighbours"} & set(found):  # correlations, whatever the variance
        found[name] = found[name] / found["chi2"][0]
    return {**found, "steps": np.array([len(first)])}


def _ratio(sums: np.ndarray) -> np.ndarray:
    """(2,) ratio of the sums of two columns (T, 3), and its error from blocks, the third."""
    top, bottom = sums[:, :2].sum(0)
    if bottom == 0:
        return np.full(2, np.nan)
    value = top / bottom
    parts = np.array([sums[sums[:, 2] == b, :2].sum(0) for b in np.unique(sums[:, 2])])
    off = parts[:, 0] - value * parts[:, 1]
    count = len(parts)
    error = np.sqrt((off**2).sum() * count / max(count - 1, 1)) / bottom if count > 1 else np.nan
    return np.array([value, error])
