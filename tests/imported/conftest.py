"""Trajectories written by other programs."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.lammps import run


@pytest.fixture(scope="session", params=[2, 3])
def dumps(request, tmp_path_factory) -> tuple[Path, int]:
    """A folder with dumps of a LAMMPS run in two and in three dimensions."""
    folder = tmp_path_factory.mktemp(f"melt{request.param}")
    flat = request.param == 2
    variables = {
        "D": request.param,
        "top": 0.5 if flat else 9.5,
        "flat": "enforce2d" if flat else "setforce NULL NULL NULL",
    }
    run.run(folder, Path(__file__).with_name("melt.in"), variables=variables)
    return folder, request.param
