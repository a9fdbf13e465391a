"""The numbers printed in the paper, and the collection of results set beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import pandas as pd

from pipeline.report.results import Absent, Results
from pipeline.settings import Settings

MODELS = ("gns", "gns_sde", "dpd", "metriplectic_no_udev", "metriplectic")

# Tables 3 and 5: relative L2 errors by the paper's window. "Ours" is the paper's metriplectic.
_FLUIDS = {
    "taylor_green": {
        "gns": (1.09e4, 3.27e-1, 2.24e4),
        "gns_sde": (8.23e4, 3.40e-1, 1.70e5),
        "dpd": (3.25e-1, 4.41e-2, 2.66e-1),
        "metriplectic": (5.18e-2, 9.82e-3, 7.73e-2),
    },
    "self_diffusion": {
        "gns": (1.02e4, 3.15e-1, 1.94e4),
        "gns_sde": (6.46e4, 3.27e-1, 1.23e5),
        "dpd": (4.52e-1, 4.44e-2, 4.65e-1),
        "metriplectic": (4.19e-2, 1.59e-2, 4.54e-2),
    },
    "shear_flow": {
        "gns": (7.59e5, 3.43e-1, 3.45e-1),
        "gns_sde": (1.47e5, 2.94e-1, 3.74e-1),
        "dpd": (2.18e-1, 3.68e-2, 4.64e-2),
        "metriplectic": (7.94e-2, 1.12e-2, 3.76e-2),
    },
    "star_polymer_11": {
        "gns": (1.25e6, 4.29e-1, 2.09e6),
        "gns_sde": (3.87e5, 4.27e-1, 6.45e5),
        "dpd": (6.66e-1, 2.26e-1, 9.51e-1),
        "metriplectic": (9.89e-2, 1.99e-2, 4.73e-2),
    },
    "star_polymer_51": {
        "gns": (1.27e1, 2.13e-1, 2.12e1),
        "gns_sde": (7.97e6, 2.23e-1, 1.61e7),
        "dpd": (4.00e0, 9.64e-2, 7.63e0),
        "metriplectic": (1.41e-1, 5.28e-2, 5.32e-2),
    },
}
_SOLIDS = {
    "viscoelastic": (3.08e-1, 5.07e-1, 5.06e-1, 1.84e-1, 9.17e-2),
    "colloids_paper": (4.33e-1, 4.90e-1, 6.89e-1, 4.49e-1, 9.22e-2),
}
ERRORS: dict[tuple[str, str, str], float] = {
    (dataset, model, metric): value
    for dataset, rows in _FLUIDS.items()
    for model, values in rows.items()
    for metric, value in zip(("vacf", "rdf", "msd"), values, strict=True)
} | {
    (dataset, model, "rdf"): value
    for dataset, values in _SOLIDS.items()
    for model, value in zip(MODELS, values, strict=True)
}

# Table 4: milliseconds per step, serial, on one GPU of the authors.
STEPS: dict[tuple[str, str], float] = {
    (dataset, model): value
    for model, values in {
        "gns": (1.32, 1.93, 2.51),
        "gns_sde": (2.57, 3.75, 4.99),
        "dpd": (0.17, 0.18, 0.17),
        "metriplectic": (5.98, 6.12, 6.00),
    }.items()
    for dataset, value in zip(
        ("taylor_green", "star_polymer_11", "star_polymer_51"), values, strict=True
    )
} | {("star_polymer_11", "full_order"): 21.87, ("star_polymer_51", "full_order"): 74.40}

# Table 2: parameters of the trained metriplectic model.
PARAMETERS: dict[str, int] = {
    "taylor_green": 16560,
    "star_polymer_11": 63110,
    "star_polymer_51": 16560,
    "viscoelastic": 84517,
    "colloids_paper": 84517,
}


def printed(dataset: str, model: str, metric: str) -> float | None:
    """The paper's number for a row of our table, None where it prints none."""
    base = metric.removesuffix("_paper")
    if base == "ms_per_step":
        return STEPS.get((dataset, model))
    if base == "parameters":
        return PARAMETERS.get(dataset) if model == "metriplectic" else None
    return ERRORS.get((dataset, model, base))


Made = TypeVar("Made")
TITLES = {
    "taylor_green": "Ideal gas, Taylor-Green",
    "self_diffusion": "Ideal gas at rest",
    "equilibrium_gas": "Ideal gas at rest, trained here",
    "shear_flow": "Ideal gas, shear flow",
    "taylor_green_unseen": "Ideal gas, Taylor-Green, trained at rest",
    "self_diffusion_large": "Ideal gas at rest, L = 2",
    "gas_dense": "Ideal gas at rest, 5/4 of the density",
    "gas_dilute": "Ideal gas at rest, 4/5 of the density",
    "star_polymer_11": "Star polymer, 11 beads",
    "star_polymer_51": "Star polymer, 51 beads",
    "star_polymer_51_of_11": "Star polymer, 51 beads, in reduced units",
    "viscoelastic": "Viscoelastic solid",
    "elastic_memory": "Elastic network with memory",
    "colloids_paper": "Colloids",
    "colloids": "Colloids, two periods",
    "colloids_long": "Colloids, eight periods",
    "colloids_dim": "Colloids, eight periods, dim",
    "colloids_dimmer": "Colloids, eight periods, dimmer",
    "colloids_long_truth": "Colloids, eight periods, true positions",
    "active": "Swimmers",
}


class Collection:
    """The results of several data sets; attributes raise Absent rather than OSError."""

    def __init__(
        self, root: Path, table: pd.DataFrame, settings: Mapping[str, Settings] | None = None
    ) -> None:
        self.root, self.table, self.settings = root, table, settings or {}

    @cached_property
    def datasets(self) -> list[str]:
        return list(dict.fromkeys(self.table["dataset"]))

    def results(self, dataset: str) -> Results:
        return Results(self.root / dataset, self.settings.get(dataset))

    def rows(self, **wanted: str) -> pd.DataFrame:
        """The rows of the table with these values. Raises Absent where there is none."""
        found = self.table
        for column, value in wanted.items():
            found = found[found[column] == value]
        if found.empty:
            raise Absent(f"Nothing was measured of {', '.join(wanted.values())}.")
        return found


def title(dataset: str) -> str:
    """The printed name of a data set."""
    return TITLES.get(dataset, dataset.replace("_", " "))


def part(dataset: str, make: Callable[[Results], Made]) -> Callable[[Collection], Made]:
    """A part of the page of one data set, as a part of this page."""
    return lambda found: make(found.results(dataset))
