"""What is handed out: the source distribution is the repository, the wheel the Python package."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

HOME = Path(__file__).resolve().parents[1]
NOT_FOR_USERS = {".gitignore"}


def tracked() -> list[str]:
    done = subprocess.run(
        ["git", "-C", str(HOME), "ls-files"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip("not a git checkout: what belongs to the project is not known")
    return done.stdout.splitlines()


def built(source: Path, kind: str) -> Path:
    """The distribution that setuptools makes of a source tree."""
    command = f"from setuptools import build_meta; print(build_meta.build_{kind}('dist'))"
    done = subprocess.run(
        [sys.executable, "-c", command], cwd=source, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return source / "dist" / done.stdout.split()[-1]


@pytest.fixture(scope="module")
def distributions(tmp_path_factory):
    """(unpacked source distribution, wheel made of it)."""
    clone = tmp_path_factory.mktemp("clone")
    for name in tracked():
        target = clone / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(HOME / name, target, follow_symlinks=False)
    with tarfile.open(built(clone, "sdist")) as archive:
        archive.extractall(clone / "unpacked", filter="data")
    (source,) = (clone / "unpacked").iterdir()
    return source, built(source, "wheel")


@pytest.mark.slow
def test_the_source_distribution_is_the_repository(distributions):
    source, _ = distributions
    missing = [name for name in tracked() if not (source / name).exists()]
    assert set(missing) <= NOT_FOR_USERS


@pytest.mark.slow
def test_the_wheel_is_the_whole_package_and_nothing_else(distributions):
    source, wheel = distributions
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    package = {str(p.relative_to(source)) for p in (source / "pipeline").rglob("*") if p.is_file()}
    assert held == {name for name in package if "__pycache__" not in name}
    assert "pipeline/lammps/sources/pair_metriplectic.cpp" in held
    assert "pipeline/simulate/star_polymer.in" in held


@pytest.mark.slow
def test_the_workflow_runs_from_the_unpacked_source_with_the_wheel_installed(
    distributions, tmp_path
):
    source, wheel = distributions
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    target = "results/tiny/features.parquet"
    command = (sys.executable, "-P", "-m", "snakemake", "--cores", "2", "--snakefile")
    done = subprocess.run(
        [*command, str(source / "Snakefile"), target, "--printshellcmds"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / target).exists()
    where = [sys.executable, "-P", "-c", "import pipeline; print(pipeline.__file__)"]
    found = subprocess.run(
        where,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.startswith(str(site))


def test_the_version_is_the_same_everywhere():
    version = tomllib.loads((HOME / "pyproject.toml").read_text())["project"]["version"]
    assert yaml.safe_load((HOME / "CITATION.cff").read_text())["version"] == version
    assert f"\n## {version}" in (HOME / "CHANGELOG.md").read_text()


def test_the_workflow_has_no_lints_but_those_explained():
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--lint", "text"],
        cwd=HOME,
        capture_output=True,
        text=True,
        check=False,
    )
    said = [line.strip(" *") for line in done.stderr.splitlines() if line.startswith("    * ")]
    assert set(said) == {
        "Specify a conda environment or container for each rule.:",
        "Mixed rules and functions in same snakefile.:",
    }
    assert "finds two things" in (HOME / "Snakefile").read_text()


def test_the_catalogue_file_says_what_is_asked_for():
    usage = yaml.safe_load((HOME / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert {"conda", "apptainer"} <= set(usage["software-stack-deployment"])
    assert usage["report"] is True
    assert (HOME / "workflow" / "Snakefile").exists()
    assert (HOME / "config" / "README.md").exists()
