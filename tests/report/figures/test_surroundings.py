"""Walls, medium and attraction in the report: in the units of the data, with bands and verdicts."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
import yaml

from pipeline.analysis import drag
from pipeline.report import style
from pipeline.report.figures import surroundings
from pipeline.report.results import Absent, Results

LENGTH, T = 50.0, 0.5


def stored(folder: Path, choice: list[dict] = (), **groups: dict[str, np.ndarray]) -> Results:
    run = folder / "metriplectic" / "seed0"
    run.mkdir(parents=True)
    units = {"length": LENGTH, "time": 1.0, "length_unit": "px", "time_unit": "frame"}
    record = {"units": units, "seen": {"mean_T": T}, "model": {"dimension": 2}}
    (run / "model.yaml").write_text(yaml.safe_dump({**record, "choice": list(choice)}))
    with h5py.File(run / "learned.h5", "w") as file:
        for group, values in groups.items():
            for name, value in values.items():
                file[f"{group}/{name}"] = value
    return Results(folder)


def one(**values: float) -> dict[str, np.ndarray]:
    return {name: np.array([value]) for name, value in values.items()}


def bowl() -> dict[str, dict[str, np.ndarray]]:
    at = np.linspace(0.0, 4.0, 9)
    phi = 0.25 * (at - 2) ** 2
    line = {"at": at, "phi": phi, "low_phi": phi - 0.1, "high_phi": phi + 0.1}
    field = {"x": at, "y": at, "phi": phi[:, None] + phi[None, :]}
    return {"external": field, "external_x": line, "external_y": line}


def test_an_external_potential_is_drawn_in_kT_over_the_view(tmp_path: Path) -> None:
    with style.context():
        made = surroundings.external(stored(tmp_path, **bowl()))
    line = made.table[made.table["line"] == "x"]
    assert line["place"].max() == pytest.approx(4.0 * LENGTH)
    assert line["value"].max() == pytest.approx(1.0 / T)
    assert ((line["high"] - line["low"]) / 2).to_numpy() == pytest.approx(0.1 / T)
    assert (made.table["line"] == "map").sum() == 81


def test_the_depth_of_a_pair_energy_stands_in_its_caption(tmp_path: Path) -> None:
    r = np.linspace(0.5, 1.5, 11)
    found = {"r": r, "psi": (r - 1) ** 2 - 1.5}
    with style.context():
        made = surroundings.pair_energy(stored(tmp_path, pair_energy=found))
    assert "lowest at 50 px, −3 kT" in made.caption


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (-0.004, -0.001, "it feeds energy into the motion"),
        (0.001, 0.004, "it takes motion"),
        (-0.001, 0.001, "it cannot be told from"),
    ],
)
def test_the_sign_of_the_balance_of_energy(
    tmp_path: Path, low: float, high: float, said: str
) -> None:
    net = one(value=0.5 * (low + high), low=low, high=high)
    bath = one(rate=0.01, g2=0.0055, low_rate=0.0, high_rate=0.02, active=1, brownian=0)
    told = surroundings.medium(stored(tmp_path, net_friction=net, bath=bath))
    assert said in told
    assert "no fluctuation-dissipation theorem" in told
    assert "takes 2 % of the kinetic energy per frame" in told
    assert "noise gives 2.2 %" in told


def test_trials_and_what_is_not_there_are_said(tmp_path: Path) -> None:
    trial = {"setting": "external", "value": "walls", "gain": 2.2, "error": 0.1, "kept": True}
    results = stored(tmp_path, [trial], net_friction={})
    assert "walls gains 2.2 (standard error 0.1), kept" in surroundings.chosen(results)
    for part in (surroundings.external, surroundings.pair_energy, surroundings.balance):
        with pytest.raises(Absent, match="The model has no"):
            part(results)


@pytest.mark.parametrize(("low", "said"), [(0.04, "A medium slows"), (-0.01, "No medium is seen")])
def test_the_drag_by_instruments_is_said_also_without_a_medium_in_the_model(
    tmp_path: Path, low: float, said: str
) -> None:
    drag.write(tmp_path / "drag.json", "film", drag.Drag(0.05, low, 0.06))
    told = surroundings.medium(stored(tmp_path))
    assert said in told
    assert "0.05" in told
    assert ("train.bath: uniform" in told) == (low > 0)
