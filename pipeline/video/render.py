"""A noisy video of a simulated trajectory, as a camera would have taken it.

Each particle is a Gaussian core with a faint dark ring, the defocused edge of a real sphere;
the scene has a sloping background, the camera counts photons (Poisson) and has a gain. Counts are
in photoelectrons (e). Brightness of a species scales with nothing: peaks are equal, sizes differ.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tifffile
from numba import njit
from tqdm import tqdm

from pipeline.trajectory import Trajectory


class Camera(NamedTuple):
    """The camera and the look of the particles. `Camera(peak=100.0)` is the dim variant."""

    view: tuple[int, int] = (384, 384)  # px, height and width
    diameters: tuple[float, ...] = (6.0, 8.2)  # px, of each species
    peak: float = 800.0  # e, above the background
    core: float = 0.24  # standard deviation of the core over the diameter
    ring: float = 0.15  # depth of the dark ring over the peak
    ring_radius: float = 0.65  # over the diameter
    ring_width: float = 0.12  # standard deviation over the diameter
    background: float = 400.0  # e, at the centre
    gradient: float = 0.2  # relative change of the background from corner to corner
    gain: float = 0.15  # grey levels per e; 8 bit, saturating at 255
    mpp: float = 0.68  # um per px, written to the file
    fps: float = 80.0  # frames per second, written to the file


@njit(cache=True)
def expose(scene, centre, species, diameter, camera):
    """Adds the particles at centre (N, 2) (x, y) px to scene (H, W) [e], in place."""
    height, width = scene.shape
    for n in range(centre.shape[0]):
        d = diameter[species[n]]
        reach = int(np.ceil(1.05 * d))
        x, y = centre[n, 0], centre[n, 1]
        if x < -reach or y < -reach or x > width + reach or y > height + reach:
            continue
        left, top = int(np.round(x)), int(np.round(y))
        for row in range(max(0, top - reach), min(height, top + reach + 1)):
            for column in range(max(0, left - reach), min(width, left + reach + 1)):
                d2 = (column - x) ** 2 + (row - y) ** 2
                rim = (np.sqrt(d2) - camera.ring_radius * d) / (camera.ring_width * d)
                value = np.exp(-0.5 * d2 / (camera.core * d) ** 2)
                value -= camera.ring * np.exp(-0.5 * rim * rim)
                scene[row, column] += camera.peak * value


def frames(
    trajectory: Trajectory, camera: Camera, rng: np.random.Generator, progress: bool = True
) -> Iterator[np.ndarray]:
    """The frames of the video one by one, (H, W) uint8.

    trajectory: positions in px, (0, 0) the centre of the first pixel; absent particles are dark.
    """
    height, width = camera.view
    slope = np.add.outer(np.linspace(-0.25, 0.25, height), np.linspace(-0.25, 0.25, width))
    empty = camera.background * (1.0 + camera.gradient * slope)
    diameter = np.asarray(camera.diameters, dtype=float)
    for t in tqdm(
        range(len(trajectory.time)), desc="rendering", unit="frame", disable=not progress
    ):
        here = trajectory.present[t]
        scene = empty.copy()
        expose(scene, trajectory.position[t, here], trajectory.species[here], diameter, camera)
        electrons = rng.poisson(np.maximum(scene, 0.0))
        yield np.minimum(np.rint(camera.gain * electrons), 255).astype(np.uint8)


def render(
    path: str | os.PathLike[str],
    trajectory: Trajectory,
    camera: Camera | None = None,
    seed: int = 0,
    progress: bool = True,
) -> None:
    """Writes the video as a compressed multi-page TIFF, frame by frame; it appears whole.

    mpp and fps go into the description (JSON) of the first page, mpp also into the resolution.

    Args:
        path: where to, .tif.
        trajectory: positions in px in the coordinates of the video, species into `diameters`.
        camera: defaults to Camera().
        seed: of the shot noise.

    Raises:
        ValueError: if the positions are not in pixels, or a species has no diameter.
    """
    camera = camera or Camera()
    if trajectory.attributes["length_unit"] != "px":
        raise ValueError(
            f"Rendering needs positions in px, got {trajectory.attributes['length_unit']}: "
            f"convert the trajectory first."
        )
    kinds = trajectory.species
    if kinds.min() < 0 or kinds.max() >= len(camera.diameters):
        raise ValueError(
            f"Species {kinds.min()} to {kinds.max()} need a diameter each, got "
            f"{len(camera.diameters)}: give Camera one diameter per species, from 0 on."
        )
    path = Path(path)
    partial = path.with_name(path.name + ".partial")
    shape = (len(trajectory.time), *camera.view)
    tifffile.imwrite(
        partial,
        frames(trajectory, camera, np.random.default_rng(seed), progress),
        shape=shape,
        dtype=np.uint8,
        compression="zlib",
        compressionargs={"level": 1},
        photometric="minisblack",
        resolution=(1e4 / camera.mpp, 1e4 / camera.mpp),
        resolutionunit="CENTIMETER",
        metadata={"axes": "TYX", "mpp": camera.mpp, "fps": camera.fps, "synthetic": True},
    )
    os.replace(partial, path)
