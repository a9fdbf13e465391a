"""Curves of every source; a source that lacks one is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.analysis.statistics import PLOTS
from pipeline.report.figures import curves
from pipeline.report.results import Absent, Results
from tests.edits import unsealed


def test_a_statistic_that_one_source_lacks_is_said(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "statistics").mkdir()
    for source in ("experiment", "truth"):
        content = (folder / "statistics" / f"{source}.h5").read_bytes()
        (tmp_path / "statistics" / f"{source}.h5").write_bytes(content)
    with unsealed(tmp_path / "statistics" / "truth.h5") as file:
        file["rdf"].attrs["missing"] = "Too few pairs."
    rdf = curves.of(PLOTS["rdf"])
    assert rdf(Results(tmp_path)).caption.endswith("Not shown: truth. Too few pairs.")
    with unsealed(tmp_path / "statistics" / "experiment.h5") as file:
        file["rdf"].attrs["missing"] = "Only 9 frames."
    with pytest.raises(Absent, match="Only 9 frames"):
        rdf(Results(tmp_path))
