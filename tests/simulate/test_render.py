"""The rendered video shows the particles where they are, and costs no memory."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import tifffile
import trackpy

from pipeline.simulate.render import STEP, Camera, expose, profile, render
from pipeline.trajectory import Box, Trajectory

VIEW = (96, 128)


def scattered(count: int, seed: int = 0) -> Trajectory:
    """Particles 16 px apart, each at its own fraction of a pixel."""
    rng = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid(np.arange(14, 120, 16.0), np.arange(14, 90, 16.0)), axis=-1)
    centre = grid.reshape(-1, 2) + rng.uniform(-0.5, 0.5, (grid.size // 2, 2))
    position = np.broadcast_to(centre, (count, *centre.shape)).copy()
    shape = position.shape[:2]
    attributes = {
        "dataset": "scattered",
        "length_unit": "px",
        "time_unit": "frame",
        "dt": 1.0,
        "velocity": "measured",
        "localisation_error": 0.0,
        "synthetic": True,
    }
    return Trajectory(
        position=position,
        velocity=np.zeros_like(position),
        present=np.ones(shape, dtype=bool),
        driven=np.zeros(shape, dtype=bool),
        time=np.arange(count, dtype=float),
        run=np.zeros(count, dtype=np.int32),
        particle=np.arange(shape[1]),
        species=np.arange(shape[1], dtype=np.int32) % 2,
        box=Box(np.array([128.0, 96.0]), (False, False), np.full(2, -0.5)),
        attributes=attributes,
        extra={},
    )


@pytest.mark.parametrize(("peak", "error"), [(800.0, 0.1), (100.0, 0.45)])
def test_spots_stand_where_the_particles_are(tmp_path, peak, error):
    truth = scattered(2)
    render(tmp_path / "video.tif", truth, Camera(view=VIEW, peak=peak), progress=False)
    image = tifffile.imread(tmp_path / "video.tif")[1]
    found = trackpy.locate(image, 9, minmass=0.75 * peak, separation=8, engine="numba")
    assert len(found) == truth.position.shape[1]
    place = found[["x", "y"]].to_numpy()
    for centre in truth.position[1]:
        assert np.abs(place - centre).max(axis=1).min() < error


def test_the_file_says_its_scale_and_shape(tmp_path):
    truth = scattered(5)
    render(tmp_path / "video.tif", truth, Camera(view=VIEW, mpp=0.5, fps=40.0), progress=False)
    with tifffile.TiffFile(tmp_path / "video.tif") as file:
        assert len(file.pages) == 5
        assert file.pages[3].shape == VIEW
        assert file.pages[0].dtype == np.uint8
        note = file.shaped_metadata[0]
        over, under = file.pages[0].tags["XResolution"].value
    assert note["mpp"] == 0.5
    assert note["fps"] == 40.0
    assert over / under == pytest.approx(1e4 / 0.5, rel=1e-6)
    assert not list(tmp_path.glob("*.partial"))


def test_noise_is_that_of_counted_photons(tmp_path):
    camera = Camera(view=VIEW, gradient=0.0, gain=0.5)
    truth = scattered(200)
    dark = truth._replace(present=np.zeros_like(truth.present))
    render(tmp_path / "dark.tif", dark, camera, seed=3, progress=False)
    grey = tifffile.imread(tmp_path / "dark.tif").astype(float)
    assert grey.mean() == pytest.approx(camera.gain * camera.background, rel=1e-3)
    # Rounding to grey levels adds 1/12 to the variance.
    counted = camera.gain**2 * camera.background + 1 / 12
    assert grey.var() == pytest.approx(counted, rel=5e-3)


def test_the_table_is_the_profile():
    camera = Camera(view=VIEW)
    look = profile(camera)
    scene = np.zeros(VIEW)
    expose(scene, np.array([[40.3, 50.8]]), np.array([1], dtype=np.int32), look, 1.0)
    rows, columns = np.indices(VIEW)
    d = np.hypot(columns - 40.3, rows - 50.8) / camera.diameters[1]
    rim = (d - camera.ring_radius) / camera.ring_width
    exact = np.exp(-0.5 * (d / camera.core) ** 2) - camera.ring * np.exp(-0.5 * rim**2)
    inside = (d * camera.diameters[1]) ** 2 < (look.shape[1] - 2) * STEP
    assert np.abs(scene - exact)[inside].max() < 1e-4
    assert np.abs(exact[~inside]).max() < 2e-3
    # The tail of the core fills the ring a little.
    assert -camera.ring < scene.min() < -0.8 * camera.ring


def test_deterministic_for_a_seed(tmp_path):
    truth = scattered(2)
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        render(tmp_path / f"{name}.tif", truth, Camera(view=VIEW), seed, progress=False)
    a, b, c = (tifffile.imread(tmp_path / f"{name}.tif") for name in "abc")
    assert (a == b).all()
    assert (a != c).any()


def test_memory_does_not_grow_with_the_video(tmp_path):
    peaks = []
    for count in (10, 160):
        truth = scattered(count)
        tracemalloc.start()
        render(tmp_path / "video.tif", truth, Camera(view=VIEW), progress=False)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] - peaks[0] < 40 * VIEW[0] * VIEW[1]


def test_refuses_what_it_cannot_show(tmp_path):
    truth = scattered(2)
    um = truth._replace(attributes={**truth.attributes, "length_unit": "um"})
    with pytest.raises(ValueError, match="positions in px"):
        render(tmp_path / "video.tif", um)
    with pytest.raises(ValueError, match="diameter per species"):
        render(tmp_path / "video.tif", truth, Camera(view=VIEW, diameters=(8.0,)))
