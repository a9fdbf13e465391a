"""Errors of positions that are not white, from the film on: small spots, and an open shutter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from pipeline.simulate import langevin
from pipeline.simulate.render import expose, profile
from pipeline.simulate.settings import DISCS
from pipeline.trajectory import Trajectory
from pipeline.units import Scale
from pipeline.video.assembly import View, assemble
from pipeline.video.detect import features
from pipeline.video.frames import open_run
from pipeline.video.link import link
from pipeline.video.sources import runs
from pipeline.video.spots import mutual
from pipeline.video.tune import tune

FRAMES, MOMENTS = 80, 8  # moments of a frame interval that are simulated


def tracked(folder: Path, spot: float, moments: int) -> tuple[Trajectory, float, float]:
    """Discs on an air table through a shutter open for some moments of a frame.

    Returns:
        trajectory, its rms error against the middle of the exposure, that of the features [px].
    """
    parameters = DISCS.replace(
        frames=MOMENTS * FRAMES, fps=float(MOMENTS), substeps=3, spot=spot, preparation=800
    )
    truth = langevin.simulate(parameters, seed=3, progress=False)
    camera, random = parameters.camera(None, None), np.random.default_rng(0)
    look, film, middle = profile(camera), [], []
    for t in range(0, MOMENTS * FRAMES, MOMENTS):
        scene, path = np.full(camera.view, camera.background), truth.position[t : t + moments]
        for r in path:
            expose(scene, r, truth.species, look, camera.peak / moments)
        middle.append(path.mean(axis=0))
        film.append(np.minimum(np.rint(camera.gain * random.poisson(scene)), 255).astype(np.uint8))
    tifffile.imwrite(folder / "film.tif", np.array(film))
    video = open_run(runs(folder)[0])
    found = tune([video]).parameters
    table, _ = link(features([video], found.detection), found.linking())
    view = View(camera.view, (found.diameter + 1) / 2, 1.72, None)
    made = assemble(table, view, Scale(None, None), {"dataset": "discs", "synthetic": False})
    here = [made.position[t, made.present[t]] for t in range(FRAMES)]
    raw = [table.loc[table["frame"] == t, ["x", "y"]].to_numpy() for t in range(FRAMES)]
    return made, rms(here, middle), rms(raw, middle)


def rms(places: list[np.ndarray], truth: list[np.ndarray]) -> float:
    errors = []
    for here, there in zip(places, truth, strict=True):
        i, j = mutual(there, here, 3.0)
        errors.append(here[j] - there[i])
    return float(np.std(np.concatenate(errors)))


@pytest.mark.slow
def test_small_spots_cling_to_the_pixels_and_are_evened(tmp_path: Path) -> None:
    made, error, raw = tracked(tmp_path, spot=0.7, moments=1)
    assert any("clung to the pixels" in said for said in made.attributes["warnings"])
    assert error < 0.85 * raw
    assert made.attributes["localisation_error"] == pytest.approx(error, rel=0.2)


@pytest.mark.slow
def test_half_a_frame_of_exposure_does_no_harm_to_motion_with_inertia(tmp_path: Path) -> None:
    made, error, raw = tracked(tmp_path, spot=2.0, moments=MOMENTS // 2)
    assert made.attributes["regime"] == "inertial"
    assert made.attributes["warnings"] == []
    assert error == pytest.approx(raw, rel=0.05)
    assert error < 0.04
    assert made.attributes["localisation_error"] == pytest.approx(error, rel=0.2)
