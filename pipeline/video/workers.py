"""Work spread over processes by dask, where that saves time."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any, TypeVar

from tqdm import tqdm

T = TypeVar("T")
UNWATCHED = {
    # Workers note hundred times a second what they do, and keep the notes: memory grows with time.
    "distributed.worker.profile.enabled": False,
    # All are processes of this machine, whose end is noticed at once. Silence means that it slept.
    "distributed.scheduler.worker-ttl": None,
}


START = 8.0  # seconds that workers need to start and to load trackpy and numba


def spread(
    function: Callable[..., T],
    common: object,
    jobs: Iterable[tuple],
    workers: int,
    start: float = START,
) -> Iterator[T]:
    """``function(common, *job)`` for every job, in order; `common` goes to every worker once.

    Work begins in this process, and goes to a cluster where that saves time. The address of dask's
    dashboard goes to stderr. What a worker that is lost had in hand is done again; three workers
    lost over the same job are an error.

    Args:
        workers: processes; 1 works in this one, without a cluster.
        start: seconds that a cluster must save; 0 asks it at once.
    """
    waiting = deque(jobs)
    if workers == 1 or start > 0:
        yield from _here(function, common, waiting, start / (1 - 1 / workers) if workers > 1 else 0)
    if waiting:
        yield from _cluster(function, common, waiting, workers)


def _cluster(
    function: Callable[..., T], common: object, waiting: Iterable[tuple], workers: int
) -> Iterator[T]:
    """Does jobs in the processes of a cluster, a few more under way than there are processes."""
    import dask  # half a second, which a short film does not need
    from dask.distributed import Client, Future, LocalCluster

    with (
        _main_module_hidden(),
        dask.config.set(UNWATCHED),
        LocalCluster(
            n_workers=workers, threads_per_worker=1, dashboard_address=":0", silence_logs=30
        ) as cluster,
        Client(cluster) as client,
    ):
        tqdm.write(f"dask dashboard: {client.dashboard_link}", file=sys.stderr)
        shared = client.scatter(common, broadcast=True, hash=False)
        under_way: deque[Future] = deque()
        for job in waiting:
            under_way.append(client.submit(function, shared, *job, pure=False))
            # Results stay with the workers until their future is gone.
            if len(under_way) > 3 * workers:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()


def _here(
    function: Callable[..., T], common: object, waiting: deque[tuple], longest: float
) -> Iterator[T]:
    """Does jobs in this process until those left would take ``longest`` seconds; 0 does all."""
    for done in count():
        if not waiting:
            return
        began = time.monotonic()
        result = function(common, *waiting.popleft())
        taken = time.monotonic() - began
        yield result
        # The first loads what is compiled.
        if longest and done and taken * len(waiting) > longest:
            return


@contextmanager
def _main_module_hidden() -> Iterator[None]:
    """Keeps worker processes from running the calling script again.

    Python's spawn imports the parent's main module into every child; a snakemake script, which has
    no `if __name__ == "__main__"`, would then start its own cluster in there.
    """
    names = vars(sys.modules["__main__"])
    hidden: dict[str, Any] = {
        name: names.pop(name) for name in ("__file__", "__spec__") if name in names
    }
    names["__spec__"] = None
    try:
        yield
    finally:
        names.update(hidden)
