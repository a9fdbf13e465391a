"""The model at a size that no video has: where it rearranges, how it is packed, what it kept."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import pandas as pd

from pipeline.report.figure import Figure
from pipeline.report.figures import curves, maps
from pipeline.report.records import Group
from pipeline.report.results import Results
from pipeline.report.tables import Table
from pipeline.report.words import number

FOLDER, SOURCE = "lammps/scaled", "lammps_scaled"


class Large(Results):
    """The large run, beside the experiment where asked."""

    def __init__(self, results: Results, beside: bool = False) -> None:
        super().__init__(results.folder, results.settings)
        self.path(f"{FOLDER}/audit.csv")  # the section stands or falls with it
        self.beside = beside

    @cached_property
    def sources(self) -> list[str]:
        return ["experiment", SOURCE] if self.beside else [SOURCE]

    def statistic(self, source: str, group: str) -> Group:
        if source != SOURCE:
            return super().statistic(source, group)
        return self.group(f"{FOLDER}/statistics.h5", group)


def audit(results: Results) -> Table:
    """Conservation over the run and what it took."""
    table = Large(results).csv(f"{FOLDER}/audit.csv")
    rows = [
        [str(row["quantity"]), number(float(row["value"])), str(row["unit"])]
        for _, row in table.fillna("").iterrows()
    ]
    return Table(
        "lammps_scaled_audit",
        ["Quantity", "Value", "Unit"],
        rows,
        "New particles, with entropies and strengths drawn from their learned laws, between a "
        "fixed wall and a needle row that swings sideways.",
        table,
    )


def d2min(results: Results) -> Figure:
    """Where particles rearranged while the needle went from one side to the other."""
    made = maps.d2min(Large(results))
    return made._replace(
        name="lammps_scaled_d2min",
        table=cells(made.table),
        caption="Dark spots are places that rearranged while the needle, at the bottom, went "
        "from one turning point to the other; the wall is at the top. The CSV has means over "
        f"cells; every particle is in {FOLDER}/statistics.h5.",
        alt="Map of D2min of the large sample over half a period of the needle.",
        wide=True,
    )


def cells(table: pd.DataFrame, columns: int = 80) -> pd.DataFrame:
    """Means of x, y, d2min over square cells, ``columns`` to the width: rows would be megabytes."""
    side = np.ptp(table["x"]) / columns
    place = [np.floor(table[axis] / side).rename(f"cell_{axis}") for axis in ("y", "x")]
    return table[["x", "y", "d2min"]].groupby(place).mean().reset_index(drop=True)


def rdf(results: Results) -> Figure:
    """The packing of the new particles beside that of the experiment."""
    made = curves.rdf(Large(results, beside=True))
    return made._replace(
        name="lammps_scaled_rdf",
        caption="Nothing of the experiment's positions went into the large sample: where the "
        "lines agree the model packs its particles by itself as the experiment does.",
    )


PARTS = [
    ("Map of the large sample", d2min),
    ("Packing of the large sample", rdf),
    ("Audit of the large run", audit),
]
