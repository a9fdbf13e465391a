"""What the page says that the data do not support, and why something is not shown."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from pipeline import h5md
from pipeline.analysis.correlations import shared_motion
from pipeline.analysis.plan import plan
from pipeline.analysis.settings import Statistics
from pipeline.report import answers, claims, diffusion, tables, verdict
from pipeline.report.figures import laws as balances
from pipeline.report.figures import learned, rearrangements, tracking, truth
from pipeline.report.results import Absent, Results
from pipeline.settings import Sample
from pipeline.trajectory import Trajectory
from tests.edits import unsealed
from tests.report import fixture
from tests.report.conftest import SETTINGS

RUN = "metriplectic/seed0"


@pytest.fixture
def results(folder: Path, tmp_path: Path) -> Results:
    """A copy that a test may spoil."""
    return Results(shutil.copytree(folder, tmp_path / "walk"), SETTINGS)


def record(results: Results, **training: object) -> Results:
    """The same results with other entries in the first model's record."""
    path = results.folder / RUN / "model.yaml"
    content = yaml.safe_load(path.read_text())
    content["training"] |= training
    path.write_text(yaml.safe_dump(content))
    return Results(results.folder, results.settings)


def film(results: Results, trajectory: Trajectory) -> Results:
    """The same results with what is measured of a film, as the workflow stores it."""
    h5md.write(results.folder / "trajectory.h5", trajectory)
    with unsealed(results.folder / "statistics/experiment.h5") as file:
        attributes = file["d2min"].attrs
        spacing = float(attributes["cutoff"]) / Statistics().d2min_cutoff
        attributes.update(shared_motion(trajectory, plan(trajectory, spacing)))
    return Results(results.folder, SETTINGS)


