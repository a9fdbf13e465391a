"""Errors, intervals and floors of models beside experiments and replicas.

The table of errors: nothing against itself, small within the noise floor, large for a fake.

Errors over several rollouts and replicas: a model that is the truth is at the floor.
"""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.analysis.comparison import (
    COLUMNS,
    Source,
    comparison,
    replicated,
    spearman,
    top_overlap,
)
from pipeline.analysis.experiment import noise_floors
from pipeline.analysis.metric import missing
from pipeline.analysis.plan import plan
from pipeline.analysis.settings import Statistics
from pipeline.analysis.statistics import ERRORS, measure
from pipeline.trajectory import Box, Trajectory


def walk(recording, seed, step=0.05):
    start = np.random.default_rng(0).uniform(size=(400, 2)) * 20
    generator = np.random.default_rng(seed)
    moves = step * generator.standard_normal((40, 400, 2))
    moves[0] = 0.0
    return recording(start + np.cumsum(moves, axis=0), 20.0)


@pytest.fixture(scope="module")
def experiment(recording):
    trajectory = walk(recording, 1)
    settings = plan(trajectory, 1.0, Statistics(r_max=4.0, snapshots=10, origins=20))
    found = measure(trajectory, settings)
    found["noise_floor"] = noise_floors(found)
    return settings, found


def test_errors_tell_a_good_model_from_a_bad_one(recording, experiment):
    settings, found = experiment
    sources = [
        Source("itself", 0, found),
        Source("same law", 0, measure(walk(recording, 2), settings)),
        Source("too fast", 3, measure(walk(recording, 3, 0.08), settings)),
    ]
    table = comparison("test", found, sources)
    assert list(table.columns) == COLUMNS
    assert len(table) == 3 * (len(ERRORS) + 2)
    value = table.set_index(["model", "metric"])
    for name in ERRORS:
        assert value.loc[("itself", name), "value"] == 0.0
    for name in ("msd", "d2min", "d2min_histogram"):
        good, bad = value.loc[("same law", name)], value.loc[("too fast", name)]
        assert good["value"] < 2 * good["noise_floor"]
        assert bad["low"] > 3 * bad["noise_floor"]
        assert bad["low"] < bad["value"] < bad["high"]
    # MSD of steps 1.6 times as long is 1.6^2 times as large.
    np.testing.assert_allclose(value.loc[("too fast", "msd"), "value"], 1.56, atol=0.1)
    assert value.loc[("itself", "d2min_map_spearman"), "value"] == pytest.approx(1.0)
    assert value.loc[("itself", "d2min_map_top5"), "value"] == 1.0
    assert abs(value.loc[("same law", "d2min_map_spearman"), "value"]) < 0.35


def test_what_a_side_lacks_is_said(recording, experiment):
    settings, found = experiment
    lame = measure(walk(recording, 1).window(slice(0, 10)), settings)
    lame["rdf"] = missing("The model holds no particle.")
    table = comparison("test", found, [Source("lame", 0, lame)]).set_index("metric")
    assert np.isnan(table.loc["rdf", "value"])
    assert table.loc["rdf", "note"] == "model: The model holds no particle."
    assert "of" in table.loc["msd", "note"]
    assert np.isnan(table.loc["d2min_map_top5", "value"])


def test_other_settings_are_refused(recording, experiment):
    _, found = experiment
    other = walk(recording, 1).window(slice(0, 12))
    with pytest.raises(ValueError, match="same settings"):
        comparison("test", found, [Source("other", 0, measure(other, plan(other, 1.0)))])


def test_overlaps_of_maps():
    one = np.arange(100.0)
    weight = np.ones((1, 100))
    assert spearman(one, one**3, weight) == pytest.approx(1.0)
    assert spearman(one, -one, weight) == pytest.approx(-1.0)
    assert np.isnan(spearman(one, np.zeros(100), weight))
    assert top_overlap(one, one**2, weight) == 1.0
    assert top_overlap(one, -one, weight) == 0.0
    generator = np.random.default_rng(0)
    chance = [top_overlap(one, generator.permutation(one), weight) for _ in range(2000)]
    assert abs(np.mean(chance) - 0.05) < 0.01


def test_a_rollout_that_stopped_is_noted(recording, experiment):
    _, found = experiment
    early = Source("gns", 0, found, "Stopped after 3 of 40 snapshots: a particle is too fast.")
    table = comparison("test", found, [Source("itself", 0, found), early])
    notes = table.groupby("model")["note"].unique()
    assert list(notes["gns"]) == ["diverged: Stopped after 3 of 40 snapshots"]
    assert list(notes["itself"]) == [""]


