"""One recipe, unaided, on videos that have nothing in common."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile
from scipy import ndimage
from scipy.spatial import cKDTree

from pipeline.simulate.monolayer import simulate
from pipeline.simulate.render import Camera, render
from pipeline.simulate.settings import COLLOIDS
from pipeline.video.detect import features, locate
from pipeline.video.frames import open_run
from pipeline.video.link import link
from pipeline.video.parameters import Given, as_json
from pipeline.video.preprocess import Correction
from pipeline.video.sources import runs
from pipeline.video.spots import mutual
from pipeline.video.tune import tune
from tests.video.conftest import lattice, picture


def tuned(path, given=None, frames=None, **options):
    video = open_run(*runs(path), **options)
    tuning = tune([video], Given(**(given or {})))
    part = open_run(*runs(path), span=(0, frames or len(video)), **options)
    return tuning, features([part], tuning.parameters.detection)


def recall_and_precision(table, truth, size, margin=6.0):
    found_true = true = found_real = found = 0
    for t, points in enumerate(truth):
        here = table.loc[table["frame"] == t, ["y", "x"]].to_numpy()
        i, j = mutual(points, here, 3.0)
        inside = ((points > margin) & (points < size - 1 - margin)).all(axis=1)
        within = ((here > margin) & (here < size - 1 - margin)).all(axis=1)
        found_true += np.isin(np.flatnonzero(inside), i).sum()
        found_real += np.isin(np.flatnonzero(within), j).sum()
        true, found = true + inside.sum(), found + within.sum()
    return found_true / true, found_real / found


@pytest.mark.parametrize("peak", [800.0, 200.0, 100.0], ids=["bright", "dim", "dimmer"])
def test_both_species_are_found_bright_or_dim(rendered, peak):
    path, truth = rendered(peak=peak)
    tuning, table = tuned(path)
    recall, precision = recall_and_precision(table, truth, 160)
    assert min(recall, precision) >= 0.97
    assert tuning.parameters.polarity == "bright"
    assert 1.0 <= tuning.parameters.search_range <= 0.5 * 10.5
    assert set(tuning.source.values()) == {"estimated"}


def test_dark_16_bit_on_a_slope(rendered, tmp_path):
    path, truth = rendered()
    slope = np.linspace(0, 3000, 160)
    images = 20000 + slope - 40.0 * tifffile.imread(path)
    tifffile.imwrite(tmp_path / "dark.tif", np.rint(images).astype(np.uint16))
    tuning, table = tuned(tmp_path)
    assert tuning.parameters.polarity == "dark"
    assert min(recall_and_precision(table, truth, 160)) >= 0.97


def test_few_far_apart(tmp_path):
    """A dilute gas: separation and search range must not grow with the empty space."""
    rng = np.random.default_rng(0)
    start = np.stack(np.meshgrid(range(20, 250, 54), range(20, 250, 54)), -1).reshape(-1, 2)
    start = start + rng.uniform(-15, 15, start.shape)
    positions = start + np.cumsum(rng.normal(0, 0.5, (6, 25, 2)), axis=0)
    y, x = np.mgrid[:256, :256]
    scene = np.full((6, 256, 256), 100.0)
    for t, points in enumerate(positions):
        for row, column in points:
            scene[t] += 60 * np.exp(-((y - row) ** 2 + (x - column) ** 2) / (2 * 2.0**2))
    images = rng.poisson(scene).astype(np.uint8)
    tifffile.imwrite(tmp_path / "gas.tif", images, photometric="minisblack")
    tuning, table = tuned(tmp_path)
    assert min(recall_and_precision(table, positions, 256)) >= 0.97
    assert tuning.parameters.separation <= tuning.parameters.diameter + 1
    assert 2.0 <= tuning.parameters.search_range <= 15.0


def test_given_settings_are_kept_and_built_upon(rendered):
    path, _ = rendered(frames=4)
    given = {
        "diameter": 11,
        "minmass": 123.0,
        "memory": 2,
        "search_range": None,
        "polarity": "dark",
    }
    tuning, _ = tuned(path, given)
    for name in ("diameter", "minmass", "memory", "polarity"):
        assert getattr(tuning.parameters, name) == given[name]
        assert tuning.source[name] == "config"
    assert tuning.source["search_range"] == "estimated"
    stored = json.loads(json.dumps(as_json(tuning)))
    assert stored["parameters"]["diameter"]["value"] == 11
    assert all(entry["why"].endswith(".") for entry in stored["parameters"].values())
    assert np.shape(stored["evidence"]["mass"])[1] == 2


def test_nothing_there(tmp_path):
    tifffile.imwrite(
        tmp_path / "a.tif", np.full((3, 64, 64), 7, np.uint8), photometric="minisblack"
    )
    with pytest.raises(ValueError, match="no particles found"):
        tune([open_run(*runs(tmp_path))])


@pytest.mark.slow
def test_rollers_within_5_percent(real):
    tuning, table = tuned(real("quincke_rollers"), frames=3)
    counts = table.groupby("frame").size()
    assert counts.between(0.95 * 10930, 1.05 * 10930).all()
    assert tuning.parameters.diameter == 5


@pytest.mark.slow
def test_hydrogel_within_5_percent_in_its_window(real):
    options = {"correction": Correction(pixel_aspect=4 / 3)}
    _, table = tuned(real("hydrogel_packing"), frames=3, **options)
    table = table[(table["x"] > 110) & (table["x"] < 1198)]
    assert table.groupby("frame").size().between(0.95 * 614, 1.05 * 631).all()


@pytest.mark.slow
def test_bulk_water_in_its_bounds(real):
    tuning, table = tuned(real("bulk_water"), frames=5)
    assert tuning.parameters.polarity == "dark"
    assert table.groupby("frame").size().between(300, 800).all()


@pytest.mark.slow
@pytest.mark.parametrize("peak", [800.0, 100.0], ids=["default", "dim"])
def test_the_default_experiment_is_tracked_unaided(tmp_path, peak):
    """The simulated monolayer, small, through the real renderer: all found, nothing invented."""
    small = COLLOIDS.replace(
        width=24.0, height=20.0, frames=30, period=60, preparation=1, view=(210, 210)
    )
    truth = simulate(small, progress=False)
    render(tmp_path / "video.tif", truth, Camera(view=small.view, peak=peak), progress=False)
    tuning, table = tuned(tmp_path)
    assert min(recall_and_precision(table, truth.position[..., ::-1], 210)) >= 0.97
    tracks, _ = link(table, tuning.parameters.linking())
    whole = tracks[~tracks["filled"]].groupby("particle").size() == 30
    inside = ((truth.position > 6) & (truth.position < 203)).all(axis=(0, 2))
    assert whole.sum() >= 0.97 * inside.sum()


def test_where_there_is_no_noise_the_least_mass_leaves_room_for_fainter_frames(rendered):
    """A disc that drifts into a darker corner later on is still the same disc."""
    path, _ = rendered()
    tuning, _ = tuned(path)
    faintest = tuning.evidence["mass_matched"][0, 0]
    assert tuning.parameters.minmass < 0.9 * faintest
    assert "a fifth" not in tuning.why["minmass"]


@pytest.mark.parametrize("moves", [0.0, 1.0])
def test_one_bubble_among_the_particles_decides_nothing(tmp_path, moves):
    rng = np.random.default_rng(4)
    start = lattice(96, 14.0, rng)
    path = start + np.cumsum(rng.normal(0, 0.2, (9, *start.shape)), axis=0)
    y, x = np.mgrid[:96, :96]
    images = []
    for t, points in enumerate(path):
        scene = picture(points, np.full(len(points), 2.0), 96, 800.0, rng).astype(float)
        bubble = 160 * np.exp(-((y - 30 - moves * t) ** 2 + (x - 60) ** 2) / 162)
        images.append(np.clip(scene + bubble, 0, 255).astype(np.uint8))
    tifffile.imwrite(tmp_path / "a.tif", np.stack(images), photometric="minisblack")
    found = tune([open_run(*runs(tmp_path))]).parameters
    assert 7 <= found.diameter <= 13


@pytest.mark.parametrize(("ratio", "said"), [(4.5, True), (2.5, False), (1.0, False)])
def test_a_kind_that_is_too_dim_is_named(tmp_path, ratio, said):
    rng = np.random.default_rng(5)
    points = lattice(160, 14.0, rng)
    dim, width = np.arange(len(points)) % 2 == 0, np.full(len(points), 2.0)
    images = []
    for _ in range(5):
        bright = picture(points[~dim], width[~dim], 160, 1200.0, rng).astype(float)
        images.append(bright + picture(points[dim], width[dim], 160, 1200.0 / ratio, rng) - 60)
        points = points + rng.normal(0, 0.2, points.shape)
    stack = np.clip(images, 0, 255).astype(np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", stack, photometric="minisblack")
    warnings = " ".join(tune([open_run(*runs(tmp_path))]).warnings)
    assert ("times dimmer than the others" in warnings) == said


def filmed(folder, images):
    tifffile.imwrite(folder / "film.tif", images, photometric="minisblack")
    return folder / "film.tif"


def spotted(rng, places, height, width, ground, grain=1.2):
    """(H, W) uint8 Gaussian spots on pixel noise and grains."""
    y, x = np.mgrid[:256, :256]
    image = sum(height * np.exp(-((y - b) ** 2 + (x - a) ** 2) / 2 / width**2) for a, b in places)
    coarse = ndimage.gaussian_filter(rng.normal(size=(256, 256)), grain)
    image = image + ground * coarse / coarse.std() + rng.normal(0, 2.0, (256, 256))
    return np.clip(100 + image, 0, 255).round().astype(np.uint8)


@pytest.mark.parametrize("seed", range(3))
def test_a_few_bright_spots_on_a_grainy_ground_are_told_from_its_grains(seed, tmp_path):
    """The grains are hundreds; in a real film (trackpy's bright field) they were taken."""
    rng = np.random.default_rng(seed)
    places = np.array([[40, 60], [200, 50], [120, 130], [60, 210], [190, 200]], float)
    images = np.array([spotted(rng, places + 0.2 * t, 120, 3.5, 2.0) for t in range(9)])
    found = tuned(filmed(tmp_path, images))[0]
    table = locate(images[0], found.parameters.detection)
    assert len(table) == 5
    assert any("times brighter than all others" in said for said in found.warnings)


def test_spots_among_coarse_grains_are_told_of(tmp_path):
    """Grains as large as spots may be dim particles: both are found, and it is said."""
    rng = np.random.default_rng(0)
    places = np.array([[40, 60], [200, 50], [120, 130], [60, 210], [190, 200]], float)
    images = np.array([spotted(rng, places + 0.2 * t, 120, 3.5, 5.0, 3.0) for t in range(9)])
    tuning = tuned(filmed(tmp_path, images))[0]
    [said] = [said for said in tuning.warnings if "times brighter" in said]
    least = float(said.split("detect.minmass: ")[1].rstrip("."))
    assert len(locate(images[0], tuning.parameters.detection)) > 50
    assert len(locate(images[0], tuning.parameters.detection._replace(minmass=least))) == 5


@pytest.mark.parametrize("dark", [False, True])
def test_small_spots_in_much_noise_are_found_though_no_size_stands_out(dark, tmp_path):
    """Twelve spots of 1.2 px among 65 000 noisy pixels hardly add to the strength of any size."""
    rng = np.random.default_rng(4)
    places = rng.uniform(15, 240, (12, 2))
    frames = [spotted(rng, places + 0.1 * t, 80, 1.2, 0.0) for t in range(9)]
    # Noise grows along the picture, as light does.
    images = np.array([f + rng.normal(0, np.linspace(9, 5, 256)[:, None], f.shape) for f in frames])
    images = np.clip(255 - images if dark else images, 0, 255).astype(np.uint8)
    found = tuned(filmed(tmp_path, images))[0].parameters
    assert found.polarity == ("dark" if dark else "bright")
    table = locate(images[0], found.detection)
    near = cKDTree(places).query(table[["x", "y"]])[0]
    assert (near < 1.5).sum() >= 11
    assert (near >= 1.5).sum() <= 2


def test_neighbours_whose_light_overlaps_are_named_with_the_remedy(rendered):
    path, _ = rendered(frames=9)
    told = [s for s in tuned(path)[0].warnings if "light overlaps" in s]
    assert len(told) == 1
    assert "detect.smoothing: 7 leaves about" in told[0]
    found = tuned(path, {"smoothing": 7})[0]
    assert found.parameters.detection.smoothing == 7
    assert not [s for s in found.warnings if "detect.smoothing" in s]
