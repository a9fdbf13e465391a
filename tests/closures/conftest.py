"""The scales of a closure in two and three dimensions."""

from __future__ import annotations

import pytest

from pipeline.closures.splines import Scales

SCALES = {d: Scales(d, cutoff=1.7, temperature=1.3, volume=0.7, intervals=9) for d in (2, 3)}


@pytest.fixture(params=[2, 3], ids=["2D", "3D"])
def scales(request: pytest.FixtureRequest) -> Scales:
    return SCALES[request.param]
