"""What the page about all data sets draws on: one table, and the folder of each data set."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from pipeline.report.records import Absent
from pipeline.report.results import Results

Made = TypeVar("Made")
TITLES = {
    "taylor_green": "Ideal gas, Taylor-Green",
    "self_diffusion": "Ideal gas at rest",
    "shear_flow": "Ideal gas, shear flow",
    "taylor_green_unseen": "Ideal gas, Taylor-Green, trained at rest",
    "self_diffusion_large": "Ideal gas at rest, L = 2",
    "star_polymer_11": "Star polymer, 11 beads",
    "star_polymer_51": "Star polymer, 51 beads",
    "viscoelastic": "Viscoelastic solid",
    "colloids_paper": "Colloids",
}


class Collection:
    """The results of several data sets; attributes raise Absent rather than OSError."""

    def __init__(
        self, root: Path, table: pd.DataFrame, settings: dict[str, dict[str, Any]] | None = None
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
