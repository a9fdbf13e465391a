"""Two hundred interrupts and kills at random moments: the results are those of a quiet run.

An hour, so by name only: pytest -m soak -s -n 0 tests/workflow/test_soak.py. SOAK_SIGNALS sets
another number, SOAK_MINUTES a time after which no more are sent, SOAK_SEED other moments.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest

from tests.workflow.conftest import PATH, SNAKEFILE, small
from tests.workflow.test_interrupted import TARGET, same_results

SIGNALS = int(os.environ.get("SOAK_SIGNALS", "200"))
MINUTES = float(os.environ.get("SOAK_MINUTES", "inf"))
SEED = int(os.environ.get("SOAK_SEED", "1"))
WHOLE = 0.15  # share of the signals that go to snakemake and all of its jobs
KINDS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
OFTEN = 15  # signals in the time that a quiet run takes, on average
pytestmark = [pytest.mark.slow, pytest.mark.soak]


def start(folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "snakemake", "--snakefile", SNAKEFILE, "--cores", "2"]
    with open(folder / "snakemake.log", "ab") as log:
        return subprocess.Popen(
            [*command, "--retries", "100", TARGET],
            cwd=folder,
            env={**os.environ, "PATH": PATH},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def jobs(run: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """The processes in which stages work, and those that they started."""
    found = []
    try:
        for child in psutil.Process(run.pid).children(recursive=True):
            if any(".snakemake/scripts/" in word for word in child.cmdline()):
                found.append(child)
    except psutil.NoSuchProcess:
        pass
    return found


def disturb(run: subprocess.Popen[bytes], luck: random.Random) -> str | None:
    """Sends one signal; says what, None where nobody was working."""
    working = jobs(run)
    if not working:
        return None
    kind = luck.choice(KINDS)
    try:
        if luck.random() < WHOLE:
            os.killpg(run.pid, kind)
            run.wait(timeout=600)
            return f"{kind.name} to all"
        working[luck.randrange(len(working))].send_signal(kind)
    except (psutil.NoSuchProcess, ProcessLookupError):
        return None
    return f"{kind.name} to a stage"


def test_whatever_is_interrupted_ends_as_if_it_had_not_been(tmp_path, snakemake):
    luck, sent, rounds = random.Random(SEED), Counter[str](), 0
    # Whoever is started in the background ignores interrupts, and so do all below him.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    quiet, began = small(tmp_path / "quiet"), time.monotonic()
    assert snakemake(quiet, "--cores", "2", TARGET).returncode == 0
    pause = (time.monotonic() - began) / OFTEN
    folder = small(tmp_path / "disturbed")
    run = start(folder)
    while True:
        moment = time.monotonic() + luck.expovariate(1 / pause)
        while run.poll() is None and time.monotonic() < moment:
            time.sleep(0.05)
        enough = sent.total() >= SIGNALS or time.monotonic() - began > 60 * MINUTES
        if run.poll() is None and not enough:
            said = disturb(run, luck)
            sent.update([said] if said else [])
        elif enough:
            run.wait()
        if run.poll() is None:
            continue
        if run.returncode == 0:
            rounds += 1
            same_results(folder / "results" / "small", quiet / "results" / "small")
            if enough:
                break
            shutil.rmtree(folder / "results")
        else:
            # What a killed run leaves is a lock, and a sentence that says how to open it.
            assert snakemake(folder, "--cores", "2", "--unlock", TARGET).returncode == 0
        run = start(folder)
        print(sent.total(), "signals,", rounds, "rounds:", dict(sent), flush=True)
    print(sent.total(), "signals,", rounds, "rounds:", dict(sent), flush=True)
