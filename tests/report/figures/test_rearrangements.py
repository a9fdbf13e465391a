"""Figures of rearrangements."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.report.figures import rearrangements
from pipeline.report.results import Absent, Group


def test_a_field_of_one_node_has_no_streamlines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five particles in a view: the grid, as coarse as they are apart, has one node along x."""
    one = Group({"grid": np.ones((2, 1, 2)), "x": np.zeros(1), "y": np.arange(2.0)}, {})
    monkeypatch.setattr(rearrangements, "_chosen", lambda *_: {"experiment": one})
    with pytest.raises(Absent, match="too few"):
        rearrangements.streamlines(None)  # type: ignore[arg-type]
