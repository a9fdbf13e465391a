"""The last words of a run: a sentence for every way in which a stage can end."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from pipeline import process
from pipeline.errors import InputError
from tests.workflow.modules import HOME, failures

ERROR = """{before}
[Wed Nov 25 22:58:51 2026]
Error in rule {rule}:
    message: None
    jobid: {job}
    output: results/{name}/{rule}.h5
    log: results/{name}/logs/{rule}.log (check log file(s) for error details)
"""
DIED = "RuleException:\nCommand 'set -euo pipefail;  python a.py' died with <Signals.{}: 9>.\n"
STATUS = (
    "RuleException:\nCommand 'set -euo pipefail;  python a.py' returned non-zero exit status {}.\n"
)

# What snakemake says before the error, what the job left in its log, and what the user is told.
ENDS = {
    "a refusal": ("", b"Traceback\nerror: The film is dark.\n", "error: The film is dark."),
    "a line after it": ("", b"error: The film is dark.\n100%|###|\n", "error: The film is dark."),
    "blanks after it": ("", b"error: The film is dark.\n\n  \n", "error: The film is dark."),
    "bytes that are no text": ("", b"\xff\xfe\x00\nerror: Dark.\n", "error: Dark."),
    "a refusal of its own last": ("", b"error: One.\nerror: Two.\n", "error: Two."),
    "an empty refusal": ("", b"error: \n", "its last words were: error:"),
    "killed": (DIED.format("SIGKILL"), b"frames 3/9\n", "stopped by SIGKILL, most often because m"),
    "terminated": (DIED.format("SIGTERM"), b"", "stopped by SIGTERM, by another program"),
    "interrupted": (DIED.format("SIGINT"), b"", "stopped by SIGINT, from the keyboard"),
    "killed in a shell": (STATUS.format(137), b"", "stopped by SIGKILL"),
    "too large a file": (DIED.format("SIGXFSZ"), b"", "ulimit -f"),
    "crashed": (DIED.format("SIGSEGV"), b"", "a library crashed (SIGSEGV)"),
    "crashed, by its log": (
        "",
        b"Fatal Python error: Aborted\n",
        "a library crashed (see the log)",
    ),
    "no reason": (STATUS.format(1), b"training\n", "its last words were: training"),
    "not a word": (STATUS.format(1), b"", "ended before it wrote a word"),
    "no log": (STATUS.format(1), None, "ended before it wrote a word"),
    "a refusal and killed": (DIED.format("SIGKILL"), b"error: Dark.\n", "error: Dark."),
}


@pytest.mark.parametrize(("before", "log", "said"), ENDS.values(), ids=ENDS.keys())
def test_a_sentence_for_every_end(tmp_path, monkeypatch, before, log, said):
    monkeypatch.chdir(tmp_path)
    Path("results/a/logs").mkdir(parents=True)
    if log is not None:
        Path("results/a/logs/tune.log").write_bytes(log)
    Path("run.log").write_text(ERROR.format(before=before, rule="tune", job=3, name="a"))
    (words,) = failures.sentences(["run.log"], time.time() - 1)
    assert said in words
    assert words.startswith("error: ")
    assert words.endswith("(stage tune; more in results/a/logs/tune.log)")


# Of a cluster: its log beside the job's own, both quoted, and in them what the snakemake that ran
# the job there said of it.
INNER = ERROR.format(before="", rule="tune", job=0, name="a")
QUOTE = "{}\n" + 80 * "=" + "\n{}" + 79 * "=" + "\n"
CLUSTER = "".join(
    (
        ERROR.format(before="", rule="tune", job=3, name="a").replace(
            ".log (check", ".log, /home/me/.snakemake/slurm_logs/rule_tune/a/2.log (check"
        ),
        "    external_jobid: 2\n",
        QUOTE.format("Logfile results/a/logs/tune.log:", "error: The film is dark.\n"),
        QUOTE.format("Logfile /home/me/.snakemake/slurm_logs/rule_tune/a/2.log:", INNER),
        "Finished jobid: 0 (Rule: frames)\n",
        ERROR.format(before="", rule="link", job=4, name="a"),
    )
)


def test_on_a_cluster_each_job_is_told_once_by_its_own_log(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("results/a/logs").mkdir(parents=True)
    Path("results/a/logs/tune.log").write_text("error: The film is dark.\n")
    Path("results/a/logs/link.log").write_text("error: The search range is too large.\n")
    Path("run.log").write_text(CLUSTER)
    assert failures.sentences(["run.log"], time.time() - 1) == [
        "error: The film is dark.\n  (stage tune; more in results/a/logs/tune.log)",
        "error: The search range is too large.\n  (stage link; more in results/a/logs/link.log)",
    ]


def test_what_others_left_does_not_count(tmp_path, monkeypatch):
    """Neither other data sets, nor another snakemake, nor this job's own log of another day."""
    monkeypatch.chdir(tmp_path)
    for name in "ab":
        Path(f"results/{name}/logs").mkdir(parents=True)
        Path(f"results/{name}/logs/tune.log").write_text(f"error: Of {name}.\n")
        Path(f"results/{name}/logs/link.log").write_bytes(b"\xff")
    Path("run.log").write_text(ERROR.format(before="", rule="tune", job=3, name="a"))
    Path("other.log").write_text(ERROR.format(before="", rule="tune", job=3, name="b"))
    (words,) = failures.sentences(["run.log"], time.time() - 1)
    assert words.startswith("error: Of a.")
    os.utime("results/a/logs/tune.log", (1e9, 1e9))
    (words,) = failures.sentences(["run.log"], time.time() - 1)
    assert "before it wrote a word" in words
    assert failures.sentences(["no.log", "results"], 0.0) == []


