"""Steps across the faces of a box: image flags tell them, or contradict the positions."""

from __future__ import annotations

from pathlib import Path

import gsd.hoomd
import h5py
import numpy as np
import pytest

from tests.imported.written import LENGTHS, apart, dump, read


def path_of(width: float, frames: int = 30, count: int = 60) -> np.ndarray:
    """(T, N, 3) a walk with steps of ``width``, unwrapped."""
    rng = np.random.default_rng(0)
    steps = width * rng.standard_normal((frames - 1, count, 3))
    start = rng.random((1, count, 3)) * LENGTHS
    return np.concatenate([start, start + np.cumsum(steps, axis=0)])


def images(r: np.ndarray) -> np.ndarray:
    return np.floor(r / LENGTHS).astype(int)


def as_dump(folder: Path, r: np.ndarray, image: np.ndarray) -> Path:
    table = np.concatenate([r % LENGTHS, image], axis=2)
    return dump(folder / "a.lammpstrj", table, names="x y z ix iy iz")


def as_gsd(folder: Path, r: np.ndarray, image: np.ndarray) -> Path:
    with gsd.hoomd.open(str(folder / "a.gsd"), "w") as file:
        for t in range(len(r)):
            frame = gsd.hoomd.Frame()
            frame.configuration.step, frame.configuration.box = 100 * t, [*LENGTHS, 0, 0, 0]
            frame.particles.N, frame.particles.image = r.shape[1], image[t]
            frame.particles.position = r[t] % LENGTHS - 0.5 * LENGTHS
            file.append(frame)
    return folder / "a.gsd"


def as_h5md(folder: Path, r: np.ndarray, image: np.ndarray) -> Path:
    with h5py.File(folder / "a.h5md", "w") as file:
        file.create_group("h5md")
        group = file.create_group("particles/all")
        box = group.create_group("box")
        box.attrs["boundary"], box["edges"] = [b"periodic"] * 3, LENGTHS
        group["position/value"], group["position/step"] = r % LENGTHS, np.arange(len(r))
        group["image/value"], group["image/step"] = image, np.arange(len(r))
    return folder / "a.h5md"


FORMATS = {"lammps": as_dump, "gsd": as_gsd, "h5md": as_h5md}


@pytest.mark.parametrize("written", FORMATS.values(), ids=FORMATS)
def test_steps_longer_than_half_the_box_are_said_by_the_flags(tmp_path, written):
    """Steps of 0.17 boxes: three in a thousand go beyond half of it, and look short otherwise."""
    r = path_of(0.17 * LENGTHS.min())
    with pytest.raises(ValueError, match=r"more than half of the box of 8 along x .*write more"):
        read(written(tmp_path, r, images(r)), dt=1.0)


@pytest.mark.parametrize("written", FORMATS.values(), ids=FORMATS)
def test_a_few_long_steps_are_taken_as_they_are_and_named(tmp_path, written):
    r = path_of(0.12 * LENGTHS.min())
    r[15:, 7, 0] += 0.6 * LENGTHS[0]  # one step among 1740
    found = read(written(tmp_path, r, images(r)), dt=1.0)
    assert found.velocity[1:] == pytest.approx(np.diff(r, axis=0), abs=1e-5)
    (said,) = [note for note in found.attributes["warnings"] if "half of the box" in note]
    assert "along x from one snapshot to the next, in 1 of 1740 steps" in said


@pytest.mark.parametrize("written", [as_dump, as_h5md])
@pytest.mark.parametrize("flags", ["none", "of another time"])
def test_flags_that_contradict_positions_are_named_and_left_out(tmp_path, written, flags):
    r = path_of(0.2)
    image = 0 * images(r) if flags == "none" else np.roll(images(r), 1, axis=0)
    found = read(written(tmp_path, r, image), dt=1.0)
    assert any("contradict its positions along x" in n for n in found.attributes["warnings"])
    assert found.velocity[1:] == pytest.approx(np.diff(r, axis=0), abs=1e-5)


@pytest.mark.parametrize("written", FORMATS.values(), ids=FORMATS)
def test_right_flags_are_not_spoken_of(tmp_path, written):
    r = path_of(0.2)
    found = read(written(tmp_path, r, images(r)), dt=1.0)
    assert not found.attributes["warnings"]
    assert apart(found.position + (0.5 * LENGTHS if written is as_gsd else 0), r, LENGTHS) < 1e-5
