"""Strengths of single particles: a mixture is told apart, a trait is found."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
import torch

from pipeline import graphs
from pipeline.learn.latent import Latent
from pipeline.learn.learned_curves import latent_groups, power
from pipeline.learn.settings import Training
from pipeline.learn.train import train
from pipeline.learn.trained_model import load
from pipeline.split import Split
from tests.dynamics.systems import CUTOFF, LENGTH, SIDE, simulated


def latent(count: int = 10) -> Latent:
    met = np.ones(count, dtype=bool)
    met[-2:] = False
    made = Latent(np.arange(count) + 7, met, met)
    made.log_s.data = torch.randn(count, generator=torch.Generator().manual_seed(0))
    return made


def test_correlation_with_a_trait_is_stored() -> None:
    made = latent()
    size = 2 * np.exp(made.centred().detach().double().numpy()) + 5
    group = latent_groups(made, {"size": size, "mass": np.full(10, np.nan)})["strength"]
    assert len(group["s"]) == 8
    assert group["correlation_size"] == pytest.approx(1.0)
    assert "mass" not in group
    assert group["count"].sum() == 8


@pytest.mark.slow
def test_a_mixture_of_two_strengths_is_told_apart(tmp_path) -> None:
    """The model's own gas of two kinds, nothing said about which is which."""
    kinds = np.where(np.random.default_rng(3).random(SIDE * SIDE) < 0.5, 0.75, 1.25)
    window = simulated(400, friction=0.05, before=60, strength=kinds).trajectory
    window = window._replace(species=(kinds > 1).astype(np.int32))
    settings = Training(
        split=Split(train=0.8, validation=0.1),
        steps=300,
        batch=4,
        validate_every=100,
        validation_snapshots=4,
        rollout_steps=2,
        strength_rate=0.03,
    )
    train(window, graphs.build(window, CUTOFF * LENGTH), settings, tmp_path, seed=0)
    learned = load(tmp_path)
    truth = np.log(kinds)[np.searchsorted(window.particle, learned.met)]
    assert np.corrcoef(learned.log_s, truth)[0, 1] > 0.9
    assert np.std(learned.log_s) == pytest.approx(np.std(truth), rel=0.25)
    with h5py.File(tmp_path / "learned.h5") as file:
        assert file["strength/correlation_species"][()] > 0.9
    strength = learned.conditions(window, seed=0).strength
    assert strength is not None
    assert np.corrcoef(strength, kinds)[0, 1] > 0.9


def test_an_exponent_is_that_of_the_distances_where_pairs_are() -> None:
    """A force that steepens, far from where nearly all pairs are; one that is a power law."""
    r = torch.linspace(0.7, 1.5, 41, dtype=torch.float64)
    bent = torch.where(r < 1.1, r**-4, 1.1**2 * r**-6)
    often = torch.where(r < 1.1, 2000.0, 40.0).double()
    found = power({"r": r, "value": bent, "count": often})
    assert found is not None
    assert float(found.value) == pytest.approx(-4.0, abs=0.05)
    pure = power({"r": r, "value": r**-4, "count": often})
    assert pure is not None
    assert float(pure.value) == pytest.approx(-4.0, abs=1e-6)
    assert pure.between[0] == pytest.approx(0.7)
    assert pure.between[1] == pytest.approx(0.7 * 10**0.25, abs=0.03)
