"""Draws docs/weak_scaling.png from what benchmarks.lammps_scaling measured.

./setup python -m benchmarks.lammps_figure
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from benchmarks.lammps_scaling import FOLDER
from pipeline.report import style

OUT = Path(__file__).parents[1] / "docs" / "weak_scaling.png"
LOOKS = {
    "metriplectic": {"color": style.COLOURS["metriplectic"], "marker": "o"},
    "dpd": {"color": style.COLOURS["dpd"], "marker": "s"},
}


def draw(table: pd.DataFrame, out: Path) -> None:
    """Processor time of a step per rank over that of one rank, every round and their least.

    Like the paper's figure 5, where a flat curve is perfect; its numbers stand in no text.
    """
    with style.context():
        drawing, (axes,) = style.panels()
        for name, rounds in table.groupby("style"):
            each = rounds["processor"] / rounds["particles"]
            least = each.groupby(rounds["ranks"]).min()
            axes.plot(least.index, least / least.loc[1], label=name, **LOOKS[name])
            axes.plot(rounds["ranks"], each / least.loc[1], ".", color=LOOKS[name]["color"])
        axes.axhline(1.0, color="#bbbbbb", linewidth=0.8, zorder=0)
        axes.set(
            xlabel="MPI ranks, 103 823 particles on each",
            ylabel="Processor time of a step, relative",
            xticks=[1, 2],
            ylim=(0, None),
        )
        axes.legend()
        drawing.savefig(out, dpi=100)


if __name__ == "__main__":
    draw(pd.read_csv(FOLDER / "weak.csv"), OUT)
