"""The overview beside the paper, on the page and in the README."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.paper_table import markdown, merged
from pipeline.report.paper.measured import COLUMNS
from pipeline.report.paper.numbers import Collection
from pipeline.report.paper.tables import overview
from pipeline.report.results import Absent


def row(model: str, value: float, note: str = "") -> dict[str, object]:
    known = {"dataset": "self_diffusion", "seed": 0, "metric": "vacf", "noise_floor": 0.01}
    paper = 4.19e-2 if model == "metriplectic" else np.nan
    known |= {"size": "small", "commit": "c0ffee"}
    return known | {"model": model, "value": value, "paper": paper, "note": note}


def found() -> pd.DataFrame:
    gns = row("gns", 1.2e4, "diverged: too fast")
    return pd.DataFrame(
        [gns, row("metriplectic", 0.02), row("metriplectic", 0.04)], columns=COLUMNS
    )


def test_a_row_has_every_model_and_says_which_stopped(tmp_path: Path) -> None:
    table = overview(Collection(tmp_path, found()))
    assert table.columns[2:] == ["Size", "Paper", "Ours", "GNS", "Floor"]
    row = ["Ideal gas at rest", "VACF", "small", "4.2 %", "3 %", "1.2e4 times †", "1 %"]
    assert table.rows == [row]


def test_the_readme_has_the_same_rows_and_full_size_before_small() -> None:
    full = found()[1:2].assign(size="full", value=0.01)
    head, rule, first, second = markdown(merged(found(), full)).split("\n")
    assert head == "| Data set | Statistic | Size | Paper | Ours | GNS | Floor |"
    assert rule.count("---") == 7
    assert first == "| Ideal gas at rest | VACF | full | 4.2 % | 1 % |  | 1 % |"
    assert second == "| Ideal gas at rest | VACF | small | 4.2 % | 3 % | 1.2e4 times † | 1 % |"


def test_a_training_that_was_repeated_takes_the_place_of_the_one_before() -> None:
    again = found()[1:2].assign(value=0.05, commit="beef")
    kept = merged(found(), again)
    ours = kept[kept["model"] == "metriplectic"]
    assert ours[["value", "commit"]].to_numpy().tolist() == [[0.05, "beef"]]
    assert (kept["model"] == "gns").sum() == 1


def test_without_errors_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(Absent, match="No error"):
        overview(Collection(tmp_path, found()[:0]))
