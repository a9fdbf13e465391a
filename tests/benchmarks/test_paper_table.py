"""The README's table beside the paper is written from table.csv."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmarks.paper_table import markdown
from pipeline.report.paper.table import COLUMNS


def row(model: str, value: float, note: str = "") -> dict[str, object]:
    known = {"dataset": "self_diffusion", "seed": 0, "metric": "vacf", "noise_floor": 0.01}
    paper = 4.19e-2 if model == "metriplectic" else np.nan
    return known | {"model": model, "value": value, "paper": paper, "note": note}


def test_a_row_has_every_model_and_says_which_stopped() -> None:
    rows = [row("metriplectic", 0.02), row("gns", 1.2e4, "diverged: too fast")]
    found = pd.DataFrame([*rows, row("metriplectic", 0.04)], columns=COLUMNS)
    head, _, line = markdown(found).split("\n")
    assert head == "| data set | statistic | paper | metriplectic | GNS | noise floor |"
    assert line == "| Ideal gas at rest | VACF | 4.2 % | 3 % | 1.2e4 times, stopped | 1 % |"
