"""What a stage does to its process before it works: threads, a log beside the screen, last words.

However a stage ends by itself, the last line it writes is one sentence that begins with REFUSAL:
what was given and cannot be used, what the machine lacks, or that the program is at fault.
"""

from __future__ import annotations

import errno
import faulthandler
import os
import resource
import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TextIO

from pipeline.errors import InputError

# What marks the sentence in a log: the workflow repeats such lines when it ends.
REFUSAL = "error: "


class Tee:
    """A text stream that also writes to a log file, so that progress is seen and kept."""

    def __init__(self, stream: TextIO, log: TextIO) -> None:
        self.stream, self.log = stream, log

    def write(self, text: str) -> int:
        self.stream.write(text)
        # A progress bar redraws its line: in the file each drawing would be a line of its own.
        if not text.startswith("\r") or "100%" in text:
            self.log.write(text.replace("\r", ""))
            self.log.flush()
        return len(text)

    def flush(self) -> None:
        self.stream.flush()

    def isatty(self) -> bool:
        return self.stream.isatty()

    def fileno(self) -> int:
        return self.stream.fileno()


def prepare(log: str | os.PathLike[str], threads: int) -> None:
    """Copies stderr to ``log`` and limits numerical libraries to ``threads`` threads.

    An exception that ends the process is shown as the sentence of `sentence`; its traceback goes
    to the log.

    Call before torch or numba are imported: on shared cores an unlimited thread pool makes a
    small step ten times slower.
    """
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[name] = str(threads)
    Path(log).parent.mkdir(parents=True, exist_ok=True)
    # It lives as long as the process; names of files may hold what is no text.
    record = open(log, "w", encoding="utf-8", errors="backslashreplace")  # noqa: SIM115
    faulthandler.enable(record)
    screen, sys.stderr = sys.stderr, Tee(sys.stderr, record)

    def end(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        words = f"{REFUSAL}{sentence(error, log)}\n"
        with suppress(OSError):  # where the disk is full there is the screen
            record.writelines(traceback.format_exception(kind, error, trace))
            record.write(words)
            record.flush()
        screen.write(words)
        screen.flush()

    def note(left: sys.UnraisableHookArgs) -> None:
        """What goes wrong while objects are thrown away has a reason that is told already."""
        with suppress(OSError):
            record.write(f"ignored in {left.object!r}: {left.exc_value!r}\n")

    sys.excepthook, sys.unraisablehook = end, note
    warnings.filterwarnings("ignore", category=FutureWarning, module="trackpy.*")


def sentence(error: BaseException, log: str | os.PathLike[str]) -> str:
    """What an exception means to the user, on one line: an InputError as it is, want of memory,
    disk, GPU or permission with what to do, anything else as a fault of the program."""
    if isinstance(error, InputError) and not any(map(_of_the_machine, _chain(error))):
        return _line(error)
    for cause in _chain(error):
        if words := _surroundings(cause, Path(log)):
            return words
    return (
        f"a fault of the program, not of your data ({type(error).__name__}: "
        f"{_line(error).rstrip('.')}): please report it together with {log}, which says where."
    )


def _of_the_machine(error: BaseException) -> bool:
    """Whether a file that could not be read is not to blame for it."""
    lacking = {errno.ENOMEM, errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.EIO}
    return isinstance(error, MemoryError) or getattr(error, "errno", None) in lacking


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An exception and those that led to it: libraries wrap what the system says."""
    met: BaseException | None = error
    while met is not None:
        yield met
        met = met.__cause__ or met.__context__


# What libraries say, in lower case, when the machine has no more to give.
MEMORY = ("out of memory", "allocate memory", "bad_alloc", "alloc failed", "start new thread")
SAID = ("no space left", "errno = 28", "disk quota", "errno = 122")
# Numpy and torch do not say why they could not write.
DISK = (*SAID, "requested and", "failed writing file", "inline_container")
GPU = ("cuda", "cudnn", "cublas", "nvidia", "nvml", "nvrtc")
KILLED = ("KilledWorker", "BrokenProcessPool")


def _surroundings(error: BaseException, log: Path) -> str:
    """The sentence where it is the machine that lacks something, else ""."""
    text, code = str(error).lower(), getattr(error, "errno", None)
    name = type(error).__name__
    if isinstance(error, KeyboardInterrupt):
        return "interrupted; run the same command again to go on."
    if code in (errno.ENOSPC, errno.EDQUOT) or any(word in text for word in DISK):
        return (
            f"the disk is full{_named(error)} ({_free(log)}): make room, and run the same command "
            f"again to go on."
        )
    if code == errno.EFBIG:
        return f"a file grew larger than it may{_named(error)}: raise the limit, ulimit -f."
    if isinstance(error, (RuntimeError, AssertionError)) and _any(GPU, text):
        return (
            f"the GPU cannot be used ({_line(error).rstrip('.')}): free it, or set train.device: "
            f"cpu, and run the same command again."
        )
    if (
        isinstance(error, MemoryError)
        or code == errno.ENOMEM
        or (isinstance(error, (RuntimeError, OSError, ImportError)) and _any(MEMORY, text))
    ):
        return (
            f"memory ran out ({_line(error).rstrip('.')}; {_limit()}): end other programs or allow "
            f"more, or ask for less at a time (--cores, video.frames, video.crop, detect.jobs), "
            f"and run the same command again."
        )
    if name in KILLED:
        return (
            f"a worker process was killed from outside, most often because memory ran out "
            f"({_limit()}): run the same command again with fewer --cores."
        )
    if code in (errno.EMFILE, errno.ENFILE):
        return f"too many files are open{_named(error)}: raise the limit with ulimit -n 4096."
    if code in (errno.EROFS, errno.EACCES, errno.EPERM):
        return f"no permission{_named(error)}: allow it, or work in a folder of your own."
    if code in (errno.EIO, errno.ESTALE):
        return f"the disk fails{_named(error)} ({_line(error).rstrip('.')}): look after it."
    return ""


def _any(words: tuple[str, ...], text: str) -> bool:
    return any(word in text for word in words)


def _named(error: BaseException) -> str:
    name = getattr(error, "filename", None)
    return f" for {name}" if name else ""


def _free(log: Path) -> str:
    room = os.statvfs(log.parent)
    return f"{room.f_bavail * room.f_frsize / 1e6:.0f} MB are left in {log.parent.parent}"


def _limit() -> str:
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit != resource.RLIM_INFINITY:
        return f"this process may take {limit / 1e9:.1f} GB, ulimit -v"
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return f"the machine has {total / 1e9:.0f} GB"


def _line(error: BaseException) -> str:
    """The message on one line, with a full stop."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text + ("" if text[-1] in ".!?" else ".")
