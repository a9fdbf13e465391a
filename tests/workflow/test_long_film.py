"""A long film whose particles come and go, from file to report within a bound of memory.

Hours, so by name only: pytest -m soak -s -n 0. SOAK_FRAMES sets another length. Run so far were
1 250 and 2 500 frames, and 5 000 up to the training (docs/reference/speed.md).
"""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile

from benchmarks.stages import stages
from benchmarks.turnover import Film, tracks
from tests.workflow.conftest import Snakemake

FRAMES = int(os.environ.get("SOAK_FRAMES", "5000"))
# Longer empty than the memory of the linking, which would else go on with the next particle.
FILM = Film(FRAMES, particles=1500, life=100, empty=6)
SPACING, SIDE = 26.0, 1024  # px
BOUND = 6000.0  # MB, of any stage with its processes
CONFIG = """
video: {mpp: 0.1, fps: 50}
models: [metriplectic]
train: {steps: 100, validate_every: 50}
"""
pytestmark = [pytest.mark.slow, pytest.mark.soak]


def pictures() -> Iterator[np.ndarray]:
    """Frames (SIDE, SIDE) uint8 of the made tracks."""
    table, rng = tracks(FILM), np.random.default_rng(2)
    place = table[["y", "x"]].to_numpy() * (SPACING / 16.0)
    ends = np.searchsorted(table["frame"].to_numpy(), np.arange(FILM.frames + 1))
    offset = np.arange(-6, 7)
    for first, last in itertools.pairwise(ends):
        points = place[first:last]
        points = points[((points > 8) & (points < SIDE - 8)).all(axis=1)]
        corner = np.rint(points).astype(int)
        image = np.full((SIDE, SIDE), 20.0)
        shape = [
            np.exp(-((offset + corner[:, k, None] - points[:, k, None]) ** 2) / 8) for k in (0, 1)
        ]
        spots = 180 * shape[0][:, :, None] * shape[1][:, None, :]
        for (y, x), spot in zip(corner, spots, strict=True):
            image[y - 6 : y + 7, x - 6 : x + 7] += spot
        noisy = image + rng.integers(0, 12, image.shape)
        yield np.clip(noisy, 0, 255).astype(np.uint8)


def test_a_long_film_with_turnover_comes_to_its_report(tmp_path: Path, snakemake: Snakemake):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "long.yaml").write_text(CONFIG)
    (tmp_path / "data" / "long").mkdir(parents=True)
    with tifffile.TiffWriter(tmp_path / "data" / "long" / "film.tif", bigtiff=True) as file:
        for picture in pictures():
            file.write(picture, contiguous=True)
    run = snakemake(tmp_path, "--cores", "2", "results/long/report.html")
    assert run.returncode == 0, run.stderr[-3000:]
    results = tmp_path / "results" / "long"
    tracked = json.loads((results / "linking.json").read_text())["n_tracks"]
    assert tracked > 0.6 * FILM.particles * (1 + FRAMES / (FILM.life + FILM.empty))
    found = stages(results / "benchmarks")
    for name, wall, cpu, memory in found:
        print(f"{name:<40} {wall:8.1f} s {cpu:8.1f} s of processor {memory:8.0f} MB")
    assert max(np.nan_to_num(memory) for *_, memory in found) < BOUND