def test_a_job_that_succeeded_when_tried_again_is_no_failure():
    once = ERROR.format(before=DIED.format("SIGKILL"), rule="tune", job=3, name="a")
    other = ERROR.format(before=STATUS.format(1), rule="link", job=33, name="a")
    assert [f.rule for f in failures.failures(once + other)] == ["tune", "link"]
    assert [f.signal for f in failures.failures(once + other)] == ["SIGKILL", ""]
    again = f"{once}Finished jobid: 3 (Rule: tune)\n{other}"
    assert [f.rule for f in failures.failures(again)] == ["link"]
    assert [f.signal for f in failures.failures(once + once)] == ["SIGKILL"]


SIGNED = {
    "nobody": (None, None, False),
    "no lock": (None, "{host} 99999999", False),
    "a lock and nobody": ("lock", None, False),
    "a dead one": ("lock", "{host} 99999999", True),
    "another process": ("lock", "{host} 1", True),
    "another machine": ("lock", "elsewhere 99999999", False),
    "garbage": ("lock", "\x00\x00", False),
}


@pytest.mark.parametrize(("lock", "signed", "killed"), SIGNED.values(), ids=SIGNED.keys())
def test_a_lock_that_a_killed_run_left(tmp_path, lock, signed, killed):
    path = tmp_path / "metriplex.pid"
    if lock:
        (tmp_path / "locks").mkdir()
        (tmp_path / "locks" / "0.input.lock").write_text("")
    if signed:
        path.write_text(signed.format(host=failures.socket.gethostname()))
    assert failures.killed(path) == killed


FAULTS = {
    "a refusal": ("raise InputError('The film\\n is dark')", "error: The film is dark."),
    "no memory to read a file": ("unread()", "memory ran out"),
    "numpy's": ("np.argmax([])", "a fault of the program, not of your data (ValueError: attempt"),
    "python's": ("list(zip([1], [], strict=True))", "a fault of the program"),
    "a key": ("{}['a']", "a fault of the program, not of your data (KeyError: 'a')"),
    "no memory": ("np.ones(1 << 45)", "memory ran out (Unable to allocate"),
    "torch's memory": (
        "raise RuntimeError('DefaultCPUAllocator: can\\'t allocate memory')",
        "memory",
    ),
    "a library's memory": ("raise OSError(12, 'Cannot allocate memory')", "memory ran out"),
    "no thread": ("raise RuntimeError('can\\'t start new thread')", "memory ran out"),
    "a full disk": (
        "raise OSError(28, 'No space left on device', 'a.h5')",
        "disk is full for a.h5",
    ),
    "a quota": ("raise OSError(122, 'Disk quota exceeded')", "the disk is full ("),
    "HDF5's full disk": (
        "raise OSError('write failed: errno = 28')",
        "disk is full",
    ),
    "numpy's full disk": ("raise OSError('65536 requested and 1233 written')", "disk is full"),
    "a wrapped cause": ("wrapped()", "the disk is full"),
    "no GPU": ("raise RuntimeError('Found no NVIDIA driver')", "the GPU cannot be used"),
    "no GPU's memory": ("raise RuntimeError('CUDA out of memory.')", "the GPU cannot be used"),
    "torch's GPU without memory": (
        "raise torch.OutOfMemoryError('CUDA out of memory. Tried to allocate 20.00 MiB.')",
        "the GPU cannot be used",
    ),
    "a GPU that is lost": (
        "raise torch.AcceleratorError('CUDA error: unspecified launch failure')",
        "the GPU cannot be used (CUDA error: unspecified launch failure): free it, or set train.d",
    ),
    "a GPU that failed in a library": (
        "raise RuntimeError('cuDNN error: CUDNN_STATUS_EXECUTION_FAILED')",
        "the GPU cannot be used",
    ),
    "a GPU that is lost behind another error": (
        "behind()",
        "the GPU cannot be used (CUDA error: d",
    ),
    "no permission": ("raise PermissionError(13, 'Permission denied', 'a')", "no permission for a"),
    "a disk for reading": (
        "raise OSError(30, 'Read-only', 'a')",
        "no permission for a",
    ),
    "a broken disk": ("raise OSError(5, 'Input/output error', 'a')", "the disk fails for a"),
    "too many files": ("raise OSError(24, 'Too many open files')", "ulimit -n"),
    "a worker killed": ("raise KilledWorker('x')", "a worker process was killed from outside"),
    "Ctrl-C": ("raise KeyboardInterrupt", "error: interrupted; run the same command again"),
}


