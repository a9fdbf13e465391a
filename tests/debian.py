"""Programs from Debian's packages that some tests need."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest


def program(name: str, *packages: str) -> str:
    """The path of a program; installs it where this process may, else skips the test.

    Args:
        name: of the executable.
        packages: Debian packages that bring it.
    """
    if path := shutil.which(name):
        return path
    if os.geteuid() or not shutil.which("apt-get"):
        pytest.skip(f"no {name} on this machine: sudo apt-get install {' '.join(packages)}")
    # The tests run in two processes, and a second apt-get at a time fails.
    with open(Path(tempfile.gettempdir()) / "metriplex_tests_apt.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not shutil.which(name):
            _install(name, packages)
    return shutil.which(name) or pytest.fail(f"{' '.join(packages)} brought no {name}")


def _install(name: str, packages: tuple[str, ...]) -> None:
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for step in (["update"], ["install", "-y", "--no-install-recommends", *packages]):
        done = subprocess.run(
            ["apt-get", "-qq", *step], capture_output=True, text=True, env=quiet, check=False
        )
        if done.returncode:
            pytest.skip(f"no {name}, and apt-get {step[0]} failed: {done.stderr.strip()[-200:]}")