def test_a_film_without_neighbours_still_has_its_regime_and_its_edge(
    results: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a few particles far apart nobody tells whether neighbours share their motion."""

    def alone(_: Results) -> bool:
        raise Absent("no neighbours")

    monkeypatch.setattr(claims, "driven", alone)
    trajectory = results.trajectory()
    about = {
        "regime": "inertial",
        "regime_why": "the velocity lasts",
        "edge": {"why": "it is open"},
    }
    noted = trajectory._replace(attributes={**trajectory.attributes, **about})
    said = claims.circumstances(film(results, noted))
    assert said[:2] == ["The motion is inertial: the velocity lasts.", "It is open."]


def test_laws_of_a_rollout_in_which_nobody_is_free_are_not_judged(
    results: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = balances.kept(results, results.first)
    nothing = {name: np.full_like(getattr(kept, name), np.nan) for name in ("energy", "momentum")}
    monkeypatch.setattr(balances, "kept", lambda *_: kept._replace(**nothing))
    with pytest.raises(Absent, match="No free particle"):
        answers.laws(results)


def test_particles_that_circle_together_are_not_passive(results: Results) -> None:
    trajectory = results.trajectory()
    assert not claims.driven(film(results, trajectory))
    position = trajectory.position[:]
    centre = position.mean(axis=(0, 1))
    angle = 0.05 * np.arange(len(trajectory.time))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    away = position - centre
    turned = centre + np.einsum("abt,tnb->tna", turn, away)
    again = film(results, trajectory._replace(position=turned))
    assert "drive themselves" in claims.driven(again)
    assert any("The model is passive" in sentence for sentence in claims.unsupported(again))


def test_a_stopped_rollout_is_the_reason_why_its_statistics_are_missing(results: Results) -> None:
    with unsealed(results.folder / RUN / "rollout.h5") as file:
        file["observables"].attrs["stopped"] = "Stopped after 1 of 20 snapshots: too hot."
    with unsealed(results.folder / "statistics/metriplectic_seed0.h5") as file:
        file["d2min"].attrs["missing"] = "The sample is too dilute."
    caption = rearrangements.against_lag(results).caption
    assert "Not shown: metriplectic, seed 0. Stopped after 1 of 20 snapshots: too hot." in caption
    assert "dilute" not in caption


def test_one_strength_for_all_is_told_as_a_setting(results: Results) -> None:
    assert learned.strength(results).name == "strength"
    with pytest.raises(Absent, match=r"settings: train\.strength"):
        learned.strength(record(results, strength=False))


def test_training_ended_by_the_clock_is_told(results: Results) -> None:
    assert "limit" not in answers.convergence(results).sentence
    late = record(results, seconds=245.0, max_minutes=4.0, steps=1000)
    assert "ended by its limit of 4 minutes" in answers.convergence(late).sentence


def test_steps_of_the_whole_training_block_are_told(results: Results) -> None:
    without = answers.convergence(record(results, refined=False)).sentence
    assert "steps of the whole training block" not in without
    refined = answers.convergence(record(results, refined=True)).sentence
    assert "From there steps of the whole training block at once were taken" in refined


def test_the_remedy_for_noise_is_the_one_that_was_taken(results: Results) -> None:
    texts = {}
    for remedy in ("corrected", "covariance", "none"):
        trained = record(results, localisation=remedy)
        trained.trajectory().attributes["localisation_error"] = 0.09
        texts[remedy] = tracking.meaning(trained)
    assert "takes this bias off" in texts["corrected"]
    assert "not in the inputs" in texts["covariance"]
    assert "shapes only" in texts["none"]
    assert len(set(texts.values())) == 3


def test_the_comparison_has_a_column_for_each_model(results: Results) -> None:
    table = tables.comparison(results)
    assert table.columns == ["Error of", "metriplectic", "GNS-SDE", "Noise floor"]
    assert all(len(row) == 4 for row in table.rows)
    assert all("%" in row[1] for row in table.rows)
    assert len(table.data) > 2 * len(table.rows)


def test_errors_that_mean_nothing_are_left_out_or_said_to_mean_nothing(results: Results) -> None:
    assert any("D²min" in row[0] for row in tables.comparison(results).rows)
    with unsealed(results.folder / "statistics/experiment.h5") as file:
        file["d2min"].attrs["together"] = 0.05
    trajectory = results.trajectory()
    trajectory.attributes["velocity_resolved"] = False
    h5md.write(results.folder / "trajectory.h5", trajectory)
    table = tables.comparison(Results(results.folder, results.settings))
    assert not any("D²min" in row[0] for row in table.rows)
    assert "neighbours move independently" in table.caption
    assert "small errors do not speak for the model" in table.caption


def test_training_that_diverged_is_told(results: Results) -> None:
    diverged = record(results, ended="The training loss became non-finite at step 9.")
    assert "non-finite at step 9" in answers.convergence(diverged).sentence


def test_a_rollout_without_a_step_is_not_judged(results: Results) -> None:
    """Its only snapshot is the experiment's own: every error would be zero."""
    assert answers.structure(results).state == "good"
    with unsealed(results.folder / RUN / "rollout.h5") as file:
        group = file["observables"]
        group.attrs["stopped"] = "Stopped after 1 of 20 snapshots: too hot."
        for name in list(group):
            first = group[name][:1]
            del group[name]
            group[name] = first
    table = pd.read_csv(results.folder / "comparison.csv")
    ours = table["model"] == "metriplectic"
    table["note"] = table["note"].astype(object)
    table.loc[ours, "note"] = "diverged: Stopped after 1 of 20 snapshots; model: too dilute."
    table.to_csv(results.folder / "comparison.csv", index=False)
    again = Results(results.folder, results.settings)
    for judge in (answers.structure, answers.laws):
        with pytest.raises(Absent, match=r"no step to judge. Stopped after 1 of 20"):
            judge(again)
    comparison = tables.comparison(again)
    assert {row[1] for row in comparison.rows} == {"–"}
    assert comparison.caption.count("Stopped after 1 of 20") == 1
    assert "dilute" not in comparison.caption


def test_a_rollout_that_stopped_early_is_judged_with_care(results: Results) -> None:
    with unsealed(results.folder / RUN / "rollout.h5") as file:
        file["observables"].attrs["stopped"] = "Stopped after 9 of 20 snapshots: too hot."
    answer = answers.structure(Results(results.folder, results.settings))
    assert answer.state == "fair"
    assert answer.sentence.startswith("Stopped after 9")


def overdamped(results: Results, **attributes: object) -> Results:
    """The same results with steps that forget their velocity."""
    trajectory = results.trajectory()
    trajectory.attributes.update(
        velocity_resolved=False,
        regime="overdamped",
        regime_why="the velocity is forgotten within a frame: memory -0.05 (-0.06 to -0.04)",
        regime_memory=[-0.05, -0.06, -0.04],
        diffusion=[0.2, 0.198, 0.202],
        length_unit="um",
        time_unit="s",
        **attributes,
    )
    h5md.write(results.folder / "trajectory.h5", trajectory)
    with unsealed(results.folder / "statistics/experiment.h5") as file:
        file["d2min"].attrs["together"] = 0.05
    return Results(results.folder, results.settings)


def test_an_overdamped_film_is_asked_what_it_can_answer(results: Results) -> None:
    asked = [light.question for light in verdict.lights(results)]
    liquid = overdamped(results)
    lights = {light.question: light for light in verdict.lights(liquid)}
    assert len(lights) == len(asked) == 6
    assert "D = 0.2" in lights["Are the steps above the noise?"].sentence
    assert lights["Are the steps above the noise?"].state == "good"
    assert "mean squared displacement" in lights["Does the motion of particles match?"].sentence
    assert lights["Does the structure match?"].state != "unknown"
    assert not any("not resolved" in said for said in claims.unsupported(liquid))
    assert "D = kT" in claims.model(liquid)


def test_the_first_screen_says_regime_container_and_viscosity(results: Results) -> None:
    edge = {"closed": True, "why": "0 tracks begin and 0 end at the edge", "entries": 0}
    liquid = overdamped(results, edge=edge)
    said = claims.circumstances(liquid)
    assert said[0].startswith("The motion is overdamped: the velocity is forgotten")
    assert "viscosity" not in said[0]
    assert said[1] == "0 tracks begin and 0 end at the edge."
    liquid.settings = SETTINGS.replace(sample=Sample(radius=0.5, temperature=295.0))
    # k_B T / (6 pi D R) = 1.380649e-23 x 295 / (6 pi x 0.2e-12 x 0.5e-6) Pa s
    assert "a viscosity of 2.16" in claims.circumstances(liquid)[0]


@pytest.mark.parametrize(
    ("model", "counts", "words"),
    [
        (0.25, 0.25, "knows what holds a particle back"),  # a lag hinders, never helps
        (0.2, 0.2, ""),
        (0.15, 0.2, "contradicts it"),
    ],
)
def test_d_of_lags_and_of_the_model_are_weighed(
    results: Results, model: float, counts: float, words: str
) -> None:
    liquid = overdamped(results)
    with unsealed(results.folder / RUN / "learned.h5") as file:
        file["bath/brownian"] = [1]
        for name, factor in (("diffusion", 1.0), ("low_diffusion", 0.97), ("high_diffusion", 1.03)):
            file[f"bath/{name}"] = [factor * model / fixture.SPACING**2]
    assert diffusion.alone(liquid)[0] == pytest.approx(counts)
    said = claims.circumstances(liquid)[0]
    assert f"D = {counts:g} (95 %" in said
    assert words in said
    assert ("The model" in said or "the model's" in said) == bool(words)
    elsewhere = Results(results.folder, SETTINGS.replace(models_of="elsewhere"))
    assert diffusion.of_model(elsewhere) is None


def test_models_of_another_film_are_said_to_be(results: Results) -> None:
    other = Results(results.folder, SETTINGS.replace(models_of="elsewhere"))
    assert "trained on another data set, elsewhere" in claims.circumstances(other)[-1]


def test_a_model_of_brownian_motion_shows_no_entropies(results: Results) -> None:
    assert learned.pair_law(results).table.curve.str.contains("friction").any()
    brownian = record(results, bath="brownian")
    for figure in (learned.state, learned.friction, learned.latent, learned.histograms):
        with pytest.raises(Absent, match="neither entropies"):
            figure(brownian)
    assert not learned.pair_law(brownian).table.curve.str.contains("friction").any()


def test_active_particles_are_called_so_with_numbers(results: Results) -> None:
    trajectory = results.trajectory()
    rng = np.random.default_rng(0)
    angle = rng.uniform(0, 7, len(trajectory.particle))
    heading = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    turns = np.where(np.arange(len(trajectory.time)) // 4 % 2, -1.0, 1.0)  # runs of four steps
    along = 20.0 * np.cumsum(turns)[:, None, None] * heading
    swimming = film(results, trajectory._replace(position=trajectory.position + along))
    said = claims.driven(swimming)
    assert "The particles are active" in said
    assert re.search(r"mean over rms (1|0\.9\d*), 95 %: 0\.9.*, and 0\.89 by Maxwell", said)
    drive = 20.0 / trajectory.dt
    told = re.search(r"A drive of ([\d.e+−-]+) px/frame, 95 %", said)
    speed = float(told[1].replace("−", "-"))
    assert speed == pytest.approx(drive, rel=0.02)


def test_the_learned_force_is_held_against_the_law_of_a_simulated_film(results: Results) -> None:
    with pytest.raises(Absent, match="shown as the law of its pairs"):
        truth.force(results)
    r = np.linspace(0.5, 12.0, 100)
    content = json.loads((results.folder / "truth.json").read_text())
    law = {"regime": "overdamped", "r": r.tolist(), "force_kT": np.exp(-r).tolist()}
    (results.folder / "truth.json").write_text(json.dumps({**content, "law": law}))
    with unsealed(results.folder / RUN / "learned.h5") as file:
        pairs = file["pair_force"]
        pairs.create_dataset("count", data=np.ones(len(pairs["r"])))
    again = Results(results.folder, results.settings)
    made = truth.force(again)
    assert set(made.table["source"]) == {"law", "learned"}
    assert "The learned force is off by" in made.caption
    assert (
        truth.tracking(again)
        .data.set_index("Quantity")
        .loc["Motion of the simulated particles", "Value"]
        == "overdamped"
    )
