"""What a statistics file holds of one metric, and what makes a curve of its sums."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from pipeline.analysis.correlations import normalised
from pipeline.analysis.uncertainty import Curve, interval, ratio


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


def per_decade(curve: np.ndarray) -> np.ndarray:
    """(..., K) numbers in logarithmic bins as a density that adds up to one."""
    return ratio(curve, np.nansum(curve, axis=-1, keepdims=True))


CURVES: dict[str, Curve] = {
    "rdf": identity,
    "vacf": normalised,
    "msd": identity,
    "d2min": identity,
    "d2min_histogram": per_decade,
}
# With those by the paper's window, which are there only where asked for: see `lastwindow`.
WINDOWED = ("rdf_paper", "vacf_paper", "msd_paper")
# And the paths of a solid's particles, see `paths`.
SHAPES = CURVES | dict.fromkeys((*WINDOWED, "positions", "displacements"), identity)


def drawn(name: str, metric: Metric) -> np.ndarray:
    """(K,) the curve ``name`` of a metric, from its sums over all patches."""
    total, number = (metric.data[key].sum(axis=0) for key in ("numerator", "denominator"))
    return SHAPES.get(name, identity)(ratio(total, number))


def curve(name: str, numerator: np.ndarray, denominator: np.ndarray, **data: np.ndarray) -> Metric:
    """A metric from its sums per patch (U, K), with its interval."""
    value, low, high = interval(numerator, denominator, SHAPES[name])
    units = {"numerator": numerator, "denominator": denominator}
    return Metric({**data, "value": value, "low": low, "high": high, **units}, {})
