"""A training whose loss stops being a number: what it had reached by then is kept."""

from __future__ import annotations

import pytest
import torch
import yaml

from pipeline import graphs
from pipeline.learn.module import Learner
from pipeline.learn.train import train
from pipeline.learn.trainee import Diverged
from tests.dynamics.systems import CUTOFF, LENGTH, simulated
from tests.learn.test_train import SETTINGS


@pytest.fixture
def run(monkeypatch, tmp_path):
    """``run(step)``: a training of 30 steps whose loss is no number from that step on."""
    original = Learner.terms

    def start(step: int):
        def terms(self, item):
            found = original(self, item)
            return found | {"nll": found["nll"] * torch.nan} if self.global_step >= step else found

        monkeypatch.setattr(Learner, "terms", terms)
        window = simulated(40).trajectory
        train(window, graphs.build(window, CUTOFF * LENGTH), SETTINGS, tmp_path, seed=3)
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
