"""One thread for every test, and two processes for all: which tests stay together."""

from __future__ import annotations

import os

import pytest

# Before torch, numba or a BLAS are imported by any test: on shared cores a thread pool makes small
# steps ten times slower.
for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"
# Fixtures of a whole session that take long: the process that makes one runs all tests that use it.
DEAR = ("finished", "report", "plugin")


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Else a file stays together, for its fixtures; files of slow tests go first, so that neither
    process waits for the other in the end."""
    place = {item: _group(item) for item in items}
    slow = {place[item] for item in items if item.get_closest_marker("slow")}
    for item, group in place.items():
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: place[item] not in slow)


def _group(item: pytest.Item) -> str:
    wanted = getattr(item, "fixturenames", ())
    return next((name for name in DEAR if name in wanted), item.nodeid.partition("::")[0])
