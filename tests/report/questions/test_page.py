"""The page of the open questions: answered where there is what they need, and else why not."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import yaml
from scipy.linalg import expm

from pipeline import h5md
from pipeline.analysis import statistics
from pipeline.analysis.metric import Metric
from pipeline.analysis.metric import curve as measured
from pipeline.report import style
from pipeline.report.page import render
from pipeline.report.questions import activity, amplitude, comparisons, entropy, memory
from pipeline.report.questions.asked import Asked
from pipeline.report.questions.page import content
from pipeline.report.results import Absent
from pipeline.settings import Questions, Settings
from pipeline.simulate.systems import SYSTEMS
from tests.edits import MEMORY, noted, unsealed

ROWS = 2000
OURS = "metriplectic"


@pytest.fixture(scope="module")
def root(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The random walk with a second training, whose entropies are 0.8 alike."""
    made = tmp_path_factory.mktemp("questions") / "results"
    shutil.copytree(folder, made / "walk")
    shutil.copytree(made / "walk/metriplectic/seed0", made / "walk/metriplectic/seed1")
    rng = np.random.default_rng(0)
    one, noise = rng.normal(size=(2, ROWS))
    known = {"particle": np.arange(ROWS) % 80, "snapshot": np.arange(ROWS) // 80}
    known |= {"T": one + 5.0, "V": rng.normal(size=ROWS)}
    for seed, S in enumerate((one, 0.8 * one + 0.6 * noise + 3.0)):
        with unsealed(made / f"walk/metriplectic/seed{seed}/learned.h5") as file:
            for name, value in ({"S": S} | known).items():
                file[f"entropy/{name}"] = value
            file["latent/particle"] = np.arange(80)
            file["latent/size"] = np.repeat([2.0, 2.4], 40)
    return made


def asked(root: Path, **questions: tuple[str, ...]) -> Asked:
    nothing = dict.fromkeys(
        ("amplitude", "architecture", "entropy", "memory", "transfer", "activity"), ()
    )
    settings = {"walk": Settings(models=("metriplectic", "gns_sde"))}
    return Asked(root, settings, Questions(**{**nothing, **questions}))


def test_entropies_of_two_seeds_agree_as_much_as_was_put_in(root):
    found = entropy.of(asked(root, entropy=("walk",)), "walk")
    assert found.worst.value == pytest.approx(0.8, abs=0.03)
    assert found.worst.low < 0.8 < found.worst.high
    row = entropy.table(asked(root, entropy=("walk",))).rows[0]
    assert row[:2] == ["walk", "2"]
    assert row[4] == "–"  # nobody knows the true one
    assert row[6].startswith("temperature 100 %, volume 0")
    assert entropy.light(asked(root, entropy=("walk",))).state == "fair"
    assert len(entropy.figure(asked(root, entropy=("walk",))).table) == ROWS


def test_a_constant_of_each_particle_is_open_where_changes_agree(root, tmp_path):
    shutil.copytree(root / "walk", tmp_path / "walk")
    with h5py.File(root / "walk/metriplectic/seed0/learned.h5") as file:
        first = file["entropy/S"][:]
    own = 5.0 * np.random.default_rng(1).normal(size=80)
    with unsealed(tmp_path / "walk/metriplectic/seed1/learned.h5") as file:
        file["entropy/S"][:] = first + own[np.arange(ROWS) % 80]
    light = entropy.light(asked(tmp_path, entropy=("walk",)))
    assert light.state == "fair"
    assert light.sentence.endswith("of what changes in time 1.00.")


def test_other_snapshots_are_not_compared(root, tmp_path):
    shutil.copytree(root / "walk", tmp_path / "walk")
    with unsealed(tmp_path / "walk/metriplectic/seed1/learned.h5") as file:
        file["entropy/snapshot"][:] += 1
    light = entropy.light(asked(tmp_path, entropy=("walk",)))
    assert light.state == "unknown"
    assert "not on the same snapshots" in light.sentence


def test_rearrangements_of_the_walk_itself_are_as_large(root, tmp_path):
    shutil.copytree(root / "walk", tmp_path / "walk")
    place = tmp_path / "walk" / "statistics"
    shutil.copy(place / "experiment.h5", place / "metriplectic_seed0.h5")
    ratio = asked(tmp_path, amplitude=("walk",)).each("amplitude", amplitude.of)["walk"][OURS]
    assert ratio.value[0] == pytest.approx(1.0)
    assert ratio.value[1] <= 1.0 <= ratio.value[2]
    short, note = statistics.read(place / "metriplectic_seed0.h5")
    for name in ("numerator", "denominator"):
        short["d2min"].data[name][:, -1] = 0.0
    statistics.write(place / "metriplectic_seed0.h5", short, note)
    light = amplitude.light(asked(tmp_path, amplitude=("walk",)))
    assert light.state == "poor"
    assert light.sentence.endswith("lags: rollouts stopped early.")
    # The fixture's model adds a walk of its own to each particle.
    larger = asked(root, amplitude=("walk",)).each("amplitude", amplitude.of)["walk"][OURS]
    assert larger.value[0] > 1.1
    assert amplitude.light(asked(root, amplitude=("walk",))).state == "poor"


def test_a_model_that_was_trained_elsewhere_is_beside_the_floor(root):
    made = asked(root, transfer=("walk",))
    assert comparisons.light(made).state == "unknown"
    made.settings["walk"] = made.settings["walk"].replace(models_of="other")
    (row,) = comparisons.transfers(made).rows
    assert row[:2] == ["other", "walk"]
    assert re.fullmatch(r"[\d.]+ % \([\d.]+ % to [\d.]+ %\), floor [\d.]+ %", row[2])
    rows = pd.read_csv(root / "walk/comparison.csv").query("model == 'metriplectic'")
    rows = rows[rows["metric"].isin(["vacf", "vacf_raw", "rdf", "msd"])]
    worst = float((rows["value"] / rows["noise_floor"]).max())
    assert comparisons.light(made).sentence.endswith(f"walk: {worst:.1f}.")


def velocities(curve: np.ndarray, scatter: float = 0.002) -> dict[str, Metric]:
    """Statistics of a sample whose velocities are forgotten like a curve, a little noisy."""
    noise = scatter * np.random.default_rng(1).normal(size=(20, len(curve)))
    number = np.full(noise.shape, 1000.0)
    return {"vacf": measured(number * (curve + noise), number, lag=np.arange(len(curve)))}


def test_data_that_remember_are_told_from_rollouts_that_do_not(root, tmp_path):
    shutil.copytree(root / "walk", tmp_path / "walk")
    place, note = tmp_path / "walk/statistics", {"settings": "{}"}
    light = memory.light(asked(tmp_path, memory=("walk",)))
    assert "errors would be read as friction" in light.sentence
    data = h5md.read(tmp_path / "walk/trajectory.h5")
    exact = data._replace(attributes={**data.attributes, "localisation_error": 0.0})
    h5md.write(tmp_path / "walk/trajectory.h5", exact)
    time = np.arange(80) * 0.1
    kept = np.array([expm(np.array([[-0.1, 1.0], [-1.0, -1.0]]) * t)[0, 0] for t in time])
    fading = velocities(np.exp(-0.5 * time))
    statistics.write(place / "experiment.h5", velocities(kept), note)
    statistics.write(place / "metriplectic_seed0.h5", fading, note)
    made = asked(tmp_path, memory=("walk",))
    assert memory.light(made).state == "poor", memory.light(made)
    (row,) = memory.table(made).rows
    assert float(row[3].split()[0]) > 0.5
    assert abs(float(row[4].split()[0].replace("−", "-"))) < 0.1
    with pytest.raises(Absent, match="metriplectic_stride1"):
        memory.strides(made)
    statistics.write(place / "metriplectic_seed0.h5", velocities(kept), note)
    statistics.write(place / "experiment.h5", fading, note)
    assert memory.light(asked(tmp_path, memory=("walk",))).state == "fair"
    statistics.write(place / "metriplectic_seed0.h5", fading, note)
    assert memory.light(asked(tmp_path, memory=("walk",))).state == "good"
    short = velocities(np.exp(-2.0 * np.arange(20)))
    statistics.write(place / "experiment.h5", short, note)
    assert memory.light(asked(tmp_path, memory=("walk",))).state == "unknown"


def test_steps_of_the_model_are_compared_with_the_memory_of_the_data(root, tmp_path):
    """A force that lasts ten intervals, C(t) of dv = s, ds = -v / 400 - s / 10."""
    shutil.copytree(root / "walk", tmp_path / "walk")
    ours, longer = (tmp_path / "walk" / name for name in (OURS, "metriplectic_stride4"))
    shutil.rmtree(ours / "seed1")
    shutil.copytree(ours, longer)
    record = yaml.safe_load((longer / "seed0/model.yaml").read_text())
    noted(longer / "seed0/model.yaml", training=record["training"] | {"stride": 4})
    data = h5md.read(tmp_path / "walk/trajectory.h5")
    exact = data._replace(attributes={**data.attributes, "localisation_error": 0.0})
    h5md.write(tmp_path / "walk/trajectory.h5", exact)
    drift = np.array([[0.0, 1.0], [-1 / 400, -1 / 10]])
    kept = np.array([expm(drift * t)[0, 0] for t in range(120)])
    path = tmp_path / "walk/statistics/experiment.h5"
    statistics.write(path, velocities(kept, 1e-5), {"settings": "{}"})
    made = asked(tmp_path, memory=("walk",))
    made.settings["walk"] = Settings(models=(OURS, "metriplectic_stride4"))
    one, four = memory.strides(made).rows
    assert [one[2], four[2]] == ["1", "4"]
    ended = 1 - np.exp(-4 / 10)
    expected = 10 * ended**2 / (2 * (4 - 10 * ended))
    assert float(four[3]) == pytest.approx(expected, abs=0.05)
    assert float(one[3]) > float(four[3])
    assert len(memory.table(made).rows) == 2
    # Another closure is no other step.
    shutil.copytree(longer, tmp_path / "walk/metriplectic_many_body")
    models = (OURS, "metriplectic_stride4", "metriplectic_many_body")
    made = asked(tmp_path, memory=("walk",), architecture=("walk",))
    made.settings["walk"] = Settings(models=models)
    assert len(memory.strides(made).rows) == 2
    assert [row[1] for row in comparisons.architectures(made).rows] == [
        style.name(model) for model in (OURS, "metriplectic_many_body")
    ]


def test_one_architecture_alone_is_no_comparison(root):
    with pytest.raises(Absent, match="more than one architecture"):
        comparisons.architectures(asked(root, architecture=("walk",)))


def test_modes_of_memory_stand_beside_the_model_without(root, tmp_path):
    shutil.copytree(root / "walk", tmp_path / "walk")
    made = asked(tmp_path, memory=("walk",))
    with pytest.raises(Absent, match="metriplectic_memory"):
        memory.modes(made)
    noted(tmp_path / "walk/metriplectic/seed1/model.yaml", memory=MEMORY)
    without, with_modes = memory.modes(asked(tmp_path, memory=("walk",))).rows
    assert without[2:5] == ["none", "–", "–"]
    assert with_modes[2:5] == ["1 maxwell", "4.2", "0.250 ± 0.030"]


@pytest.mark.slow
def test_the_page_shows_every_part_or_says_why_not(root):
    text = render(content(asked(root, entropy=("walk",), amplitude=("walk",)), {"command": "<x>"}))
    for words in ("Is the entropy unique?", "D²<sub>min</sub>", "<svg", "&lt;x&gt;"):
        assert words in text
    assert "It was asked of no data set." in text


def test_active_matter_is_told_rightly_or_not(root, tmp_path):
    shutil.copytree(root / "walk", tmp_path / "walk")
    made = asked(tmp_path, activity=("walk",))
    with unsealed(tmp_path / "walk/statistics/experiment.h5") as file:
        for name, value in {"alike": 0.88, "speed": 3.0, "share": 0.1}.items():
            for end, factor in {"": 1.0, "_low": 0.99, "_high": 1.01}.items():
                file["d2min"].attrs[f"drive_{name}{end}"] = factor * value
        file["d2min"].attrs["drive_lag"] = 4
    (row,) = activity.table(made).rows
    assert row[3:] == ["–", "–", "passive", "–"]
    assert activity.light(made).state == "unknown"
    states = {"brownian": "good", "active": "poor"}
    for kind, state in states.items():
        made = asked(tmp_path, activity=("walk",))
        made.settings["walk"] = Settings(simulate=SYSTEMS[kind])
        assert activity.light(made).state == state
