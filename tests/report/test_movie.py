"""The movie is coloured by what statistics measured, and by displacement where they did not."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from pipeline.analysis.d2min import field
from pipeline.analysis.runs import runs
from pipeline.report import claims, movie
from pipeline.report.figures.curves import area
from pipeline.report.results import Absent, Results
from tests.edits import unsealed
from tests.report.conftest import SETTINGS


@pytest.fixture(autouse=True)
def together(monkeypatch: pytest.MonkeyPatch) -> None:
    """The particles of the fixture walk alone; here they count as neighbours that move together."""
    monkeypatch.setattr(claims, "companions", lambda results: None)


def coloured(results: Results) -> tuple[tuple, np.ndarray, movie.Colour]:
    experiment, rollout = movie.common(results)
    pair = runs(experiment)[0], runs(rollout)[0]
    return pair, *movie.colours(results, pair, experiment.particle)


def test_d2min_is_that_of_the_positions_shown(folder: Path) -> None:
    results = Results(folder, SETTINGS.replace(statistics=SETTINGS.statistics.replace(blur=False)))
    pair, rows, colour = coloured(results)
    assert colour.label.startswith("D²min")
    assert rows[0] == 0
    assert len(rows) == len(pair[0].time)
    cutoff, scale = results.statistic("experiment", "d2min").attrs["cutoff"], area(results)[0]
    for side, part in enumerate(pair):
        expected = field(part, 0, rows[1:], cutoff)
        np.testing.assert_allclose(colour.value[1:, side], scale * expected, rtol=1e-5)


def test_another_first_frame_leaves_displacements(folder: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "walk"))
    results = Results(copy, SETTINGS)
    with unsealed(copy / "statistics" / f"{results.first.source}.h5") as file:
        file["d2min_film"].attrs["time"] += 1.0
    pair, rows, colour = coloured(results)
    assert colour.label.startswith("Displacement")
    moved = np.linalg.norm(pair[1].position[rows[-1]] - pair[1].position[0], axis=1)
    shown = colour.value[-1, 1]
    np.testing.assert_allclose(shown[np.isfinite(shown)], moved[np.isfinite(shown)])
    with pytest.raises(Absent, match="first frame"):
        movie._rearranged(results, float(pair[0].time[0]), np.arange(len(shown)))
