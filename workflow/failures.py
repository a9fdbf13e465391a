"""The last words of a run: why each of its own jobs failed, from snakemake's log and the jobs'.

Nothing here fails itself: logs may be missing, cut short, old, or no text.
"""

from __future__ import annotations

import os
import re
import socket
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from pipeline.process import REFUSAL

BLOCK = re.compile(
    r"^Error in rule (?P<rule>\w+):\n(?P<facts>(?:    .*\n?)*)"
    r"|^Finished jobid: (?P<finished>\d+)"
    r"|died with <Signals\.(?P<signal>\w+)"
    r"|returned non-zero exit status (?P<status>\d+)",
    re.MULTILINE,
)
FACT = re.compile(r"^    (jobid|log|output): (.*)$", re.MULTILINE)
# What snakemake quotes of a job's log; a job on a cluster runs a snakemake of its own, whose log
# speaks of jobs that are not those of this run.
QUOTED = re.compile(r"^Logfile [^\n]*:\n={10,}\n.*?^={10,}\n", re.MULTILINE | re.DOTALL)
SIGNALS = {
    "SIGKILL": "most often because memory ran out; allow more, or fewer --cores",
    "SIGTERM": "by another program or the scheduler",
    "SIGINT": "from the keyboard",
    "SIGXCPU": "because it used more processor time than it was allowed",
    "SIGXFSZ": "because it wrote more than it was allowed (ulimit -f)",
}
CRASHES = {"SIGSEGV", "SIGBUS", "SIGABRT", "SIGILL", "SIGFPE"}
# What a shell, or a scheduler, makes of a signal.
STATUS = {128 + number: name for number, name in [(2, "SIGINT"), (6, "SIGABRT"), (9, "SIGKILL")]}
STATUS |= {128 + number: name for number, name in [(7, "SIGBUS"), (11, "SIGSEGV"), (15, "SIGTERM")]}

NO_JOB = f"{REFUSAL}a stage failed; what snakemake says above is all that is known."
UNLOCK = (
    "An earlier snakemake in this folder was killed and left it locked. Where no other one is at "
    "work here, run `snakemake --unlock` once, and then the same command again: it goes on."
)


class Failure(NamedTuple):
    """A job that failed: its rule, its log, and the signal that ended it ("" for none)."""

    rule: str
    log: str
    signal: str


def sentences(logs: Iterable[str], since: float) -> list[str]:
    """Why the jobs of a run failed, each reason once.

    Args:
        logs: files that snakemake wrote about this run, and no other.
        since: when the run began [s since the epoch]; what is older in a job's log is not its own.
    """
    return _told(failures("\n".join(text(Path(log)) for log in logs)), since)


def quiet(since: float) -> list[str]:
    """The same of a snakemake that is quiet and names no job: by what jobs wrote since then."""
    recent = [log for log in Path("results").glob("**/logs/**/*.log") if own(log, since)]
    return _told(
        [Failure(log.stem, str(log), "") for log in sorted(recent) if _said(text(log))], since
    )


def _told(failed: Iterable[Failure], since: float) -> list[str]:
    found: dict[str, str] = {}
    for failure in failed:
        words = reason(failure, since)
        found.setdefault(words, f"{words}\n  (stage {failure.rule}; more in {failure.log})")
    return list(found.values())


def failures(said: str) -> list[Failure]:
    """The jobs that failed and did not succeed when tried again, in the log of a run."""
    found: dict[str, Failure] = {}
    signal = ""
    for block in BLOCK.finditer(QUOTED.sub("", said)):
        if block["signal"]:
            signal = block["signal"]
        elif block["status"]:
            signal = STATUS.get(int(block["status"]), "")
        elif block["finished"]:
            found.pop(block["finished"], None)
        else:
            facts = dict(FACT.findall(block["facts"]))
            # Its own comes first, the cluster's after it.
            log = facts.get("log", "").split(" (check log file(s)")[0].split(", ")[0]
            found[facts.get("jobid", block["rule"])] = Failure(block["rule"], log, signal)
            signal = ""
    return list(found.values())


def own(log: Path, since: float) -> bool:
    """Whether a job's log was written by this run."""
    try:
        return log.stat().st_mtime >= since - 2.0
    except OSError:
        return False


def _said(log: str) -> list[str]:
    """The sentences of a log that say why a job ended."""
    lines = [line.strip() for line in log.splitlines()]
    return [line for line in lines if line.startswith(REFUSAL) and line != REFUSAL.strip()]


def reason(failure: Failure, since: float) -> str:
    """The sentence a job ended with, or what can be said where it wrote none."""
    path = Path(failure.log)
    log = text(path) if own(path, since) else ""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    if said := _said(log):
        return said[-1]
    if failure.signal in CRASHES or any(line.startswith("Fatal Python error") for line in lines):
        return (
            f"{REFUSAL}a library crashed ({failure.signal or 'see the log'}): run the same command "
            f"again; where it crashes again, please report it with the log."
        )
    if failure.signal:
        told = SIGNALS.get(failure.signal, "from outside")
        return (
            f"{REFUSAL}the stage was stopped by {failure.signal}, {told}. Run the same command "
            f"again: it goes on from what is finished."
        )
    if lines:
        return f"{REFUSAL}the stage ended without a reason; its last words were: {lines[-1]}"
    return (
        f"{REFUSAL}the stage ended before it wrote a word, perhaps because memory ran out or the "
        f"installation is damaged: what snakemake says above is all there is."
    )


def text(path: Path) -> str:
    """A file as text, whatever is in it; nothing where it cannot be read."""
    try:
        return path.read_bytes().decode("utf-8", errors="replace")
    except OSError:
        return ""


def clock(folder: Path) -> float:
    """Now, by this machine's clock or, if that is ahead, by the one the disk goes by."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"now")
            file.flush()
            return max(time.time(), os.fstat(file.fileno()).st_mtime)
    except OSError:
        return time.time()


def future(paths: Iterable[Path], now: float) -> Iterator[Path]:
    """Files dated in the future: what is made from them looks older than they are, for ever."""
    for path in paths:
        try:
            if path.stat().st_mtime > now + 60.0:
                yield path
        except OSError:
            continue


def sign(path: Path) -> None:
    """Leaves word of who works in this folder."""
    with suppress(OSError):
        path.write_text(f"{socket.gethostname()} {os.getpid()}")


def killed(path: Path) -> bool:
    """Whether this folder is locked by a snakemake that is no more, as far as one can tell here."""
    if not any(path.parent.glob("locks/*")):
        return False
    host, _, number = text(path).partition(" ")
    if host != socket.gethostname() or not number.isdigit():
        return False
    return b"snakemake" not in _command(int(number))


def _command(process: int) -> bytes:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return b""
