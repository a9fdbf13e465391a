"""Nikon nd2: axes, channels and times as the library that reads them gives them."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import nd2
import numpy as np
import pytest

from pipeline.video.readers import Nd2Reader
from pipeline.video.tiff import AskedFor, UnreadableVideo

Y, X = 6, 8
LIBRARY = nd2.ND2File


class Written:
    """What `nd2.ND2File` says of a file; its frames hold their own numbers."""

    is_legacy = False
    dtype = np.dtype(np.uint16)

    def __init__(self, loops: Mapping[str, int], channels: int = 1, seconds: Any = None):
        self.loops, self.count = dict(loops), int(np.prod(list(loops.values())))
        axes = {**self.loops, "C": channels, "Y": Y, "X": X}
        self.sizes = {axis: size for axis, size in axes.items() if size > 1}
        period = SimpleNamespace(parameters=SimpleNamespace(periodMs=100.0))
        self.experiment = [period for axis in self.loops if axis == "T"]
        self.seconds = seconds

    def voxel_size(self) -> Any:
        return SimpleNamespace(x=0.325, y=0.325, z=1.0)

    def read_frame(self, number: int) -> np.ndarray:
        shape = (self.sizes["C"], Y, X) if "C" in self.sizes else (Y, X)
        channel = np.arange(shape[0], dtype=np.uint16)[:, None, None] if "C" in self.sizes else 0
        return np.full(shape, number, np.uint16) + 100 * channel

    def events(self, *, orient: str) -> dict[str, list[float]]:
        assert orient == "list"
        if self.seconds is None:
            return {"Index": list(range(self.count))}
        # Marks that a user set while it ran stand among the frames.
        return {"Index": [*range(self.count), np.nan], "Time [s]": [*self.seconds, 0.05]}


@pytest.fixture
def written(monkeypatch):
    """Opens what a `Written` describes; its names are those of the library."""

    def open_as(*description: Any, **which: int) -> Nd2Reader:
        made = Written(*description)
        said = [*(name for name in dir(Written) if name[0] != "_"), "sizes", "experiment"]
        assert all(hasattr(LIBRARY, name) for name in said)
        monkeypatch.setattr(nd2, "ND2File", lambda path: made)
        return Nd2Reader("a.nd2", **which)

    return open_as


@pytest.mark.parametrize("loops", [{"T": 7, "P": 3, "Z": 2}, {"P": 3, "T": 7, "Z": 2}])
def test_one_position_and_one_focal_plane_of_several(written, loops):
    with pytest.raises(AskedFor, match=r"3 positions: say which to use, video\.position: 0 to 2"):
        written(loops, plane=0)
    with pytest.raises(AskedFor, match=r"2 focal planes: say which to use, video\.plane: 0 to 1"):
        written(loops, position=1)
    with pytest.raises(AskedFor, match="3 positions"):
        written(loops, position=3, plane=0)
    number = np.arange(42).reshape(*loops.values())
    for position in range(3):
        for plane in range(2):
            reader = written(loops, position=position, plane=plane)
            at = tuple({"T": slice(None), "P": position, "Z": plane}[axis] for axis in loops)
            found = [frame[0, 0] for frame in reader.planes(0, reader.length)]
            np.testing.assert_array_equal(found, number[at])


def test_channels_come_last(written):
    reader = written({"T": 5}, 2)
    assert (reader.channels, reader.shape) == (2, (Y, X, 2))
    for t, frame in enumerate(reader.planes(1, 5, 2)):
        assert frame.shape == (Y, X, 2)
        assert frame[0, 0].tolist() == [1 + 2 * t, 101 + 2 * t]


def test_times_are_those_at_which_frames_were_taken(written):
    """The period that was asked for is .1 s; the camera was slower, and missed one."""
    taken = np.array([0.0, 0.2, 0.4, 0.8, 1.0, 1.2])
    both = np.repeat(taken, 2) + np.tile([0.0, 0.03], 6)
    reader = written({"T": 6, "P": 2}, 1, both, position=1)
    np.testing.assert_allclose(reader.times, taken + 0.03)
    assert reader.fps == pytest.approx(5.0)
    assert written({"T": 6}).times is None
    assert written({"T": 6}).fps == pytest.approx(10.0)
    assert written({"T": 6}, 1, taken[::-1]).times is None
    assert (reader.mpp, reader.aspect) == (0.325, 1.0)


def test_focal_planes_alone_are_no_film(written):
    with pytest.raises(UnreadableVideo, match="4 focal planes of one time: no film"):
        written({"Z": 4})
