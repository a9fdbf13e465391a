from __future__ import annotations

import pytest

from tests.metriplectic.cases import CLOSURES


@pytest.fixture(params=[2, 3], ids=["2D", "3D"])
def dimension(request: pytest.FixtureRequest) -> int:
    return request.param


@pytest.fixture(params=CLOSURES)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param
