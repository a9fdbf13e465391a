"""Particles among grain, of which the truth is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import tifffile
from scipy import ndimage

from pipeline.video.detect import features
from pipeline.video.frames import open_run
from pipeline.video.parameters import Given
from pipeline.video.persistence import by_chance, persisting
from pipeline.video.sources import runs
from pipeline.video.spots import mutual
from pipeline.video.tune import tune
from tests.video.conftest import lattice, picture

SIZE = 256


def grainy(tmp_path, grain):
    """A film of particles 3 to 12 times as bright as the grain, which is new in every frame."""
    rng = np.random.default_rng(3)
    points = lattice(SIZE, 34.0, rng)
    peak = rng.uniform(30.0, 120.0, len(points))
    y, x = np.mgrid[:SIZE, :SIZE]
    images, truth = [], []
    for _ in range(9):
        points = points + rng.normal(0, 0.5, points.shape)
        noise = ndimage.gaussian_filter(rng.normal(0, 1, (SIZE, SIZE)), 2.0)
        scene = 60 + grain * noise / noise.std() + rng.normal(0, 1.0, (SIZE, SIZE))
        for (row, column), high in zip(points, peak, strict=True):
            scene += high * np.exp(-((y - row) ** 2 + (x - column) ** 2) / (2 * 2.5**2))
        images.append(np.clip(np.rint(scene), 0, 255).astype(np.uint8))
        truth.append(points)
    tifffile.imwrite(tmp_path / "film.tif", np.stack(images), photometric="minisblack")
    (source,) = runs(tmp_path)
    return open_run(source), truth


def shares(table, truth):
    """Recall and precision of a table of features."""
    hits = true = 0
    for t, points in enumerate(truth):
        inside = ((points > 12) & (points < SIZE - 13)).all(axis=1)
        here = table.loc[table["frame"] == t, ["y", "x"]].to_numpy()
        i, _ = mutual(points, here, 3.0)
        hits, true = hits + np.isin(np.flatnonzero(inside), i).sum(), true + inside.sum()
    within = table[["y", "x"]].to_numpy()
    return hits / true, hits / ((within > 12) & (within < SIZE - 13)).all(axis=1).sum()


@pytest.mark.parametrize("grain", [6.0, 8.0, 10.0])
def test_grain_is_put_aside_and_particles_are_kept(tmp_path, grain):
    video, truth = grainy(tmp_path, grain)
    tuning = tune([video])
    recall, precision = shares(features([video], tuning.parameters.detection), truth)
    assert min(recall, precision) >= 0.9
    assert [w for w in tuning.warnings if "a frame, dimmer than detect.minmass" in w]


def test_a_given_minmass_is_kept_and_nothing_said(tmp_path):
    video, _ = grainy(tmp_path, 8.0)
    tuning = tune([video], Given(minmass=300.0))
    assert tuning.parameters.minmass == 300.0
    assert not [w for w in tuning.warnings if "put aside" in w]


def spots(known, strangers, rng):
    """Three frames: known spots of mass 100 to 200 that stay, and new ones of mass 10 to 20."""
    place, mass = rng.uniform(0, 500, (known, 2)), rng.uniform(100, 200, known)
    frames = []
    for _ in range(3):
        other = rng.uniform(0, 500, (strangers, 2))
        position = np.concatenate([place + rng.normal(0, 0.3, place.shape), other])
        frames.append(
            pd.DataFrame(position, columns=["y", "x"]).assign(
                mass=np.concatenate([mass, rng.uniform(10, 20, strangers)])
            )
        )
    return frames


def test_the_dimmest_that_persists_is_where_strangers_begin():
    found = persisting([spots(100, 100, np.random.default_rng(0))], 8.0, (501, 501))
    assert found is not None
    assert 19.5 < found.minmass < 110  # some of the strangers have a partner by chance
    assert found.lost > 0.7
    assert found.lost_bright == 0.0


@pytest.mark.parametrize(("known", "strangers"), [(200, 0), (0, 200), (10, 10)])
def test_nothing_is_told_where_all_persist_none_do_or_few_are_there(known, strangers):
    frames = spots(known, strangers, np.random.default_rng(0))
    assert persisting([frames], 8.0, (501, 501)) is None


def frames_of(step: float, drift: float = 0.0) -> list[np.ndarray]:
    """Positions in three frames of particles at distances of about 10 px that make steps."""
    rng = np.random.default_rng(0)
    start = lattice(160, 10.0, rng)
    offset = np.array([0.0, drift])
    return [start + t * offset + rng.normal(0, step / 2**0.5, start.shape) for t in range(3)]


def strangers() -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    return [lattice(160, 10.0, rng) + rng.uniform(0, 10, 2) for _ in range(3)]


@pytest.mark.parametrize(
    ("places", "followed"),
    [
        (frames_of(0.3), True),
        (frames_of(1.0), True),
        (frames_of(0.3, 3.0), True),
        (strangers(), False),
        ([np.random.default_rng(t).uniform(0, 160, (200, 2)) for t in range(3)], False),
    ],
)
def test_frames_that_have_nothing_in_common_are_told(places, followed):
    assert (by_chance([places], 4.5, (160, 160)) is None) == followed
    assert by_chance([[place[:3] for place in places]], 4.5, (160, 160)) is None


def test_a_film_of_strangers_is_said_to_be_one(tmp_path):
    rng = np.random.default_rng(0)
    images = []
    for _ in range(6):
        points = rng.uniform(0, 160, (140, 2))
        images.append(picture(points, np.full(140, 2.0), 160, 800.0, rng))
    tifffile.imwrite(tmp_path / "film.tif", np.stack(images), photometric="minisblack")
    said = tune([open_run(runs(tmp_path)[0])]).warnings
    assert any("they cannot be followed" in word for word in said)
