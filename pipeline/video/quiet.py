"""Silence for warnings that trackpy raises against newer pandas by the thousand."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """Hides deprecation warnings raised in trackpy and pandas, and trackpy's line per frame."""
    with warnings.catch_warnings():
        for kind in (DeprecationWarning, PendingDeprecationWarning, FutureWarning):
            warnings.filterwarnings(
                "ignore", category=kind, module=r"trackpy|pandas|pipeline\.video"
            )
        for said in ("No maxima survived", "Image is completely black"):
            warnings.filterwarnings("ignore", message=said)
        # Spots without contrast have no finite `ep`, as the table then shows.
        warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"trackpy\.uncertainty")
        logger = logging.getLogger("trackpy")  # one line for every frame linked
        level = logger.level
        logger.setLevel(logging.WARNING)
        try:
            yield
        finally:
            logger.setLevel(level)
