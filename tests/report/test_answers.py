"""Every answer of the verdict follows from the numbers in the files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from pipeline import h5md
from pipeline.report import answers, remainder, verdict
from pipeline.report.figures import tracking
from pipeline.report.results import Results
from tests.edits import MEMORY, noted, unsealed
from tests.report.conftest import SETTINGS


@pytest.fixture
def results(folder: Path, tmp_path: Path) -> Results:
    """A copy that a test may spoil."""
    return Results(shutil.copytree(folder, tmp_path / "walk"), SETTINGS)


@pytest.mark.parametrize(
    ("value", "state"),
    [
        (0.0, "good"),
        (1.0, "good"),
        (1.5, "fair"),
        (2.1, "poor"),
        (np.nan, "poor"),
        (np.inf, "poor"),
    ],
)
def test_grades(value: float, state: str) -> None:
    assert answers.Bound(1.0, 2.0).grade(value) == state


def test_poor_recall_spoils_the_tracking(results: Results) -> None:
    assert answers.tracking(results).state == "good"
    spoilt = {"recall": 0.5, "precision": 1.0}
    (results.folder / "truth.json").write_text(json.dumps(spoilt))
    answer = answers.tracking(Results(results.folder, SETTINGS))
    assert answer.state == "poor"
    assert "recall 0.500" in answer.sentence


def test_steps_as_long_as_the_search_range_spoil_it_too(results: Results) -> None:
    linking = json.loads((results.folder / "linking.json").read_text())
    linking["search_range"] = 0.5
    (results.folder / "linking.json").write_text(json.dumps(linking))
    assert answers.tracking(results).state == "poor"


def test_noise_share_is_two_sigma_squared_over_the_variance(results: Results) -> None:
    noise = tracking.measure(results)
    trajectory = results.trajectory()
    spread = [
        velocity[free].var(axis=0, ddof=1).mean()
        for velocity, free in zip(trajectory.velocity, trajectory.free, strict=True)
        if free.sum() > 1
    ]
    assert noise.share == pytest.approx(2 * 0.03**2 / np.mean(spread), rel=0.01)


def test_errors_larger_than_the_motion_ask_for_longer_steps(results: Results) -> None:
    assert "train.stride" not in answers.speed(results).sentence
    path = results.folder / "trajectory.h5"
    data = h5md.read(path)
    noise = np.random.default_rng(0).normal(
        0, 0.5, (data.position.shape[0] + 1, *data.position.shape[1:])
    )
    error = {"localisation_error": 0.5, "localisation_error_px": [0.5, 0.5]}
    blurred = data._replace(
        velocity=data.velocity + np.diff(noise, axis=0) / data.dt,
        attributes={**data.attributes, **error},
    )
    h5md.write(path, blurred)
    answer = answers.speed(Results(results.folder, SETTINGS))
    assert answer.state == "poor"
    assert "steps of" not in answer.sentence
    short = SETTINGS.replace(train=SETTINGS.train.replace(stride=1))
    assert "train.stride: null" in answers.speed(Results(results.folder, short)).sentence


@pytest.mark.parametrize(("unexplained", "brighter"), [(0.25, False), (0.1, True)])
def test_the_step_that_errors_ask_for_is_told(
    results: Results, unexplained: float, brighter: bool
) -> None:
    path = results.folder / "metriplectic/seed0/model.yaml"
    measured = {"unexplained": unexplained, "change": 1.0}
    training = yaml.safe_load(path.read_text())["training"]
    noted(path, measured=measured, training={**training, "stride": 3})
    sentence = answers.speed(Results(results.folder, SETTINGS)).sentence
    assert f"Training takes steps of 3 frames, over which {100 * unexplained:.0f} %" in sentence
    assert ("more light" in sentence) == brighter
    given = SETTINGS.replace(train=SETTINGS.train.replace(stride=3))
    assert "was told to take" in answers.speed(Results(results.folder, given)).sentence


def test_a_law_broken_by_hand_is_seen(results: Results) -> None:
    assert answers.laws(results).state == "good"
    with unsealed(results.folder / "metriplectic/seed0/rollout.h5") as file:
        file["observables/momentum"][-1] += 10 * len(results.trajectory().particle)
    answer = answers.laws(Results(results.folder, SETTINGS))
    assert answer.state == "poor"


@pytest.mark.parametrize(("each", "state"), [(1e-5, "good"), (0.1, "fair")])
def test_an_entropy_that_falls_by_rounding_alone_does_not_fall(
    results: Results, each: float, state: str
) -> None:
    """A Brownian particle has none, and what rounding leaves may have either sign."""
    count = len(results.trajectory().particle)
    with unsealed(results.folder / "metriplectic/seed0/rollout.h5") as file:
        entropy = file["observables/entropy"]
        entropy[:] = entropy[0] - each * count * np.linspace(0, 1, len(entropy))
    assert answers.laws(Results(results.folder, SETTINGS)).state == state


def test_the_energy_that_is_judged_is_that_of_one_moment(results: Results) -> None:
    """Velocities half a step behind positions let the sum of both swing, and no energy is lost."""
    with unsealed(results.folder / "metriplectic/seed0/rollout.h5") as file:
        logged = file["observables"]
        swing = 0.4 * logged["kinetic"][:].mean() * np.linspace(0, 1, len(logged["time"]))
        logged["energy"][:] += swing
        logged["half_kick"] = -swing
    assert answers.laws(Results(results.folder, SETTINGS)).state == "good"
    with unsealed(results.folder / "metriplectic/seed0/rollout.h5") as file:
        del file["observables/half_kick"]
    assert answers.laws(Results(results.folder, SETTINGS)).state == "poor"


def test_a_rollout_that_stopped_is_told(results: Results) -> None:
    with unsealed(results.folder / "metriplectic/seed0/rollout.h5") as file:
        file["observables"].attrs["stopped"] = "Stopped after 3 of 20 snapshots: too hot."
    answer = answers.laws(results)
    assert answer.state == "fair"
    assert answer.sentence.startswith("Stopped after 3")


def leave(results: Results, **left: tuple[float, float]) -> None:
    """Residuals as training would have left them: value and standard error of each test."""
    noise = {"chi2": (1.0, 0.01), "memory": (0.0, 0.01), "neighbours": (0.0, 0.01)}
    with unsealed(results.folder / "metriplectic/seed0/learned.h5") as file:
        group = file.require_group("residuals")
        for name, found in {**noise, "explained": (0.9, 0.01), **left}.items():
            group[name] = found


def test_a_handful_of_steps_does_not_pass_for_noise(results: Results) -> None:
    """2.4 times the variance of the model, give or take 1.6: neither noise nor a fault."""
    leave(results, chi2=(2.4, 0.8), memory=(0.05, 0.04), neighbours=(0.0, 0.02))
    found = remainder.residuals(results)
    assert found.state == "fair"
    assert "variance over the model's is 2.40 ± 1.60" in found.sentence
    assert "too few steps to tell" in found.sentence


@pytest.mark.parametrize(
    ("left", "state", "hint"),
    [
        ({}, "good", "noise, as it should be"),
        ({"memory": (0.3, 0.01)}, "poor", "a longer train.stride"),
        ({"memory": (0.3, 0.2)}, "fair", "too few steps to tell"),  # not beyond its error
        (
            {"memory": (-0.4, 0.01)},
            "poor",
            "the error of the positions is larger than was measured",
        ),
        ({"chi2": (1.3, 0.01)}, "fair", "the noise is larger than was learned"),
        ({"neighbours": (-0.12, 0.01)}, "fair", "graph.cutoff"),
    ],
)
def test_residuals_that_are_no_noise_are_told(
    results: Results, left: dict[str, tuple[float, float]], state: str, hint: str
) -> None:
    leave(results, **left)
    found = remainder.residuals(results)
    assert (found.state, hint in found.sentence) == (state, True)


@pytest.mark.parametrize(
    ("lasts", "neighbours", "said"),
    [
        ({"force": 0.6, "error": 0.3, "place": 0.1}, 0.0, "each particle has its own"),
        ({"force": 0.6, "error": 0.3, "place": 0.4}, 0.0, "It stands at its places"),
        ({"force": 0.6, "error": 0.3, "place": 0.1}, 0.3, "Neighbours share it"),
        # 0.001 of the 10 px between particles; the fixture's tracks claim 0.03 px.
        (
            {"force": 0.1, "error": 0.8, "place": 0.0},
            0.0,
            "80 % of what is left is error of the positions: 0.01 px in place of the 0.03 that",
        ),
    ],
)
def test_what_residuals_remember_is_named(
    results: Results, lasts: dict[str, float], neighbours: float, said: str
) -> None:
    leave(results, memory=(0.4, 0.01), neighbours=(neighbours, 0.01))
    with unsealed(results.folder / "metriplectic/seed0/learned.h5") as file:
        group = file.require_group("lasting")
        for name, value in {**lasts, "time": 3.0, "share": 0.02, "sigma": 0.001}.items():
            group[name] = [value]
    found = remainder.residuals(results)
    assert found.state == "poor"
    assert said in found.sentence
    assert "train.stride" not in found.sentence


def test_memory_of_bonds_is_told_where_it_was_found(results: Results) -> None:
    time = {"value": [10.1], "low": [9.7], "high": [10.6]}
    found = {"modes": 1, "kind": "maxwell", "trials": [], "friction": [0.05], "time": time}
    noted(results.folder / "metriplectic/seed0/model.yaml", bond_memory=found)
    leave(results)
    said = remainder.residuals(results).sentence
    assert "lasts 10.1 (9.7 to 10.6) steps: springs along its bonds that let go" in said


def test_memory_of_bonds_that_was_not_looked_for_is_not_told(results: Results) -> None:
    none = {"modes": 0, "kind": "none", "trials": [], "why": "few snapshots"}
    noted(results.folder / "metriplectic/seed0/model.yaml", bond_memory=none)
    leave(results)
    assert "memory" not in remainder.residuals(results).sentence


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("maxwell", "lasts 4.2 (3.5 to 5) steps: friction of 0.0126 per step that comes late"),
        ("maxwell", "Without, they remember 1.05 ± 0.04. With friction of any strength"),
        ("active", "no balance of noise and friction is claimed"),
        ("none", "the validation block is no likelier with one"),
    ],
)
def test_modes_of_memory_are_told(results: Results, kind: str, said: str) -> None:
    found = MEMORY | {"kind": kind, "modes": int(kind != "none")}
    noted(results.folder / "metriplectic/seed0/model.yaml", memory=found)
    leave(results)
    assert said in remainder.residuals(results).sentence


@pytest.mark.parametrize("few", [False, True])
def test_residuals_are_told_where_the_loss_says_nothing(results: Results, few: bool) -> None:
    """It never fell, or was looked at too rarely."""
    path = results.folder / "metriplectic/seed0/training.csv"
    table = pd.read_csv(path)
    seen = table["validation_nll"].notna()
    table.loc[seen, "validation_nll"] = np.arange(seen.sum(), dtype=float)
    if few:
        table = table[seen].head(3)
    table.to_csv(path, index=False)
    leave(results, memory=(0.3, 0.01))
    said = verdict.lights(Results(results.folder, SETTINGS))[2].sentence
    assert ("fewer than five times" if few else "never fell") in said
    assert "they remember the step before by 0.30" in said


def test_errors_are_held_against_the_noise_floor(results: Results) -> None:
    table = pd.read_csv(results.folder / "comparison.csv")
    for value, floor, state in ((0.3, 0.25, "good"), (0.3, 0.12, "fair"), (0.3, 0.01, "poor")):
        table.loc[table["metric"] == "rdf", ["value", "noise_floor"]] = value, floor
        table.to_csv(results.folder / "comparison.csv", index=False)
        answer = answers.structure(Results(results.folder, SETTINGS))
        assert answer.state == state
        assert "30 %" in answer.sentence


def test_seeds_are_summed_up_by_their_median(results: Results) -> None:
    table = pd.read_csv(results.folder / "comparison.csv")
    rdf = table[(table["metric"] == "rdf") & (table["model"] == "metriplectic")]
    more = [rdf.assign(seed=k, value=v) for k, v in ((0, 0.04), (1, 0.02), (2, 0.9))]
    pd.concat(more).to_csv(results.folder / "comparison.csv", index=False)
    answer = answers.structure(Results(results.folder, SETTINGS))
    assert answer.state == "good"
    assert "4 %" in answer.sentence
