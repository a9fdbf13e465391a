"""Where the snapshots of a training stand in the film, and which of them tell of the same time.

Over a stride of k snapshots training has k sequences interleaved (`pipeline.learn.strides`): its
snapshots are not in the order of the film, and steps that begin within k of each other overlap.
What is averaged over time has the error of blocks of the film, each a step long at least.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Order(NamedTuple):
    """Of T snapshots."""

    row: np.ndarray  # (T,) of the film
    span: int = 1  # rows in a step

    def window(self, rows: slice) -> Order:
        """Of some of them."""
        return self._replace(row=self.row[rows])

    def blocks(self, times: np.ndarray, most: int) -> np.ndarray:
        """(t,) the block of time of some snapshots (t,): at most ``most``, in order of the film."""
        rows = self.row[times]
        steps = int(np.ptp(rows)) // self.span + 1
        label = np.empty(len(rows), dtype=int)
        parts = np.array_split(np.argsort(rows, kind="stable"), min(most, steps, len(rows)))
        for number, part in enumerate(parts):
            label[part] = number
        return label

    def products(self, values: np.ndarray, lag: int) -> np.ndarray:
        """(T - lag, ...) products of values (T, ...) so many steps apart; NaN between sequences."""
        end = len(values) - lag
        found = values[lag:] * values[:end]
        found[self.row[lag:] - self.row[:end] != lag * self.span] = np.nan
        return found
