"""Images of a sheared box: wrapping keeps pairs and their velocities."""

from __future__ import annotations

import numpy as np
import torch

from pipeline import pairs as pr
from pipeline import space as sp


def test_wrapping_a_sheared_box_keeps_pairs_and_their_velocities():
    rng = np.random.default_rng(3)
    space, time = sp.lees_edwards([1.0, 1.0], 0.5), 1.7
    r = torch.from_numpy(rng.uniform(-1.5, 2.5, (60, 2)))
    v = torch.from_numpy(rng.normal(size=(60, 2)))
    wrapped, boxes = space.wrap(r, time)
    moved = v - space.boost(boxes)
    assert bool((wrapped >= 0).all())
    assert bool((wrapped < 1).all())
    inside = pr.find(wrapped, space, 0.2, time)
    outside = pr.geometry(r, inside.i, inside.j, space, time)
    torch.testing.assert_close(inside.r, outside.r)
    torch.testing.assert_close(inside.difference(moved), outside.difference(v))
