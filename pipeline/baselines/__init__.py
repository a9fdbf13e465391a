"""Models to compare with: a drift and a noise for velocities, no entropy.

This file is read at every start of snakemake: the classes are imported when they are built.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, NamedTuple

from pipeline.errors import InputError


class Entry(NamedTuple):
    """A baseline that a report can compare with."""

    place: str  # module in this package, and class
    label: str  # in figures and tables
    text: str  # what it is, for the comment of `models` in config.yaml
    changes: Mapping[str, Any] = {}  # of the settings of training


# A graph network has seen all it will learn of the default data set within some two hundred steps
# and then gets worse: it stops soon, so as not to cost more than what it is compared with.
NETWORK = {"learning_rate": 2e-3, "batch": 1, "patience": 3}

# One line each. The baselines of the paper (appendix F), on the same data within the same time: a
# graph network needs about five times ours for a snapshot, so it takes one per step. GNS is fitted
# by mean squares as its authors do. GNS-SDE is told the variance of the localisation error: under
# the corrected score, which rewards reacting to a simulated error, so flexible a model runs away
# (the default data set, within 150 steps), and four parameters do not: they are found within some
# forty steps.
BASELINES: dict[str, Entry] = {
    "gns": Entry(
        "gns.GNS",
        "GNS",
        "graph network, deterministic",
        {**NETWORK, "localisation": "none"},
    ),
    "gns_sde": Entry(
        "gns.GNSSDE",
        "GNS-SDE",
        "the same with noise",
        {**NETWORK, "localisation": "covariance"},
    ),
    "dpd": Entry(
        "dpd.DPD",
        "DPD",
        "dissipative particle dynamics, four parameters",
        {"steps": 100, "learning_rate": 0.05, "validate_every": 20, "steady": 0.0},
    ),
}


def kind(name: str) -> Any:
    """The class of a baseline.

    Raises:
        InputError: if there is none of that name.
    """
    if name not in BASELINES:
        raise InputError(f"There is no baseline {name!r}: choose one of {', '.join(BASELINES)}.")
    module, _, cls = BASELINES[name].place.partition(".")
    return getattr(import_module(f"{__name__}.{module}"), cls)


def build(settings: Mapping[str, Any]) -> Any:
    """Baseline from the contents of model.yaml; weights come by load_state_dict.

    Args:
        settings: ``kind`` and the arguments of its class.

    Raises:
        InputError: on an unknown kind or a scale that is not positive.
    """
    own = {name: value for name, value in settings.items() if name != "kind"}
    made = kind(str(settings.get("kind")))(**own)
    made.plain = dict(settings)
    return made
