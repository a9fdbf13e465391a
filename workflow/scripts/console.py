"""What a script does to its process before it works: threads, and a log beside the screen."""

from __future__ import annotations

import os
import sys
import traceback
import warnings
from pathlib import Path
from types import TracebackType
from typing import TextIO

# What marks a refusal in a log: the workflow repeats such lines when it ends.
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

    A ValueError that ends the process is shown as its sentence: it is about the user's data or
    settings. Its traceback goes to the log; that of any other exception to both.

    Call before torch or numba are imported: on shared cores an unlimited thread pool makes a
    small step ten times slower.
    """
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[name] = str(threads)
    Path(log).parent.mkdir(parents=True, exist_ok=True)
    record = open(log, "w")  # noqa: SIM115  (lives as long as the process)
    screen, sys.stderr = sys.stderr, Tee(sys.stderr, record)

    def refuse(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if not isinstance(error, ValueError):
            return sys.__excepthook__(kind, error, trace)
        record.writelines(traceback.format_exception(kind, error, trace))
        record.write(f"{REFUSAL}{_sentence(error)}\n")
        record.flush()
        print(f"{REFUSAL}{_sentence(error)}", file=screen)

    sys.excepthook = refuse
    warnings.filterwarnings("ignore", category=FutureWarning, module="trackpy.*")


def _sentence(error: BaseException) -> str:
    """The message on one line, with a full stop."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text + ("" if text[-1] in ".!?" else ".")
