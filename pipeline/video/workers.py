"""Work spread over processes by dask.distributed, results in order, few at a time."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import dask
from dask.distributed import Client, Future, LocalCluster
from tqdm import tqdm

T = TypeVar("T")
# Workers note hundred times a second what they do, and keep the notes: memory grows with time.
UNWATCHED = {"distributed.worker.profile.enabled": False}


def spread(function: Callable[..., T], jobs: Iterable[tuple], workers: int) -> Iterator[T]:
    """``function(*job)`` for every job, in order.

    The address of dask's dashboard goes to stderr. What a worker that is lost had in hand is done
    again; three workers lost over the same job are an error.

    Args:
        workers: processes; 1 works in this one, without a cluster.
    """
    if workers == 1:
        yield from (function(*job) for job in jobs)
        return
    with (
        _main_module_hidden(),
        dask.config.set(UNWATCHED),
        LocalCluster(
            n_workers=workers, threads_per_worker=1, dashboard_address=":0", silence_logs=30
        ) as cluster,
        Client(cluster) as client,
    ):
        tqdm.write(f"dask dashboard: {client.dashboard_link}", file=sys.stderr)
        under_way: deque[Future] = deque()
        for job in jobs:
            under_way.append(client.submit(function, *job, pure=False))
            # Results stay with the workers until their future is gone.
            if len(under_way) > 3 * workers:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()


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
