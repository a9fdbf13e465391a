"""What a script does to its process before it works: threads, and a log beside the screen."""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path
from typing import TextIO


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

    Call before torch or numba are imported: on shared cores an unlimited thread pool makes a
    small step ten times slower.
    """
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[name] = str(threads)
    Path(log).parent.mkdir(parents=True, exist_ok=True)
    sys.stderr = Tee(sys.stderr, open(log, "w"))  # noqa: SIM115  (lives as long as the process)
    warnings.filterwarnings("ignore", category=FutureWarning, module="trackpy.*")
