"""Training to its end, to an interruption and to divergence.

Training: resumed equals uninterrupted, files without code, and what is learned.

A training whose loss stops being a number: what it had reached by then is kept.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file

from pipeline import graphs
from pipeline.learn import callbacks, refinement
from pipeline.learn.data import Transitions
from pipeline.learn.learner import Learner
from pipeline.learn.settings import Training
from pipeline.learn.task import prepare
from pipeline.learn.train import train
from pipeline.learn.trainee import Diverged
from pipeline.split import Split
from pipeline.trajectory import Trajectory
from tests.dynamics.systems import CUTOFF, LENGTH, simulated
from tests.learn.quick import quick_train

SETTINGS = Training(
    split=Split(train=0.5, validation=0.2),
    steps=30,
    batch=3,
    validate_every=10,
    validation_snapshots=4,
    rollout_steps=3,
)


@pytest.fixture(scope="module")
def data() -> tuple[Trajectory, graphs.Graphs]:
    window = simulated(40).trajectory
    return window, graphs.build(window, CUTOFF * LENGTH)


def noisy(window: Trajectory, sigma: float) -> Trajectory:
    """The same as a camera would have it: positions with error, velocities their differences."""
    error = sigma * np.random.default_rng(5).normal(size=window.position.shape)
    position = window.position + error
    velocity = np.diff(position, axis=0, prepend=position[:1]) / window.dt
    present = window.present.copy()
    present[0] = False
    attributes = {
        **window.attributes,
        "localisation_error": sigma,
        "velocity": "backward difference",
    }
    return window._replace(
        position=position, velocity=velocity, present=present, attributes=attributes
    )


def table(folder: Path) -> list[dict[str, str]]:
    with open(folder / "training.csv", newline="") as file:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]


@pytest.mark.parametrize(
    "optimizer", ["adam", pytest.param("gauss_newton", marks=pytest.mark.slow)]
)
def test_interrupted_and_resumed_equals_uninterrupted(
    data, tmp_path, monkeypatch, optimizer
) -> None:
    """With everything random switched on: the draws of the corrected score among it."""
    seen = noisy(data[0], 0.01 * LENGTH)
    data = (seen, graphs.build(seen, CUTOFF * LENGTH))
    short = SETTINGS.replace(steps=15, newton_steps=15, validate_every=5, optimizer=optimizer)
    assert prepare(*data, short, 3).learner.corrected
    # The slow one goes on to the whole steps at the end.
    run = quick_train if optimizer == "adam" else train
    run(*data, short, tmp_path / "whole", seed=3)
    original = callbacks.Bar.on_train_batch_end

    def interrupt(self, trainer, *rest) -> None:
        if trainer.global_step == 8:
            raise RuntimeError("killed")
        original(self, trainer, *rest)

    monkeypatch.setattr(callbacks.Bar, "on_train_batch_end", interrupt)
    with pytest.raises(RuntimeError, match="killed"):
        run(*data, short, tmp_path / "broken", seed=3)
    monkeypatch.undo()
    assert not (tmp_path / "broken" / "model.safetensors").exists()
    run(*data, short, tmp_path / "broken", seed=3)
    whole, broken = (
        load_file(tmp_path / name / "model.safetensors") for name in ("whole", "broken")
    )
    assert all(torch.equal(whole[name], broken[name]) for name in whole)
    assert table(tmp_path / "whole") == table(tmp_path / "broken")
    last = (tmp_path / name / "checkpoints" / "last.ckpt" for name in ("whole", "broken"))
    states = [torch.load(path, weights_only=True)["state_dict"] for path in last]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


@pytest.mark.slow
def test_a_checkpoint_of_other_settings_is_not_resumed(data, tmp_path) -> None:
    short = SETTINGS.replace(steps=4, validate_every=2)
    quick_train(*data, short, tmp_path / "both", seed=0)
    quick_train(*data, short.replace(batch=2), tmp_path / "both", seed=0)
    quick_train(*data, short.replace(batch=2), tmp_path / "fresh", seed=0)
    both, fresh = (load_file(tmp_path / n / "model.safetensors") for n in ("both", "fresh"))
    assert all(torch.equal(both[name], fresh[name]) for name in both)
    quick_train(*data, short.replace(batch=2), tmp_path / "both", seed=0)
    again = load_file(tmp_path / "both" / "model.safetensors")
    assert all(torch.equal(again[name], fresh[name]) for name in again)


@pytest.mark.parametrize(
    "variant",
    [{"loss": "paper", "entropy": "teacher"}, {"closures": "networks", "precision": "float64"}],
)
def test_variants_train(data, tmp_path, monkeypatch, variant) -> None:
    monkeypatch.setattr(refinement, "STEPS", 2)
    short = SETTINGS.replace(**variant, steps=6, validate_every=3)
    train(*data, short, tmp_path, seed=0)
    assert np.isfinite(float(table(tmp_path)[-1]["validation_nll"]))


def test_first_loss_is_sane(data) -> None:
    """Forces and noise start by explaining the velocity changes in size."""
    task = prepare(*data, SETTINGS, 0)
    item = (
        task.snapshots.batch(task.sample.times[:5]),
        task.snapshots.after(task.sample.times[:5]),
    )
    terms = task.learner.terms(type("Item", (), {"now": item[0], "after": item[1]}))
    ideal = np.log(task.measured.change)
    assert abs(float(terms["nll"]) - ideal - 1.0) < 2.0
    assert float(terms["anchor"]) < 1.0


def test_models_of_all_seeds_are_judged_on_the_same_simulated_errors(data) -> None:
    seen = noisy(data[0], 0.01 * LENGTH)
    task = prepare(seen, graphs.build(seen, CUTOFF * LENGTH), SETTINGS, 0)
    item, learner = Transitions(task.snapshots)[task.validation[:1].tolist()], task.learner
    found = []
    for seed in (0, 1):
        learner.options = SETTINGS.replace(seed=seed)
        with torch.no_grad():
            found.append(
                (float(learner.validate(item, 0)["nll"]), float(learner.terms(item)["nll"]))
            )
    assert found[0][0] == found[1][0]
    assert found[0][1] != found[1][1]


def test_unknown_setting_is_refused(data, tmp_path) -> None:
    with pytest.raises(ValueError, match="learning_rates"):
        train(*data, SETTINGS.replace(learning_rates=1.0), tmp_path, seed=0)
    with pytest.raises(ValueError, match="splines, splines_solid"):
        train(*data, SETTINGS.replace(closures="tables"), tmp_path, seed=0)


@pytest.fixture
def run(data, monkeypatch, tmp_path):
    """``run(step)``: a training of 30 steps whose loss is no number from that step on."""
    original = Learner.terms

    def start(step: int):
        def terms(self, item, draw=None):
            found = original(self, item, draw)
            return found | {"nll": found["nll"] * torch.nan} if self.global_step >= step else found

        monkeypatch.setattr(Learner, "terms", terms)
        quick_train(*data, SETTINGS, tmp_path, seed=3)
        return tmp_path

    return start


def test_it_ends_with_the_best_checkpoint_and_says_so(run, capsys) -> None:
    folder = run(14)
    assert (folder / "model.safetensors").exists()
    record = yaml.safe_load((folder / "model.yaml").read_text())["training"]
    assert record["best_step"] == 10
    assert "became non-finite at step 14 (terms: nll)" in record["ended"]
    assert "The best checkpoint so far is kept." in capsys.readouterr().err


def test_without_any_checkpoint_it_is_an_error(run) -> None:
    with pytest.raises(Diverged, match="non-finite at step 4"):
        run(4)
