"""The figure of an oscillatory shear shows what stands in the statistics, source by source."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.analysis import statistics
from pipeline.analysis.metric import Metric, missing
from pipeline.report import style
from pipeline.report.figures.cycles import NUMBERS, cycles
from pipeline.report.results import Absent, Results

PERIOD = {"intervals": 40.0, "strain": 0.035, "source": "found", "why": "one sine explains 97 %"}


def measured(count: int, share: float) -> Metric:
    data = {name: np.full(count, share) for name in NUMBERS}
    data |= {"run": np.zeros(count), "start": 40.0 * np.arange(count)}
    return Metric(data | {"displacements": np.linspace(0.1, 2.0, 50)}, PERIOD)


def stored(folder, **sources) -> Results:
    (folder / "statistics").mkdir()
    for source, groups in sources.items():
        statistics.write(folder / "statistics" / f"{source}.h5", groups, {})
    return Results(folder, {})


def test_the_whole_film_stands_first_where_it_holds_more_cycles(tmp_path):
    film, window = measured(3, 0.2), measured(1, 0.1)
    results = stored(
        tmp_path, experiment={"cycles": window, "cycles_film": film}, truth={"cycles": window}
    )
    with style.context():
        made = cycles(results)
    assert list(made.table["source"].unique()) == ["Whole film", "experiment", "truth"]
    assert (made.table.loc[made.table["source"] == "Whole film", "irreversible"] == 0.2).all()
    assert "a period of 40 frames (found: one sine explains 97 %)" in made.caption
    assert "Whole film: 20 % of the particles are rearranged after a cycle" in made.caption


def test_what_is_not_sheared_says_why(tmp_path):
    results = stored(tmp_path, experiment={"cycles": missing("The sample is not sheared.")})
    with pytest.raises(Absent, match="not sheared"):
        cycles(results)
