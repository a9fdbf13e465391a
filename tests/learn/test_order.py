"""Blocks are of the film, whatever the order in which training looks at its snapshots."""

from __future__ import annotations

import numpy as np

from pipeline.learn.order import Order

SEQUENCES = [np.arange(k, 40, 4) for k in range(4)]
STRIDED = Order(np.concatenate(SEQUENCES), 4)


def test_blocks_are_of_the_film_and_a_step_long_at_least() -> None:
    label = STRIDED.blocks(np.arange(40), 20)
    assert (np.diff(label[np.argsort(STRIDED.row)]) >= 0).all()
    assert np.bincount(label).tolist() == [4] * 10
    assert len(np.unique(STRIDED.blocks(np.arange(40), 5))) == 5


def test_without_a_stride_blocks_are_successive_snapshots() -> None:
    times = np.array([3, 5, 6, 9, 10, 11, 20])
    parts = np.array_split(times, 3)
    label = Order(np.arange(30)).blocks(times, 3)
    assert [times[label == b].tolist() for b in range(3)] == [part.tolist() for part in parts]


def test_products_are_of_one_sequence() -> None:
    """Of the last snapshot of one and the first of the next there is none."""
    values = STRIDED.row.astype(float)
    found = STRIDED.products(values, 2)
    known = np.isfinite(found)
    assert known.sum() == 4 * 8
    assert (found[known] == (values[:-2] * (values[:-2] + 8))[known]).all()
