"""Errors over several rollouts and replicas: a model that is the truth is at the floor."""

from __future__ import annotations

import numpy as np

from pipeline.analysis.comparison import Source
from pipeline.analysis.replicates import replicated
from pipeline.analysis.settings import Options, plan
from pipeline.analysis.statistics import measure
from pipeline.trajectory import Box, Trajectory

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
    options = Options(longest_lag=20, rearrangements=False, paper_window=50, snapshots=20)
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
    settings = plan(made, 1.0, Options(rearrangements=False, paper_window=50))
    found = measure(made, settings)["msd_paper"].data
    step = made.velocity[-49:] * DT
    moved = (np.cumsum(step, axis=0) ** 2).sum(axis=2).mean(axis=1)
    np.testing.assert_allclose(found["value"][1:], moved, rtol=1e-9)


def test_what_was_not_asked_for_says_so():
    found = table(2, ("good", run(10)))
    assert "not asked for" in found.loc[("good", "d2min"), "note"]
    assert np.isnan(found.loc[("good", "d2min"), "value"])
