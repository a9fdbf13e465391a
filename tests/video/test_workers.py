"""Jobs in this process or in several: all are done, in their order."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections import deque
from pathlib import Path

import dask
import pytest

from pipeline.video.workers import _here, spread


def test_a_short_film_starts_no_workers_and_a_long_one_does():
    """Ten jobs of a twentieth of a second; the first one loads what is compiled."""

    def work(here: int, k: int) -> int:
        time.sleep(0.5 if k == 0 else 0.05)
        return here + k

    jobs = [(k,) for k in range(10)]
    waiting = deque(jobs)
    assert list(_here(work, 100, waiting, 5.0)) == list(range(100, 110))
    waiting = deque(jobs)
    assert list(_here(work, 100, waiting, 0.2)) == [100, 101]
    assert list(waiting) == jobs[2:]
    assert list(spread(work, 100, jobs, workers=4)) == list(range(100, 110))


def asleep(times: Path, k: int) -> int:
    """A job whose worker stands still for 12 s, as a machine that sleeps does."""
    with times.open("a") as file:
        file.write(f"{k}\n")
    subprocess.Popen(["sh", "-c", f"sleep 12; kill -CONT {os.getpid()}"])
    os.kill(os.getpid(), signal.SIGSTOP)
    return k


@pytest.mark.slow
def test_a_worker_that_was_asleep_goes_on(tmp_path):
    """dask gives one up after `worker-ttl`, and does its work again."""
    times = tmp_path / "times"
    with dask.config.set({"distributed.scheduler.worker-ttl": "1 s"}):
        assert list(spread(asleep, times, [(0,), (1,)], workers=2, start=0)) == [0, 1]
    assert sorted(times.read_text().split()) == ["0", "1"]
