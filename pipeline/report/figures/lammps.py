"""The same model in LAMMPS: parity, laws, statistics beside Python's, and what a step costs.

And the model at a size that no video has: where it rearranges, how it is packed, what it kept.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np
import pandas as pd

from pipeline.analysis import statistics
from pipeline.report.figure import Figure
from pipeline.report.figures import curves, laws, rearrangements
from pipeline.report.html import number
from pipeline.report.results import Absent, Group, Results, Run
from pipeline.report.tables import Table

LAMMPS = Run("lammps", 0, "lammps")
PARITY = "lammps/parity.csv"


def _asked(key: str, wanted: bool) -> None:
    """Raises Absent where config does not name a run: its files may be of an older model."""
    if not wanted:
        raise Absent(f"The report leaves LAMMPS out (settings: {key}).")


class Beside(Results):
    """The experiment, the model's rollout by Python and that by LAMMPS; nothing else."""

    def __init__(self, results: Results) -> None:
        super().__init__(results.folder, results.settings)
        chosen = results.settings.lammps
        _asked("lammps.report", chosen.report)
        self.path(PARITY)  # the section stands or falls with it
        self.model = chosen.model

    @cached_property
    def runs(self) -> list[Run]:
        return [Run(self.model, 0, f"{self.model}/seed0"), LAMMPS]

    @cached_property
    def sources(self) -> list[str]:
        wanted = ["experiment", self.runs[0].source, "lammps"]
        return [s for s in wanted if (self.folder / "statistics" / f"{s}.h5").is_file()]


def parity(results: Results) -> Table:
    """Quantities by Python and by LAMMPS, the difference and the bound it must keep."""
    table = Beside(results).csv(PARITY)
    rows = [
        [
            str(row["quantity"]),
            f"{row['python']:.8g}",
            f"{row['lammps']:.8g}",
            f"{row['relative difference']:.1e}",
            f"{row['bound']:.0e}",
        ]
        for _, row in table.iterrows()
    ]
    broken = table[~(table["relative difference"] <= table["bound"])]
    verdict = (
        "Every difference keeps its bound: what LAMMPS runs is the model shown above."
        if broken.empty
        else f"Do not use this export: {', '.join(broken['quantity'])} differ by more than the "
        f"bound."
    )
    return Table(
        "lammps_parity",
        ["Quantity", "Python", "LAMMPS", "Relative difference", "Bound"],
        rows,
        f"{verdict} Both start from the same state and draw the same noise. Reduced units; the "
        f"difference of single steps is the largest over particles and over several states.",
        table,
    )


def statistic(make: Callable[[Results], Figure], name: str) -> Callable[[Results], Figure]:
    """A figure function of the page, of these three sources only."""

    def figure(results: Results) -> Figure:
        return make(Beside(results))._replace(name=name)

    return figure


registered = {
    name: statistic(curves.of(plot), f"lammps_{name}") for name, plot in statistics.PLOTS.items()
}
balance = statistic(laws.balance, "lammps_laws")


def timing(results: Results) -> Table:
    """CPU time of an integrator step by Python and by LAMMPS."""
    beside, rows, data = Beside(results), [], []
    for run in beside.runs:
        try:
            cost = beside.observables(run).attrs.get("ms_per_step", float("nan"))
            particles = int(beside.trajectory(f"{run.folder}/rollout.h5").present[0].sum())
        except Absent:
            continue
        each = 1e3 * cost / particles
        rows.append([NAMES.get(run.model, "Python"), number(cost), str(particles), number(each)])
        data.append((run.model, cost, particles, each))
    columns = ["Program", "Step (ms)", "Particles", "Particle and step (µs)"]
    return Table(
        "lammps_timing",
        columns,
        rows,
        "Processor time of a step on the machine of the run, ranks added up, output left out.",
        pd.DataFrame(data, columns=["program", "ms_per_step", "particles", "us_per_particle"]),
    )


NAMES = {"lammps": "LAMMPS"}


PARTS = [
    ("Parity", parity),
    ("Conserved quantities in LAMMPS", balance),
    *((f"{statistics.ERRORS[name]} in LAMMPS", make) for name, make in registered.items()),
    ("Time of a step", timing),
]


FOLDER, SOURCE = "lammps/scaled", "lammps_scaled"


class Large(Results):
    """The large run, beside the experiment where asked."""

    def __init__(self, results: Results, beside: bool = False) -> None:
        super().__init__(results.folder, results.settings)
        _asked("lammps.scaled.report", results.settings.lammps.scaled.report)
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
    made = rearrangements.d2min(Large(results))
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


def scaled_rdf(results: Results) -> Figure:
    """The packing of the new particles beside that of the experiment."""
    made = curves.of(statistics.PLOTS["rdf"])(Large(results, beside=True))
    return made._replace(
        name="lammps_scaled_rdf",
        caption="Nothing of the experiment's positions went into the large sample: where the "
        "lines agree the model packs its particles by itself as the experiment does.",
    )


SCALED_PARTS = [
    ("Map of the large sample", d2min),
    ("Packing of the large sample", scaled_rdf),
    ("Audit of the large run", audit),
]
