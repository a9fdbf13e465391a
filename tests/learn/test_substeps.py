"""Steps per snapshot: as many as the energy of the forces asks for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pipeline.learn.substeps import DRIFT, choose, drift
from pipeline.metriplectic.presets import SPLINES
from tests.dynamics.systems import TIME, conditions, gas, lattice
from tests.metriplectic.cases import random_model

FRAMES = 60


def test_hard_collisions_need_steps_and_a_soft_gas_none(capsys) -> None:
    window = lattice(FRAMES)
    settings = replace(conditions(), compiled=False)
    soft = choose(gas(), settings, window, FRAMES)
    assert soft["chosen"] == 1
    stiff = random_model("splines", 2, closures=SPLINES, temperature=0.01)
    hard = choose(stiff, settings, window, FRAMES)
    assert hard["chosen"] > 1
    assert list(hard["drift"]) == [2**k for k in range(len(hard["drift"]))]
    assert all(value >= DRIFT for value in list(hard["drift"].values())[:-1])
    assert f"at {hard['chosen']} steps per snapshot" in capsys.readouterr().out


def test_brownian_motion_is_held_against_what_its_medium_gave(capsys) -> None:
    model = random_model("brownian", 2, temperature=0.01)
    found = choose(model, conditions(substeps=4), lattice(40), 40)
    tried = list(found["drift"])
    assert tried == [4 * 2**k for k in range(len(tried))]
    assert found["chosen"] == tried[-1] > 4
    # The balance closes with finer steps.
    assert found["drift"][tried[-1]] < 0.5 * found["drift"][4]
    assert "less what the medium gave" in capsys.readouterr().out
    assert choose(model, conditions(substeps=4), lattice(2), 2) == {"chosen": 4, "drift": {}}


def test_the_drift_is_that_of_the_whole_length() -> None:
    time = np.arange(11) * TIME
    still = np.ones(11)
    seen = {
        "time": time,
        "energy": 5.0 + 0.002 * time,
        "kinetic": 2.0 * still,
        "entropy": still,
        "work": 0.0 * still,
        "temperature": still,
        "momentum": np.zeros((11, 2)),
        "impulse": np.zeros((11, 2)),
    }
    assert drift(seen, 11) == pytest.approx(0.001 * time[-1])
    assert drift(seen, 110) == pytest.approx(0.01 * time[-1])
    assert drift({"time": time[:2]}, 11) == float("inf")
