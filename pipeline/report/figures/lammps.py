"""The same model in LAMMPS: parity, laws, statistics beside Python's, and what a step costs."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import pandas as pd

from pipeline.report.figure import Figure
from pipeline.report.figures import curves, laws
from pipeline.report.records import Absent, Group, Run
from pipeline.report.results import Results
from pipeline.report.tables import Table
from pipeline.report.words import number

LAMMPS = Run("lammps", 0, "lammps")
PARITY = "lammps/parity.csv"


class Beside(Results):
    """The experiment, the model's rollout by Python and that by LAMMPS; nothing else."""

    def __init__(self, results: Results) -> None:
        super().__init__(results.folder, results.settings)
        self.path(PARITY)  # the section stands or falls with it
        self.model = results.settings.get("lammps", {}).get("model", "metriplectic")

    @cached_property
    def runs(self) -> list[Run]:
        return [Run(self.model, 0, f"{self.model}/seed0"), LAMMPS]

    @cached_property
    def sources(self) -> list[str]:
        wanted = ["experiment", self.runs[0].source, "lammps"]
        return [s for s in wanted if (self.folder / "statistics" / f"{s}.h5").is_file()]

    def observables(self, run: Run) -> Group:
        """What was logged along a rollout."""
        return laws.observables(self, run)


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


rdf = statistic(curves.rdf, "lammps_rdf")
vacf = statistic(curves.vacf, "lammps_vacf")
msd = statistic(curves.msd, "lammps_msd")
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
    ("Radial distribution in LAMMPS", rdf),
    ("Velocity autocorrelation in LAMMPS", vacf),
    ("Mean squared displacement in LAMMPS", msd),
    ("Time of a step", timing),
]
