"""What a trained model is: complete on disk, at home in its units, at its own temperature."""

from __future__ import annotations

import csv
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from pipeline import graphs
from pipeline.dynamics.rollout import rollout
from pipeline.errors import InputError
from pipeline.lammps.export import of_learned
from pipeline.learn import refinement
from pipeline.learn.settings import Training
from pipeline.learn.train import train
from pipeline.learn.trained_model import Learned, load
from pipeline.split import Split, blocks
from pipeline.trajectory import Trajectory
from tests.dynamics.systems import CUTOFF, LENGTH, conditions, gas, lattice, simulated
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


@pytest.fixture(scope="module")
def short(data, tmp_path_factory) -> Learned:
    """What two steps of training leave behind."""
    folder = tmp_path_factory.mktemp("short")
    quick_train(*data, SETTINGS.replace(steps=2, validate_every=2), folder, seed=0)
    return load(folder)


def table(folder: Path) -> list[dict[str, str]]:
    with open(folder / "training.csv", newline="") as file:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]


def test_what_is_written_is_enough(data, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(refinement, "STEPS", 2)
    train(*data, SETTINGS, tmp_path, seed=0)
    rows = table(tmp_path)
    assert [row["step"] for row in rows] == ["10", "20", "30"]
    assert {"train_nll", "validation_nll", "anchor", "pair", "entropy"} <= set(rows[0])
    learned = load(tmp_path)
    window = data[0].window(blocks(data[0], 0.5, 0.2)["test"])
    settings = learned.conditions(window, seed=1)
    assert np.array_equal(settings.z, learned.z)
    done = rollout(window, learned.model, settings, 1, progress=False)
    assert len(done.trajectory.time) == len(window.time), done.stopped
    with h5py.File(tmp_path / "learned.h5") as file:
        groups = {"kernel", "pair_force", "pair_friction", "energy", "friction", "latent"}
        assert groups <= set(file)
        assert all(np.isfinite(file["pair_force/value"][:]))


def test_another_sample_begins_at_its_own_temperature(data, short) -> None:
    seen, measured = (short.record[key] for key in ("seen", "measured"))
    window = data[0].window(blocks(data[0], 0.5, 0.2)["test"])
    hot = 1.5 * measured["temperature"] * short.conditions(window, 0).units.velocity ** 2
    for dataset, share in ((window.attributes["dataset"], None), ("another", 1.5)):
        there = window.noting(dataset=dataset)
        conditions = short.conditions(there, seed=1, before=hot)
        assert conditions.beginning == (share and pytest.approx(share * seen["mean_T"]))
    done = rollout(there, short.model, conditions, 1, progress=False)
    assert done.trajectory.extra["temperature"][0].mean() == pytest.approx(1.5 * seen["mean_T"])


def test_in_reduced_units_a_sample_of_another_size_moves_alike(data, short) -> None:
    """Lengths times 3, times times 5: the same rollout, scaled."""
    window = data[0].window(blocks(data[0], 0.5, 0.2)["test"])
    units, T = short.record["units"], short.record["measured"]["temperature"]
    before = T * (units["length"] / units["time"]) ** 2
    box = window.box._replace(lengths=3 * window.box.lengths, origin=3 * window.box.origin)
    other = window._replace(
        position=3 * window.position,
        velocity=0.6 * window.velocity,
        time=5 * window.time,
        box=box,
        attributes={**window.attributes, "dt": 5 * window.dt, "dataset": "another"},
    )
    grown = short.reduced(3 * units["length"], 0.36 * before)
    found = [
        rollout(there, law.model, law.conditions(there, 1, before=heat), 1, progress=False)
        for there, law, heat in (
            (window.noting(dataset="another"), short, before),
            (other, grown, 0.36 * before),
        )
    ]
    one, many = (done.trajectory.position for done in found)
    assert np.allclose(many[:5], 3 * one[:5], atol=1e-3 * units["length"])


def test_nothing_that_rests_has_units_of_time(short) -> None:
    with pytest.raises(InputError, match=r"must be above 0.*rollout\.reduced"):
        short.reduced(1.0, 0.0)


@pytest.mark.slow
def test_modes_of_memory_are_found_kept_and_rolled_out(tmp_path) -> None:
    """From a gas in a viscoelastic medium; the plugin, which has no modes, refuses the model."""
    truth, tau = gas(friction=0.03), 4.0
    memory = truth.remember("maxwell", 1)
    memory.set(*(torch.tensor([x], dtype=torch.float64) for x in (tau, 0.03, 0.0)), 1e-3)
    window = rollout(lattice(140), truth, conditions(), 0, progress=False).trajectory
    window = window.window(slice(20, None))
    near = graphs.build(window, CUTOFF * LENGTH)
    train(window, near, SETTINGS.replace(memory="maxwell"), tmp_path, seed=0)
    learned = load(tmp_path)
    record = learned.record["memory"]
    assert record["modes"] >= 1
    assert record["trials"][0]["kept"]
    assert learned.model.memory.time().numpy() == pytest.approx(record["time"]["value"])
    with h5py.File(tmp_path / "learned.h5") as file:
        assert abs(file["residuals/memory"][0]) < abs(record["without"][0])
    test = window.window(blocks(window, 0.5, 0.2)["test"])
    done = rollout(test, learned.model, learned.conditions(test, seed=1), 1, progress=False)
    assert not done.stopped
    assert np.ptp(done.observables["bath_heat"]) > 0
    with pytest.raises(InputError, match="does not move: train with memory: none"):
        of_learned(learned)


def test_units_of_another_trajectory_are_refused(data, short) -> None:
    other = data[0]._replace(attributes={**data[0].attributes, "length_unit": "px"})
    with pytest.raises(ValueError, match="length_unit"):
        short.conditions(other, seed=0)
