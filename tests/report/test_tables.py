"""The table of models: sizes, and rollouts that ended early."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
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


def test_moduli_that_decay_stand_beside_the_true_ones(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In units of the data; the quicker mode first, as the truth is put, too."""
    shutil.copytree(folder / "metriplectic", tmp_path / "metriplectic")
    path = tmp_path / "metriplectic" / "seed0" / "model.yaml"
    record = yaml.safe_load(path.read_text())
    record["units"] |= {"time": 0.5, "length": 3.0}
    ends = {"value": [2.0, 1.0], "low": [1.5, 0.9], "high": [2.5, 1.1]}
    record["bond_memory"] = {"modes": 2, "kind": "maxwell", "trials": []} | dict.fromkeys(
        ("time", "shear", "bulk"), ends
    )
    path.write_text(yaml.safe_dump(record))
    true = [{"time": 0.8, "shear": 10.0, "bulk": 8.0}, {"time": 0.5, "shear": 4.0, "bulk": 5.0}]
    attributes: dict[str, object] = {"relaxing_moduli": true}
    here = SimpleNamespace(attributes=attributes, dimension=2)
    monkeypatch.setattr(Results, "trajectory", lambda self: here)
    rows = tables.relaxation(Results(tmp_path, SETTINGS)).rows
    assert [row[3:] for row in rows] == [
        ["4 (3.6 to 4.4)", "4", "0 %"],
        ["4 (3.6 to 4.4)", "5", "−20 %"],
        ["0.5 (0.45 to 0.55)", "0.5", "0 %"],
        ["8 (6 to 10)", "10", "−20 %"],
        ["8 (6 to 10)", "8", "0 %"],
        ["1 (0.75 to 1.25)", "0.8", "25 %"],
    ]
    record["bond_memory"] = {"modes": 0, "kind": "none", "trials": []}
    path.write_text(yaml.safe_dump(record))
    assert tables.relaxation(Results(tmp_path, SETTINGS)).rows[0][3:] == ["none", "14", "–"]
    record["bond_memory"]["why"] = "a block has 9 snapshots, fewer than 20"
    path.write_text(yaml.safe_dump(record))
    said = tables.relaxation(Results(tmp_path, SETTINGS)).rows[0][3]
    assert said == "not looked for: a block has 9 snapshots, fewer than 20"
    del record["bond_memory"]["why"]
    path.write_text(yaml.safe_dump(record))
    attributes.clear()
    assert tables.relaxation(Results(tmp_path, SETTINGS)).rows[0][3:] == ["none", "–", "–"]
