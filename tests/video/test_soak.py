"""Long videos: 5 000 frames of 1024 x 1024, made on the fly, through detection and linking.

Half an hour and more, so by name only: pytest -m soak -s -n 0. SOAK_FRAMES sets another length.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import numpy as np
import psutil
import pytest

from pipeline import tables
from pipeline.video.detect import detected
from pipeline.video.link import link_file
from pipeline.video.parameters import Detection, Linking
from pipeline.video.preprocess import Correction

FRAMES = int(os.environ.get("SOAK_FRAMES", "5000"))
WARM = 500  # frames after which nothing may grow
SIDE = 1024
ROOM = 60  # MB that measurements of memory scatter by
pytestmark = [pytest.mark.slow, pytest.mark.soak]


class Made:
    """A video that is nowhere: spots that stroll about the places of a grid, and blink."""

    def __init__(self, length: int) -> None:
        self.length, self.correction = length, Correction()
        self.seen, self.number = np.ones(length, bool), np.arange(length)
        axis = np.arange(20.0, SIDE - 20, 24.0)
        self.place = np.stack(np.meshgrid(axis, axis, indexing="ij"), -1).reshape(-1, 2)

    def __len__(self) -> int:
        return self.length

    def frames(self, start: int, stop: int) -> Iterator[np.ndarray]:
        """Frames (SIDE, SIDE) uint8."""
        for t in range(start, stop):
            yield self._frame(t)

    def _frame(self, t: int) -> np.ndarray:
        rng = np.random.default_rng(t)
        phase = np.arange(len(self.place))
        stroll = 5 * np.stack([np.sin(0.11 * t + phase), np.cos(0.07 * t + 2 * phase)], axis=1)
        seen = rng.random(len(self.place)) > 0.002
        points = (self.place + stroll)[seen]
        image = np.full((SIDE, SIDE), 20.0, np.float32)
        corner = np.rint(points).astype(int) - 7
        offset = np.arange(15)
        shape = [
            np.exp(-((offset + corner[:, k, None] - points[:, k, None]) ** 2) / 8) for k in (0, 1)
        ]
        spots = 180 * np.einsum("ni,nj->nij", *shape).astype(np.float32)
        for (y, x), spot in zip(corner, spots, strict=True):
            image[y : y + 15, x : x + 15] += spot
        noise = rng.integers(0, 12, (SIDE, SIDE), dtype=np.uint8)
        return np.clip(image, 0, 240).astype(np.uint8) + noise


class Gauge:
    """Memory of this process and its children [MB], in the course of a stage."""

    def __init__(self) -> None:
        self.process = psutil.Process()
        self.frame: list[int] = []
        self.memory: list[float] = []
        self.start = time.monotonic()

    def read(self, frame: int) -> None:
        family = [self.process, *self.process.children(recursive=True)]
        self.frame.append(frame)
        self.memory.append(sum(p.memory_info().rss for p in family if p.is_running()) / 1e6)

    def judge(self, stage: str) -> None:
        """Prints the figures; fails if memory grew after the first frames."""
        frame, memory = np.array(self.frame), np.array(self.memory)
        early, late = memory[frame < WARM].max(), memory[frame >= WARM].max()
        slope = np.polyfit(frame[frame >= WARM], memory[frame >= WARM], 1)[0]
        rate = frame[-1] / (time.monotonic() - self.start)
        print(
            f"\n{stage}: {frame[-1] + 1} frames, {rate:.1f} a second; peak {early:.0f} MB in the "
            f"first {WARM}, {late:.0f} MB after; {1000 * slope:+.1f} MB per 1000 frames"
        )
        assert late < early + ROOM


def test_memory_is_flat_after_the_first_frames(tmp_path):
    video = Made(FRAMES)
    features, tracks = tmp_path / "features.parquet", tmp_path / "tracks.parquet"
    gauge = Gauge()
    with tables.block_writer(features, tables.FEATURES) as append:
        for table in detected([video], Detection(11, 400.0, 9.0), workers=2):
            append(table)
            gauge.read(int(table["frame"].iloc[-1]))
    gauge.judge("detection")

    gauge = Gauge()
    watch = tables.read_blocks

    def watched(path, schema):
        for block in watch(path, schema):
            gauge.read(int(block["frame"].iloc[-1]))
            yield block

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipeline.video.link.tables.read_blocks", watched)
        summary = link_file(features, tracks, Linking(6.0, memory=2, min_length=5))
    gauge.judge("linking")
    assert summary["n_tracks"] == len(video.place)
    assert summary["filled"] > 0
