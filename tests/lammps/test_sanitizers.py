"""No access outside of arrays, no undefined behaviour: the plugin under gcc's sanitizers."""

from __future__ import annotations

import subprocess

import pytest

from pipeline.lammps.build import build
from tests.lammps.systems import by_plugin, crystal, surrounded
from tests.metriplectic.cases import SURROUNDED, random_model

pytestmark = pytest.mark.slow
FLAGS = ("-O0", "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined")


def preloaded() -> dict[str, str]:
    """Environment of a program that loads a plugin with sanitizers."""
    libraries = [
        subprocess.run(
            ["g++", f"-print-file-name=lib{name}.so"], capture_output=True, text=True, check=True
        ).stdout.strip()
        for name in ("asan", "ubsan")
    ]
    # LAMMPS and MPI themselves leak, and throw exceptions before the sanitizer can see them.
    return {"LD_PRELOAD": " ".join(libraries), "ASAN_OPTIONS": "detect_leaks=0"}


@pytest.fixture(scope="module")
def watched(request):
    """The plugin with sanitizers."""
    return build(request.config.cache.mkdir("plugin"), FLAGS)


CASES = [
    ("splines", 2),
    ("networks", 1),
    ("splines_solid", 1),
    ("paper_solid", 2),
    ("surrounded", 2),
    ("brownian", 1),
]


@pytest.mark.parametrize(("kind", "ranks"), CASES)
def test_nothing_is_undefined(tmp_path, watched, monkeypatch, kind, ranks):
    for name, value in preloaded().items():
        monkeypatch.setenv(name, value)
    rate, dt = (4.0, 0.01) if kind == "splines" else (0.0, 2e-5)
    if kind in SURROUNDED:
        model, system = surrounded(kind, 2)
    else:
        model, system = random_model(kind, 2), crystal(2, strong=kind == "splines", rate=rate)
    path = by_plugin(tmp_path, watched, model, system, 15, ranks=ranks, dt=dt)
    assert len(path.r) == 16
