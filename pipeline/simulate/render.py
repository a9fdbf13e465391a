"""A noisy video of a simulated trajectory, as a camera would have taken it.

Each particle is a Gaussian core with a faint dark ring, the defocused edge of a real sphere;
the scene has a sloping background, the camera counts photons (Poisson) and has a gain. Counts are
in photoelectrons (e). Species differ in size, not in peak brightness.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import tifffile
from numba import njit
from tqdm import tqdm

from pipeline.errors import InputError
from pipeline.files import whole
from pipeline.trajectory import Trajectory

STEP = 0.01  # px^2, of the brightness table; its interpolation errs by less than 1e-5 of the peak


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
    mpp: float | None = 0.68  # um per px, written to the file; None: it states no scale
    fps: float | None = 80.0  # frames per second, the same


def profile(camera: Camera) -> np.ndarray:
    """Brightness (S, M) over the peak of each species at squared distances STEP x 0 .. M - 1."""
    diameter = np.asarray(camera.diameters, dtype=float)[:, None]
    # Three standard deviations beyond the ring nothing is left.
    far = (camera.ring_radius + 3 * camera.ring_width) * diameter.max()
    d2 = np.arange(0.0, far**2, STEP)[None]
    rim = (np.sqrt(d2) / diameter - camera.ring_radius) / camera.ring_width
    core = np.exp(-0.5 * d2 / (camera.core * diameter) ** 2)
    return core - camera.ring * np.exp(-0.5 * rim**2)


@njit(cache=True)
def expose(scene, centre, species, look, peak):
    """Adds particles at centre (N, 2) (x, y) px to scene (H, W) [e], in place.

    look (S, M): the table of `profile`, read by linear interpolation in the squared distance.
    """
    height, width = scene.shape
    last = look.shape[1] - 1
    reach = np.sqrt(last * STEP)
    for n in range(centre.shape[0]):
        x, y = centre[n, 0], centre[n, 1]
        for row in range(max(0, int(np.ceil(y - reach))), min(height, int(y + reach) + 1)):
            for column in range(max(0, int(np.ceil(x - reach))), min(width, int(x + reach) + 1)):
                place = ((column - x) ** 2 + (row - y) ** 2) / STEP
                k = int(place)
                if k < last:
                    part = place - k
                    shade = (1.0 - part) * look[species[n], k] + part * look[species[n], k + 1]
                    scene[row, column] += peak * shade


def frames(
    trajectory: Trajectory, camera: Camera, rng: np.random.Generator, progress: bool = True
) -> Iterator[np.ndarray]:
    """The frames of the video one by one, (H, W) uint8.

    trajectory: positions in px, (0, 0) the centre of the first pixel; absent particles are dark.
    """
    height, width = camera.view
    slope = np.add.outer(np.linspace(-0.25, 0.25, height), np.linspace(-0.25, 0.25, width))
    empty = camera.background * (1.0 + camera.gradient * slope)
    look = profile(camera)
    for t in tqdm(
        range(len(trajectory.time)), desc="rendering", unit="frame", disable=not progress
    ):
        here = trajectory.present[t]
        scene = empty.copy()
        expose(scene, trajectory.position[t, here], trajectory.species[here], look, camera.peak)
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
        InputError: if the positions are not in pixels, or a species has no diameter.
    """
    camera = camera or Camera()
    if trajectory.attributes["length_unit"] != "px":
        raise InputError(
            f"Rendering needs positions in px, got {trajectory.attributes['length_unit']}: "
            f"convert the trajectory first."
        )
    kinds = trajectory.species
    if kinds.min() < 0 or kinds.max() >= len(camera.diameters):
        raise InputError(
            f"Species {kinds.min()} to {kinds.max()} need a diameter each, got "
            f"{len(camera.diameters)}: give Camera one diameter per species, from 0 on."
        )
    shape = (len(trajectory.time), *camera.view)
    stated = {key: value for key in ("mpp", "fps") if (value := getattr(camera, key))}
    resolution: dict[str, Any] = {}
    if camera.mpp:
        density = 1e4 / camera.mpp
        resolution = {"resolution": (density, density), "resolutionunit": "CENTIMETER"}
    with whole(path) as partial:
        tifffile.imwrite(
            partial,
            frames(trajectory, camera, np.random.default_rng(seed), progress),
            shape=shape,
            dtype=np.uint8,
            compression="zlib",
            compressionargs={"level": 1},
            photometric="minisblack",
            metadata={"axes": "TYX", **stated, "synthetic": True},
            **resolution,
        )
