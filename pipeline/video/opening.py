"""Opening the runs of a data set as its settings say, and keeping a few frames for the report."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from pipeline.files import whole
from pipeline.video.frames import Video, check_scale, open_run
from pipeline.video.preprocess import Correction
from pipeline.video.sources import runs


def open_all(folder: str | os.PathLike[str], settings: Mapping[str, Any]) -> list[Video]:
    """Every run in a folder, corrected as the settings say.

    Args:
        folder: holds the videos.
        settings: mpp, fps, pixel_aspect, channel, crop [x0, y0, x1, y1], background, flicker,
            registration and frames [first, one past last]: the section `video` of the config.

    Raises:
        ValueError: no video, a damaged one, runs that differ in size, or a scale that contradicts
            what the file states.
    """
    crop = settings["crop"]
    correction = Correction(
        pixel_aspect=settings["pixel_aspect"],
        crop=tuple(crop) if crop else None,
        background=settings["background"] or 0.0,
    )
    videos = [
        open_run(
            source,
            settings["channel"],
            correction,
            span=tuple(settings["frames"]) if settings["frames"] else None,
            flicker=settings["flicker"],
            drift=settings["registration"],
        )
        for source in runs(Path(folder))
    ]
    for video in videos:
        check_scale(video, settings["mpp"], settings["fps"])
    shapes = {video.shape for video in videos}
    if len(shapes) > 1:
        sizes = ", ".join(f"{v.source.name}: {v.shape[1]} x {v.shape[0]} px" for v in videos)
        raise ValueError(
            f"The runs of one data set must have frames of one size, got {sizes}: put them into "
            f"folders of their own under data/."
        )
    return videos


def write_examples(path: str | os.PathLike[str], videos: list[Video]) -> None:
    """Writes the first, middle and last frame of every run, contrast stretched to 8 bit.

    Datasets: images (K, H, W) uint8, frame (K,), run (K,).
    """
    images, numbers, run = [], [], []
    for index, video in enumerate(videos):
        for number in sorted({0, len(video) // 2, len(video) - 1}):
            images.append(stretched(video[number]))
            numbers.append(number)
            run.append(index)
    with whole(path) as partial, h5py.File(partial, "w") as file:
        file.create_dataset("images", data=np.stack(images), compression="gzip")
        file["frame"], file["run"] = numbers, run


def stretched(image: np.ndarray) -> np.ndarray:
    """An image (H, W) as uint8, from its 0.5th percentile in black to its 99.5th in white."""
    low, high = np.percentile(image, [0.5, 99.5])
    return (255 * np.clip((image - low) / max(high - low, 1e-9), 0, 1)).astype(np.uint8)
