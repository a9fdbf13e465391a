"""A real Slurm of one node: munge, slurmctld and slurmd, started for the tests and ended after."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.debian import program

# The job steps look nowhere else.
CONF = Path("/etc/slurm/slurm.conf")
OURS = "# written by tests/workflow/slurm.py\n"


def configuration(folder: Path) -> str:
    """slurm.conf of this machine as the only node; job accounting off, as on many small sites."""
    host = socket.gethostname()
    cores = len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20 * 9 // 10
    return (
        OURS
        + f"""ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={free_port()}
SlurmdPort={free_port()}
SlurmUser=root
SlurmdUser=root
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerParameters=sched_interval=2,sched_min_interval=100000
MinJobAge=300
ReturnToService=2
MailProg=/bin/true
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} RealMemory={memory}
PartitionName=all Nodes={host} Default=YES MaxTime=INFINITE
"""
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def running(folder: Path) -> Iterator[None]:
    """Slurm while the block lasts; skips the test where there can be none."""
    if os.geteuid():
        pytest.skip("Slurm's daemons must be started as root")
    for name in ("munged", "slurmctld", "slurmd"):
        program(name, "slurm-wlm", "munge")
    if CONF.exists() and not CONF.read_text().startswith(OURS):
        pytest.skip(f"{CONF} is there already: this machine has a Slurm of its own, left alone")
    if answers("sinfo", "--noheader"):
        pytest.skip("a Slurm is running already, of another test or left by one that was killed")
    for name in ("state", "spool"):
        (folder / name).mkdir()
    CONF.parent.mkdir(exist_ok=True)
    CONF.write_text(configuration(folder))
    with ExitStack() as stack:
        stack.callback(CONF.unlink)
        if not answers("munge", "-n"):
            Path("/run/munge").mkdir(exist_ok=True)
            shutil.chown("/run/munge", "munge", pwd.getpwnam("munge").pw_gid)
            stack.enter_context(daemon("runuser", "-u", "munge", "--", "munged", "--foreground"))
            wait_for("munge", "-n")
        stack.enter_context(daemon("slurmctld", "-D"))
        stack.enter_context(daemon("slurmd", "-D"))
        wait_for("sinfo", "--noheader", "--states=idle", "--format=%n")
        yield


@contextmanager
def daemon(*command: str) -> Iterator[None]:
    """A process group in the foreground, ended with the block."""
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def answers(*command: str) -> str:
    """What a command says, nothing where it fails."""
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def wait_for(*command: str, seconds: float = 30) -> None:
    """Until a command has something to say."""
    end = time.monotonic() + seconds
    while not answers(*command):
        if time.monotonic() > end:
            pytest.fail(f"{' '.join(command)} said nothing for {seconds:g} s: Slurm did not start")
        time.sleep(0.2)
