"""The overview beside the paper, on the page and in the README."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.paper_table import markdown
from pipeline.report.paper.numbers import COLUMNS, Collection
from pipeline.report.paper.tables import overview
from pipeline.report.results import Absent


def row(model: str, value: float, note: str = "") -> dict[str, object]:
    known = {"dataset": "self_diffusion", "seed": 0, "metric": "vacf", "noise_floor": 0.01}
    paper = 4.19e-2 if model == "metriplectic" else np.nan
    return known | {"model": model, "value": value, "paper": paper, "note": note}


def found() -> pd.DataFrame:
    gns = row("gns", 1.2e4, "diverged: too fast")
    return pd.DataFrame(
        [gns, row("metriplectic", 0.02), row("metriplectic", 0.04)], columns=COLUMNS
    )


def test_a_row_has_every_model_and_says_which_stopped(tmp_path: Path) -> None:
    table = overview(Collection(tmp_path, found()))
    assert table.columns[2:] == ["Paper", "Ours", "GNS", "Floor"]
    assert table.rows == [["Ideal gas at rest", "VACF", "4.2 %", "3 %", "1.2e4 times †", "1 %"]]


def test_the_readme_has_the_same_rows(tmp_path: Path) -> None:
    (tmp_path / "paper").mkdir()
    found().to_csv(tmp_path / "paper" / "table.csv", index=False)
    head, rule, line = markdown(tmp_path / "paper" / "table.csv").split("\n")
    assert head == "| Data set | Statistic | Paper | Ours | GNS | Floor |"
    assert rule.count("---") == 6
    assert line == "| Ideal gas at rest | VACF | 4.2 % | 3 % | 1.2e4 times † | 1 % |"


def test_without_errors_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(Absent, match="No error"):
        overview(Collection(tmp_path, found()[:0]))