def test_errors_of_several_rollouts_are_averaged_and_their_scatter_widens_the_interval(
    recording, experiment
):
    settings, found = experiment
    runs = [
        Source("law", 0, measure(walk(recording, k, 0.05 + 0.01 * k), settings)) for k in (2, 6)
    ]
    alone = [comparison("test", found, [run]).set_index("metric").loc["msd"] for run in runs]
    both = comparison("test", found, runs).set_index("metric").loc["msd"]
    assert both["value"] == pytest.approx((alone[0]["value"] + alone[1]["value"]) / 2)
    assert both["low"] < alone[1]["low"]
    assert both["high"] > alone[0]["high"]


FRAMES, COUNT, DT, DECAY = 400, 60, 0.1, 0.9


def run(seed: int, speed: float = 1.0, decay: float = DECAY) -> Trajectory:
    """Independent Ornstein-Uhlenbeck particles in a periodic box."""
    rng = np.random.default_rng(seed)
    v = np.empty((FRAMES, COUNT, 3))
    v[0] = rng.normal(size=v.shape[1:])
    for t in range(1, FRAMES):
        v[t] = decay * v[t - 1] + np.sqrt(1 - decay**2) * rng.normal(size=v.shape[1:])
    v *= speed
    r = (rng.uniform(0, 5, v.shape[1:]) + np.cumsum(v * DT, axis=0)) % 5.0
    known = np.ones((FRAMES, COUNT), bool)
    units = {"length_unit": "1", "time_unit": "1", "velocity": "measured"}
    return Trajectory(
        r, v, known, ~known, np.arange(FRAMES) * DT, np.zeros(FRAMES, np.int32), np.arange(COUNT),
        np.zeros(COUNT, np.int32), Box(np.full(3, 5.0), (True,) * 3, np.zeros(3)),
        {"dataset": "ou", "dt": DT, "localisation_error": 0.0, "synthetic": True, **units}, {},
    )  # fmt: skip


def table(truths: int, *sources: tuple[str, Trajectory]):
    options = Statistics(longest_lag=20, rearrangements=False, paper_window=50, snapshots=20)
    settings = plan(run(0), 1.0, options)
    measured = [measure(run(k), settings) for k in range(truths)]
    found = [Source(name, 0, measure(made, settings)) for name, made in sources]
    return replicated("ou", measured, found).set_index(["model", "metric"])


def test_another_run_of_the_truth_is_at_the_noise_floor_and_a_wrong_law_is_not():
    good = [("good", run(10 + k)) for k in range(4)]
    slow = [("slow", run(20 + k, decay=0.7)) for k in range(4)]
    hot = [("hot", run(30 + k, speed=1.3)) for k in range(4)]
    found = table(4, *good, *slow, *hot)
    for metric in ("vacf", "vacf_raw", "msd"):
        floor = found.loc[("good", metric), "noise_floor"]
        assert 0.2 * floor < found.loc[("good", metric), "value"] < 2 * floor
        assert found.loc[("slow", metric), "low"] > 3 * floor
    # Normalising hides a wrong temperature, the plain curve shows it: 1.3^2 - 1 = 0.69.
    assert found.loc[("hot", "vacf"), "value"] < 0.15
    assert abs(found.loc[("hot", "vacf_raw"), "value"] - 0.69) < 0.15


def test_one_rollout_of_the_papers_window_scatters_more_than_all_origins():
    found = table(4, *[("good", run(10 + k)) for k in range(4)])
    for metric in ("vacf", "msd"):
        name = f"{metric}_paper"
        assert found.loc[("good", name), "value"] > found.loc[("good", metric), "value"]
        assert found.loc[("good", name), "low"] < found.loc[("good", name), "value"]


def test_the_papers_window_is_the_last_snapshots_from_their_first():
    made = run(0)
    settings = plan(made, 1.0, Statistics(rearrangements=False, paper_window=50))
    found = measure(made, settings)["msd_paper"].data
    step = made.velocity[-49:] * DT
    moved = (np.cumsum(step, axis=0) ** 2).sum(axis=2).mean(axis=1)
    np.testing.assert_allclose(found["value"][1:], moved, rtol=1e-9)


def test_what_was_not_asked_for_says_so():
    found = table(2, ("good", run(10)))
    assert "not asked for" in found.loc[("good", "d2min"), "note"]
    assert np.isnan(found.loc[("good", "d2min"), "value"])
