"""All statistics of a source: complete on good data, honest on poor, the same again from disk."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.analysis.experiment import noise_floors
from pipeline.analysis.plan import described, plan
from pipeline.analysis.settings import Statistics
from pipeline.analysis.statistics import measure, read, write

ROLLERS = Path(__file__).parents[2].parent / "shared/data/quincke_rollers"


GROUPS = {
    "rdf": {"r", "value", "low", "high"},
    "vacf": {"lag", "value", "low", "high", "raw"},
    "msd": {"lag", "value", "low", "high"},
    "d2min": {"lag", "mean", "std", "median", "low", "high", "fraction"},
    "d2min_histogram": {"edges", "density"},
    "d2min_map": {"position", "value", "particle"},
    "d2min_correlation": {"r", "value"},
    "d2min_film": {"row", "value", "particle"},
    "streamlines": {"position", "displacement"},
}


def liquid(recording, steps=30, count=400, dimension=2, **fields):
    generator = np.random.default_rng(0)
    start = generator.uniform(size=(count, dimension)) * count ** (1 / dimension)
    walk = np.cumsum(0.05 * generator.standard_normal((steps, count, dimension)), axis=0)
    return recording(start + walk, count ** (1 / dimension), **fields)


@pytest.mark.parametrize("dimension", [2, 3])
def test_good_data_give_every_group_with_its_interval(recording, dimension):
    trajectory = liquid(recording, dimension=dimension)
    found = measure(trajectory, plan(trajectory, 1.0, Statistics(snapshots=10, origins=20)))
    for name, columns in GROUPS.items():
        assert found[name].missing == ""
        assert columns <= set(found[name].data), name
    for name in ("rdf", "vacf", "msd"):
        data = found[name].data
        counted = np.isfinite(data["value"])
        assert (data["low"] <= data["value"])[counted].all()
        assert (data["value"] <= data["high"])[counted].all()
    density = found["d2min_histogram"].data
    decades = np.diff(np.log10(density["edges"]))
    np.testing.assert_allclose(np.sum(density["density"] * decades), 1.0)
    assert {"cutoff", "normalisation", "reference", "threshold"} <= set(found["d2min"].attributes)


def test_a_file_gives_back_what_was_measured(recording, tmp_path):
    trajectory = liquid(recording)
    settings = plan(trajectory, 1.0, Statistics(snapshots=5, origins=5))
    found = measure(trajectory, settings)
    found["noise_floor"] = noise_floors(found)
    write(tmp_path / "a.h5", found, {"source": "experiment", "settings": described(settings)})
    again, attributes = read(tmp_path / "a.h5")
    assert attributes["source"] == "experiment"
    assert set(again) == set(found)
    for name, metric in found.items():
        assert set(again[name].data) == set(metric.data)
        for key, value in metric.data.items():
            np.testing.assert_array_equal(again[name].data[key], value)
        assert again[name].attributes == pytest.approx(metric.attributes)
    assert not list(tmp_path.glob("*.partial"))


@pytest.mark.parametrize("steps", [2, 3, 9])
@pytest.mark.parametrize("count", [1, 2, 5, 40])
def test_short_and_dilute_input_is_measured_or_says_why_not(recording, steps, count, tmp_path):
    trajectory = liquid(recording, steps, count)
    if count == 1:
        trajectory = trajectory._replace(driven=np.zeros((steps, 1), bool))
    settings = plan(trajectory, 1.0)
    found = measure(trajectory, settings)
    found["noise_floor"] = noise_floors(found)
    for name in GROUPS:
        metric = found[name]
        assert GROUPS[name] <= set(metric.data) or metric.missing.endswith("."), name
    assert not found["msd"].missing
    if count < 3:
        assert "too dilute" in found["d2min"].missing
        assert "pairs" in found["rdf"].missing
    write(tmp_path / "a.h5", found, {})
    assert read(tmp_path / "a.h5")[0]["rdf"].missing == found["rdf"].missing


def test_nobody_free_or_nobody_moving_is_said(recording):
    trajectory = liquid(recording, 5, 30)
    settings = plan(trajectory, 1.0)
    driven = measure(trajectory._replace(driven=np.ones((5, 30), bool)), settings)
    assert all(metric.missing for metric in driven.values())
    still = trajectory._replace(velocity=np.zeros_like(trajectory.velocity))
    assert "moves" in measure(still, settings)["vacf"].missing


def test_only_selected_particles_and_rows_count(recording):
    trajectory = liquid(recording)
    moved = trajectory.position.copy()
    moved[:, :200] = trajectory.position[0, :200]
    moved[:10] = trajectory.position[:10]
    trajectory = trajectory._replace(position=moved)
    settings = plan(trajectory.window(slice(10, 30)), 1.0)
    select = np.arange(400) < 200
    still = measure(trajectory, settings, select, slice(10, 30))
    np.testing.assert_allclose(still["msd"].data["value"], 0.0, atol=1e-10)
    assert set(still["d2min_map"].data["particle"]) <= set(range(200))
    assert still["d2min_map"].attributes["time"] == 10.0


@pytest.mark.skipif(not ROLLERS.is_dir(), reason="the roller video is not beside the checkout")
def test_rollers_show_the_published_facts(recording):
    with gzip.open(ROLLERS / "reference_tracks.csv.gz") as file:
        tracks = pd.read_csv(file)
    x = tracks.pivot(index="frame", columns="particle", values="x").to_numpy()
    y = tracks.pivot(index="frame", columns="particle", values="y").to_numpy()
    # A part of the image keeps the test short; its density is that of the whole.
    part = np.nanmedian(x, axis=0) < 512
    position = np.stack([x, y], axis=2)[:, part]
    present = np.isfinite(position).all(axis=2)
    trajectory = recording(np.nan_to_num(position), 1024.0, present=present)
    a = 4.61
    found = measure(trajectory, plan(trajectory, a, Statistics(r_max=3.0, origins=1, lag=8)))
    g = found["rdf"].data
    assert abs(g["r"][np.nanargmax(g["value"])] - 4.9) < 0.12
    d2min = dict(zip(found["d2min"].data["lag"], found["d2min"].data["median"] / a**2, strict=True))
    np.testing.assert_allclose([d2min[1], d2min[3], d2min[8]], [0.0047, 0.0103, 0.032], rtol=0.1)


def test_what_measures_a_rollout_is_light():
    """Many such jobs take a second or two each: torch alone would take two more."""
    code = """
import sys, numpy as np
from pipeline import h5md, settings
from pipeline.analysis import conservation, microscope, statistics
from pipeline.neighbours import search
from pipeline.space import free
search(np.zeros((2, 2)), free(2), 1.0)
print([m for m in ("torch", "numba", "matplotlib", "pandas", "scipy.stats") if m in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
