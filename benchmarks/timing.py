"""Times of alternatives, measured in turn so that a busy machine hits all of them alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping

Run = Callable[[], object]


def medians(runs: Mapping[str, Run], repeats: int) -> dict[str, float]:
    """Median milliseconds of CPU time of each run, the first call of each left out.

    CPU time of this process, which with one thread is the time the work takes on a free core:
    waiting for other processes does not count, their use of caches and memory does.
    """
    times: dict[str, list[float]] = {name: [] for name in runs}
    for run in runs.values():
        run()
    for _ in range(repeats):
        for name, run in runs.items():
            start = time.process_time()
            run()
            times[name].append(1e3 * (time.process_time() - start))
    return {name: statistics.median(values) for name, values in times.items()}


def table(title: str, unit: str, times: Mapping[str, float], baseline: str) -> str:
    """One line per alternative, with how many times faster than the baseline it is."""
    lines = [f"{title:<52} {unit:>10}   times faster"]
    for name, value in times.items():
        lines.append(f"  {name:<50} {value:10.2f}   {times[baseline] / value:8.1f}")
    return "\n".join(lines)