@pytest.mark.parametrize(("code", "said"), FAULTS.values(), ids=FAULTS.keys())
def test_whatever_ends_a_stage_is_a_sentence(tmp_path, code, said):
    class KilledWorker(Exception):
        pass

    def wrapped():
        try:
            raise OSError(28, "No space left on device")
        except OSError as error:
            raise RuntimeError("could not write") from error

    def behind():
        try:
            raise torch.AcceleratorError("CUDA error: device unavailable")
        except RuntimeError as error:
            raise ValueError("the training ended") from error

    def unread():
        try:
            raise MemoryError("Unable to allocate 9 GiB")
        except MemoryError as error:
            raise InputError("a.tif cannot be read; copy it again") from error

    (tmp_path / "logs").mkdir()
    place = {
        "unread": unread,
        "np": np,
        "InputError": InputError,
        "KilledWorker": KilledWorker,
        "wrapped": wrapped,
        "torch": torch,
        "behind": behind,
    }
    with pytest.raises(BaseException) as ended:  # noqa: PT011  (of every kind)
        exec(code, place)
    words = f"error: {process.sentence(ended.value, tmp_path / 'logs' / 'tune.log')}"
    assert said in words
    assert "\n" not in words
    assert ("tune.log" in words) == ("fault of the program" in words)


def ended(tmp_path: Path, code: str) -> tuple[str, str]:
    """What a script of its own leaves on the screen and in its log."""
    log = tmp_path / "logs" / "tune.log"
    text = f"from pipeline import process\nprocess.prepare({str(log)!r}, 1)\n{code}\n"
    done = subprocess.run(
        [sys.executable, "-c", text],
        env={**os.environ, "PYTHONPATH": str(HOME)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    return done.stderr, log.read_text()


SCRIPTS = {
    "a fault": ("zip()[3]", "a fault of the program", "Traceback"),
    "a refusal": (
        "from pipeline.errors import InputError\nraise InputError('The film \\udcff is dark')",
        "error: The film \\udcff is dark.",
        "Traceback",
    ),
    "a crash": ("import os\nos.abort()", "", "Fatal Python error: Aborted"),
}


@pytest.mark.parametrize(("code", "screen", "log"), SCRIPTS.values(), ids=SCRIPTS.keys())
def test_the_traceback_is_in_the_log_and_the_sentence_on_the_screen(tmp_path, code, screen, log):
    shown, kept = ended(tmp_path, code)
    assert screen in shown
    assert "Traceback" not in shown
    assert log in kept
    assert screen in kept


LIMITS = {
    "memory": ("AS", 2 << 30, "np.ones(1 << 32)", "this process may take 2.1 GB, ulimit -v"),
    "the size of a file": ("FSIZE", 9999, "open('a', 'w').write('x' * 99999)", "ulimit -f"),
    "open files": ("NOFILE", 20, "kept = [open('/dev/null') for k in range(99)]", "ulimit -n"),
}


@pytest.mark.parametrize(("kind", "most", "code", "said"), LIMITS.values(), ids=LIMITS.keys())
def test_a_limit_of_the_machine(tmp_path, monkeypatch, kind, most, code, said):
    monkeypatch.chdir(tmp_path)
    limited = (
        "import numpy as np\nimport resource, signal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"resource.setrlimit(resource.RLIMIT_{kind}, ({most}, {most}))\n"
    )
    shown, _ = ended(tmp_path, limited + code)
    assert shown.splitlines()[-1].startswith("error: ")
    assert said in shown


def test_the_clock_is_that_of_the_disk_and_not_behind_the_machine(tmp_path):
    before = time.time()
    assert before <= failures.clock(tmp_path) < before + 60
    assert before <= failures.clock(tmp_path / "nowhere") < before + 60


def test_a_snakemake_that_is_quiet_names_no_job(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    now = time.time()
    for name, words, age in [
        ("a/logs/survey", "Traceback\nerror: Dark.\n", 0),
        ("b/model/logs/train", "training\n", 0),
        ("c/logs/survey", "error: Long ago.\n", 3600),
    ]:
        log = Path(f"results/{name}.log")
        log.parent.mkdir(parents=True)
        log.write_text(words)
        os.utime(log, (now - age, now - age))
    Path("run.log").write_text("Select jobs to execute...\n")
    assert failures.sentences(["run.log"], now - 60) == []
    told = failures.quiet(now - 60)
    assert told == ["error: Dark.\n  (stage survey; more in results/a/logs/survey.log)"]
