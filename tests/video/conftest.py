"""Rendered spots with known positions, and the real videos where they are present."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
import tifffile

REAL = Path(__file__).parents[3] / "shared" / "data"


@pytest.fixture(scope="session")
def real():
    """Path of a real data set by name; skips where the data are absent."""

    def path(name: str) -> Path:
        if not (REAL / name).exists():
            pytest.skip(f"real data set {name} is not at {REAL}: nothing to compare with")
        return REAL / name

    return path


def lattice(size: int, spacing: float, rng: np.random.Generator) -> np.ndarray:
    """(N, 2) jittered triangular lattice of positions (y, x) that covers a size x size image."""
    index = np.arange(-size // 4, size // 4)
    i, j = (a.ravel() for a in np.meshgrid(index, index))
    points = spacing * np.stack([np.sqrt(3) / 2 * j, i + 0.5 * j], axis=1)
    turn = np.array([[np.cos(0.3), -np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]])
    points = points @ turn + size / 2 + rng.normal(0, 0.05 * spacing, points.shape)
    return points[((points > -10) & (points < size + 10)).all(axis=1)]


def picture(points: np.ndarray, width: np.ndarray, size: int, peak: float, rng) -> np.ndarray:
    """8 bit image of Gaussian spots, `peak` electrons high on 400; shot noise, gain 0.15."""
    y, x = np.mgrid[:size, :size]
    scene = np.full((size, size), 400.0)
    for (row, column), sigma in zip(points, width, strict=True):
        low, high = max(int(row) - 9, 0), max(int(row) + 10, 0)
        left, right = max(int(column) - 9, 0), max(int(column) + 10, 0)
        here = slice(low, high), slice(left, right)
        distance2 = (y[here] - row) ** 2 + (x[here] - column) ** 2
        scene[here] += peak * np.exp(-0.5 * distance2 / sigma**2)
    return np.clip(np.rint(0.15 * rng.poisson(scene)), 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def rendered(tmp_path_factory):
    """(path, positions (T, N, 2) (y, x) px) of a bidisperse packing that jiggles and drifts."""

    def make(peak: float = 800.0, frames: int = 5, size: int = 160) -> tuple[Path, np.ndarray]:
        rng = np.random.default_rng(1)
        start = lattice(size, 10.5, rng)
        width = 0.24 * rng.choice([6.0, 8.2], len(start))
        steps = rng.normal((0.05, 0.2), 0.1, (frames, *start.shape))
        positions = start + np.cumsum(steps, axis=0)
        images = [picture(points, width, size, peak, rng) for points in positions]
        path = tmp_path_factory.mktemp("rendered") / "video.tif"
        tifffile.imwrite(path, np.stack(images), photometric="minisblack")
        return path, positions

    return make


@pytest.fixture
def stack():
    """(7, 24, 32) uint8, smooth enough for a film codec."""
    y, x = np.mgrid[:24, :32]
    waves = [np.sin(0.2 * x + 0.5 * t) + np.cos(0.3 * y) for t in range(7)]
    return np.rint(60 * np.stack(waves) + 125).astype(np.uint8)


@pytest.fixture
def film():
    """Writes (T, H, W) grey or (T, H, W, 3) colour images as a film."""

    def write(path, images, codec="rawvideo", pixels="gray", rate=25, **options):
        with av.open(str(path), "w") as container:
            stream = container.add_stream(codec, rate=rate, options=options)
            stream.height, stream.width = images.shape[1:3]
            stream.pix_fmt = pixels
            for image in images:
                frame = av.VideoFrame.from_ndarray(image, "gray" if image.ndim == 2 else "rgb24")
                container.mux(stream.encode(frame))
            container.mux(stream.encode())

    return write
