"""Whether neighbours move together, without which non-affine motion has no meaning.

D2min asks how far the motion of a neighbourhood is from a smooth strain. Where every particle goes
its own way, in a dilute suspension or in a record of nothing but localisation error, there is no
neighbourhood that moves: D2min is then the mean squared displacement over again.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.analysis.d2min import bonds
from pipeline.analysis.runs import Run


def together(parts: Sequence[Run], lag: int, cutoff: float, origins: int = 20) -> float:
    """Correlation of the displacements of neighbours, < u_i . u_j > / < u^2 >.

    Displacements u are relative to the mean over the free particles of a snapshot. 1 in a body
    that moves as one piece, 0 for particles that know nothing of each other.

    Args:
        parts: runs on their clocks.
        lag: interval of the displacements.
        cutoff: range of the neighbours at the time origin [length].
        origins: how many time origins of a run to average over at most.

    Returns:
        the coefficient; NaN where no two neighbours are present at both times.
    """
    product, pairs, square, single = 0.0, 0, 0.0, 0
    for part in parts:
        count = max(len(part.time) - lag, 0)  # none where a rollout stopped early
        for row in np.unique(np.linspace(0, count - 1, min(origins, count)).astype(int)):
            both = part.free[row] & part.free[row + lag]
            if both.sum() < 2:
                continue
            u = part.position[row + lag] - part.position[row]
            u = u - u[both].mean(axis=0)
            near = bonds(part.position[row], both, cutoff, part.box)
            product += float((u[near.i] * u[near.j]).sum())
            pairs += len(near.i)
            square += float((u[both] ** 2).sum())
            single += int(both.sum())
    return (product / pairs) / (square / single) if pairs and square > 0 else float("nan")
