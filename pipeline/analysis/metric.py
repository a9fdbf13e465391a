"""What a statistic takes and gives, what its errors are called, and how its curve is drawn.

What takes long is counted origin of time by origin of time. Each of several jobs can count those of
a block of time, and what they counted is put together as if one had: see `Counting`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from pipeline.analysis.plan import Plan
from pipeline.analysis.runs import WHOLE, Run, Share
from pipeline.analysis.uncertainty import Curve, interval, ratio
from pipeline.trajectory import Trajectory

Counts = dict[str, np.ndarray]


class Sample(NamedTuple):
    """What every statistic of one source is made of."""

    trajectory: Trajectory  # the snapshots that count
    select: np.ndarray  # (N,) bool, the particles that statistics are about
    parts: list[Run]  # the same on their clocks; each knows who is near whom
    label: np.ndarray  # (N,) patch of each particle
    settings: Plan
    share: Share = WHOLE  # the time origins that are counted
    counted: Mapping[str, Counts] = {}  # before, by names

    @property
    def patches(self) -> int:
        return int(self.label.max()) + 1


class Counting(NamedTuple):
    """What a statistic counts over time origins."""

    name: str
    over: Callable[[Sample], Counts]  # the origins of the sample's share
    join: Callable[[Sequence[np.ndarray]], np.ndarray]  # of each array, blocks in order of time

    def of(self, sample: Sample) -> Counts:
        """What was counted before, or else is now."""
        known = sample.counted.get(self.name)
        return self.over(sample) if known is None else known

    def joined(self, blocks: Sequence[Counts]) -> Counts:
        """What blocks of time give together."""
        return {name: self.join([block[name] for block in blocks]) for name in blocks[0]}


def added(blocks: Sequence[np.ndarray]) -> np.ndarray:
    """Sums over all origins, of those of each block."""
    return np.sum(blocks, axis=0)


def listed(blocks: Sequence[np.ndarray]) -> np.ndarray:
    """What every origin gave, along the first axis."""
    return np.concatenate(blocks)


class Metric(NamedTuple):
    """One group of a statistics file.

    Where the attribute ``missing`` is set, the data could not support the metric, and it says why.
    Curves carry ``numerator`` and ``denominator`` (U, K), their sums per patch of particles, from
    which intervals of differences and noise floors follow.
    """

    data: dict[str, np.ndarray]
    attributes: dict[str, Any]

    @property
    def missing(self) -> str:
        return str(self.attributes.get("missing", ""))


def missing(reason: str) -> Metric:
    """A metric that cannot be measured, with the sentence that says why."""
    return Metric({}, {"missing": reason})


def identity(curve: np.ndarray) -> np.ndarray:
    return curve


class Compared(NamedTuple):
    """A group whose curves are compared."""

    words: str = ""  # what tables call its error; "": compared between replicas only
    shape: Curve = identity  # what is made of the ratio of its sums


class Plot(NamedTuple):
    """How a curve stands in the report; axes are words and what their unit is made of."""

    name: str  # group of the statistics file, and name of the figure
    title: str
    section: str  # of the report
    x: str  # dataset that its ``value`` is drawn against
    across: tuple[str, str]  # e.g. ("Lag", "time")
    up: tuple[str, str]  # e.g. ("Mean squared displacement", "length²")
    caption: str  # what to see
    level: float | None = None  # a faint line to compare with
    logarithmic: str = ""  # "x", "xy"; the former only where there are many points


class Statistic(NamedTuple):
    """An entry of `statistics.REGISTER`."""

    measure: Callable[[Sample], dict[str, Metric]]  # groups of the statistics file
    compared: dict[str, Compared] = {}  # noqa: RUF012  (read only)
    plot: Plot | None = None
    counting: Counting | None = None  # where jobs can share it


def curve(
    numerator: np.ndarray, denominator: np.ndarray, shape: Curve = identity, **data: np.ndarray
) -> Metric:
    """A metric from its sums per patch (U, K), with its interval."""
    value, low, high = interval(numerator, denominator, shape)
    units = {"numerator": numerator, "denominator": denominator}
    return Metric({**data, "value": value, "low": low, "high": high, **units}, {})


def sums(metric: Metric) -> tuple[np.ndarray, np.ndarray]:
    """Numerator and denominator (U, K) per patch."""
    return metric.data["numerator"], metric.data["denominator"]


def drawn(metric: Metric, shape: Curve) -> np.ndarray:
    """(K,) the curve of a metric, from its sums over all patches."""
    return shape(ratio(*(part.sum(axis=0) for part in sums(metric))))
