"""The table beside the paper: whose number stands where, and what counts as above."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pipeline.report.page import render
from pipeline.report.paper import page, tables
from pipeline.report.paper.measured import COLUMNS, _spent, table
from pipeline.report.paper.numbers import ERRORS, Collection, printed
from pipeline.report.paper.tables import above, contested


def rows(value: float, floor: float, dataset: str = "self_diffusion") -> pd.DataFrame:
    paper = printed(dataset, "metriplectic", "vacf")
    row = {"dataset": dataset, "model": "metriplectic", "seed": 0, "metric": "vacf"}
    row |= {"value": value, "noise_floor": floor, "paper": paper, "low": value, "high": value}
    row |= {"size": "small"}
    return pd.DataFrame([row], columns=COLUMNS)


def test_the_papers_model_is_ours_and_its_window_has_the_same_number():
    assert printed("star_polymer_11", "metriplectic", "rdf") == 1.99e-2
    assert printed("star_polymer_11", "metriplectic", "rdf_paper") == 1.99e-2
    assert printed("viscoelastic", "metriplectic_no_udev", "rdf") == 1.84e-1
    assert printed("star_polymer_51", "full_order", "ms_per_step") == 74.40
    assert printed("viscoelastic", "metriplectic", "vacf") is None
    # In the paper no baseline is ahead of its model in any row.
    for (dataset, model, metric), value in ERRORS.items():
        assert value >= ERRORS[dataset, "metriplectic", metric] or model == "metriplectic"


@pytest.mark.parametrize(
    ("value", "low", "floor", "short"),
    [
        (0.02, 0.02, 0.001, False),  # half the paper's .0419
        (0.03, 0.03, 0.001, True),
        (0.045, 0.035, 0.04, False),  # 1.2 floors, and the interval reaches one
        (0.045, 0.042, 0.04, True),
        (0.05, 0.03, 0.04, True),
        (np.nan, np.nan, 0.04, True),
    ],
)
def test_a_row_is_above_when_it_exceeds_half_the_paper_and_the_floor(value, low, floor, short):
    assert bool(list(above(rows(value, floor).assign(low=low)))) is short


@pytest.mark.parametrize(
    ("theirs", "low", "floor", "named"),
    [
        (0.09, 0.08, 0.001, False),  # apart
        (0.09, 0.02, 0.001, True),  # overlapping
        (0.02, 0.01, 0.001, True),  # better than ours
        (0.09, 0.02, 0.08, False),  # both at the floor
        (np.nan, np.nan, 0.001, False),  # it made no rollout
    ],
)
def test_a_baseline_is_named_unless_it_is_shown_to_be_worse(theirs, low, floor, named):
    ours, baseline = rows(0.03, floor), rows(theirs, floor).assign(model="dpd", low=low)
    said = list(contested(pd.concat([ours, baseline])))
    assert said == ([("self_diffusion", "vacf", "dpd", theirs, 0.03)] if named else [])


def test_several_seeds_show_median_and_range(tmp_path):
    found = pd.concat([rows(v, 0.01).assign(seed=k) for k, v in enumerate((0.02, 0.03, 0.07))])
    cells = tables.judged(Collection(tmp_path, found)).rows
    assert cells == [
        ["Ideal gas at rest", "VACF", "metriplectic", "4.2 %", "3 % (2 % to 7 %)", "1 %"]
    ]


def test_a_data_set_is_judged_by_its_worst_row(tmp_path):
    for value, state in ((0.02, "good"), (0.04, "fair"), (0.1, "poor")):
        found = Collection(tmp_path, rows(value, 0.001))
        assert page.light(found, "self_diffusion").state == state


def test_the_processor_time_is_that_of_a_training_and_all_its_rollouts(tmp_path):
    benchmarks = tmp_path / "benchmarks"
    benchmarks.mkdir()
    for k, stage in enumerate(("seed1", "seed1_rollout1", "seed10", "seed2")):
        text = f"s\tmax_rss\tcpu_time\n9\t9\t{10**k}\n"
        (benchmarks / f"rollout_gns_{stage}.tsv").write_text(text)
    assert _spent(tmp_path, "rollout_gns_seed1") == 11
    assert np.isnan(_spent(tmp_path, "rollout_gns_seed3"))


def test_the_table_holds_errors_costs_and_the_papers_numbers(folder):
    found = table(folder.parent, {folder.name: folder.name}, {folder.name: "small"}, "c0ffee")
    kept = found.set_index(["model", "metric"])
    assert set(zip(found["size"], found["commit"], strict=True)) == {("small", "c0ffee")}
    assert kept.loc[("truth", "particles"), "value"] > 1
    assert kept.loc[("metriplectic", "energy_drift"), "value"] < 1e-3
    assert kept.loc[("metriplectic", "parameters"), "value"] == 253
    assert {"rdf", "vacf", "msd"} <= set(found["metric"])
    assert found["paper"].isna().all()  # the paper has no data set of this name


@pytest.mark.slow
def test_the_page_shows_every_part(folder):
    names = {folder.name: folder.name}
    made = table(folder.parent, names, {folder.name: "small"}, "c0ffee")
    found = Collection(folder.parent, made)
    text = render(page.content(found, {}, {"command": "snakemake <x>"}))
    for words in ("All time origins", "Time per step", "<svg", "snakemake &lt;x&gt;"):
        assert words in text
