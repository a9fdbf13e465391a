from __future__ import annotations

import pytest

from benchmarks import lammps

pytestmark = pytest.mark.slow


def test_every_fluid_runs_and_has_its_line():
    loops = lammps.measure(8, 1)
    assert {name for name, runs in loops.items() if runs[0].particles == 512} == set(loops)
    assert all(name in lammps.table(loops) for name in loops)
    assert len(loops) == 4
