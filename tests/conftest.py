"""One thread for every test, and two processes for all: which tests stay together."""

from __future__ import annotations

import gc
import os
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

# Before torch, numba or a BLAS are imported by any test: on shared cores a thread pool makes small
# steps ten times slower.
for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"
# Nor is there garbage in what tests import, among which looking for it takes a second a process.
gc.disable()
# A file stays in one process for its fixtures. Files that share what takes long to make stay
# together: a finished workflow, a report, the compiled plugin.
TOGETHER = [
    [
        f"tests/workflow/test_{name}.py"
        for name in ("run", "files", "lammps", "tracks", "interrupted", "slurm")
    ],
    [f"tests/report/test_{name}.py" for name in ("browser", "page")],
    [
        f"tests/lammps/test_{name}.py"
        for name in (
            "case",
            "flow",
            "laws",
            "parity",
            "refusals",
            "scaled",
            "stress",
            "surroundings",
        )
    ],
    [f"tests/lammps/test_{name}.py" for name in ("sanitizers", "untrusted")],
]
GROUPS = {file: files[0] for files in TOGETHER for file in files}
# Of these files every test is long and has fixtures of its own.
APART = ("tests/docs/test_commands.py", "tests/workflow/test_real.py")


class Scheduling(LoadScopeScheduling):
    """Gives a process a group of tests at a time, in the order in which they were collected."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return nodeid if file in APART else GROUPS.get(file, file)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling:
    return Scheduling(config, log)


def pytest_collection_finish() -> None:
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long goes first, so that neither process waits for the other in the end: the
    workflow, whose tests stay together, and files with slow tests."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    whole = {item.path for item in items if item.nodeid.partition("::")[0] in TOGETHER[0]}
    items.sort(key=lambda item: (item.path not in slow & whole, item.path not in slow))
