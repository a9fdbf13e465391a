"""The table of models: sizes, and rollouts that ended early."""

from __future__ import annotations

import shutil
from pathlib import Path

import yaml

from pipeline.report import tables
from pipeline.report.results import Results
from tests.edits import unsealed
from tests.report.conftest import SETTINGS


def test_parameters_and_ends_are_told(folder: Path, tmp_path: Path) -> None:
    for name in ("metriplectic", "gns_sde"):
        shutil.copytree(folder / name, tmp_path / name)
    record = {"parameters": 50884, "training": {"best_step": 100, "seconds": 52.1}}
    (tmp_path / "gns_sde" / "seed0" / "model.yaml").write_text(yaml.safe_dump(record))
    sentence = "Stopped after 3 of 20 snapshots: too fast."
    with unsealed(tmp_path / "gns_sde" / "seed0" / "rollout.h5") as file:
        file["observables"].attrs["stopped"] = sentence
    ours, theirs = tables.compared(Results(tmp_path, SETTINGS)).rows
    assert ours[0] == "metriplectic"
    assert ours[-1].startswith("All ")
    assert theirs == ["GNS-SDE", "0", "50884", "step 100", "52.1 s", sentence]
