"""Several pair quantities summed at once."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from pipeline.pairs import Pairs, sum_sided


def sum_mixed(pairs: Pairs, odd: Sequence[Tensor], even: Sequence[Tensor]) -> Tensor:
    """Sums over neighbours (N, odd + even) of antisymmetric and of symmetric quantities (P,).

    One pass over the pairs instead of one per quantity; what i receives of an odd one, j loses.
    """
    columns = torch.stack((*odd, *even), 1)
    parity = columns.new_tensor([-1.0] * len(odd) + [1.0] * len(even))
    return sum_sided(pairs, columns, columns * parity)
